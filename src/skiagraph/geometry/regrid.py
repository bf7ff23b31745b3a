"""New lattices from old ones: cropped, padded, flipped, permuted, with another spacing or another size."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import GeometryError, UnknownSize
from skiagraph.geometry.grid import Grid
from skiagraph.geometry.plane import Plane
from skiagraph.geometry.space import spacing_of

__all__ = ["cropped", "flipped", "padded", "permuted", "resized", "respaced"]

_S = TypeVar("_S", Grid, Plane)


def _placed(space: _S, shape: Sequence[int], linear: NDArray[np.float64], corner: NDArray[np.float64]) -> _S:
    """`space` with new axes `linear` (old index per new index step) and voxel 0 at old index `corner`."""
    change = np.eye(space.ndim + 1)
    change[:-1, :-1], change[:-1, -1] = linear, corner
    sizes: Any = tuple(int(n) for n in shape)  # checked by the space at its birth
    return dataclasses.replace(space, shape=sizes, affine=space.affine @ change)


def cropped(space: _S, start: Sequence[int], shape: Sequence[int]) -> _S:
    """The part that begins at index `start` and has `shape`; it may reach beyond the old edges.

    Raises:
        GeometryError: `start` and `shape` are not one whole number an axis.
    """
    if len(start) != space.ndim or len(shape) != space.ndim:
        raise GeometryError(
            "a crop has one start and one size an axis", got=f"{list(start)} and {list(shape)}"
        )
    return _placed(space, shape, np.eye(space.ndim), np.array([int(n) for n in start], dtype=np.float64))


def padded(space: _S, before: Sequence[int], after: Sequence[int]) -> _S:
    """The space with `before` and `after` more voxels at the two ends of each axis.

    Raises:
        GeometryError: Not one whole number an axis.
    """
    if len(before) != space.ndim or len(after) != space.ndim:
        raise GeometryError("padding has two numbers an axis", got=f"{list(before)} and {list(after)}")
    shape = [n + b + a for n, b, a in zip(space.shape, before, after, strict=True)]
    return cropped(space, [-int(b) for b in before], shape)


def flipped(space: _S, axis: int) -> _S:
    """The space with spatial axis `axis` running the other way.

    Raises:
        GeometryError: No such axis.
    """
    _check_axes(space, [axis])
    linear, corner = np.eye(space.ndim), np.zeros(space.ndim)
    linear[axis, axis], corner[axis] = -1.0, space.shape[axis] - 1
    return _placed(space, space.shape, linear, corner)


def permuted(space: _S, order: Sequence[int]) -> _S:
    """The space with its spatial axes in `order` (as `numpy.transpose`).

    Raises:
        GeometryError: Not each axis once.
    """
    _check_axes(space, order)
    if sorted(order) != list(range(space.ndim)):
        raise GeometryError("a permutation names each spatial axis once", got=str(list(order)))
    return _placed(
        space, [space.shape[a] for a in order], np.eye(space.ndim)[:, list(order)], np.zeros(space.ndim)
    )


def respaced(space: _S, spacing: Sequence[float]) -> _S:
    """The space with another spacing over the same field of view, to within half a voxel.

    Args:
        space: In mm.
        spacing: mm along each spatial axis.

    Raises:
        UnknownSize: The space has no millimetres.
        GeometryError: Not one positive number an axis.
    """
    old = spacing_of(space)
    if old is None:
        raise UnknownSize("a spacing in mm needs an image of known size", way_out="give its pixel size")
    if len(spacing) != space.ndim or any(not s > 0 for s in spacing):
        raise GeometryError("a spacing is one positive number an axis", got=str(list(spacing)))
    shape = [max(1, round(n * o / s)) for n, o, s in zip(space.shape, old, spacing, strict=True)]
    step = np.array([s / o for o, s in zip(old, spacing, strict=True)])
    return _centred(space, shape, step)


def resized(space: _S, shape: Sequence[int]) -> _S:
    """The space with another number of voxels over exactly the same field of view.

    Raises:
        GeometryError: Not one whole number of at least 1 an axis.
    """
    if len(shape) != space.ndim or any(n < 1 for n in shape):
        raise GeometryError("a size is one whole number of at least 1 an axis", got=str(list(shape)))
    step = np.array([o / n for o, n in zip(space.shape, shape, strict=True)])
    return _centred(space, shape, step)


def _centred(space: _S, shape: Sequence[int], step: NDArray[np.float64]) -> _S:
    """Steps of `step` old voxels, both lattices with one centre."""
    corner = (np.array(space.shape) - 1) / 2 - step * (np.array(shape) - 1) / 2
    return _placed(space, shape, np.diag(step), corner)


def _check_axes(space: Grid | Plane, axes: Sequence[int]) -> None:
    if any(not 0 <= a < space.ndim for a in axes):
        raise GeometryError(f"a spatial axis here is 0 to {space.ndim - 1}", got=str(list(axes)))
