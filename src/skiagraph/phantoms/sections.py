"""Plain pictures of the common kinds, drawn by chance from simple shapes: what the checks of quality are tried on."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage

from skiagraph.geometry import Grid, Plane, derived_frame
from skiagraph.image import Image
from skiagraph.image.quantity import COLOUR, GREY, HU, SIGNAL
from skiagraph.values import array_digest

__all__ = ["chest_film", "chest_sections", "fundus", "head_sections"]

Array = NDArray[np.float64]

_CT_MM: Final = 0.8
_MR_MM: Final = 1.0


class _Canvas:
    """A square whose places run from -1 to 1, (x, y), x to the right and y down."""

    def __init__(self, side: int) -> None:
        line = (np.arange(side) + 0.5) / side * 2.0 - 1.0
        self.x, self.y = line[None, :], line[:, None]
        self.step = 2.0 / side

    def ellipse(
        self, centre: tuple[float, float], semi: tuple[float, float], angle: float = 0.0
    ) -> NDArray[np.bool_]:
        c, s = np.cos(angle), np.sin(angle)
        dx, dy = self.x - centre[0], self.y - centre[1]
        inside: NDArray[np.bool_] = ((c * dx + s * dy) / semi[0]) ** 2 + (
            (c * dy - s * dx) / semi[1]
        ) ** 2 <= 1.0
        return inside


def _texture(rng: Generator, shape: tuple[int, ...], scale: float) -> Array:
    """Smooth chance: mean 0, deviation 1, changing over `scale` pixels."""
    small = tuple(max(2, int(np.ceil(n / scale)) + 2) for n in shape)
    grown = ndimage.zoom(
        rng.standard_normal(small), [n / m for n, m in zip(shape, small, strict=True)], order=3
    )
    field: Array = (grown - grown.mean()) / (grown.std() + 1e-12)
    return field


def chest_sections(rng: Generator, *, slices: int = 8, side: int = 512, noise: float | None = None) -> Image:
    """A chest in CT: int16 HU, axes (slice, row, column), 0.8 mm pixels and 3 mm slices where `side` is 512.

    Args:
        rng: Chance.
        slices: How many.
        side: Rows and columns.
        noise: Standard deviation in HU; None draws 6 to 22.
    """
    canvas = _Canvas(side)
    wide, high = rng.uniform(0.66, 0.82), rng.uniform(0.46, 0.58)
    middle = (rng.uniform(-0.05, 0.05), rng.uniform(-0.05, 0.05))
    sigma = rng.uniform(6.0, 22.0) if noise is None else noise
    drawn = np.empty((slices, side, side), np.int16)
    organs, lungs = _texture(rng, (side, side), side / 12), _texture(rng, (side, side), side / 60)
    for n in range(slices):
        size = 1.0 - 0.03 * abs(n / max(1, slices - 1) - 0.5)
        plane = _chest(canvas, middle, (wide * size, high * size), organs, lungs)
        plane = ndimage.gaussian_filter(plane, 0.8)
        grain = ndimage.gaussian_filter(rng.standard_normal((side, side)), 0.6)
        drawn[n] = np.rint(plane + sigma * grain / grain.std()).clip(-1024, 3071)
    pixel = _CT_MM * 512 / side
    affine = np.array([[0, 0, pixel, 0], [0, pixel, 0, 0], [3.0, 0, 0, 0], [0, 0, 0, 1.0]])
    affine[:2, 3] = -pixel * side / 2
    return Image(data=drawn, space=_grid(drawn, affine), quantity=HU, modality="CT")


def _chest(
    canvas: _Canvas, middle: tuple[float, float], semi: tuple[float, float], organs: Array, lungs: Array
) -> Array:
    """One slice without noise, HU."""
    (x, y), (a, b) = middle, semi
    plane = np.full(organs.shape, -1000.0)
    plane[canvas.ellipse((x, y + b * 1.35), (a * 1.2, 0.02))] = -100.0  # the table
    plane[canvas.ellipse(middle, semi)] = -100.0
    muscle = canvas.ellipse(middle, (a * 0.93, b * 0.9))
    plane[muscle] = 45.0 + 8.0 * organs[muscle]
    for side in (-1, 1):
        lung = canvas.ellipse((x + side * a * 0.45, y - b * 0.05), (a * 0.36, b * 0.68), 0.1 * side)
        plane[lung] = -850.0 + 40.0 * lungs[lung]
        for k in range(5):  # vessels
            place = (x + side * a * (0.25 + 0.09 * k), y + b * 0.4 * np.sin(2.3 * k + side))
            plane[canvas.ellipse(place, (0.012, 0.012))] = 40.0
        for k in range(6):  # ribs
            turn = 0.5 * k - 1.2
            place = (x + side * a * 0.86 * np.cos(turn), y + b * 0.8 * np.sin(turn))
            plane[canvas.ellipse(place, (0.015, 0.05), side * (0.3 + turn))] = 450.0
    heart = canvas.ellipse((x + 0.05, y - b * 0.2), (a * 0.26, b * 0.38), 0.5)
    plane[heart] = 50.0 + 6.0 * organs[heart]
    plane[canvas.ellipse((x, y + b * 0.55), (0.09, 0.08))] = 600.0
    plane[canvas.ellipse((x, y + b * 0.55), (0.07, 0.06))] = 220.0
    plane[canvas.ellipse((x, y + b * 0.8), (0.02, 0.06))] = 500.0
    return plane


def head_sections(rng: Generator, *, slices: int = 8, side: int = 256, noise: float | None = None) -> Image:
    """A head in MR, T1 weighted: uint16 signal of magnitude, axes (slice, row, column), 1 mm pixels, 3 mm slices.

    Args:
        rng: Chance.
        slices: How many.
        side: Rows and columns.
        noise: Standard deviation of each of the two parts of the complex signal; None draws 5 to 22 where brain is 500.
    """
    canvas = _Canvas(side)
    middle = (rng.uniform(-0.05, 0.05), rng.uniform(-0.05, 0.05))
    wide, high = rng.uniform(0.52, 0.62), rng.uniform(0.66, 0.78)
    sigma = rng.uniform(5.0, 22.0) if noise is None else noise
    folds, bias = _texture(rng, (side, side), side / 40), _texture(rng, (side, side), side / 2)
    drawn = np.empty((slices, side, side), np.uint16)
    for n in range(slices):
        size = 1.0 - 0.05 * abs(n / max(1, slices - 1) - 0.5)
        plane = _head(canvas, middle, (wide * size, high * size), folds) * (1.0 + 0.08 * bias)
        plane = ndimage.gaussian_filter(plane, 0.7)
        parts = plane + sigma * (rng.standard_normal((side, side)) + 1j * rng.standard_normal((side, side)))
        drawn[n] = np.rint(np.abs(parts))
    affine = np.array([[0, 0, _MR_MM, 0], [0, _MR_MM, 0, 0], [3.0, 0, 0, 0], [0, 0, 0, 1.0]])
    affine[:2, 3] = -_MR_MM * side / 2
    return Image(data=drawn, space=_grid(drawn, affine), quantity=SIGNAL, modality="MR")


def _head(canvas: _Canvas, middle: tuple[float, float], semi: tuple[float, float], folds: Array) -> Array:
    (x, y), (a, b) = middle, semi
    plane = np.zeros(folds.shape)
    plane[canvas.ellipse(middle, semi)] = 900.0
    plane[canvas.ellipse(middle, (a * 0.95, b * 0.96))] = 60.0
    brain = canvas.ellipse(middle, (a * 0.88, b * 0.9))
    plane[brain] = np.where(folds[brain] > 0.2, 620.0, 480.0)
    plane[brain & (np.abs(folds) < 0.04)] = 200.0
    for side in (-1, 1):
        plane[canvas.ellipse((x + side * 0.08, y - 0.05), (0.045, 0.2), 0.25 * side)] = 170.0
    return plane


def chest_film(rng: Generator, *, shape: tuple[int, int] = (512, 640), noise: float | None = None) -> Image:
    """A chest film: uint16 of 12 bits, bright is dense, 0.6 mm pixels.

    Args:
        rng: Chance.
        shape: (rows, columns).
        noise: Standard deviation; None draws 15 to 50 where tissue is about 2500.
    """
    canvas = _Canvas(max(shape))
    x = rng.uniform(-0.05, 0.05)
    plane = 2500.0 + 120.0 * _texture(rng, (max(shape),) * 2, max(shape) / 6)
    for side in (-1, 1):
        lung = canvas.ellipse(
            (x + side * 0.36, -0.05), (rng.uniform(0.24, 0.3), rng.uniform(0.5, 0.6)), 0.08 * side
        )
        plane[lung] -= 1400.0
        for k in range(9):
            turn = canvas.y - (-0.55 + 0.13 * k) - 0.35 * (canvas.x - x) ** 2
            plane[
                (np.abs(turn) < 0.018) & (np.sign(canvas.x - x) == side) & (np.abs(canvas.x - x) < 0.72)
            ] += 260.0
    plane[canvas.ellipse((x + 0.1, 0.25), (0.24, 0.22), 0.5)] += 600.0
    plane[np.broadcast_to(np.abs(canvas.x - x) < 0.05, plane.shape)] += 500.0
    sharp = ndimage.gaussian_filter(plane, 0.8)[: shape[0], : shape[1]]
    sigma = rng.uniform(15.0, 50.0) if noise is None else noise
    values = np.rint(sharp + sigma * rng.standard_normal(shape)).clip(0, 4095).astype(np.uint16)
    space = Plane.upright(shape=shape, spacing=(0.6, 0.6), frame=derived_frame(array_digest(values)))
    return Image(data=values, space=space, quantity=GREY, modality="DX")


def fundus(rng: Generator, *, side: int = 640, noise: float | None = None) -> Image:
    """A retina as a colour photograph: uint8, axes (row, column, channel), without a size.

    Args:
        rng: Chance.
        side: Rows and columns.
        noise: Standard deviation in grey levels; None draws 1 to 3.
    """
    canvas = _Canvas(side)
    disc = (rng.uniform(0.25, 0.45) * rng.choice([-1, 1]), rng.uniform(-0.1, 0.1))
    eye = canvas.ellipse((0.0, 0.0), (0.94, 0.94))
    shade = 1.0 + 0.06 * _texture(rng, (side, side), side / 8) - 0.25 * (canvas.x**2 + canvas.y**2)
    shade = shade + 0.03 * _texture(rng, (side, side), 3.0)
    shade[canvas.ellipse(disc, (0.13, 0.15))] *= 1.4
    shade[_vessels(rng, canvas, disc, side)] *= 0.6
    shade = ndimage.gaussian_filter(shade * eye, 0.8)
    sigma = rng.uniform(1.0, 3.0) if noise is None else noise
    picture = shade[..., None] * np.array([150.0, 85.0, 45.0]) + sigma * rng.standard_normal((side, side, 3))
    values = np.where(eye[..., None], np.rint(picture).clip(0, 255), 0).astype(np.uint8)
    space = Plane.upright(shape=(side, side), spacing=None, frame=derived_frame(array_digest(values)))
    return Image(data=values, space=space, quantity=COLOUR, channels=("red", "green", "blue"), modality="OP")


def _vessels(rng: Generator, canvas: _Canvas, disc: tuple[float, float], side: int) -> NDArray[np.bool_]:
    """Fourteen lines that wander away from the disc, each of a width of its own."""
    drawn = np.zeros((side, side), np.bool_)
    for _ in range(14):
        turns = rng.uniform(0.0, 2.0 * np.pi) + np.cumsum(rng.normal(0.0, 0.05, 180))
        line = np.zeros_like(drawn)
        for place in (
            np.cumsum(0.0067 * np.stack([np.sin(turns), np.cos(turns)], axis=1), axis=0) + disc[::-1]
        ):
            row, column = (int((p + 1.0) / canvas.step) for p in place)
            if 0 <= row < side and 0 <= column < side:
                line[row, column] = True
        drawn |= ndimage.distance_transform_edt(~line) * canvas.step <= rng.uniform(0.008, 0.018)
    return drawn


def _grid(values: NDArray[Any], affine: Array) -> Grid:
    first, second, third = values.shape
    return Grid(shape=(first, second, third), affine=affine, frame=derived_frame(array_digest(values)))
