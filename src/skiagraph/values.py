"""What all values share: arrays that stay read-only, also after unpickling, and digests to compare them by."""

from __future__ import annotations

import dataclasses
import hashlib
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["array_digest", "checked_when_unpickled", "frozen"]

_T = TypeVar("_T")


def frozen(array: Any, dtype: DTypeLike | None = None) -> NDArray[Any]:
    """A read-only view of `array`, copied only where its type must change.

    Args:
        array: Anything that `numpy.asarray` takes.
        dtype: The type to hold; None keeps what came.

    Returns:
        An array with ``writeable`` off; the same object when it already is one.
    """
    result: NDArray[Any] = np.asarray(array, dtype=dtype)
    if not result.flags.writeable:
        return result
    if result is array:
        result = result.view()
    result.flags.writeable = False
    return result


def checked_when_unpickled(cls: type[_T]) -> type[_T]:
    """Makes a frozen dataclass unpickle and copy through its constructor: checked again, arrays read-only again."""

    def reduce(self: Any) -> tuple[Any, ...]:
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return _rebuild, (
            cls,
            {n: dict(v) if isinstance(v, MappingProxyType) else v for n, v in fields.items()},
        )

    cls.__reduce__ = reduce  # type: ignore[method-assign]
    return cls


def _rebuild(cls: type[_T], fields: dict[str, Any]) -> _T:
    return cls(**fields)


def array_digest(*parts: NDArray[Any] | str | bytes | None) -> str:
    """SHA-256 over arrays (type, shape and values) and texts, in hexadecimal."""
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            total.update(f"{part.dtype.str}{part.shape}".encode())
            total.update(np.ascontiguousarray(part).tobytes())
        else:
            text = b"\x00none" if part is None else part.encode() if isinstance(part, str) else part
            total.update(len(text).to_bytes(8, "little") + text)
    return total.hexdigest()
