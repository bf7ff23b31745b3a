"""Where the letter and the pole lie by the files alone, read by pydicom and the formula of the standard, not by us."""

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from sources import levels

LETTER, POLE = 1, 2
Frame = tuple[str, int]  # SOPInstanceUID and number of a frame, from 1


def objects(folder: Path) -> list[Dataset]:
    """The DICOM objects in a folder."""
    return [pydicom.dcmread(path) for path in sorted(folder.rglob("*.dcm"))]


def marked_frames(folder: Path) -> dict[Frame, NDArray[np.uint8]]:
    """Of each frame of a study: 1 where the letter is, 2 where the pole is, (rows, columns)."""
    frames: dict[Frame, NDArray[Any]] = {}
    for ds in objects(folder):
        values = ds.pixel_array
        if ds.SamplesPerPixel == 3:
            values = values.sum(axis=-1, dtype=np.float64)
        stack = values.reshape(-1, ds.Rows, ds.Columns)
        frames |= {(str(ds.SOPInstanceUID), n): frame for n, frame in enumerate(stack, start=1)}
    found = levels(np.stack(list(frames.values())))
    return dict(zip(frames, found, strict=True))


def planes(ds: Dataset) -> list[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]:
    """Of each frame of an object: its position, its orientation (6 cosines), its spacing between rows, columns."""
    if "PerFrameFunctionalGroupsSequence" not in ds:
        return [_plane(ds, ds, ds)]
    shared = ds.SharedFunctionalGroupsSequence[0]
    result = []
    for frame in ds.PerFrameFunctionalGroupsSequence:
        groups = [
            (frame if name in frame else shared)[name][0]
            for name in ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence")
        ]
        result.append(_plane(*groups))
    return result


def _plane(place: Dataset, turn: Dataset, size: Dataset) -> Any:
    values = place.ImagePositionPatient, turn.ImageOrientationPatient, size.PixelSpacing
    return tuple(np.array(value, float) for value in values)


def marked_places(folder: Path, which: int) -> NDArray[np.float64]:
    """Where a mark lies in the patient: points (x, y, z) mm, in a lasting order (DICOM PS3.3 C.7.6.2.1.1)."""
    frames = marked_frames(folder)
    points = [
        _world(plane, frames[str(ds.SOPInstanceUID), n] == which)
        for ds in objects(folder)
        for n, plane in enumerate(planes(ds), start=1)
    ]
    return ordered(np.concatenate(points))


def _world(plane: Any, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    position, orientation, spacing = plane
    row, column = np.nonzero(mask)
    right = orientation[:3] * spacing[1] * column[:, None]
    return np.asarray(position + right + orientation[3:] * spacing[0] * row[:, None])


def ordered(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points in an order that rounding does not change."""
    rounded = np.round(points, 2) + 0.0
    return points[np.lexsort(rounded.T)]
