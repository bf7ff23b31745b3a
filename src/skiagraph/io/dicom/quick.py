"""Elements of many headers, quickly: values are taken from their bytes, and the same bytes are converted once."""

from __future__ import annotations

import functools
import math
from typing import Any, Final

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from skiagraph.codecs.foreign import quiet
from skiagraph.io.dicom.scan import BROKEN

__all__ = [
    "bytes_of",
    "has",
    "holds",
    "number_of",
    "numbers_at",
    "numbers_of",
    "text_at",
    "text_of",
    "texts_at",
]

_DECIMAL: Final = frozenset({"DS", "IS"})
_SHORT: Final = frozenset({"US"})
_TEXTS: Final = frozenset({"AE", "AS", "CS", "DA", "DT", "LO", "PN", "SH", "TM", "UI"})


@functools.cache
def _known(keyword: str) -> tuple[BaseTag, str]:
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(keyword)
    return BaseTag(tag), dictionary_VR(tag)


def has(header: Dataset, keyword: str) -> bool:
    """Whether a header has an element, empty or not."""
    return _known(keyword)[0] in header._dict  # noqa: SLF001


def holds(header: Dataset, tag: int) -> bool:
    """Whether a header has an element, empty or not, by its tag as one number."""
    return tag in header._dict  # noqa: SLF001


def _found(header: Dataset, keyword: str) -> tuple[Any, str, bytes | None]:
    """The element, its VR, and its bytes where it was not converted yet."""
    tag, vr = _known(keyword)
    element = header._dict.get(tag)  # noqa: SLF001  (its own doors cost more than what they open)
    if type(element) is RawDataElement:
        own = element.VR or vr
        plain = isinstance(element.value, bytes) and own == vr
        return element, own, element.value if plain else (b"" if element.value is None else None)
    return element, vr, None


def _converted(header: Dataset, keyword: str, element: Any) -> Any:
    """The value as pydicom makes it; None where it cannot, for then it is no number and no text."""
    if not isinstance(element, RawDataElement):
        return element.value
    with quiet():
        try:
            return header.get(keyword)
        except BROKEN:
            return None


def numbers_at(header: Dataset, keyword: str) -> tuple[float, ...]:
    """The finite numbers of an element; empty where it has none or is anything else."""
    element, vr, data = _found(header, keyword)
    if element is None:
        return ()
    if data is not None and vr in _DECIMAL:
        return _decimals(data)
    if data is not None and vr in _SHORT and len(data) == 2:
        return (float(int.from_bytes(data, "little" if element.is_little_endian else "big")),)
    return numbers_of(_converted(header, keyword, element))


@functools.lru_cache(maxsize=65536)
def _decimals(data: bytes) -> tuple[float, ...]:
    try:
        numbers = (
            tuple(float(part) for part in data.rstrip(b"\0 ").split(b"\\")) if data.strip(b"\0 ") else ()
        )
    except ValueError:
        return ()
    return numbers if all(map(math.isfinite, numbers)) else ()


def numbers_of(value: Any) -> tuple[float, ...]:
    """Finite numbers of an element's value; empty where it has none or is anything else."""
    if value is None or (isinstance(value, str) and not value):
        return ()
    try:
        several = not isinstance(value, str | bytes | int | float) and hasattr(value, "__iter__")
        numbers = tuple(float(v) for v in (value if several else [value]))
    except (OverflowError, TypeError, ValueError):
        return ()
    return numbers if all(map(math.isfinite, numbers)) else ()


def number_of(value: Any) -> float | None:
    """The first finite number of an element's value, or None."""
    found = numbers_of(value)
    return found[0] if found else None


def text_of(value: Any) -> str:
    """An element's value as plain words."""
    return "" if value is None else str(value).strip()


def texts_at(header: Dataset, keyword: str) -> tuple[str, ...]:
    """The words of an element; beyond ASCII they are good for comparing only."""
    element, vr, data = _found(header, keyword)
    if element is None:
        return ()
    if data is not None and vr in _TEXTS:
        return _words(data)
    value = _converted(header, keyword, element)
    if isinstance(value, str) or value is None or not hasattr(value, "__iter__"):
        value = () if value is None or value == "" else (value,)
    return tuple(str(word).strip() for word in value if not isinstance(word, Dataset))


@functools.lru_cache(maxsize=65536)
def _words(data: bytes) -> tuple[str, ...]:
    text = data.rstrip(b"\0 ").decode("latin-1")
    return tuple(word.strip() for word in text.split("\\")) if text.strip() else ()


def text_at(header: Dataset, keyword: str) -> str:
    """The words of an element in one string."""
    return "\\".join(texts_at(header, keyword))


def bytes_of(header: Dataset, keywords: tuple[str, ...]) -> tuple[Any, ...] | None:
    """The bytes of some elements, equal for headers that say the same of them; None where one cannot be compared."""
    values = []
    for keyword in keywords:
        element = header._dict.get(_known(keyword)[0])  # noqa: SLF001
        value = None if element is None else element.value
        if isinstance(value, list) or hasattr(value, "__dict__"):
            return None
        values.append(value)
    return tuple(values)
