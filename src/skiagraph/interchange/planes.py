"""Lattices as DICOM frames: which array axes are slices, rows and columns, and where each frame lies."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import NoDicomHome
from skiagraph.geometry import Grid, Space, spacing_of
from skiagraph.values import frozen

__all__ = ["Planes", "as_frames", "from_frames", "in_frames", "planes_of", "shown_planes"]

_SQUARE: Final = 1e-3  # by how much the directions of a row and a column may miss a right angle
_COARSER: Final = 1.25  # times the finer spacings: the axis along which a volume was taken slice by slice
# For slices across x, y and z: the directions in which a row (columns rise) and a column (rows rise) are shown.
_SHOWN: Final = (((0, 1, 0), (0, 0, -1)), ((1, 0, 0), (0, 0, -1)), ((1, 0, 0), (0, 1, 0)))


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Planes:
    """A lattice as frames.

    Args:
        axes: Which spatial axis of the array gives slices, rows and columns; of a picture only the last two count.
        reversed: Whether slices, rows and columns run against their array axis.
        shape: Number of slices, rows and columns; one slice in a picture.
        moments: Number of moments; None where there is no timeline.
        positions: Shape (slices, 3), mm, centre of the first pixel of each slice; None where it has no place in the
            patient.
        orientation: Shape (6,), direction of a row, in which columns rise, and of a column; None likewise.
        spacing: mm between (rows, columns); None where no size is known.
    """

    axes: tuple[int, int, int]
    reversed: tuple[bool, bool, bool]
    shape: tuple[int, int, int]
    moments: int | None
    positions: NDArray[np.float64] | None
    orientation: NDArray[np.float64] | None
    spacing: tuple[float, float] | None

    def __post_init__(self) -> None:
        for name in ("positions", "orientation"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, frozen(getattr(self, name), np.float64))

    @property
    def step(self) -> float | None:
        """Mm from slice to slice along their normal; None for one slice or none in the patient."""
        if self.positions is None or self.orientation is None or len(self.positions) < 2:
            return None
        normal = np.cross(self.orientation[:3], self.orientation[3:])
        return abs(float((self.positions[1] - self.positions[0]) @ normal))


def planes_of(space: Space, *, natural: bool) -> Planes:
    """The frames of a lattice.

    Args:
        space: The lattice.
        natural: Array axes are slices, rows and columns as they stand, as of what was read from DICOM; else they are
            chosen so that the frames are shown as radiologists are used to.

    Raises:
        NoDicomHome: Rows and columns do not stand at right angles.
    """
    moments = None if space.timeline is None else len(space.timeline)
    size = spacing_of(space)
    if not isinstance(space, Grid):
        rows, columns = space.shape
        spacing = None if size is None else (size[0], size[1])
        return Planes(
            axes=(-1, 0, 1),
            reversed=(False, False, False),
            shape=(1, rows, columns),
            moments=moments,
            positions=None,
            orientation=None,
            spacing=spacing,
        )
    axes, back = ((0, 1, 2), (False, False, False)) if natural or size is None else _chosen(space)
    shape = (space.shape[axes[0]], space.shape[axes[1]], space.shape[axes[2]])
    positions = orientation = spacing = None
    if size is not None:
        positions, orientation, spacing = _in_patient(space, axes, back)
    return Planes(
        axes=axes,
        reversed=back,
        shape=shape,
        moments=moments,
        positions=positions,
        orientation=orientation,
        spacing=spacing,
    )


def shown_planes(space: Space) -> Planes:
    """The frames of an image as one is used to see them; without a place where DICOM has none for its lattice."""
    try:
        return planes_of(space, natural=False)
    except NoDicomHome:
        return planes_of(dataclasses.replace(space, unit="pixel"), natural=True)


def _in_patient(
    grid: Grid, axes: tuple[int, int, int], back: tuple[bool, bool, bool]
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[float, float]]:
    steps = np.array([grid.affine[:3, a] * (-1.0 if r else 1.0) for a, r in zip(axes, back, strict=True)])
    lengths = np.linalg.norm(steps, axis=1)
    right, down = steps[2] / lengths[2], steps[1] / lengths[1]
    if abs(float(right @ down)) > _SQUARE:
        raise NoDicomHome(
            "rows and columns of a DICOM image stand at right angles",
            got=f"axes with a cosine of {float(right @ down):.3g} between them",
            way_out="resample the finding onto a lattice without shear",
        )
    first = grid.affine[:3, 3].copy()
    for a, r in zip(axes, back, strict=True):
        first += grid.affine[:3, a] * (grid.shape[a] - 1) if r else 0.0
    positions = first + np.arange(grid.shape[axes[0]])[:, None] * steps[0]
    return positions, np.concatenate([right, down]), (float(lengths[1]), float(lengths[2]))


def as_frames(array: NDArray[Any], planes: Planes) -> NDArray[Any]:
    """A field of the lattice as frames: a view of shape (moments, slices, rows, columns, ...), one moment where none.

    Args:
        array: Axes (time, spatial..., further), the first where the lattice has a timeline.
        planes: Of the lattice.
    """
    timed = array[None] if planes.moments is None else array
    if planes.axes[0] < 0:
        return timed[:, None]
    order = [0, *(1 + a for a in planes.axes), *range(4, timed.ndim)]
    return timed.transpose(order)[(slice(None), *_ways(planes))]


def from_frames(frames: NDArray[Any], planes: Planes) -> NDArray[Any]:
    """The field whose frames these are: the inverse of `as_frames`.

    Args:
        frames: Shape (moments, slices, rows, columns, ...).
        planes: Of the lattice.
    """
    if planes.axes[0] < 0:
        whole = frames[:, 0]
    else:
        there = frames[(slice(None), *_ways(planes))]
        back = (int(a) for a in np.argsort(planes.axes))
        whole = there.transpose([0, *(1 + a for a in back), *range(4, there.ndim)])
    return whole if planes.moments is not None else whole[0]


def in_frames(indices: NDArray[np.float64], planes: Planes) -> NDArray[np.float64]:
    """Indices of the array, shape (n, ndim), as (slice, row, column) of the frames; slice 0 in a picture."""
    if planes.axes[0] < 0:
        return np.concatenate([np.zeros((len(indices), 1)), indices], axis=1)
    turned = indices[:, planes.axes]
    last = np.array(planes.shape) - 1.0
    return np.where(np.array(planes.reversed), last - turned, turned)


def _ways(planes: Planes) -> tuple[slice, ...]:
    return tuple(slice(None, None, -1 if r else None) for r in planes.reversed)


def _chosen(grid: Grid) -> tuple[tuple[int, int, int], tuple[bool, bool, bool]]:
    """Slices along the coarsest axis, or else the one nearest to that of the body; shown as one is used to."""
    lengths = np.linalg.norm(grid.affine[:3, :3], axis=0)
    directions = (grid.affine[:3, :3] / lengths).T
    coarsest = int(lengths.argmax())
    others = np.delete(lengths, coarsest)
    through = (
        coarsest if lengths[coarsest] > _COARSER * others.max() else int(np.abs(directions[:, 2]).argmax())
    )
    across = int(np.abs(directions[through]).argmax())
    right, down = (np.array(way, dtype=np.float64) for way in _SHOWN[across])
    rest = [axis for axis in range(3) if axis != through]
    column = max(rest, key=lambda axis: abs(float(directions[axis] @ right)))
    row = rest[0] if column == rest[1] else rest[1]
    turned_row, turned_column = bool(directions[row] @ down < 0), bool(directions[column] @ right < 0)
    shown_right = directions[column] * (-1 if turned_column else 1)
    shown_down = directions[row] * (-1 if turned_row else 1)
    turned_slice = bool(directions[through] @ np.cross(shown_right, shown_down) < 0)
    return (through, row, column), (turned_slice, turned_row, turned_column)
