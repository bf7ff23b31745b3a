"""How shapes are drawn into a volume: with soft edges of one voxel, the partial volumes of real scanners."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["Canvas", "ball", "blended", "coverage", "grain", "smooth_field", "texture_of", "tube"]

Array = NDArray[np.floating[Any]]
_TILE: Final = (48, 128, 128)
_ROOM: Final = 1.5  # voxels of air around the box of a shape, for its soft edge


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Canvas:
    """A volume that is being drawn; the one value in this room that changes.

    Args:
        values: float32, axes (slice, row, column).
        z: mm of each slice, shape (slices,), evenly rising.
        y: mm of each row, evenly rising.
        x: mm of each column, evenly rising.
    """

    values: NDArray[np.float32]
    z: NDArray[np.float32]
    y: NDArray[np.float32]
    x: NDArray[np.float32]

    @property
    def step(self) -> tuple[float, float, float]:
        """Size of a voxel: mm between (slices, rows, columns)."""
        return tuple(float(axis[1] - axis[0]) for axis in (self.z, self.y, self.x))  # type: ignore[return-value]


def coverage(distance: Array, edge: float) -> Array:
    """The share of a voxel that lies in a shape, 0 to 1.

    Args:
        distance: mm from the border of the shape, negative inside.
        edge: mm over which the share falls from 1 to 0: the size of a voxel.
    """
    result: Array = np.clip(0.5 - distance / edge, 0.0, 1.0)
    return result


def blended(under: Array, share: Array, value: Array | float) -> Array:
    """What a voxel holds when `share` of it is covered by `value`."""
    result: Array = under + share * (value - under)
    return result


def _around(axis: NDArray[np.float32], low: float, high: float) -> slice:
    step = float(axis[1] - axis[0])
    first = int(np.ceil((low - float(axis[0])) / step - _ROOM))
    last = int(np.floor((high - float(axis[0])) / step + _ROOM)) + 1
    return slice(max(0, first), max(0, min(len(axis), last)))


def tube(canvas: Canvas, ends: tuple[Array, Array], radii: tuple[float, float], value: float) -> None:
    """Draws a rounded cone between two places.

    Args:
        canvas: Is drawn into.
        ends: Two places (x, y, z), mm.
        radii: mm at either end.
        value: What it holds.
    """
    first, second = (np.asarray(e, np.float64) for e in ends)
    reach = max(radii)
    low, high = np.minimum(first, second) - reach, np.maximum(first, second) + reach
    box = tuple(_around(axis, low[n], high[n]) for n, axis in ((2, canvas.z), (1, canvas.y), (0, canvas.x)))
    part = canvas.values[box]
    if not part.size:
        return
    z, y, x = canvas.z[box[0], None, None], canvas.y[None, box[1], None], canvas.x[None, None, box[2]]
    way = (second - first).astype(np.float32)
    along = (x - first[0]) * way[0] + (y - first[1]) * way[1] + (z - first[2]) * way[2]
    t = np.clip(along / max(float(way @ way), 1e-6), 0.0, 1.0).astype(np.float32)
    off = (
        np.square(x - first[0] - t * way[0])
        + np.square(y - first[1] - t * way[1])
        + np.square(z - first[2] - t * way[2])
    )
    radius = radii[0] + t * (radii[1] - radii[0])
    share = coverage(np.sqrt(off) - radius, sum(canvas.step) / 3.0)
    part[...] = blended(part, share, value)


def ball(canvas: Canvas, centre: tuple[float, float, float], radius: float, value: float) -> None:
    """Draws a ball round (x, y, z), mm."""
    place = np.array(centre)
    tube(canvas, (place, place), (radius, radius), value)


def smooth_field(rng: Generator, shape: tuple[int, ...], scale: tuple[float, ...]) -> NDArray[np.float32]:
    """A random field of mean 0 and standard deviation 1 that changes over `scale` samples along each axis."""
    coarse = tuple(max(3, round(3 * n / max(3.0, s)) + 1) for n, s in zip(shape, scale, strict=True))
    noise = ndimage.gaussian_filter(rng.standard_normal(coarse, dtype=np.float32), 0.9)
    zoom = [n / m for n, m in zip(shape, coarse, strict=True)]
    field = ndimage.zoom(noise, zoom, order=1, mode="nearest", grid_mode=True)
    return np.asarray((field - field.mean()) / (field.std() + 1e-9), np.float32)


def texture_of(
    rng: Generator, shape: tuple[int, int, int], width: float = 2.0
) -> Callable[[int], NDArray[np.float32]]:
    """A field of standard deviation 1 that repeats itself after 48 slices and 128 pixels: cheap, and enough for tissue.

    Args:
        rng: Where chance comes from.
        shape: (slices, rows, columns).
        width: Standard deviation of the blur, voxels.

    Returns:
        The field of slice n, shape (rows, columns).
    """
    tile = rng.standard_normal(_TILE, dtype=np.float32)
    tile = ndimage.gaussian_filter(tile, (width / 1.5, width, width), mode="wrap", truncate=3.0)
    tile /= tile.std()
    times = (-(-shape[1] // _TILE[1]), -(-shape[2] // _TILE[2]))
    return lambda n: np.tile(tile[n % _TILE[0]], times)[: shape[1], : shape[2]]


def grain(rng: Generator, shape: tuple[int, ...], width: float) -> NDArray[np.float32]:
    """Noise as a reconstruction kernel leaves it: blurred in the slice, standard deviation 1.

    Args:
        rng: Where chance comes from.
        shape: (..., rows, columns).
        width: Standard deviation of the blur, pixels.
    """
    noise = rng.standard_normal(shape, dtype=np.float32)
    sigma = (*(0.0,) * (len(shape) - 2), width, width)
    noise = ndimage.gaussian_filter(noise, sigma, mode="wrap", truncate=3.0)
    noise /= float(np.sqrt(np.vdot(noise, noise) / noise.size))
    return np.asarray(noise, np.float32)
