"""Digital subtraction angiography: frames with contrast medium minus the mask that the file names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from scipy import ndimage

from skiagraph.io.dicom.attributes import items_of, number, numbers, whole, word
from skiagraph.values import checked_when_unpickled, frozen

__all__ = ["Subtraction", "subtracted"]

_DISPLAYED: Final = (
    "Its grey levels are made for display, so the difference from the mask has no physical scale."
)
_UNSTATED: Final = "It does not say how its grey levels follow the rays; they were subtracted as they are."
_BEYOND: Final = "Its mask module names frames that it does not have; they were left aside."


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subtraction:
    """Frames minus their mask.

    Args:
        frames: Index of each frame that was subtracted, rising, from 0.
        values: float32, axes (frame, row, column): contrast minus mask in logarithmic units; vessels are below zero.
        problems: What was noticed, one sentence each.
    """

    frames: tuple[int, ...]
    values: NDArray[np.float32]
    problems: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", frozen(self.values, np.float32))


def subtracted(stored: NDArray[Any], header: Dataset) -> Subtraction | None:
    """Frames minus their mask, as the Mask Module of an object asks.

    Pixels proportional to the beam (LIN) are brought to the logarithm first, where absorption adds up; logarithmic
    pixels (LOG) are subtracted as they are, without their Modality LUT, which would make them linear.

    Args:
        stored: Axes (frame, row, column), as stored.
        header: The object.

    Returns:
        None where the object has no mask, or says that nothing is to be subtracted.

    Source: DICOM PS3.3 C.7.6.10 (operations, ranges, averaging, shift), C.8.7.1.1.2 (pixel intensity relationship).
    """
    steps = list(_steps(header, len(stored)))
    if stored.ndim != 3 or not steps:
        return None
    levels, said = _logarithmic(stored, header)
    kept: dict[int, NDArray[np.float32]] = {}
    for item, frame, last, masks in steps:
        if not all(0 <= k < len(stored) for k in (frame, *masks)) or not masks:
            said = said if _BEYOND in said else (*said, _BEYOND)
            continue
        average = max(whole(item, "ContrastFrameAveraging") or 1, 1)
        contrast = levels[frame : min(frame + average, last + 1)].mean(axis=0)
        mask = levels[list(masks)].mean(axis=0)
        kept[frame] = contrast - _shifted(mask, item)
    if not kept:
        return None
    frames = tuple(sorted(kept))
    return Subtraction(frames=frames, values=np.stack([kept[k] for k in frames]), problems=said)


def _logarithmic(stored: NDArray[Any], header: Dataset) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    relationship = word(header, "PixelIntensityRelationship")
    if relationship == "LIN":
        return np.log(np.maximum(stored, 1).astype(np.float32)), ()
    said = {"LOG": (), "DISP": (_DISPLAYED,)}.get(relationship, (_UNSTATED,))
    return stored.astype(np.float32), said


def _steps(header: Dataset, count: int) -> Iterator[tuple[Dataset, int, int, tuple[int, ...]]]:
    """Each subtraction: its item, the frame, the last frame of its range, and the frames of its mask; all from 0."""
    for item in items_of(header, "MaskSubtractionSequence"):
        operation = word(item, "MaskOperation")
        for first, last in _ranges(item, count):
            for frame in range(max(first, 0), min(last, count - 1) + 1):
                masks = _masks(item, operation, frame, first)
                if masks is not None:
                    yield item, frame, min(last, count - 1), masks


def _ranges(item: Dataset, count: int) -> list[tuple[int, int]]:
    """Applicable Frame Range from 0, ends included; all frames where it is absent."""
    ends = [int(v) - 1 for v in numbers(item, "ApplicableFrameRange")]
    return list(zip(ends[::2], ends[1::2], strict=False)) or [(0, count - 1)]


def _masks(item: Dataset, operation: str, frame: int, first: int) -> tuple[int, ...] | None:
    """Frames of the mask of a frame, from 0; None where it is not to be subtracted.

    Source: DICOM PS3.3 C.7.6.10.1.1: AVG_SUB takes the mean of the named frames, TID the frame that lies the offset
    before, REV_TID starts the offset before the first frame of the range and goes back as the frames go on.
    """
    offset = whole(item, "TIDOffset")
    offset = 1 if offset is None else offset
    if operation == "AVG_SUB":
        return tuple(int(v) - 1 for v in numbers(item, "MaskFrameNumbers"))
    if operation == "TID":
        mask = frame - offset
    elif operation == "REV_TID":
        mask = first - offset - (frame - first)
    else:
        return None
    return (mask,) if mask >= 0 else None


def _shifted(mask: NDArray[np.float32], item: Dataset) -> NDArray[np.float32]:
    """The mask moved by Mask Sub-pixel Shift: rows down, columns to the right, edges repeated."""
    shift = numbers(item, "MaskSubPixelShift")
    if len(shift) != 2 or not any(shift) or number(item, "MaskSubPixelShift") is None:
        return mask
    return np.asarray(ndimage.shift(mask, shift, order=1, mode="nearest"), dtype=np.float32)
