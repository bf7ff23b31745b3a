"""The lattice on which a network computes, and the pixels of an image on it, averaged where it is coarser."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import GeometryError
from skiagraph.geometry import Grid, Plane, Space, index_map, padded, reoriented, resized, respaced
from skiagraph.image import Image, pixels
from skiagraph.image.resample import resample_array
from skiagraph.task.recipe import Recipe

__all__ = ["linear_weights", "network_pixels", "network_space"]


def network_space(space: Space, recipe: Recipe) -> Space:
    """The space in which a recipe wants an image.

    A plane is padded evenly to the proportions of the recipe, so that circles stay circles, and gets its number of
    samples. A grid is turned to the recipe's orientation, and gets its spacing or its number of samples.

    Raises:
        GeometryError: The recipe is for another number of axes.
        UnknownSize: The recipe asks for a spacing and the image has no millimetres.
    """
    if space.ndim != len(recipe.shape):
        raise GeometryError(
            f"this model reads images with {len(recipe.shape)} spatial axes", got=str(space.ndim)
        )
    if isinstance(space, Plane):
        return _in_proportion(space, recipe.shape)
    grid: Grid = reoriented(space, recipe.orientation) if recipe.orientation else space
    return respaced(grid, recipe.spacing) if recipe.spacing else resized(grid, recipe.shape)


def _in_proportion(plane: Plane, shape: tuple[int, ...]) -> Plane:
    rows, columns = plane.shape
    missing = (
        max(0, round(columns * shape[0] / shape[1]) - rows),
        max(0, round(rows * shape[1] / shape[0]) - columns),
    )
    before = [n // 2 for n in missing]
    return resized(padded(plane, before, [n - b for n, b in zip(missing, before, strict=True)]), shape)


def network_pixels(image: Image, onto: Space) -> NDArray[Any]:
    """The pixels of a still image with one channel on a lattice that `network_space` gave.

    Args:
        image: No time axis, one number a place.
        onto: The lattice.

    Returns:
        Shape of `onto`, floating point. Where the lattice is coarser, pixels are averaged (a triangle as wide as two
        steps); outside of the image lies its smallest value.

    Raises:
        GeometryError: Time or channels.
    """
    if image.space.timeline is not None or image.channels:
        raise GeometryError(
            "a still image with one channel is expected here", got=f"axes {', '.join(image.axes)}"
        )
    array = pixels(image)
    way = index_map(onto, image.space)
    steps = np.diag(way.matrix)[:-1]
    if way.exact or not np.array_equal(way.matrix[:-1, :-1], np.diag(steps)) or (steps <= 0).any():
        return resample_array(array.astype(np.float32), way, tuple(onto.shape), fill=float(array.min()))
    result = np.asarray(array, dtype=np.float32)
    floor = result.min()
    result = result - floor
    for axis, step in enumerate(steps):
        weights = linear_weights(
            array.shape[axis], onto.shape[axis], float(step), float(way.matrix[axis, -1])
        )
        result = np.moveaxis(np.tensordot(weights, result, axes=(1, axis)), 0, axis)
    above: NDArray[np.float32] = result + floor
    return above


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
