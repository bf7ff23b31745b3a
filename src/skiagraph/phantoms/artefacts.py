"""Artefacts planted on pictures, each with a strength that is known: what the checks of quality must find."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage

from skiagraph.errors import InvalidInput
from skiagraph.image import Image, pixels

__all__ = [
    "blanked",
    "blurred",
    "cut_off",
    "each_plane",
    "jumped",
    "moved_during_scan",
    "saturated",
    "sheared",
    "with_metal",
    "with_noise",
    "with_rings",
    "with_spacing",
]

Array = NDArray[np.float64]

_ANGLES: Final = 120  # projections over half a turn
_SIDE: Final = 160  # pixels of the lattice on which streaks are computed
_WATER: Final = 0.02  # attenuation of water, per mm
_STEEL: Final = 30.0  # times that of water


def with_pixels(image: Image, values: NDArray[Any]) -> Image:
    """The image with other values, rounded and cut to the type of its own."""
    old = pixels(image).dtype
    if old.kind in "iu":
        values = np.rint(values).clip(np.iinfo(old).min, np.iinfo(old).max)
    return dataclasses.replace(image, data=np.asarray(values).astype(old))


def each_plane(image: Image, change: Callable[[Array], Array]) -> Image:
    """Applies a change to each (rows, columns) of an image with the axes (slice, row, column) or (row, column)."""
    values = np.asarray(pixels(image), dtype=np.float64)
    planes = values.reshape(-1, *values.shape[-2:])
    return with_pixels(image, np.stack([change(plane) for plane in planes]).reshape(values.shape))


def with_noise(image: Image, sigma: float, rng: Generator) -> Image:
    """Adds independent normal noise.

    Args:
        image: Any axes.
        sigma: Standard deviation, in the unit of the image.
        rng: Chance.
    """
    values = pixels(image)
    return with_pixels(image, values + sigma * rng.standard_normal(values.shape))


def blurred(image: Image, length: int) -> Image:
    """Blurs along the columns, as a steady motion during the exposure does.

    Args:
        image: Axes (..., row, column) or (row, column, channel).
        length: Pixels of the way.
    """
    values = np.asarray(pixels(image), dtype=np.float64)
    axis = -2 if image.channels else -1
    return with_pixels(image, ndimage.uniform_filter1d(values, length, axis=axis, mode="nearest"))


def moved_during_scan(image: Image, shift: float, *, every: int = 4) -> Image:
    """MR of an object that breathes: each line of k-space sees it shifted along the columns, over and again.

    Args:
        image: Axes (slice, row, column) or (row, column); rows are the phase direction.
        shift: Pixels to either side of its place.
        every: Lines of k-space of one breath.
    """

    def change(plane: Array) -> Array:
        lines = np.fft.fft2(plane)
        place = shift * np.sin(2.0 * np.pi * np.arange(plane.shape[0]) / every)
        along = np.fft.fftfreq(plane.shape[1])[None, :]
        down = np.fft.fftfreq(plane.shape[0])[:, None]
        ramp = np.exp(-2j * np.pi * (place[:, None] * along + place[:, None] * down))
        return np.abs(np.fft.ifft2(lines * ramp))

    return each_plane(image, change)


def jumped(image: Image, mm: float, *, after: int) -> Image:
    """A volume whose patient moved between two slices: the later ones lie `mm` to the right.

    Args:
        image: Axes (slice, row, column), size known.
        mm: How far.
        after: Number of the last slice that stays, from 0.
    """
    values = np.array(pixels(image), dtype=np.float64)
    way = mm / float(np.linalg.norm(image.space.affine[:3, 2]))
    later = values[after + 1 :]
    values[after + 1 :] = ndimage.shift(later, (0.0, 0.0, way), order=1, mode="nearest")
    return with_pixels(image, values)


def with_rings(image: Image, hu: float, rng: Generator, *, count: int = 3) -> Image:
    """CT whose detector has elements that are off: rings round the middle, the same in every slice.

    Args:
        image: Axes (slice, row, column), HU.
        hu: Height of each ring.
        rng: Draws the radii, from a tenth to half of half the side.
        count: How many.
    """
    rows, columns = pixels(image).shape[-2:]
    y, x = np.ogrid[:rows, :columns]
    radius = np.hypot(y - (rows - 1) / 2.0, x - (columns - 1) / 2.0)
    rings = np.zeros((rows, columns))
    for middle in rng.uniform(0.1, 0.5, count) * min(rows, columns) / 2.0:
        rings += hu * np.exp(-0.5 * ((radius - middle) / 0.9) ** 2)
    return with_pixels(image, np.asarray(pixels(image), dtype=np.float64) + rings)


def with_metal(
    image: Image, place: tuple[float, float], radius: float, *, strength: float = 1.0, pixel: float = 0.8
) -> Image:
    """CT with a rod of metal across all slices, and the streaks of its beam hardening and starved rays.

    Args:
        image: Axes (slice, row, column), HU.
        place: (row, column) of the rod, as parts of the side from 0 to 1.
        radius: Of the rod, mm.
        strength: Factor on the streaks; 0 leaves the rod alone.
        pixel: mm.

    Source: own; the cause as in De Man et al., Metal streak artifacts in X-ray computed tomography: a simulation
    study, IEEE Trans. Nucl. Sci. 46 (1999) 691.
    """
    values = np.asarray(pixels(image), dtype=np.float64)
    rows, columns = values.shape[-2:]
    y, x = np.ogrid[:rows, :columns]
    rod = np.hypot(y - place[0] * rows, x - place[1] * columns) * pixel <= radius
    zoom = (_SIDE / rows, _SIDE / columns)
    body = ndimage.zoom(
        np.maximum(values.reshape(-1, rows, columns)[0] + 1000.0, 0.0) / 1000.0, zoom, order=1
    )
    small = ndimage.zoom(rod.astype(np.float64), zoom, order=1)
    step = pixel * rows / _SIDE * _WATER
    seen = _seen(forward_projected(body) * step, forward_projected(small) * step * _STEEL)
    off = 1000.0 * back_projected(seen) / step
    streaks = ndimage.zoom(off, (rows / _SIDE, columns / _SIDE), order=1)
    changed = values + strength * streaks * (values > -950.0)
    return with_pixels(image, np.where(rod, 3071.0, changed.clip(-1024.0, 3071.0)))


def _seen(body: Array, metal: Array) -> Array:
    """What the detector makes of the path through metal, less what it should: soft rays are lost, and few arrive."""
    hardened = metal - 0.1 * metal**2 / (1.0 + 0.1 * metal)
    starved = np.minimum(body + hardened, 6.5)
    result: Array = np.where(metal > 0.02, starved - (body + metal), 0.0)
    return result


def forward_projected(plane: Array) -> Array:
    """Sums along parallel rays over half a turn: shape (angles, columns), in pixels."""
    turns = np.linspace(0.0, 180.0, _ANGLES, endpoint=False)
    return np.stack([ndimage.rotate(plane, turn, reshape=False, order=1).sum(0) for turn in turns])


def back_projected(sums: Array) -> Array:
    """Filtered back projection of what `forward_projected` gives: shape (columns, columns).

    Source: Kak and Slaney, Principles of Computerized Tomographic Imaging (1988), section 3.3.
    """
    angles, side = sums.shape
    length = 1 << (2 * side - 1).bit_length()
    away = np.minimum(np.arange(length), length - np.arange(length))
    ramp = np.where(away % 2 == 1, -1.0 / (np.pi * np.maximum(away, 1)) ** 2, 0.0)
    ramp[0] = 0.25
    filtered = np.fft.irfft(np.fft.rfft(sums, length) * np.fft.rfft(ramp), length)[:, :side]
    y, x = (np.arange(side) - (side - 1) / 2.0 for _ in range(2))
    result = np.zeros((side, side))
    for row, turn in zip(filtered, np.linspace(0.0, np.pi, angles, endpoint=False), strict=True):
        place = x[None, :] * np.cos(turn) + y[:, None] * np.sin(turn) + (side - 1) / 2.0
        result += np.interp(place, np.arange(side), row, left=0.0, right=0.0)
    result *= np.pi / angles
    return result


def saturated(image: Image, share: float) -> Image:
    """Clips the brightest `share` of what is shown to one value.

    Args:
        image: Any axes.
        share: Of the pixels above the lowest value, 0 to 1.
    """
    values = np.asarray(pixels(image), dtype=np.float64)
    bright = values.mean(-1) if image.channels else values
    shown = bright[bright > bright.min() + 0.02 * np.ptp(bright)]
    top = float(np.quantile(shown, 1.0 - share))
    if not image.channels:
        return with_pixels(image, np.minimum(values, top))
    return with_pixels(image, np.where((bright >= top)[..., None], float(values.max()), values))


def cut_off(image: Image, share: float) -> Image:
    """A field of view that ends within the body: a part of the columns is missing, the picture keeps its shape.

    Args:
        image: Axes (slice, row, column).
        share: Of the columns that hold body (above the middle of the range), by which the body is cut.
    """
    values = np.array(pixels(image))
    held = np.flatnonzero((values > -300).any((0, 1)))
    way = int(held[0] + share * held.size)
    moved = np.full_like(values, values.min())
    moved[..., : values.shape[-1] - way] = values[..., way:]
    return dataclasses.replace(image, data=moved)


def blanked(image: Image, numbers: tuple[int, ...], *, value: float = 0.0) -> Image:
    """Frames or slices, along the first axis, that hold one value.

    Raises:
        InvalidInput: A number beyond the last frame.
    """
    values = np.array(pixels(image))
    if any(not 0 <= n < len(values) for n in numbers):
        raise InvalidInput(f"frames are numbered from 0 to {len(values) - 1}", got=str(numbers))
    values[list(numbers)] = value
    return dataclasses.replace(image, data=values)


def with_spacing(image: Image, factors: tuple[float, ...] | None) -> Image:
    """The image with a wrong size: spacings times `factors`, or no size at all where None.

    Args:
        image: In millimetres.
        factors: One for each spatial axis.
    """
    if factors is None:
        return dataclasses.replace(image, space=dataclasses.replace(image.space, unit="pixel"))
    affine = image.space.affine.copy()
    affine[:-1, :-1] *= np.array(factors)
    return dataclasses.replace(image, space=dataclasses.replace(image.space, affine=affine))


def sheared(image: Image, degrees: float) -> Image:
    """The volume as if its gantry had been tilted: slices are shifted along the columns of pixels.

    Args:
        image: On a grid.
        degrees: Of the tilt.
    """
    affine = image.space.affine.copy()
    down = affine[:-1, 1] / np.linalg.norm(affine[:-1, 1])
    affine[:-1, 0] += np.tan(np.radians(degrees)) * np.linalg.norm(affine[:-1, 0]) * down
    return dataclasses.replace(image, space=dataclasses.replace(image.space, affine=affine))
