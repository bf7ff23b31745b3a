"""Progress bars, on standard error, where a person is looking."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

__all__ = ["progress"]

Advance = Callable[[int, int, Mapping[str, float]], None]


def _silent(done: int, total: int, figures: Mapping[str, float], /) -> None:
    pass


@contextmanager
def progress(what: str, *, shown: bool = True) -> Iterator[Advance]:
    """A bar that follows long work; silent where standard error is not a terminal.

    Args:
        what: What is being done.
        shown: False for machine output.

    Yields:
        A `skiagraph.task.Watch`.
    """
    if not shown or not sys.stderr.isatty():
        yield _silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[figures]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task(what, total=None, figures="")

        def advance(done: int, total: int, figures: Mapping[str, float]) -> None:
            text = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
            bars.update(bar, completed=done, total=total or None, figures=text)

        yield advance
