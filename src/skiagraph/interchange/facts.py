"""What functional groups say of frames: a group that many frames repeat word by word is decoded once."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any, Final

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.tag import Tag

__all__ = ["Facts", "Source", "facts_of_frames", "facts_of_groups"]

Source = tuple[str, int]  # SOPInstanceUID, number of the frame from 1; 0 where its object has one picture
Facts = Mapping[str, Any]
_PER_FRAME: Final = 0x52009230
_ITEM: Final = 0xFFFEE000
_OPEN: Final = 0xFFFFFFFF  # a length that is not stated
_LONG: Final = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_IN_FRAME_CONTENT: Final = frozenset({0x00209057, 0x00209128})  # places in the stack and in time


class _Open(Exception):
    """A length is not stated, so that bytes alone do not say where things end."""


def facts_of_groups(groups: Dataset) -> Facts:
    """What an item of functional groups says, by the keyword of each group.

    ``PixelMeasuresSequence``: spacing of (rows, columns) and mm between slices, each or None;
    ``PlaneOrientationSequence``: six cosines; ``PlanePositionSequence``: x, y, z in mm; ``FrameContentSequence``: place
    in time and in the stack, from 1, each or None; ``TemporalPositionSequence``: s;
    ``SegmentIdentificationSequence``: SegmentNumber; ``PlanePositionSlideSequence``: row and column from 0;
    ``DerivationImageSequence``: the `Source`, None where the frame does not lie on it pixel by pixel. A group that is
    not there, or empty, is left out.
    """
    return {name: fact(groups[name][0]) for name, fact in _FACTS.items() if groups.get(name)}


def facts_of_frames(ds: Dataset) -> list[Facts]:
    """What each item of the per-frame functional groups says of its frame."""
    if _PER_FRAME not in ds:
        return []
    raw = ds.get_item(_PER_FRAME)
    if isinstance(raw, RawDataElement) and raw.is_little_endian and isinstance(raw.value, bytes):
        try:
            return _quick(raw.value, implicit=raw.is_implicit_VR)
        except _Open:
            pass
    return [facts_of_groups(item) for item in ds.PerFrameFunctionalGroupsSequence]


def _quick(data: bytes, *, implicit: bool) -> list[Facts]:
    """The same from the bytes of the sequence; it has to state its lengths."""
    known: dict[bytes, Facts] = {}
    result: list[Facts] = []
    for _, item in _elements(
        data, implicit=True
    ):  # items have a tag and a length, as elements of implicit VR
        facts: dict[str, Any] = {}
        for tag, element in _elements(item[8:], implicit=implicit):
            if tag not in _GROUPS:
                continue
            word = _without_counts(element, implicit=implicit) if tag == _FRAME_CONTENT else element
            if word not in known:
                known[word] = facts_of_groups(read_dataset(io.BytesIO(word), implicit, is_little_endian=True))
            facts.update(known[word])
        result.append(facts)
    return result


def _elements(data: bytes, *, implicit: bool) -> list[tuple[int, bytes]]:
    """The elements that lie side by side in some bytes: tag, and all bytes of each."""
    found, at = [], 0
    while at + 8 <= len(data):
        tag = int.from_bytes(data[at : at + 2], "little") << 16 | int.from_bytes(
            data[at + 2 : at + 4], "little"
        )
        if implicit or tag == _ITEM:
            size, head = int.from_bytes(data[at + 4 : at + 8], "little"), 8
        elif data[at + 4 : at + 6] in _LONG:
            size, head = int.from_bytes(data[at + 8 : at + 12], "little"), 12
        else:
            size, head = int.from_bytes(data[at + 6 : at + 8], "little"), 8
        if size == _OPEN or at + head + size > len(data):
            raise _Open
        found.append((tag, data[at : at + head + size]))
        at += head + size
    return found


def _without_counts(element: bytes, *, implicit: bool) -> bytes:
    """A frame content group with what is asked of it alone, so that it is alike for many frames."""
    head = 8 if implicit else 12
    inner = _elements(element[head + 8 :], implicit=implicit)
    kept = b"".join(part for tag, part in inner if tag in _IN_FRAME_CONTENT)
    item = element[head : head + 4] + len(kept).to_bytes(4, "little") + kept
    return element[: head - 4] + len(item).to_bytes(4, "little") + item


def _numbers(item: Dataset, name: str, count: int) -> tuple[float, ...] | None:
    value = item.get(name)
    if value is None or isinstance(value, str | float | int) or len(value) != count:
        return None
    return tuple(float(v) for v in value)


def _whole(item: Dataset, name: str) -> int | None:
    value = item.get(name)
    return None if value is None else int(value)


def _real(item: Dataset, name: str) -> float | None:
    value = item.get(name)
    return None if value is None else float(value)


def _size(item: Dataset) -> tuple[tuple[float, ...] | None, float | None]:
    stated = [item.get(name) for name in ("SpacingBetweenSlices", "SliceThickness")]
    gaps = [abs(float(value)) for value in stated if value is not None and float(value)]
    return _numbers(item, "PixelSpacing", 2), gaps[0] if gaps else None


def _tile(item: Dataset) -> tuple[int, int]:
    row, column = (item[f"{way}PositionInTotalImagePixelMatrix"].value for way in ("Row", "Column"))
    return int(row) - 1, int(column) - 1


def _source(item: Dataset) -> Source | None:
    images = item.get("SourceImageSequence")
    if not images or images[0].get("SpatialLocationsPreserved", "YES") == "NO":
        return None
    number = images[0].get("ReferencedFrameNumber")
    several = number is not None and not isinstance(number, int | float | str)
    return str(images[0].ReferencedSOPInstanceUID), int((number[0] if several else number) or 0)


_FACTS: Final[dict[str, Callable[[Dataset], Any]]] = {
    "PixelMeasuresSequence": _size,
    "PlaneOrientationSequence": lambda item: _numbers(item, "ImageOrientationPatient", 6),
    "PlanePositionSequence": lambda item: _numbers(item, "ImagePositionPatient", 3),
    "FrameContentSequence": lambda item: (
        _whole(item, "TemporalPositionIndex"),
        _whole(item, "InStackPositionNumber"),
    ),
    "TemporalPositionSequence": lambda item: _real(item, "TemporalPositionTimeOffset"),
    "SegmentIdentificationSequence": lambda item: _whole(item, "ReferencedSegmentNumber"),
    "PlanePositionSlideSequence": _tile,
    "DerivationImageSequence": _source,
}
_GROUPS: Final = frozenset(int(Tag(name)) for name in _FACTS)
_FRAME_CONTENT: Final = int(Tag("FrameContentSequence"))
