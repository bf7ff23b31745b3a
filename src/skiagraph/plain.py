"""Values to and from plain JSON: one rule for cards, recipes, plans, findings and reports."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import functools
import math
import types
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput

__all__ = ["from_plain", "to_plain"]

_LIST_LIMIT: Final = 2048  # elements up to which an array is written as numbers that a person can read
_TAG: Final = "is"  # a keyword of Python, so that no field of a dataclass can ever have this name


def to_plain(value: Any) -> Any:
    """Plain data (dict, list, str, number, bool, None) of a value.

    A dataclass becomes an object whose ``"is"`` names its class. An array becomes ``{"type", "values"}``, or
    ``{"type", "shape", "zlib"}`` (base64 of the zlib-packed little-endian bytes) where large, empty or not finite.

    Raises:
        InvalidInput: A value that has no plain form.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {_TAG: type(value).__name__, **fields}
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, np.ndarray):
        return _array_to_plain(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        if not np.isfinite(value):
            raise InvalidInput("JSON holds finite numbers only", got=str(value))
        return float(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    raise InvalidInput("only values have a plain form", got=type(value).__name__)


def from_plain(kind: Any, data: Any) -> Any:
    """The value of `kind` that `data` describes; checked like any other value at its birth.

    Args:
        kind: A dataclass, or a type as it stands in the annotation of one.
        data: What `to_plain` gave.

    Raises:
        InvalidInput: The data do not describe such a value.
    """
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _one_of(get_args(kind), data)
    if origin is Literal:
        return _literal(kind, data)
    if origin is tuple:
        return _tuple_from(get_args(kind), data)
    if origin is np.ndarray:
        return _array_from_plain(data)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        item = get_args(kind)[1]
        return {str(key): from_plain(item, entry) for key, entry in _need(data, dict).items()}
    return _dataclass_from(kind, data) if dataclasses.is_dataclass(kind) else _single(kind, data)


def _single(kind: Any, data: Any) -> Any:
    if kind is Any:
        return data
    if kind is float:
        return float(_need(data, (int, float)))
    if kind is not datetime:
        return _need(data, kind)
    try:
        return datetime.fromisoformat(_need(data, str))
    except ValueError as error:
        raise InvalidInput("a time is written as ISO 8601", got=repr(data)) from error


def _need(data: Any, kind: Any) -> Any:
    if not isinstance(data, kind) or (isinstance(data, bool) and kind is not bool):
        raise InvalidInput(f"plain data here are {getattr(kind, '__name__', kind)}", got=type(data).__name__)
    return data


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _dataclass_from(kind: Any, data: Any) -> Any:
    given = dict(_need(data, dict))
    name = given.pop(_TAG, kind.__name__)
    if name != kind.__name__:
        raise InvalidInput(f"a {kind.__name__} is expected here", got=str(name))
    hints, fields = _hints(kind), {f.name for f in dataclasses.fields(kind)}
    strange = sorted(set(given) - fields)
    if strange:
        raise InvalidInput(
            f"a {kind.__name__} has the fields {', '.join(sorted(fields))}", got=", ".join(strange[:5])
        )
    needed = {
        f.name
        for f in dataclasses.fields(kind)
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    }
    if needed - set(given):
        raise InvalidInput(
            f"a {kind.__name__} needs {', '.join(sorted(needed))}", got=", ".join(sorted(given))
        )
    return kind(**{key: from_plain(hints[key], item) for key, item in given.items()})


def _one_of(kinds: tuple[Any, ...], data: Any) -> Any:
    if data is None and type(None) in kinds:
        return None
    classes = {k.__name__: k for k in kinds if dataclasses.is_dataclass(k) and isinstance(k, type)}
    if isinstance(data, dict) and data.get(_TAG) in classes:
        return _dataclass_from(classes[data[_TAG]], data)
    rest = [
        k for k in kinds if k is not type(None) and not (dataclasses.is_dataclass(k) and len(classes) > 1)
    ]
    arrays = [k for k in rest if get_origin(k) is np.ndarray]
    if isinstance(data, dict) and "type" in data and arrays:
        return _array_from_plain(data)
    if len(rest) != 1:
        got = data.get(_TAG) if isinstance(data, dict) else type(data).__name__
        raise InvalidInput(f"one of {', '.join(sorted(classes))} is expected here", got=str(got))
    return from_plain(rest[0], data)


def _literal(kind: Any, data: Any) -> Any:
    if data not in get_args(kind):
        raise InvalidInput(f"one of {', '.join(map(str, get_args(kind)))} is expected here", got=repr(data))
    return data


def _tuple_from(kinds: tuple[Any, ...], data: Any) -> tuple[Any, ...]:
    items = _need(data, list)
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(from_plain(kinds[0], item) for item in items)
    if len(items) != len(kinds):
        raise InvalidInput(f"{len(kinds)} items are expected here", got=str(len(items)))
    return tuple(from_plain(kind, item) for kind, item in zip(kinds, items, strict=True))


def _array_to_plain(array: NDArray[Any]) -> dict[str, Any]:
    finite = array.dtype.kind != "f" or bool(np.isfinite(array).all())
    if 0 < array.size <= _LIST_LIMIT and finite:
        return {"type": array.dtype.name, "values": array.tolist()}
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    packed = base64.b64encode(zlib.compress(little.tobytes(), 6)).decode("ascii")
    return {"type": array.dtype.name, "shape": list(array.shape), "zlib": packed}


def _array_from_plain(data: Any) -> NDArray[Any]:
    given = _need(data, dict)
    try:
        dtype = np.dtype(given["type"])
        if dtype.kind not in "biuf":
            raise InvalidInput("an array holds booleans or numbers", got=str(dtype))
        if "values" in given:
            return np.array(given["values"], dtype=dtype)
        shape = tuple(int(n) for n in given["shape"])
        size = math.prod(shape) * dtype.itemsize
        packed = base64.b64decode(given["zlib"], validate=True)
        raw = zlib.decompressobj().decompress(
            packed, max(1, size)
        )  # no more than the shape needs, whatever is packed
        return np.frombuffer(raw, dtype=dtype.newbyteorder("<")).astype(dtype, copy=False).reshape(shape)
    except (KeyError, TypeError, ValueError, OverflowError, zlib.error, binascii.Error) as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput(
            "an array is written as type and values, or type, shape and zlib", got="damage"
        ) from error
