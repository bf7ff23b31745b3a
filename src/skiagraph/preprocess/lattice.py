"""The lattice on which a network computes, and the pixels of an image on it, averaged where it is coarser."""

from __future__ import annotations

import functools
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from skiagraph.errors import GeometryError
from skiagraph.geometry import (
    Grid,
    Plane,
    Space,
    cropped,
    index_map,
    padded,
    reoriented,
    resized,
    respaced,
)
from skiagraph.image import Image, pixels
from skiagraph.image.resample import resample_array
from skiagraph.preprocess.normalise import finite
from skiagraph.task.recipe import Recipe

__all__ = ["linear_weights", "network_pixels", "network_space"]

_S = TypeVar("_S", Grid, Plane)

_ALIGNED: Final = (
    1e-6  # index steps: files keep the axes of one lattice with the rounding of single precision
)


def network_space(space: Space, recipe: Recipe) -> Space:
    """The space in which a recipe wants an image.

    A plane is padded evenly to the proportions of the recipe, so that circles stay circles whatever the shape of a
    pixel, and gets its number of samples; where it is read in windows, it keeps its own pixels. A grid is turned to the
    recipe's orientation, and gets its spacing or its number of samples. For classes and values a recipe with a spacing
    means both, of planes too: what is larger or smaller then is cut or padded about its middle, so that sizes are told.

    Raises:
        GeometryError: The recipe is for another number of axes.
        UnknownSize: The recipe asks for a spacing and the image has no millimetres.
    """
    if space.ndim != len(recipe.shape):
        raise GeometryError(
            f"this model reads images with {len(recipe.shape)} spatial axes", got=str(space.ndim)
        )
    if recipe.spacing and recipe.task != "segmentation":
        return _scaled(space, recipe.spacing, recipe)
    if isinstance(space, Plane):
        return space if recipe.overlap is not None else fitted(space, recipe.shape)
    grid: Grid = reoriented(space, recipe.orientation) if recipe.orientation else space
    return respaced(grid, recipe.spacing) if recipe.spacing else resized(grid, recipe.shape)


def _scaled(space: Space, spacing: tuple[float, ...], recipe: Recipe) -> Space:
    """With a spacing, and of the shape of the recipe about the same middle."""
    if isinstance(space, Plane):
        return _about_middle(respaced(space, spacing), recipe.shape)
    turned = reoriented(space, recipe.orientation) if recipe.orientation else space
    return _about_middle(respaced(turned, spacing), recipe.shape)


def _about_middle(space: _S, shape: tuple[int, ...]) -> _S:
    return cropped(space, [(n - m) // 2 for n, m in zip(space.shape, shape, strict=True)], shape)


def fitted(plane: Space, shape: tuple[int, ...]) -> Plane:
    """A plane padded evenly to the proportions of `shape`, with that many samples.

    Raises:
        GeometryError: A volume.
    """
    if not isinstance(plane, Plane):
        raise GeometryError("a picture is fitted to rows and columns", got="a volume")
    rows, columns = plane.shape
    row_step, column_step = np.linalg.norm(plane.affine[:2, :2], axis=0)
    aspect = float(column_step / row_step) * shape[0] / shape[1]
    missing = (max(0, round(columns * aspect) - rows), max(0, round(rows / aspect) - columns))
    before = [n // 2 for n in missing]
    return resized(padded(plane, before, [n - b for n, b in zip(missing, before, strict=True)]), shape)


def network_pixels(image: Image, onto: Space) -> NDArray[Any]:
    """The pixels of a still image with one channel on a lattice that `network_space` gave.

    Args:
        image: No time axis, one number a place.
        onto: The lattice.

    Returns:
        Shape of `onto`, floating point. Where the lattice is coarser, pixels are averaged (a triangle as wide as two
        steps); outside of the image lies its smallest value, and what is not finite counts as that.

    Raises:
        GeometryError: Time or channels.
    """
    if image.space.timeline is not None or image.channels:
        raise GeometryError(
            "a still image with one channel is expected here", got=f"axes {', '.join(image.axes)}"
        )
    way = index_map(onto, image.space)
    result = finite(pixels(image)).astype(np.float32)
    floor = result.min()
    which = np.abs(way.matrix[:-1, :-1]).argmax(
        0
    )  # axis of the image that runs along each axis of the lattice
    steps = way.matrix[which, range(len(which))]
    aligned = np.zeros_like(way.matrix[:-1, :-1])
    aligned[which, range(len(which))] = steps
    if way.exact or not np.allclose(aligned, way.matrix[:-1, :-1], rtol=0, atol=_ALIGNED):
        return resample_array(result, way, tuple(onto.shape), fill=float(floor))
    result = (result - floor).transpose(which)
    for axis, (step, place) in enumerate(zip(steps, way.matrix[which, -1], strict=True)):
        n = result.shape[axis]
        if step < 0:
            result = np.flip(result, axis)
        start = n - 1 - place if step < 0 else place
        weights = _sparse_weights(n, onto.shape[axis], abs(float(step)), float(start))
        ahead = np.moveaxis(result, axis, 0)
        mixed = weights @ ahead.reshape(n, -1)
        result = np.moveaxis(mixed.reshape(-1, *ahead.shape[1:]), 0, axis)
    above: NDArray[np.float32] = result + floor
    return above


@functools.lru_cache(maxsize=64)
def _sparse_weights(before: int, after: int, step: float, start: float) -> csr_array:
    """`linear_weights`, of which nearly all are zero; pictures of one shape share them."""
    return csr_array(linear_weights(before, after, step, start))


def linear_weights(before: int, after: int, step: float, start: float) -> NDArray[np.float32]:
    """Weights of linear interpolation, widened to an average where `step` is above 1.

    Args:
        before: Samples there are.
        after: Samples wanted; number n lies at index ``start + n * step`` of the old ones.
        step: Old steps per new step.
        start: Old index of new sample 0.

    Returns:
        Shape (after, before). A row sums to 1 inside, to less where it reaches over the edge, to 0 outside.
    """
    width = max(step, 1.0)
    place = start + step * np.arange(after)
    margin = int(np.ceil(width)) + 1
    old = np.arange(-margin, before + margin)
    triangle = np.maximum(0.0, 1.0 - np.abs(place[:, None] - old[None, :]) / width)
    triangle /= np.maximum(triangle.sum(1, keepdims=True), 1e-12)
    far = (place < -margin + width) | (place > before - 1 + margin - width)
    triangle[far] = 0.0
    weights: NDArray[np.float32] = triangle[:, margin:-margin].astype(np.float32)
    return weights
