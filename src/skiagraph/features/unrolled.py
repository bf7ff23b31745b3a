"""A picture unrolled around an ellipse, and the ellipse moved to the edge that was found along it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from scipy.special import softmax

from skiagraph.features.ellipse import Ellipse
from skiagraph.task import Refine

__all__ = ["axes_of", "bent", "edge_offsets", "ellipse_of", "motion", "moved", "unrolled"]

Array = NDArray[np.float64]


def axes_of(ellipse: Ellipse) -> Array:
    """Shape (2, 2): the long and the short semi-axis as columns, in the unit of its points."""
    return np.asarray(ellipse.directions.T * ellipse.semi_axes)


def ellipse_of(centre: Array, axes: Array) -> Ellipse:
    """The image of the unit circle under ``p -> centre + axes @ p``."""
    return Ellipse(centre=centre, form=axes @ axes.T)


def directions(n: int) -> Array:
    """`n` unit vectors around the circle, shape (n, 2), each in the middle of its part."""
    angles = (np.arange(n) + 0.5) * (2 * np.pi / n)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def unrolled(
    picture: NDArray[np.floating[Any]], centre: Array, axes: Array, how: Refine
) -> NDArray[np.float32]:
    """The picture along rays from the centre of an ellipse; the ellipse itself becomes the radius 1.

    Args:
        picture: Shape (rows, columns).
        centre: Of the ellipse, in index coordinates (row, column).
        axes: Its semi-axes as columns, see `axes_of`.
        how: Angles and radii.

    Returns:
        Shape (angles, radii). Outside of the picture lies its smallest value.
    """
    rays = directions(how.angles) @ axes.T
    places = centre + rays[:, None] * np.linspace(how.low, how.high, how.radii)[:, None]
    return np.asarray(
        map_coordinates(picture, np.moveaxis(places, -1, 0), order=1, cval=float(picture.min())),
        dtype=np.float32,
    )


def bent(values: NDArray[np.float32], axes: Array, how: Refine) -> NDArray[np.float32]:
    """What a ring network sees: values, the direction of each ray in the picture, and the radius.

    Args:
        values: Unrolled and normalised, shape (angles, radii).
        axes: As given to `unrolled`.
        how: Likewise.

    Returns:
        Shape (4, angles, radii).
    """
    rays = directions(how.angles) @ axes.T
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    radius = 3 * (np.linspace(how.low, how.high, how.radii) - 1)
    shape = (how.angles, how.radii)
    rest = (np.broadcast_to(rays[:, k, None], shape) for k in range(2))
    return np.stack([values, *rest, np.broadcast_to(radius, shape)]).astype(np.float32)


def edge_offsets(answer: NDArray[np.float32], how: Refine) -> tuple[Array, Array]:
    """How far beyond the ellipse the edge lies at each angle, as a share of the radius, and how much each angle counts.

    Args:
        answer: Of a ring network, shape (..., angles / 2, radii / 2 + 1).
        how: Angles and radii.

    Returns:
        Offsets and weights, each of shape (..., angles / 2); the weights sum to 1.
    """
    middles = np.linspace(how.low, how.high, how.radii).reshape(-1, 2).mean(1)
    offsets = softmax(answer[..., :-1].astype(np.float64), axis=-1) @ middles - 1
    weights = np.logaddexp(0.0, answer[..., -1].astype(np.float64)) + 1e-2
    return offsets, weights / weights.sum(-1, keepdims=True)


def motion(offsets: Array, weights: Array) -> Array:
    """The motion of an ellipse that fits offsets best: growth, shift along both axes, two ways of stretching.

    Args:
        offsets: Shape (..., n), from `edge_offsets`.
        weights: Likewise.

    Returns:
        Shape (..., 5), as shares of the radius.

    Source: own; the five ways in which an ellipse can change, to first order, by weighted least squares.
    """
    way = basis(offsets.shape[-1])
    weighted = weights[..., None] * way
    normal = np.swapaxes(weighted, -1, -2) @ way + 1e-4 * np.eye(5)
    right = np.swapaxes(weighted, -1, -2) @ offsets[..., None]
    return np.asarray(np.linalg.solve(normal, right)[..., 0])


def basis(n: int) -> Array:
    """What each of the five motions does at `n` angles, shape (n, 5)."""
    c, s = directions(n).T
    return np.stack([np.ones(n), c, s, c * c - s * s, 2 * c * s], axis=1)


def moved(centre: Array, axes: Array, by: Array) -> tuple[Array, Array]:
    """Centre and axes of an ellipse after a motion (shape (5,), see `motion`)."""
    growth, along, across, stretch, skew = by
    change = np.array([[1 + growth + stretch, skew], [skew, 1 + growth - stretch]])
    return centre + axes @ np.array([along, across]), axes @ change
