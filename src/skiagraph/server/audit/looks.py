"""Looks at studies that come by the hundred, as those of viewers do: each stands in the trail once in some minutes."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Final, final

from skiagraph.server.audit.trail import Audit

__all__ = ["Looks"]

_AGAIN: Final = 300.0  # s
_MOST: Final = 10_000


@final
class Looks:
    """Records accesses, but for what was recorded a moment ago.

    Args:
        audit: The trail.
        clock: Seconds that never go back.
    """

    def __init__(self, audit: Audit, clock: Callable[[], float] = time.monotonic) -> None:
        self._audit, self._clock = audit, clock
        self._last: OrderedDict[tuple[str, ...], float] = OrderedDict()
        self._lock = Lock()

    def record(self, event: str, who: str, *, study: str = "", address: str = "", detail: str = "") -> None:
        """As `Audit.record`, unless the same was recorded in the last five minutes.

        Raises:
            UnknownName: An event that there is not.
            DatabaseGone: It cannot be written; then what was to be recorded must not happen.
        """
        what, now = (event, who, study, address, detail), self._clock()
        with self._lock:
            if now - self._last.get(what, -_AGAIN) < _AGAIN:
                return
        self._audit.record(event, who, study=study, address=address, detail=detail)
        with self._lock:
            self._last[what] = now
            self._last.move_to_end(what)
            while len(self._last) > _MOST:
                self._last.popitem(last=False)
