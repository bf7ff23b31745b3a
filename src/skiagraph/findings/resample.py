"""The way back: any finding that lies in a space, brought onto another one."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any, TypeVar, assert_never, cast

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from skiagraph.errors import InvalidInput
from skiagraph.findings.field import DerivedImage, DisplacementField, Heatmap, Segmentation
from skiagraph.findings.mark import Box, Boxes, Contours, Landmarks, Tracks
from skiagraph.findings.union import SpatialFinding
from skiagraph.geometry import IndexMap, Space, Transform, index_map, to_world
from skiagraph.image import resample_image
from skiagraph.image.resample import check_timeline, resample_array

__all__ = ["resample"]

_F = TypeVar("_F", bound=SpatialFinding)
_ROUNDING = 1e-5  # of sums of shares in single precision


def resample(finding: _F, onto: Space, *, via: Transform | None = None) -> _F:
    """The finding on another lattice.

    Where the two lattices coincide (crop, pad, flip, permute, reorient) numbers are copied, so that the way there and
    back gives the same bits. Else fields are interpolated linearly inside of the field of view of the finding; beyond
    it labels and probabilities are 0, heat maps NaN, and displacements those of the nearest edge. Outlines of segments
    run where the interpolated probabilities, or without them the interpolated masks, say one half. Places of landmarks,
    contours and tracks are world coordinates and move only with `via`; boxes become the boxes round their corners.

    Args:
        finding: Any spatial finding.
        onto: The space to bring it to; its timeline, where it has one, must be that of the finding.
        via: From the frame of the finding to the frame of `onto`, needed exactly when they differ.

    Returns:
        A finding of the same kind in the lattice of `onto`, with the timeline of `finding`.

    Raises:
        FrameMismatch: The frames differ and `via` does not join them.
        GeometryError: Units, dimensions or timelines do not fit together.
        InvalidInput: The finding lies in no space.

    Source: own.
    """
    if not isinstance(finding, SpatialFinding):
        raise InvalidInput("only findings that lie in a space are resampled", got=type(finding).__name__)
    check_timeline(finding.space, onto)
    there = index_map(finding.space, onto, via=via)
    space = dataclasses.replace(onto, timeline=finding.space.timeline)
    return cast("_F", _brought(finding, space, there, via))


def _brought(finding: SpatialFinding, space: Space, there: IndexMap, via: Transform | None) -> SpatialFinding:
    back = there.inverse()
    match finding:
        case Segmentation():
            return _segmentation(finding, space, back)
        case Heatmap():
            values = _each(finding.values, lambda a: _heat(a, back, space.shape), space)
            return dataclasses.replace(finding, space=space, values=values)
        case DisplacementField():
            return _displacements(finding, space, back, via)
        case DerivedImage():
            return dataclasses.replace(finding, image=resample_image(finding.image, space, via=via))
        case Boxes():
            return Boxes(space=space, items=tuple(_box(box, there) for box in finding.items))
        case Landmarks():
            landmarks = (dataclasses.replace(i, point=_moved(i.point, via)) for i in finding.items)
            return Landmarks(space=space, items=tuple(landmarks))
        case Contours():
            contours = (dataclasses.replace(i, points=_moved(i.points, via)) for i in finding.items)
            return Contours(space=space, items=tuple(contours))
        case Tracks():
            tracks = (dataclasses.replace(i, points=_moved(i.points, via)) for i in finding.items)
            return Tracks(space=space, items=tuple(tracks))
        case _:
            assert_never(finding)


def _each(array: NDArray[Any], change: Callable[[NDArray[Any]], NDArray[Any]], space: Space) -> NDArray[Any]:
    """`change` applied to the last spatial axes, for every index of the axes before them; the type is kept."""
    leading, spatial = array.shape[: -space.ndim], array.shape[-space.ndim :]
    parts = [change(part) for part in array.reshape(-1, *spatial)] if array.size else []
    return np.array(parts, dtype=array.dtype).reshape(*leading, *space.shape)


def _segmentation(finding: Segmentation, space: Space, back: IndexMap) -> Segmentation:
    numbers = np.array([s.number for s in finding.segments], dtype=np.int64)
    probabilities = finding.probabilities
    decided = probabilities is not None and np.array_equal(
        _labels_of(probabilities, numbers, finding), finding.labels
    )
    if probabilities is not None:
        probabilities = _each(probabilities, lambda a: resample_array(a, back, space.shape), space).clip(0, 1)
    if back.exact:
        labels = _each(finding.labels, lambda a: resample_array(a, back, space.shape), space)
    elif probabilities is not None and decided:
        labels = _labels_of(probabilities, numbers, finding)
    elif finding.kind == "overlapping":
        labels = _each(finding.labels, lambda a: resample_array(a, back, space.shape) >= 0.5, space)
    else:
        labels = _each(finding.labels, lambda a: _outlined(a, numbers, back, space.shape), space)
    return dataclasses.replace(finding, space=space, labels=labels, probabilities=probabilities)


def _labels_of(p: NDArray[Any], numbers: NDArray[np.int64], finding: Segmentation) -> NDArray[Any]:
    """The likeliest segment of each place, or background (what the segments leave of 1) where that is likelier."""
    if finding.kind == "overlapping":
        return np.asarray(p >= 0.5)
    if not len(numbers):
        return np.zeros(p.shape[1:], finding.labels.dtype)
    likeliest = numbers.astype(finding.labels.dtype)[p.argmax(0)]
    return np.where(p.max(0) >= 1 - p.sum(0), likeliest, 0).astype(finding.labels.dtype)


def _outlined(
    labels: NDArray[Any], numbers: NDArray[np.int64], back: IndexMap, shape: tuple[int, ...]
) -> NDArray[Any]:
    """The segment with the largest share where all together have half; each object is looked at only where it is."""
    known = np.sort(numbers)
    ranks = np.searchsorted(np.concatenate([[0], known]), labels)
    best, total = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    result = np.zeros(shape, labels.dtype)
    for rank, where in enumerate(ndimage.find_objects(ranks), 1):
        if where is None:
            continue
        source, target, way = _patch(where, labels.shape, back, shape)
        share = resample_array(ranks[source] == rank, way, best[target].shape)
        np.copyto(result[target], known[rank - 1], where=share > best[target], casting="unsafe")
        np.maximum(best[target], share, out=best[target])
        total[target] += share
    result[total < 0.5 - _ROUNDING] = 0
    return result


def _patch(
    where: tuple[slice, ...], before: tuple[int, ...], back: IndexMap, after: tuple[int, ...]
) -> tuple[tuple[slice, ...], tuple[slice, ...], IndexMap]:
    """An object with one voxel around it, the part of the target that can see it, and the map between the two."""
    source = tuple(slice(max(0, s.start - 1), min(n, s.stop + 1)) for s, n in zip(where, before, strict=True))
    low, high = _round(
        np.array([s.start for s in where]) - 1.0, np.array([s.stop for s in where]), back.inverse()
    )
    first = np.clip(np.floor(low).astype(int), 0, after)
    last = np.clip(np.ceil(high).astype(int) + 1, first, after)
    matrix = back.matrix.copy()
    matrix[:-1, -1] += matrix[:-1, :-1] @ first - [s.start for s in source]
    target = tuple(slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    return source, target, IndexMap(matrix=matrix, exact=False)


def _heat(values: NDArray[Any], back: IndexMap, shape: tuple[int, ...]) -> NDArray[Any]:
    """Interpolated from the places that have a number, where they have at least half of the weight."""
    known = np.isfinite(values)
    if back.exact or known.all():
        return resample_array(values, back, shape, fill=np.nan)
    weight = resample_array(known, back, shape)
    total = resample_array(np.where(known, values, 0), back, shape)
    enough = weight >= 0.5
    return np.where(enough, total / np.where(enough, weight, 1), np.nan)


def _displacements(
    finding: DisplacementField, space: Space, back: IndexMap, via: Transform | None
) -> DisplacementField:
    """The same ends from other places: vectors are in the world, so that only another world changes them."""
    components = np.moveaxis(finding.vectors, -1, 0)
    vectors = np.moveaxis(
        _each(components, lambda a: resample_array(a, back, space.shape, fill=None), space), 0, -1
    )
    if via is not None:
        new = to_world(space, np.moveaxis(np.indices(space.shape, dtype=np.float64), 0, -1))
        vectors = (vectors + (_moved(new, via.inverse()) - new)).astype(finding.vectors.dtype)
    return dataclasses.replace(finding, space=space, vectors=vectors)


def _moved(points: NDArray[np.float64], via: Transform | None) -> NDArray[np.float64]:
    """Places, shape (..., ndim), in the world that `via` leads to."""
    if via is None:
        return points
    moved: NDArray[np.float64] = points @ via.matrix[:-1, :-1].T + via.matrix[:-1, -1]
    return moved


def _box(box: Box, there: IndexMap) -> Box:
    low, high = _round(box.low, box.high, there)
    return dataclasses.replace(box, low=low, high=high)


def _round(
    low: NDArray[Any], high: NDArray[Any], way: IndexMap
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The lower and upper edges of the box round the mapped corners of a box."""
    corners = way(np.array(list(itertools.product(*zip(low, high, strict=True)))))
    return corners.min(axis=0), corners.max(axis=0)
