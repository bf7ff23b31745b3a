"""How far two surfaces lie apart: elements of surface with their areas, and the distances between them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import combinations, product
from typing import final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from skiagraph.errors import InvalidInput
from skiagraph.values import frozen

__all__ = ["SurfaceDistances", "surface_distances", "surface_elements"]

_THIN = 10  # a lattice with more cells an element than this is searched by a tree, any other by distance transforms


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SurfaceDistances:
    """Each element of both surfaces: how far it is from the nearest element of the other, and how large it is.

    Args:
        found: Shape (n,), of the elements of the prediction.
        found_area: Shape (n,), their areas (in a plane: lengths).
        true: Shape (m,), of the elements of the reference.
        true_area: Shape (m,), their areas.
    """

    found: NDArray[np.float64]
    found_area: NDArray[np.float64]
    true: NDArray[np.float64]
    true_area: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in self.__slots__:
            object.__setattr__(self, name, frozen(getattr(self, name), np.float64))

    def hausdorff(self, share: float = 1.0) -> float:
        """The distance within which this share of the area of each surface lies from the other; NaN without surface.

        1 gives the Hausdorff distance, 0.95 what is called HD95: of the two directions the larger.
        """
        sides = ((self.found, self.found_area), (self.true, self.true_area))
        far = [_reach(distances, areas, share) for distances, areas in sides if len(distances)]
        return max(far, default=float("nan"))

    def mean(self) -> float:
        """The mean over the area of both surfaces; NaN without surface."""
        return _average(self._both(), self._areas())

    def rms(self) -> float:
        """The root of the mean square over the area of both surfaces; NaN without surface."""
        return float(np.sqrt(_average(self._both() ** 2, self._areas())))

    def surface_dice(self, tolerance: float) -> float:
        """The share of the area of both surfaces that lies within the tolerance of the other; NaN without surface.

        Source: Nikolov et al., Clinically applicable segmentation of head and neck anatomy for radiotherapy (2021).
        """
        return _average((self._both() <= tolerance).astype(np.float64), self._areas())

    def _both(self) -> NDArray[np.float64]:
        return np.concatenate([self.found, self.true])

    def _areas(self) -> NDArray[np.float64]:
        return np.concatenate([self.found_area, self.true_area])


def _average(values: NDArray[np.float64], areas: NDArray[np.float64]) -> float:
    return float(values @ areas / areas.sum()) if len(values) else float("nan")


def _reach(distances: NDArray[np.float64], areas: NDArray[np.float64], share: float) -> float:
    order = np.argsort(distances)
    covered = np.cumsum(areas[order])
    place = np.searchsorted(covered, share * covered[-1])
    return float(distances[order[min(int(place), len(order) - 1)]])


@cache
def _patches(ndim: int) -> tuple[tuple[tuple[float, ...], ...], ...]:
    """Of each way in which the corners of a cell lie inside: the vector areas of its patches of surface, in cells.

    The corners inside (or outside, if those are fewer) form groups joined by edges, each cut off by one patch. What the
    patch adds to the outline of the cell is closed, so its vector area is the difference of the parts of opposite faces
    that lie inside, where edges are cut at their middle.
    """
    corners = list(product((0, 1), repeat=ndim))
    found = []
    for code in range(1 << len(corners)):
        inside = [c for bit, c in enumerate(corners) if code >> bit & 1]
        outside = [c for c in corners if c not in inside]
        fewer = inside if len(inside) <= len(outside) else outside
        found.append(
            tuple(_vector_area(group, ndim) for group in _joined(fewer)) if inside and outside else ()
        )
    return tuple(found)


def _joined(corners: list[tuple[int, ...]]) -> list[list[tuple[int, ...]]]:
    groups: list[list[tuple[int, ...]]] = []
    for corner in corners:
        near = [g for g in groups if any(sum(a != b for a, b in zip(corner, c, strict=True)) == 1 for c in g)]
        groups = [g for g in groups if g not in near] + [[corner, *(c for g in near for c in g)]]
    return groups


def _vector_area(group: list[tuple[int, ...]], ndim: int) -> tuple[float, ...]:
    return tuple(
        _face([c for c in group if c[axis]], ndim) - _face([c for c in group if not c[axis]], ndim)
        for axis in range(ndim)
    )


def _face(corners: list[tuple[int, ...]], ndim: int) -> float:
    """The part of a face that these of its corners cut off."""
    if ndim == 2:
        return len(corners) / 2
    if len(corners) == 2:
        apart = sum(a != b for a, b in zip(*corners, strict=True))
        return 0.5 if apart == 1 else 0.25
    return (0.0, 0.125, 0.5, 0.875, 1.0)[len(corners)]


def surface_elements(
    mask: NDArray[np.bool_], axes: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The surface of a mask, one element for each cell between neighbouring voxels that it passes through.

    Cells have their corners in voxel centres, as in marching cubes; beyond the array nothing is inside, so that a mask
    that touches the border has a surface there.

    Args:
        mask: Shape (spatial...), 2 or 3 axes.
        axes: Shape (ndim, ndim): steps along the axes of the array in its columns, in mm. They may be sheared.

    Returns:
        (cells, areas): whole numbers of shape (n, ndim), the cell between voxels c - 1 and c along each axis, whose
        centre lies at index c - 0.5; and areas in mm2 (in a plane: lengths in mm) of shape (n,).

    Raises:
        InvalidInput: Neither 2 nor 3 axes.

    Source: own, on the cells of Lorensen and Cline, Marching cubes (1987). The cells are those of Nikolov et al.
        (2021) and their program surface-distance; the area of a patch is the length of its vector area here, so that
        a plane through edges has its exact area, and where they sum triangles the two differ by some percent.
    """
    ndim = mask.ndim
    if ndim not in (2, 3):
        raise InvalidInput("surfaces are of masks with 2 or 3 axes", got=str(ndim))
    box = ndimage.find_objects(mask.astype(np.uint8, copy=False))
    if not box:
        return np.zeros((0, ndim), np.int64), np.zeros(0)
    inside = np.pad(mask[box[0]], 1).view(np.uint8)
    code = np.zeros(tuple(n - 1 for n in inside.shape), np.uint8)
    for bit, corner in enumerate(product((0, 1), repeat=ndim)):
        part = inside[tuple(slice(c, c + n) for c, n in zip(corner, code.shape, strict=True))]
        code |= part << np.uint8(bit)
    full = (1 << (1 << ndim)) - 1
    flat = np.flatnonzero((code != 0) & (code != full))
    cofactors = np.linalg.det(axes) * np.linalg.inv(axes).T
    areas = np.array([sum(np.linalg.norm(cofactors @ p) for p in patches) for patches in _patches(ndim)])
    cells = np.stack(np.unravel_index(flat, code.shape), axis=1)
    return cells + [s.start for s in box[0]], areas[code.ravel()[flat]].astype(np.float64)


def surface_distances(
    found: NDArray[np.bool_], true: NDArray[np.bool_], axes: NDArray[np.float64], penalty: float
) -> SurfaceDistances:
    """The distances between the centres of the elements of two surfaces, exact also where voxels are no cubes.

    Where only one of the masks is empty, each element of the other is `penalty` away: a structure that is missed, or
    made up, is as far off as it can be.

    Args:
        found: The prediction, shape (spatial...).
        true: The reference, the same shape.
        axes: Shape (ndim, ndim), steps along the axes of the array in its columns, in mm.
        penalty: In mm; the diagonal of the space is a good one.
    """
    (ours, our_area), (theirs, their_area) = (surface_elements(m, axes) for m in (found, true))
    if len(ours) and len(theirs):
        there, back = _apart(ours, theirs, axes)
    else:
        there, back = np.full(len(ours), penalty), np.full(len(theirs), penalty)
    return SurfaceDistances(found=there, found_area=our_area, true=back, true_area=their_area)


def _apart(
    a: NDArray[np.int64], b: NDArray[np.int64], axes: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    low = np.minimum(a.min(axis=0), b.min(axis=0))
    shape = np.maximum(a.max(axis=0), b.max(axis=0)) - low + 1
    lengths = np.linalg.norm(axes, axis=0)
    upright = all(
        abs(axes[:, i] @ axes[:, j]) < 1e-9 * lengths[i] * lengths[j]
        for i, j in combinations(range(len(axes)), 2)
    )
    if upright and int(np.prod(shape)) < _THIN * (len(a) + len(b)):
        return _by_transform(a - low, b - low, shape, lengths), _by_transform(
            b - low, a - low, shape, lengths
        )
    return _by_tree(a, b, axes), _by_tree(b, a, axes)


def _by_tree(
    source: NDArray[np.int64], target: NDArray[np.int64], axes: NDArray[np.float64]
) -> NDArray[np.float64]:
    tree = cKDTree(target @ axes.T, balanced_tree=False, compact_nodes=False)
    return np.asarray(tree.query(source @ axes.T)[0], dtype=np.float64)


def _by_transform(
    source: NDArray[np.int64],
    target: NDArray[np.int64],
    shape: NDArray[np.int64],
    spacing: NDArray[np.float64],
) -> NDArray[np.float64]:
    free = np.ones(shape, np.bool_)
    free[tuple(target.T)] = False
    distances = ndimage.distance_transform_edt(free, sampling=spacing)
    return np.asarray(distances[tuple(source.T)], dtype=np.float64)
