"""The models of a server: opened once, shared by all workers."""

from __future__ import annotations

import threading
from typing import final

from skiagraph.workflow import Reader, opened_model

__all__ = ["Models"]


@final
class Models:
    """Models by name, opened when they are asked for first.

    Args:
        precision: See `opened_model`.
    """

    def __init__(self) -> None:
        self._opened: dict[str, Reader] = {}
        self._lock = threading.Lock()

    def __call__(self, name: str) -> Reader:
        """The model of a name, ready to read.

        Raises:
            UnknownName: No such model.
            BundleError: A damaged bundle.
        """
        with self._lock:
            found = self._opened.get(name)
            if found is None:
                found = self._opened[name] = opened_model(name)
            return found

    def opened(self) -> tuple[str, ...]:
        """Names of those that are in memory."""
        with self._lock:
            return tuple(self._opened)
