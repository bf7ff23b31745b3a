"""The plane of one projection, photograph or sonogram: geometry without pixels and without a place in the patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.geometry.frame import check_frame
from skiagraph.geometry.lattice import checked_affine, checked_shape, lattice_hash, same_lattice
from skiagraph.geometry.timeline import Timeline
from skiagraph.values import checked_when_unpickled

__all__ = ["Plane"]


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plane:
    """Pixel centres in a plane of its own. The world of a plane is (x, y): x to the right of the picture, y down.

    Args:
        shape: (rows, columns).
        affine: 3x3, from index (row, column, 1) to (x, y, 1) in `unit`. Pixel (0, 0) has its centre at the last column.
        frame: FrameOfReferenceUID, or one from `derived_frame`.
        unit: ``"mm"``, or ``"pixel"`` where no size is known.
        timeline: When the frames were taken, if the image moves.

    Raises:
        GeometryError: A part does not hold.
    """

    shape: tuple[int, int]
    affine: NDArray[np.float64]
    frame: str
    unit: Literal["mm", "pixel"] = "mm"
    timeline: Timeline | None = None

    def __post_init__(self) -> None:
        check_frame(self.frame)
        object.__setattr__(self, "shape", checked_shape(self.shape, 2))
        object.__setattr__(self, "affine", checked_affine(self.affine, 2))

    @classmethod
    def upright(
        cls,
        *,
        shape: tuple[int, int],
        spacing: tuple[float, float] | None,
        frame: str,
        timeline: Timeline | None = None,
    ) -> Plane:
        """A picture as it is shown, pixel (0, 0) at the origin.

        Args:
            shape: (rows, columns).
            spacing: mm between (rows, columns), or None where the size is not known: the unit is then the pixel.
            frame: FrameOfReferenceUID, or one from `derived_frame`.
            timeline: When the frames were taken, if the image moves.

        Raises:
            GeometryError: A part does not hold.
        """
        rows, columns = spacing or (1.0, 1.0)
        affine = np.array([[0.0, columns, 0.0], [rows, 0.0, 0.0], [0.0, 0.0, 1.0]])
        return cls(
            shape=shape, affine=affine, frame=frame, unit="mm" if spacing else "pixel", timeline=timeline
        )

    @property
    def ndim(self) -> int:
        """The number of spatial axes: 2."""
        return 2

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Plane):
            return NotImplemented
        return same_lattice(self, other)

    def __hash__(self) -> int:
        return lattice_hash(self)
