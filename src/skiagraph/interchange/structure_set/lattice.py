"""The lattice of contours that come without their images: as the object states it, or the smallest that holds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from skiagraph.errors import FormatError
from skiagraph.geometry import Grid
from skiagraph.interchange.envelope import decimal
from skiagraph.interchange.planes import Planes

__all__ = ["lattice_round", "stated_lattice", "statement_of"]

_APART: Final = 1e-3  # mm, above which two planes are two
_FINEST: Final = 0.1  # mm between slices
_STEP: Final = 1.0  # mm between rows and columns
_SAME: Final = 1e-3  # mm, by which slices may lie beside the places that a statement gives them
_COUNTS: Final = (
    ("ImagePositionPatient", 3),
    ("ImageOrientationPatient", 6),
    ("PixelSpacing", 2),
    ("SpacingBetweenSlices", 1),
    ("NumberOfFrames", 1),
    ("Rows", 1),
    ("Columns", 1),
)


def statement_of(planes: Planes) -> Dataset | None:
    """The planes that masks lay on before they became contours; None where slices do not follow one another straight.

    Source: DICOM PS3.3 C.8.8.6.4 (source pixel planes characteristics).
    """
    positions, orientation, spacing = planes.positions, planes.orientation, planes.spacing
    if positions is None or orientation is None or spacing is None:
        return None
    normal = np.cross(orientation[:3], orientation[3:])
    ordered = positions[np.argsort(positions @ normal)]
    step = planes.step or 0.0
    straight = ordered[0] + np.arange(len(ordered))[:, None] * step * normal
    if np.abs(straight - ordered).max() > _SAME:
        return None
    ds = Dataset()
    ds.PixelSpacing, ds.SpacingBetweenSlices = [decimal(v) for v in spacing], decimal(step)
    ds.ImageOrientationPatient = [decimal(v) for v in orientation]
    ds.ImagePositionPatient = [decimal(v) for v in ordered[0]]
    ds.NumberOfFrames, ds.Rows, ds.Columns = planes.shape
    return ds


def stated_lattice(ds: Dataset, frame: str) -> Grid:
    """The lattice of which `statement_of` speaks: slices along the normal, rows, columns.

    Raises:
        FormatError: Not as many numbers as it takes.
        GeometryError: Numbers that make no lattice.
    """
    found = []
    for keyword, number in _COUNTS:
        value: Any = ds.get(keyword)
        several = [value] if isinstance(value, int | float | str) else list(value or ())
        if len(several) != number:
            raise FormatError(f"{keyword} of pixel planes has {number} numbers", got=str(len(several)))
        found.append(np.array([float(v) for v in several]))
    first, ways, spacing, step, count, rows, columns = found
    axes = np.stack([np.cross(ways[:3], ways[3:]), ways[3:], ways[:3]], axis=-1)
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = axes * [float(step[0]) or 1.0, *spacing], first
    return Grid(shape=(int(count[0]), int(rows[0]), int(columns[0])), affine=affine, frame=frame)


def lattice_round(lines: Sequence[NDArray[np.float64]], frame: str) -> Grid:
    """A lattice that holds lines: a slice in each of their planes, rows and columns 1 mm apart.

    Slices lie across the line that encloses the largest area, or across z where none does; they are as far apart as the
    two nearest planes in which lines lie, but at least 0.1 mm. Rows and columns run along the axes of the patient that
    come nearest. One voxel at the origin where there are no lines.

    Args:
        lines: Each of shape (n, 3), mm.
        frame: Of reference.

    Source: own.
    """
    if not lines:
        return Grid(shape=(1, 1, 1), affine=np.eye(4)[:, [2, 1, 0, 3]], frame=frame)
    axes = _axes(lines)
    points = np.concatenate(lines) @ axes
    heights = np.unique(np.array([(line @ axes[:, 0]).mean() for line in lines]))
    gaps = np.diff(heights)
    near = gaps[gaps > _APART]
    steps = np.array([max(float(near.min()), _FINEST) if near.size else _STEP, _STEP, _STEP])
    low, high = points.min(axis=0), points.max(axis=0)
    low[0], high[0] = heights[0], heights[-1]
    count = np.ceil((high - low) / steps - _APART).astype(int) + 1
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = axes * steps, axes @ low
    return Grid(shape=(int(count[0]), int(count[1]), int(count[2])), affine=affine, frame=frame)


def _axes(lines: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Directions of slices, rows and columns, in columns: slices along the normal, columns along x where it can be."""
    areas = np.array([_area(line) for line in lines])
    largest = areas[int(np.linalg.norm(areas, axis=1).argmax())]
    length = np.linalg.norm(largest)
    normal = largest / length if length > _APART else np.array([0.0, 0.0, 1.0])
    normal = normal * np.sign(normal[int(np.abs(normal).argmax())])
    across = (
        np.eye(3)[int(np.abs(normal[:2]).argmin())] if abs(normal[2]) < 0.5 else np.array([1.0, 0.0, 0.0])
    )
    right = across - (across @ normal) * normal
    right /= np.linalg.norm(right)
    return np.stack([normal, np.cross(normal, right), right], axis=-1)


def _area(line: NDArray[np.float64]) -> NDArray[np.float64]:
    """The area that a line encloses, times its normal."""
    apart = line - line[0]
    return np.asarray(np.cross(apart, np.roll(apart, -1, axis=0)).sum(axis=0) / 2)
