"""How often one address may try: a bucket of tries an address, in memory, for a bounded number of addresses."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Final, final

from skiagraph.server.people.access import Throttled

__all__ = ["Throttle"]

_ADDRESSES: Final = 10_000
_PREFIX: Final = 64  # bits of an IPv6 address that one household has


@final
class Throttle:
    """Lets each address try a number of times a minute; the tries come back evenly.

    Args:
        per_minute: Tries.
        clock: Seconds that never go back.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = float(per_minute)
        self._rate = per_minute / 60.0  # tries a second
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tries left, and when that was
        self._lock = Lock()

    def take(self, address: str) -> None:
        """Takes one try.

        Raises:
            Throttled: None is left.
        """
        whose = _household(address)
        now = self._clock()
        with self._lock:
            left, at = self._left.pop(whose, (self._most, now))
            left = min(self._most, left + (now - at) * self._rate)
            self._left[whose] = (left - 1.0 if left >= 1.0 else left, now)
            while len(self._left) > _ADDRESSES:
                self._left.popitem(last=False)
        if left < 1.0:
            raise Throttled.after(math.ceil((1.0 - left) / self._rate))


def _household(address: str) -> str:
    """An address, or of IPv6 the network in which one machine chooses its addresses as it likes."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((parsed, _PREFIX), strict=False))
