"""Many cases through one model that is loaded once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from skiagraph.case import Case
from skiagraph.findings import Finding
from skiagraph.task import Model

__all__ = ["run"]

F = TypeVar("F", bound=Finding)


def run(model: Model[F], cases: Iterable[Case]) -> Iterator[tuple[Case, F]]:
    """Streams cases through a model: each case with its finding, in order, none held longer than needed.

    Args:
        model: Loaded already.
        cases: May be a generator; one is read at a time.
    """
    for case in cases:
        yield case, model(case)
