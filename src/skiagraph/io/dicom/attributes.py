"""Elements of a header as plain numbers, words and codes; None where they are absent, empty or no such thing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException

from skiagraph.codes import Code
from skiagraph.errors import FormatError, InvalidInput
from skiagraph.io.dicom.quick import numbers_of

__all__ = [
    "big_endian",
    "code_of",
    "group_of",
    "item_of",
    "items_of",
    "lattice_of",
    "number",
    "numbers",
    "private",
    "raw",
    "table_of",
    "whole",
    "word",
    "words",
]

_MOST_PIXELS: Final = 2**28  # of one frame: 16,384 by 16,384
_MOST_FRAMES: Final = 2**22
_BROKEN: Final = (
    AttributeError,
    BytesLengthException,
    IndexError,
    KeyError,
    NotImplementedError,
    OverflowError,
    TypeError,
    UnicodeError,
    ValueError,
)


def raw(header: Dataset | None, name: Any) -> Any:
    """The value of an element by keyword or tag, as pydicom has it; None where it is absent or malformed."""
    if header is None:
        return None
    try:
        found = header.get(name)
        return getattr(found, "value", found) if isinstance(name, (tuple, int)) else found
    except _BROKEN:
        return None


def numbers(header: Dataset | None, name: Any) -> tuple[float, ...]:
    """All values of an element as finite numbers; empty where one of them is none."""
    value = raw(header, name)
    if value is None or value == "":
        return ()
    if isinstance(value, (bytes, str)):
        text = value.decode("ascii", "replace") if isinstance(value, bytes) else value
        value = text.strip("\0 ").split("\\")
    return numbers_of(value)


def number(header: Dataset | None, name: Any) -> float | None:
    """The one (or first) value of an element as a finite number."""
    found = numbers(header, name)
    return found[0] if found else None


def whole(header: Dataset | None, name: Any) -> int | None:
    """The one (or first) value of an element as a whole number."""
    found = number(header, name)
    return None if found is None or found != int(found) else int(found)


def words(header: Dataset | None, name: Any) -> tuple[str, ...]:
    """All values of an element in capitals without blanks around them; empty where it is absent."""
    value = raw(header, name)
    if value is None:
        return ()
    try:
        several = [value] if isinstance(value, (str, bytes)) or not isinstance(value, Iterable) else value
        return tuple(str(v).strip("\0 ").upper() for v in several)
    except _BROKEN:
        return ()


def word(header: Dataset | None, name: Any) -> str:
    """The one (or first) value of an element in capitals; empty where it is absent."""
    found = words(header, name)
    return found[0] if found else ""


def items_of(header: Dataset | None, sequence: Any) -> tuple[Dataset, ...]:
    """The items of a sequence; none where it is absent."""
    value = raw(header, sequence)
    try:
        return tuple(item for item in value or () if isinstance(item, Dataset))
    except _BROKEN:
        return ()


def item_of(header: Dataset | None, sequence: Any) -> Dataset | None:
    """The first item of a sequence, or None."""
    found = items_of(header, sequence)
    return found[0] if found else None


def lattice_of(header: Dataset) -> tuple[int, int, int]:
    """How many frames, rows and columns an object says that it has.

    Raises:
        FormatError: More pixels than one object can have; nothing is laid out for them.
    """
    frames, rows, columns = (
        max(whole(header, name) or 1, 1) for name in ("NumberOfFrames", "Rows", "Columns")
    )
    if rows * columns > _MOST_PIXELS or frames > _MOST_FRAMES:
        raise FormatError(
            "an object has fewer pixels than can be laid out at once", got=f"{frames} x {rows} x {columns}"
        )
    return frames, rows, columns


def group_of(header: Dataset, groups: Dataset | None, sequence: str) -> Dataset:
    """The item of a functional group that holds for a frame, or the header itself for classic objects.

    Args:
        header: The object.
        groups: The functional groups of the frame (per-frame merged over shared), or None.
        sequence: Keyword of the group, e.g. ``"FrameVOILUTSequence"``.

    Source: DICOM PS3.3 C.7.6.16.
    """
    return item_of(groups, sequence) or header


def private(header: Dataset, creator: str, group: int, element: int) -> Any:
    """The value of a private element, found through the creator that reserved its block; None without one.

    Source: DICOM PS3.5 7.8.1.
    """
    try:
        found = header.private_block(group, creator)[element]
    except _BROKEN:
        return None
    return found.value


def big_endian(header: Dataset) -> bool:
    """Whether words in the byte strings of this header have their high byte first (PS3.5 A.3, retired)."""
    syntax = getattr(getattr(header, "file_meta", None), "TransferSyntaxUID", None)
    if syntax is None:
        return bool(getattr(header, "original_encoding", (None, True))[1] is False)
    return str(syntax) == "1.2.840.10008.1.2.2"


def code_of(header: Dataset | None, sequence: str) -> Code | None:
    """The coded concept in the first item of a code sequence; None where it has none.

    Source: DICOM PS3.3 8.8.
    """
    item = item_of(header, sequence)
    value = raw(item, "CodeValue") or raw(item, "LongCodeValue")
    scheme, meaning = raw(item, "CodingSchemeDesignator"), raw(item, "CodeMeaning")
    try:
        return Code(value=str(value or ""), scheme=str(scheme or ""), meaning=str(meaning or ""))
    except InvalidInput:
        return None


def table_of(item: Dataset, name: str, *, bits: int, swapped: bool) -> NDArray[np.uint16]:
    """The entries of a lookup table: shape (n,), whatever the encoding of its element.

    Args:
        item: Holds the table.
        name: Keyword of the table, e.g. ``"LUTData"``.
        bits: Of an entry, by its descriptor.
        swapped: Whether bytes are those of a big endian file.

    Source: DICOM PS3.3 C.11.1.1.1 (tables of words), C.7.6.3.1.6 (bytes packed in words).
    """
    value = raw(item, name)
    if isinstance(value, (bytes, bytearray)):
        return _unpacked(bytes(value), item, name, bits=bits, swapped=swapped)
    try:
        several = value if isinstance(value, Iterable) else [value or 0]
        return np.asarray([int(v) & 0xFFFF for v in several], dtype=np.uint16)
    except _BROKEN:
        return np.empty(0, dtype=np.uint16)


def _unpacked(value: bytes, item: Dataset, name: str, *, bits: int, swapped: bool) -> NDArray[np.uint16]:
    descriptor = numbers(item, name.removesuffix("Data") + "Descriptor") or numbers(item, "LUTDescriptor")
    entries = int(descriptor[0]) if descriptor and descriptor[0] > 0 else 1 << 16
    if bits <= 8 and len(value) < 2 * entries:
        return np.frombuffer(value, dtype=np.uint8)[:entries].astype(np.uint16)
    even = value[: len(value) // 2 * 2]
    return np.frombuffer(even, dtype=">u2" if swapped else "<u2")[:entries].astype(np.uint16)
