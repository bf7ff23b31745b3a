"""Overlays: drawings and regions that a file lays over its pixels, in planes of their own or in spare bits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from skiagraph.codes import Code
from skiagraph.findings import Segmentation
from skiagraph.geometry import Space
from skiagraph.io.dicom.attributes import big_endian, lattice_of, number, numbers, raw, whole, word
from skiagraph.io.dicom.masks import mask_finding
from skiagraph.values import checked_when_unpickled, frozen

__all__ = ["Overlay", "overlay_findings", "overlays"]

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
    found, said = [], []
    there = {tag.group for tag in header.keys() if 0x6000 <= tag.group < 0x6020}  # noqa: SIM118 - names no elements
    for group in sorted(group for group in there if group % 2 == 0):
        if raw(header, (group, 0x0010)) is None and raw(header, (group, 0x3000)) is None:
            continue
        mask = _plane(header, group) if raw(header, (group, 0x3000)) else _embedded(header, group, cells)
        if mask is None:
            said.append(f"Its overlay {(group - 0x6000) // 2 + 1} is not whole and was left aside.")
            continue
        kind: Literal["graphics", "region"] = "region" if word(header, (group, 0x0040)) == "R" else "graphics"
        label = str(raw(header, (group, 0x1500)) or raw(header, (group, 0x0022)) or "")
        found.append(Overlay(group=group, kind=kind, mask=mask, label=label))
    return tuple(found), tuple(said)


def overlay_findings(found: Sequence[Overlay], space: Space) -> Mapping[str, Segmentation]:
    """Overlays as segmentations in the space of the image, named ``"overlay_1"`` (group 0x6000) and on.

    Raises:
        GeometryError: They are of another object than the image.
    """
    return {
        f"overlay_{(overlay.group - 0x6000) // 2 + 1}": mask_finding(
            overlay.mask, space, _CODES[overlay.kind]
        )
        for overlay in found
    }


def _squeezed(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return mask[0] if len(mask) == 1 else mask


def _plane(header: Dataset, group: int) -> NDArray[np.bool_] | None:
    """The plane of Overlay Data: bits from the lowest of each byte on, frame after frame."""
    rows, columns = (whole(header, (group, element)) or 0 for element in (0x0010, 0x0011))
    count = whole(header, (group, 0x0015)) or 1
    data = raw(header, (group, 0x3000))
    if not isinstance(data, (bytes, bytearray)) or min(rows, columns, count) < 1:
        return None
    if len(data) * 8 < rows * columns * count:
        return None
    octets = np.frombuffer(bytes(data), dtype=np.uint8)
    if big_endian(header):
        octets = octets[: len(octets) // 2 * 2].reshape(-1, 2)[:, ::-1].ravel()
    bits = np.unpackbits(octets, bitorder="little", count=rows * columns * count)
    return _laid(header, group, bits.reshape(count, rows, columns).astype(np.bool_))


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
    position = whole(header, (group, 0x0102))
    if cells is None or position is None or not 0 <= position < cells.dtype.itemsize * 8:
        return None
    if cells.dtype.kind not in "iu" or cells.shape[-2:] != lattice_of(header)[1:]:
        return None
    mask: NDArray[np.bool_] = (cells >> cells.dtype.type(position)) & cells.dtype.type(1) != 0
    return mask[0] if mask.ndim == 3 and len(mask) == 1 else mask
