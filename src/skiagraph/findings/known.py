"""Findings by name, some of which are made when they are first asked for: a mask whose pixels lie in a file."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, final

from skiagraph.findings.union import Finding

__all__ = ["Known"]


@final
class Known(Mapping[str, Finding]):
    """A mapping that cannot be changed; names are there at once, and a late finding is made once.

    Args:
        made: Findings that are there, or another of these.
        late: What makes further ones, called at most once each.
    """

    __slots__ = ("_late", "_lock", "_made")

    def __init__(
        self,
        made: Mapping[str, Finding] | None = None,
        late: Mapping[str, Callable[[], Finding]] | None = None,
    ) -> None:
        given = made or {}
        self._made = {} if isinstance(given, Known) else dict(given)
        self._late: dict[str, Callable[[], Finding] | None] = dict.fromkeys(self._made)
        if isinstance(given, Known):
            self._late |= given.makers()
        self._late |= late or {}
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> Finding:
        make = self._late[name]
        with self._lock:
            if make is not None and name not in self._made:
                self._made[name] = make()
            return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._late

    def __iter__(self) -> Iterator[str]:
        return iter(self._late)

    def __len__(self) -> int:
        return len(self._late)

    def __repr__(self) -> str:
        return f"Known({', '.join(self)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Known, (dict(self),)

    def renamed(self, rename: Callable[[str], str]) -> Known:
        """The same findings under other names; late ones stay late."""
        return Known(late={rename(name): make for name, make in self.makers().items()})

    def with_others(self, others: Mapping[str, Finding]) -> Known:
        """These findings and others, late ones stay late; of two with one name, the other one."""
        return Known(late=self.makers() | Known(others).makers())

    def makers(self) -> dict[str, Callable[[], Finding]]:
        """What gives each finding, by name."""
        return {name: functools.partial(self.__getitem__, name) for name in self}
