"""Overlays: drawings and regions that a file lays over its pixels, in planes of their own or in spare bits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal, final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from skiagraph.codes import Code
from skiagraph.io.dicom.attributes import big_endian, lattice_of, number, numbers, raw, whole, word
from skiagraph.io.dicom.quick import holds
from skiagraph.values import checked_when_unpickled, frozen

__all__ = ["Overlay", "overlay_code", "overlay_groups", "overlay_plane", "overlays"]

_GROUPS: Final = range(0x6000, 0x6020, 2)
_NOT_WHOLE: Final = "Its overlay {} is not whole and was left aside."
_CODES: Final = {
    "graphics": Code(value="overlay-graphics", scheme="99SKIAGRAPH", meaning="Drawing over the image"),
    "region": Code(value="overlay-region", scheme="99SKIAGRAPH", meaning="Region marked in the image"),
}


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Overlay:
    """One overlay plane on the pixels of its object.

    Args:
        group: 0x6000, 0x6002, ..., 0x601E.
        kind: ``"graphics"`` for drawings and text, ``"region"`` for a region of interest.
        mask: Shape (row, column), or (frame, row, column) where the object has several frames.
        label: What its maker calls it; may be empty, and may name a person: show it, never log it.
    """

    group: int
    kind: Literal["graphics", "region"]
    mask: NDArray[np.bool_]
    label: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "mask", frozen(self.mask, np.bool_))


def overlays(
    header: Dataset, cells: NDArray[Any] | None = None
) -> tuple[tuple[Overlay, ...], tuple[str, ...]]:
    """All overlay planes of an object, and what was noticed.

    Args:
        header: The object, with the elements of groups 0x6000 to 0x601E.
        cells: Pixel cells as they are stored, *with* the bits above High Bit; axes ([frame,] row, column). Needed only
            where an overlay lies in those bits.

    Raises:
        FormatError: More pixels than can be.

    Source: DICOM PS3.3 C.9.2 and C.9.3 (retired: overlays in the pixel data, PS3.3-2004 C.9.2).
    """
    groups, said = overlay_groups(header)
    found = []
    for group in groups:
        mask = overlay_plane(header, group, cells)
        if mask is None:
            said = (*said, _NOT_WHOLE.format(_numbered(group)))
            continue
        kind: Literal["graphics", "region"] = "region" if word(header, (group, 0x0040)) == "R" else "graphics"
        label = str(raw(header, (group, 0x1500)) or raw(header, (group, 0x0022)) or "")
        found.append(Overlay(group=group, kind=kind, mask=mask, label=label))
    return tuple(found), said


def overlay_groups(header: Dataset) -> tuple[Mapping[int, bool], tuple[str, ...]]:
    """The overlays that an object has, without unpacking one: by group, whether it lies in the pixel cells.

    Returns:
        The groups in their order; and a sentence about each that is not whole.
    """
    found, said = {}, []
    for group in _GROUPS:
        data = raw(header, (group, 0x3000)) if holds(header, group << 16 | 0x3000) else None
        if data is None and not holds(header, group << 16 | 0x0010):
            continue
        if _sized(header, group, data) if data else _spare_bit(header, group) is not None:
            found[group] = not data
        else:
            said.append(_NOT_WHOLE.format(_numbered(group)))
    return MappingProxyType(found), tuple(said)


def overlay_plane(header: Dataset, group: int, cells: NDArray[Any] | None = None) -> NDArray[np.bool_] | None:
    """One overlay as in `Overlay.mask`; None where it is not whole, or in cells that were not given.

    Raises:
        FormatError: More pixels than can be.
    """
    return _plane(header, group) if raw(header, (group, 0x3000)) else _embedded(header, group, cells)


def overlay_code(header: Dataset, group: int) -> tuple[str, Code]:
    """The name of an overlay as a finding, ``"overlay_1"`` (group 0x6000) and on, and what it is."""
    kind = "region" if word(header, (group, 0x0040)) == "R" else "graphics"
    return f"overlay_{_numbered(group)}", _CODES[kind]


def _numbered(group: int) -> int:
    return (group - 0x6000) // 2 + 1


def _squeezed(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return mask[0] if len(mask) == 1 else mask


def _plane(header: Dataset, group: int) -> NDArray[np.bool_] | None:
    """The plane of Overlay Data: bits from the lowest of each byte on, frame after frame."""
    data = raw(header, (group, 0x3000))
    if not _sized(header, group, data):
        return None
    rows, columns, count = _size(header, group)
    octets = np.frombuffer(bytes(data), dtype=np.uint8)
    if big_endian(header):
        octets = octets[: len(octets) // 2 * 2].reshape(-1, 2)[:, ::-1].ravel()
    bits = np.unpackbits(octets, bitorder="little", count=rows * columns * count)
    return _laid(header, group, bits.reshape(count, rows, columns).astype(np.bool_))


def _size(header: Dataset, group: int) -> tuple[int, int, int]:
    rows, columns = (whole(header, (group, element)) or 0 for element in (0x0010, 0x0011))
    return rows, columns, whole(header, (group, 0x0015)) or 1


def _sized(header: Dataset, group: int, data: Any) -> bool:
    """Whether the data are bytes, and as many as its size needs."""
    size = _size(header, group)
    return isinstance(data, (bytes, bytearray)) and min(size) >= 1 and len(data) * 8 >= math.prod(size)


def _laid(header: Dataset, group: int, planes: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Planes laid on the image: their first pixel at Overlay Origin, their first frame at Image Frame Origin."""
    frames, rows, columns = lattice_of(header)
    origin = numbers(header, (group, 0x0050))
    top, left = (int(v) - 1 for v in origin) if len(origin) == 2 else (0, 0)
    into, out_of = _overlap(top, planes.shape[1], rows), _overlap(-top, rows, planes.shape[1])
    across, from_column = _overlap(left, planes.shape[2], columns), _overlap(-left, columns, planes.shape[2])
    shown = planes[:, out_of, from_column]
    first = number(header, (group, 0x0051))
    if len(planes) == 1 and first is None:
        plane = np.zeros((rows, columns), dtype=np.bool_)
        plane[into, across] = shown[0]  # one plane, and no frame named: it lies on all
        return _squeezed(np.broadcast_to(plane, (frames, rows, columns)))
    result = np.zeros((frames, rows, columns), dtype=np.bool_)
    start = int(first or 1) - 1
    for k, plane in enumerate(shown):
        if 0 <= start + k < frames:
            result[start + k, into, across] = plane
    return _squeezed(result)


def _overlap(start: int, length: int, size: int) -> slice:
    """Where a row of `length` that begins at `start` lies within one of `size`."""
    low = min(max(start, 0), size)
    return slice(low, max(min(start + length, size), low))


def _embedded(header: Dataset, group: int, cells: NDArray[Any] | None) -> NDArray[np.bool_] | None:
    """The plane in one bit of the pixel cells, above or below the bits of the pixels."""
    position = _spare_bit(header, group)
    if cells is None or position is None or position >= cells.dtype.itemsize * 8:
        return None
    if cells.dtype.kind not in "iu" or cells.shape[-2:] != lattice_of(header)[1:]:
        return None
    mask: NDArray[np.bool_] = (cells >> cells.dtype.type(position)) & cells.dtype.type(1) != 0
    return mask[0] if mask.ndim == 3 and len(mask) == 1 else mask


def _spare_bit(header: Dataset, group: int) -> int | None:
    """The bit of the pixel cells that holds the overlay; None where it states none, or one of the pixels' own."""
    position = whole(header, (group, 0x0102))
    allocated = whole(header, "BitsAllocated") or 16
    stored = whole(header, "BitsStored") or allocated
    high = whole(header, "HighBit")
    high = stored - 1 if high is None else high
    if position is None or not 0 <= position < allocated or high - stored < position <= high:
        return None
    return position if (whole(header, "SamplesPerPixel") or 1) == 1 else None
