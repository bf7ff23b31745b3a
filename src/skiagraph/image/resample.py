"""Numbers brought from one lattice onto another: copied where the lattices coincide, interpolated where they do not."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from skiagraph.errors import GeometryError
from skiagraph.geometry import IndexMap, Space, Transform, index_map
from skiagraph.image.image import Image, pixels

__all__ = ["resample_array", "resample_image"]

Interpolation = Literal["nearest", "linear", "cubic"]
_ORDER = {"nearest": 0, "linear": 1, "cubic": 3}
_EDGE = 1e-6  # voxels: centres on the very edge of the field of view belong to it


def resample_array(
    array: NDArray[Any],
    way: IndexMap,
    shape: tuple[int, ...],
    *,
    interpolation: Interpolation = "linear",
    fill: float | None = 0,
) -> NDArray[Any]:
    """Values of `array` at the voxels of another lattice.

    Args:
        array: Spatial axes only, shape of the source lattice.
        way: Map from indices of the *target* to indices of the source.
        shape: Shape of the target lattice.
        interpolation: Ignored where `way` is exact: values are then copied.
        fill: Value outside of the field of view of the source, which ends half a voxel beyond the outermost centres;
            None repeats the nearest edge.

    Returns:
        Array of `shape`; the type of `array`, or floating point where interpolation makes fractions.
    """
    if way.exact:
        return _copied(array, way, shape, fill)
    order = _ORDER[interpolation]
    source = array if order == 0 or array.dtype == np.float64 else array.astype(np.float32)
    if source.dtype == np.bool_:
        source = source.astype(np.uint8)
    result: NDArray[Any] = ndimage.affine_transform(
        source,
        way.matrix[:-1, :-1],
        offset=way.matrix[:-1, -1],
        output_shape=shape,
        order=order,
        mode="nearest",
    )
    result = result.astype(array.dtype) if order == 0 else result
    if fill is not None:
        result[_outside(way, array.shape, shape)] = fill
    return result


def _outside(way: IndexMap, before: tuple[int, ...], after: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which voxels of the target have their centre beyond the outermost voxels of the source."""
    result = np.zeros(after, dtype=np.bool_)
    for row, size in zip(way.matrix, before, strict=False):
        place = np.full([1] * len(after), row[-1])
        for axis in np.flatnonzero(row[:-1]):
            place = place + np.expand_dims(
                row[axis] * np.arange(after[axis]), [a for a in range(len(after)) if a != axis]
            )
        result |= (place < -0.5 - _EDGE) | (place > size - 0.5 + _EDGE)
    return result


def _copied(array: NDArray[Any], way: IndexMap, shape: tuple[int, ...], fill: float | None) -> NDArray[Any]:
    """Crop, pad, flip and permute in one: no value is computed."""
    ndim = array.ndim
    indices: list[NDArray[np.intp]] = [np.empty(0, np.intp)] * ndim
    order = [0] * ndim
    for target_axis in range(ndim):
        source_axis = int(np.flatnonzero(way.matrix[:-1, target_axis])[0])
        sign = int(way.matrix[source_axis, target_axis])
        order[target_axis] = source_axis
        indices[target_axis] = sign * np.arange(shape[target_axis]) + int(way.matrix[source_axis, -1])
    source = np.transpose(array, order)
    if fill is None:
        return source[np.ix_(*[np.clip(i, 0, n - 1) for i, n in zip(indices, source.shape, strict=True)])]
    result = np.full(shape, fill, dtype=array.dtype)
    inside = [(i >= 0) & (i < n) for i, n in zip(indices, source.shape, strict=True)]
    result[np.ix_(*inside)] = source[np.ix_(*[i[ok] for i, ok in zip(indices, inside, strict=True)])]
    return result


def resample_image(
    image: Image,
    onto: Space,
    *,
    via: Transform | None = None,
    interpolation: Interpolation = "linear",
    fill: float | None = 0,
) -> Image:
    """The image on another lattice. Time and channels are carried along.

    Args:
        image: The image.
        onto: The space to sample in; its timeline, where it has one, must be that of the image.
        via: From the frame of the image to the frame of `onto`, needed exactly when they differ.
        interpolation: For lattices that do not coincide. No smoothing is added before a coarser lattice.
        fill: Value outside of the image; None repeats its edge.

    Raises:
        FrameMismatch: The frames differ and `via` does not join them.
        GeometryError: Units, dimensions or timelines do not fit together.
    """
    check_timeline(image.space, onto)
    back = index_map(onto, image.space, via=None if via is None else via.inverse())
    array, ndim = pixels(image), image.space.ndim
    first = 0 if image.space.timeline is None else 1
    moved = np.moveaxis(array, range(first, first + ndim), range(-ndim, 0))
    parts = [
        resample_array(part, back, onto.shape, interpolation=interpolation, fill=fill)
        for part in moved.reshape(-1, *image.space.shape)
    ]
    stacked = np.stack(parts).reshape(*moved.shape[:-ndim], *onto.shape)
    result = np.moveaxis(stacked, range(-ndim, 0), range(first, first + ndim))
    space = dataclasses.replace(onto, timeline=image.space.timeline)
    return dataclasses.replace(image, data=result, space=space)


def check_timeline(source: Space, target: Space) -> None:
    """Refuses to carry frames of one time to frames of another.

    Raises:
        GeometryError: Both have a timeline and they differ.
    """
    if source.timeline is not None and target.timeline is not None and source.timeline != target.timeline:
        raise GeometryError("resampling happens in space, not in time", got="two different timelines")
