"""What a cookie or a token stands for, remembered for a moment so that not every request reads the database."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Final, final

from skiagraph.server.people.access import Caller

__all__ = ["Known", "Visit"]

_MOMENT: Final = 2.0  # s; another process that ends a session is heard so much later
_MOST: Final = 4096


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One signed-in caller.

    Args:
        caller: Who asks.
        login: Number of the session in a browser; None for a token.
        csrf: What unsafe requests of that session show; empty for a token.
    """

    caller: Caller
    login: int | None = None
    csrf: str = ""


@final
class Known:
    """The visits of the last moment, by the digests of their secrets; all forgotten at any change.

    Args:
        clock: Seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._visits: OrderedDict[bytes, tuple[float, Visit]] = OrderedDict()
        self._age = 0
        self._lock = Lock()

    @property
    def age(self) -> int:
        """How often all were forgotten; read before the database is."""
        return self._age

    def get(self, digest: bytes) -> Visit | None:
        """The one of a digest; None where it is not known, or not any more."""
        with self._lock:
            until, visit = self._visits.get(digest, (0.0, None))
        return visit if self._clock() < until else None

    def put(self, digest: bytes, visit: Visit, age: int) -> None:
        """Keeps one, but for what was read before the last change.

        Args:
            digest: Of its secret.
            visit: What was read.
            age: What `age` was before it was read.
        """
        with self._lock:
            if age != self._age:
                return
            self._visits[digest] = (self._clock() + _MOMENT, visit)
            while len(self._visits) > _MOST:
                self._visits.popitem(last=False)

    def forget(self) -> None:
        """After any change of people, sessions or tokens."""
        with self._lock:
            self._age += 1
            self._visits.clear()
