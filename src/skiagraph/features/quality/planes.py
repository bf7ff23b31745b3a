"""An image as the planes that a reader leafs through: slices and moments in one row, whatever axes it came with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.geometry import Grid, spacing_of
from skiagraph.image import Image, pixels

__all__ = ["Planes", "planes_of"]

_THICKER: Final = 1.15  # times the next spacing, from which an axis is that of the slices


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Planes:
    """A view of the pixels; planes are made one at a time, so that a volume is never copied whole.

    Args:
        array: Shape (times, slices, rows, columns[, channels]).
        spacing: mm between (rows, columns); None where no size is known.
        gap: mm between slices; None where there is one, or no size is known.
    """

    array: NDArray[Any]
    spacing: tuple[float, float] | None
    gap: float | None = None

    def __len__(self) -> int:
        return int(self.array.shape[0] * self.array.shape[1])

    @property
    def times(self) -> int:
        """How many moments there are."""
        return int(self.array.shape[0])

    @property
    def slices(self) -> int:
        """How many slices one moment has."""
        return int(self.array.shape[1])

    def raw(self, number: int) -> NDArray[Any]:
        """Plane `number`, slices first and moments after, shape (rows, columns[, channels]), type as stored."""
        plane: NDArray[Any] = self.array[divmod(number, self.slices)]
        return plane

    def grey(self, number: int) -> NDArray[np.float32]:
        """Plane `number` as float32 of shape (rows, columns): channels averaged, what is not finite set to the least.

        Booleans become 0 and 1.
        """
        plane = np.asarray(self.raw(number), dtype=np.float32)
        if plane.ndim == 3:
            plane = plane.mean(-1)
        if not np.isfinite(plane).all():
            known = plane[np.isfinite(plane)]
            plane = np.where(np.isfinite(plane), plane, known.min() if known.size else np.float32(0.0))
        return np.ascontiguousarray(plane)

    def ranges(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The lowest and the highest finite value of each plane, two arrays of shape (times, slices).

        NaN where a plane holds none.
        """
        inside = tuple(range(2, self.array.ndim))
        low = np.fmin.reduce(self.array, axis=inside).astype(np.float64)
        high = np.fmax.reduce(self.array, axis=inside).astype(np.float64)
        for place in np.argwhere(~(np.isfinite(low) & np.isfinite(high))):
            plane = self.array[tuple(place)]
            known = plane[np.isfinite(plane)]
            low[tuple(place)], high[tuple(place)] = (
                (known.min(), known.max()) if known.size else (np.nan,) * 2
            )
        return low, high

    def some(self, most: int) -> list[int]:
        """At most `most` numbers of planes, evenly over slices and moments, the ends of a volume left out."""
        n = len(self)
        if n <= most:
            return list(range(n))
        return [int(k) for k in (np.arange(most) + 0.5) * n / most]


def planes_of(image: Image) -> Planes:
    """The planes of an image.

    The slices of a volume follow its thickest axis; where none is thicker than the others by 15 %, the axis along the
    patient's length in CT, else the first axis of the array.
    """
    array, space = pixels(image), image.space
    if array.dtype == np.bool_:
        array = array.view(np.uint8)
    if space.timeline is None:
        array = array[None]
    spacing = spacing_of(space)
    if not isinstance(space, Grid):
        pair = None if spacing is None else (spacing[0], spacing[1])
        return Planes(array=array[:, None], spacing=pair)
    axis = _slice_axis(space, image.modality == "CT")
    array = np.moveaxis(array, 1 + axis, 1)
    if spacing is None:
        return Planes(array=array, spacing=None)
    first, second = (s for n, s in enumerate(spacing) if n != axis)
    return Planes(array=array, spacing=(first, second), gap=spacing[axis] if space.shape[axis] > 1 else None)


def _slice_axis(grid: Grid, axial: bool) -> int:  # noqa: FBT001  told from the modality, one line above
    columns = grid.affine[:3, :3]
    lengths = np.linalg.norm(columns, axis=0)
    if 1 in grid.shape:
        return grid.shape.index(1)
    order = np.argsort(lengths)
    if lengths[order[-1]] > _THICKER * lengths[order[-2]]:
        return int(order[-1])
    return int(np.argmax(np.abs(columns[2]) / lengths)) if axial else 0
