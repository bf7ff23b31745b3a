"""What the functional groups of a segmentation object say of each of its frames, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from skiagraph.errors import FormatError

__all__ = ["Frames", "frames_of"]

Source = tuple[str, int]  # SOPInstanceUID, number of the frame from 1; 0 where its object has one


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frames:
    """What is known of n frames; None for what is not known of all of them.

    Args:
        segments: Shape (n,), SegmentNumber; 0 in a label map.
        positions: Shape (n, 3), mm.
        orientation: Shape (6,), of all.
        spacing: mm between (rows, columns), of all.
        gap: mm between slices as stated, or their thickness.
        moments: Shape (n,), from 1.
        stack: Shape (n,), place in a stack, from 1.
        tiles: Shape (n, 2), first row and column in the whole matrix, from 0.
        sources: What each was made of; None where it does not say, or does not lie on that pixel by pixel.
    """

    segments: NDArray[np.int64]
    positions: NDArray[np.float64] | None
    orientation: NDArray[np.float64] | None
    spacing: tuple[float, float] | None
    gap: float | None
    moments: NDArray[np.int64] | None
    stack: NDArray[np.int64] | None
    tiles: NDArray[np.int64] | None
    sources: tuple[Source | None, ...]


def frames_of(ds: Dataset) -> Frames:
    """The frames of an object, in the order of their pixels.

    Raises:
        FormatError: It has none, or fewer than it says, or they are turned or sized each in its own way.
    """
    count = int(ds.get("NumberOfFrames", 1))
    full = str(ds.get("DimensionOrganizationType", "")) == "TILED_FULL"
    items = [Dataset()] * count if full else ds.get("PerFrameFunctionalGroupsSequence", [])
    if count < 1 or len(items) < count:
        raise FormatError(
            "each frame of a segmentation object has its functional groups",
            got=f"{len(items)} for {count} frames",
        )
    shared = (ds.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    seen = [_Groups(item, shared) for item in items[:count]]
    size = [g.numbers("PixelMeasuresSequence", "PixelSpacing", 2) for g in seen]
    turn = _same(
        [g.numbers("PlaneOrientationSequence", "ImageOrientationPatient", 6) for g in seen], "turned"
    )
    spacing = _same(size, "sized")
    named = [g.whole("SegmentIdentificationSequence", "ReferencedSegmentNumber") for g in seen]
    places = [g.numbers("PlanePositionSequence", "ImagePositionPatient", 3) for g in seen]
    segments, tiles = _tiled(ds, count) if full else (_array(named), _array([g.tile() for g in seen]))
    return Frames(
        segments=np.zeros(count, np.int64) if segments is None else segments,
        positions=None if any(p is None for p in places) else np.array(places, np.float64),
        orientation=None if turn is None else np.array(turn),
        spacing=None if spacing is None else (spacing[0], spacing[1]),
        gap=next((gap for gap in (seen[0].gap(), seen[-1].gap()) if gap), None),
        moments=_array([g.whole("FrameContentSequence", "TemporalPositionIndex") for g in seen]),
        stack=_array([g.whole("FrameContentSequence", "InStackPositionNumber") for g in seen]),
        tiles=tiles,
        sources=tuple(g.source() for g in seen),
    )


@final
@dataclass(frozen=True, slots=True, kw_only=False)
class _Groups:
    """The functional groups of one frame, its own before those that all share."""

    own: Dataset
    shared: Dataset

    def group(self, name: str) -> Dataset | None:
        found = self.own.get(name) or self.shared.get(name)
        return found[0] if found else None

    def numbers(self, group: str, name: str, count: int) -> tuple[float, ...] | None:
        found = self.group(group)
        value = None if found is None else found.get(name)
        if value is None or isinstance(value, str | float | int) or len(value) != count:
            return None
        return tuple(float(v) for v in value)

    def whole(self, group: str, name: str) -> int | None:
        found = self.group(group)
        value = None if found is None else found.get(name)
        return None if value is None else int(value)

    def gap(self) -> float | None:
        found = self.group("PixelMeasuresSequence")
        if found is None:
            return None
        for name in ("SpacingBetweenSlices", "SliceThickness"):
            value = found.get(name)
            if value is not None and float(value):
                return abs(float(value))
        return None

    def tile(self) -> tuple[int, int] | None:
        found = self.group("PlanePositionSlideSequence")
        if found is None:
            return None
        row, column = (f"{way}PositionInTotalImagePixelMatrix" for way in ("Row", "Column"))
        return int(found[row].value) - 1, int(found[column].value) - 1

    def source(self) -> Source | None:
        derivation = self.group("DerivationImageSequence")
        images = None if derivation is None else derivation.get("SourceImageSequence")
        if not images or images[0].get("SpatialLocationsPreserved", "YES") == "NO":
            return None
        number = images[0].get("ReferencedFrameNumber")
        several = number is not None and not isinstance(number, int | float | str)
        return str(images[0].ReferencedSOPInstanceUID), int((number[0] if several else number) or 0)


def _array(values: Sequence[Any]) -> NDArray[np.int64] | None:
    return None if any(value is None for value in values) else np.array(values, np.int64)


def _same(values: Sequence[tuple[float, ...] | None], how: str) -> tuple[float, ...] | None:
    first = values[0]
    if first is None or any(value is None for value in values):
        return None
    if any(
        value is not first and not np.allclose(np.array(value), first, atol=1e-4) for value in set(values)
    ):
        raise FormatError(
            "the frames of one segmentation are parallel and of one pixel size", got=f"some {how} apart"
        )
    return first


def _tiled(ds: Dataset, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Segments and tiles where all tiles are there, segment by segment, row by row (DICOM PS3.3 C.7.6.17.3)."""
    height, width = int(ds.TotalPixelMatrixRows), int(ds.TotalPixelMatrixColumns)
    rows, columns = range(0, height, int(ds.Rows)), range(0, width, int(ds.Columns))
    one = np.array([(row, column) for row in rows for column in columns], np.int64)
    times = count // len(one)
    if times * len(one) != count:
        raise FormatError(
            "a fully tiled object has all its tiles", got=f"{count} frames for {len(one)} tiles"
        )
    numbers = [int(item.SegmentNumber) for item in ds.SegmentSequence]
    label_map = str(ds.SegmentationType) == "LABELMAP"
    if times != (1 if label_map else len(numbers)):
        raise FormatError("a fully tiled object has the tiles of each segment once", got=f"{times} times")
    segments = np.zeros(count) if label_map else np.repeat(numbers, len(one))
    return segments.astype(np.int64), np.tile(one, (times, 1))
