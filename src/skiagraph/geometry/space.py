"""Going between index and world, and between the indices of two spaces; exactly, where the lattices coincide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import FrameMismatch, GeometryError
from skiagraph.geometry.grid import Grid
from skiagraph.geometry.plane import Plane
from skiagraph.geometry.transform import Transform

__all__ = ["IndexMap", "Space", "index_map", "spacing_of", "to_index", "to_world"]

Space: TypeAlias = Grid | Plane

_EXACT = (
    1e-4  # index units: lattices that agree to a ten-thousandth of a voxel everywhere are the same lattice
)


def spacing_of(space: Space) -> tuple[float, ...] | None:
    """Millimetres between neighbours along each spatial axis, or None where no size is known."""
    if space.unit == "pixel":
        return None
    return tuple(float(n) for n in np.linalg.norm(space.affine[:-1, :-1], axis=0))


def to_world(space: Space, index: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places of (fractional) indices.

    Args:
        space: The lattice.
        index: Shape (..., ndim), in array-axis order.

    Returns:
        Shape (..., ndim), (x, y[, z]) in the unit of the space.
    """
    points = np.asarray(index, dtype=np.float64)
    result: NDArray[np.float64] = points @ space.affine[:-1, :-1].T + space.affine[:-1, -1]
    return result


def to_index(space: Space, world: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fractional indices of places: the inverse of `to_world`."""
    points = np.asarray(world, dtype=np.float64) - space.affine[:-1, -1]
    return np.asarray(np.linalg.solve(space.affine[:-1, :-1], points[..., None])[..., 0], dtype=np.float64)


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IndexMap:
    """How indices of one space become indices of another: ``target = matrix @ (source, 1)``.

    Args:
        matrix: Shape (ndim + 1, ndim + 1). Where the two lattices coincide (crop, pad, flip, permute, reorient) its
            entries are whole numbers and `exact` is true.
        exact: The map takes voxel centres to voxel centres, one to one.
    """

    matrix: NDArray[np.float64]
    exact: bool

    def __call__(self, index: NDArray[np.float64]) -> NDArray[np.float64]:
        """Shape (..., ndim) to shape (..., ndim)."""
        points = np.asarray(index, dtype=np.float64)
        result: NDArray[np.float64] = points @ self.matrix[:-1, :-1].T + self.matrix[:-1, -1]
        return result

    def inverse(self) -> IndexMap:
        """The way back; exact where this one is."""
        matrix = np.asarray(np.linalg.inv(self.matrix), dtype=np.float64)
        return IndexMap(matrix=np.rint(matrix) if self.exact else matrix, exact=self.exact)


def index_map(source: Space, target: Space, *, via: Transform | None = None) -> IndexMap:
    """The map from indices of `source` to indices of `target`.

    Args:
        source: Where the indices are now.
        target: Where they go.
        via: The way from the frame of `source` to the frame of `target`; needed exactly when they differ.

    Raises:
        FrameMismatch: The frames differ and `via` does not lead from one to the other.
        GeometryError: A grid and a plane, or millimetres and pixels, cannot be compared.
    """
    if source.ndim != target.ndim:
        raise GeometryError(
            "a grid and a plane have no common world", got=f"{source.ndim}-D and {target.ndim}-D"
        )
    if source.unit != target.unit:
        raise GeometryError(
            "both spaces use one unit",
            got=f"{source.unit} and {target.unit}",
            way_out="state the pixel size of both",
        )
    bridge = _bridge(source, target, via)
    matrix = np.asarray(np.linalg.solve(target.affine, bridge @ source.affine), dtype=np.float64)
    whole = np.rint(matrix)
    linear = np.abs(whole[:-1, :-1])
    signed_permutation = bool((linear.sum(0) == 1).all() and (linear.sum(1) == 1).all())
    reach = max(*source.shape, *target.shape)
    close = np.abs(matrix - whole)
    if signed_permutation and close[:-1, :-1].max() * reach < _EXACT and close[:-1, -1].max() < _EXACT:
        return IndexMap(matrix=whole, exact=True)
    return IndexMap(matrix=matrix, exact=False)


def _bridge(source: Space, target: Space, via: Transform | None) -> NDArray[np.float64]:
    if via is None:
        if source.frame != target.frame:
            raise FrameMismatch(
                "places in two frames of reference are not comparable",
                got=f"{source.frame} and {target.frame}",
                way_out="pass the Transform that leads from the first to the second",
            )
        return np.eye(source.ndim + 1)
    if (via.source, via.target) != (source.frame, target.frame):
        raise FrameMismatch(
            "a Transform leads from the frame of the source to the frame of the target",
            got=f"a Transform from {via.source} to {via.target} for {source.frame} to {target.frame}",
            way_out="use its inverse or another Transform",
        )
    if len(via.matrix) != source.ndim + 1:
        raise GeometryError(
            "a Transform has as many axes as the spaces", got=f"{len(via.matrix) - 1} and {source.ndim}"
        )
    return via.matrix
