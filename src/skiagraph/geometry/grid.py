"""A regular lattice of voxels in the patient: geometry without pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.geometry.frame import check_frame
from skiagraph.geometry.lattice import checked_affine, checked_shape, lattice_hash, same_lattice
from skiagraph.geometry.timeline import Timeline
from skiagraph.values import checked_when_unpickled

__all__ = ["Grid"]


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grid:
    """Voxel centres in the patient. A shear (gantry tilt) is kept in the affine.

    Args:
        shape: Number of voxels (i, j, k) along the spatial axes of the array.
        affine: 4x4, from index (i, j, k, 1) to (x, y, z, 1) in `unit`, LPS+ as in DICOM PS3.3 C.7.6.2.1.1.
            Voxel (0, 0, 0) has its centre at the last column.
        frame: FrameOfReferenceUID, or one from `derived_frame`.
        unit: ``"mm"``, or ``"pixel"`` where no size is known.
        timeline: When the frames were taken, if the image moves.

    Raises:
        GeometryError: A part does not hold.
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    frame: str
    unit: Literal["mm", "pixel"] = "mm"
    timeline: Timeline | None = None

    def __post_init__(self) -> None:
        check_frame(self.frame)
        object.__setattr__(self, "shape", checked_shape(self.shape, 3))
        object.__setattr__(self, "affine", checked_affine(self.affine, 3))

    @property
    def ndim(self) -> int:
        """The number of spatial axes: 3."""
        return 3

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Grid):
            return NotImplemented
        return same_lattice(self, other)

    def __hash__(self) -> int:
        return lattice_hash(self)
