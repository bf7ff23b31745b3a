"""The way from one frame of reference to another: rigid or affine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.geometry.frame import check_frame
from skiagraph.geometry.lattice import checked_affine
from skiagraph.values import checked_when_unpickled

__all__ = ["Transform"]


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Transform:
    """Maps a place in `source` to the place in `target`. Also a finding: what a registration answers.

    Args:
        matrix: 4x4 (patients) or 3x3 (planes), acting on (x, y[, z], 1) in the unit of the worlds.
        source: Frame that places come from.
        target: Frame that places go to.

    Raises:
        GeometryError: A part does not hold.
    """

    matrix: NDArray[np.float64]
    source: str
    target: str

    def __post_init__(self) -> None:
        check_frame(self.source)
        check_frame(self.target)
        ndim = 2 if np.shape(self.matrix) == (3, 3) else 3
        object.__setattr__(self, "matrix", checked_affine(self.matrix, ndim))

    @property
    def kind(self) -> Literal["rigid", "affine"]:
        """``"rigid"`` where lengths are kept to one part in a million, else ``"affine"``."""
        linear = self.matrix[:-1, :-1]
        kept = np.allclose(linear.T @ linear, np.eye(len(linear)), atol=1e-6) and np.linalg.det(linear) > 0
        return "rigid" if kept else "affine"

    def inverse(self) -> Transform:
        """The way back."""
        matrix = np.eye(len(self.matrix))
        matrix[:-1, :-1] = np.linalg.inv(self.matrix[:-1, :-1])
        matrix[:-1, -1] = -matrix[:-1, :-1] @ self.matrix[:-1, -1]
        return Transform(matrix=matrix, source=self.target, target=self.source)
