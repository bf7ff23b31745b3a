"""Pixels that are decoded when they are first needed, once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from skiagraph.errors import GeometryError
from skiagraph.values import frozen

__all__ = ["Lazy"]


@final
class Lazy:
    """Stands for an array of known shape and type; `read` decodes it at the first call and keeps it.

    Args:
        load: Returns the array; called at most once.
        shape: The shape that `load` will return.
        dtype: The type that `load` will return.

    Raises:
        GeometryError: From `read`, when `load` returns another shape.
    """

    __slots__ = ("_array", "_load", "_lock", "dtype", "shape")

    def __init__(self, load: Callable[[], NDArray[Any]], *, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        self._load, self._lock = load, threading.Lock()
        self._array: NDArray[Any] | None = None
        self.shape, self.dtype = tuple(shape), np.dtype(dtype)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def read(self) -> NDArray[Any]:
        """The decoded array, read-only."""
        with self._lock:
            if self._array is None:
                array = frozen(self._load(), self.dtype)
                if array.shape != self.shape:
                    raise GeometryError(
                        "decoded pixels have the shape that the header states",
                        got=f"{array.shape} for {self.shape}",
                    )
                self._array = array
            return self._array

    def __reduce__(self) -> tuple[Any, ...]:
        return _decoded, (np.array(self.read()),)


def _decoded(array: NDArray[Any]) -> Lazy:
    return Lazy(lambda: array, shape=array.shape, dtype=array.dtype)
