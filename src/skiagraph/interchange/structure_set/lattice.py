"""The smallest lattice that holds contours, for structure sets that come without their images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skiagraph.geometry import Grid

__all__ = ["lattice_round"]

_APART: Final = 1e-3  # mm, above which two planes are two
_FINEST: Final = 0.1  # mm between slices
_STEP: Final = 1.0  # mm between rows and columns


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
