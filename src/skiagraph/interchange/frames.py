"""What the functional groups of a multi-frame object say of each of its frames, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from skiagraph.errors import FormatError
from skiagraph.interchange.facts import Facts, Source, facts_of_frames, facts_of_groups

__all__ = ["Frames", "frames_of"]


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
        times: Shape (n,), s.
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
    times: NDArray[np.float64] | None
    stack: NDArray[np.int64] | None
    tiles: NDArray[np.int64] | None
    sources: tuple[Source | None, ...]


def frames_of(ds: Dataset, chosen: NDArray[np.int64] | None = None) -> Frames:
    """The frames of an object, in the order of their pixels.

    Args:
        ds: The object.
        chosen: Numbers of the frames that count, from 0; all where None.

    Raises:
        FormatError: It has none, or fewer than it says, or they are turned or sized each in its own way.
    """
    count = int(ds.get("NumberOfFrames", 1))
    full = str(ds.get("DimensionOrganizationType", "")) == "TILED_FULL"
    own: list[Facts] = [{}] * count if full else facts_of_frames(ds)
    if count < 1 or len(own) < count:
        raise FormatError(
            "each frame of an object has its functional groups",
            got=f"{len(own)} for {count} frames",
        )
    shared = facts_of_groups((ds.get("SharedFunctionalGroupsSequence") or [Dataset()])[0])
    numbers = range(count) if chosen is None else chosen.tolist()
    seen = [{**shared, **own[n]} for n in numbers]

    def all_of(name: str, part: int | None = None) -> list[Any]:
        values = [facts.get(name) for facts in seen]
        return values if part is None else [None if v is None else v[part] for v in values]

    segments, tiles = (
        _array(all_of("SegmentIdentificationSequence")),
        _array(all_of("PlanePositionSlideSequence")),
    )
    if full:
        segments, tiles = _tiled(ds, count)
    spacing = _same(all_of("PixelMeasuresSequence", 0), "sized")
    turn = _same(all_of("PlaneOrientationSequence"), "turned")
    places = all_of("PlanePositionSequence")
    return Frames(
        segments=np.zeros(len(seen), np.int64) if segments is None else segments,
        positions=None if any(p is None for p in places) else np.array(places, np.float64),
        orientation=None if turn is None else np.array(turn),
        spacing=None if spacing is None else (spacing[0], spacing[1]),
        gap=all_of("PixelMeasuresSequence", 1)[0],
        moments=_array(all_of("FrameContentSequence", 0)),
        times=_times(all_of("TemporalPositionSequence")),
        stack=_array(all_of("FrameContentSequence", 1)),
        tiles=tiles,
        sources=tuple(all_of("DerivationImageSequence")),
    )


def _array(values: Sequence[Any]) -> NDArray[np.int64] | None:
    return None if any(value is None for value in values) else np.array(values, np.int64)


def _times(values: Sequence[Any]) -> NDArray[np.float64] | None:
    return None if any(value is None for value in values) else np.array(values, np.float64)


def _same(values: Sequence[tuple[float, ...] | None], how: str) -> tuple[float, ...] | None:
    first = values[0]
    if first is None or any(value is None for value in values):
        return None
    if any(
        value is not first and not np.allclose(np.array(value), first, atol=1e-4) for value in set(values)
    ):
        raise FormatError(
            "the frames of one field are parallel and of one pixel size", got=f"some {how} apart"
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
