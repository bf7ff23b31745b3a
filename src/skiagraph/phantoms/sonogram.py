"""How a sector probe sees: beams from an apex, echoes blurred to speckle, and the picture that the screen shows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage

from skiagraph.errors import InvalidInput

__all__ = ["Beams", "Sector", "beams_of", "scan_converted", "smooth_noise", "speckled", "to_grey"]

_BEAMS: Final = 512
_DEPTHS: Final = 640
_LOOKS: Final = 3

Array = NDArray[np.float64]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Sector:
    """The field of view of a curved probe, in mm; x to the right of the picture, y down, (0, 0) the first pixel.

    Args:
        apex: (x, y) of the point where all beams would meet, mm.
        near: Distance from the apex to the face of the probe, mm.
        far: Distance from the apex to the deepest echo, mm.
        half_angle: Between the middle beam, which points down, and the outermost, rad.

    Raises:
        InvalidInput: No field of view is left.
    """

    apex: tuple[float, float]
    near: float
    far: float
    half_angle: float

    def __post_init__(self) -> None:
        if not (0 < self.near < self.far and 0 < self.half_angle < math.pi / 2):
            raise InvalidInput(
                "a sector opens downwards from near to far",
                got=f"{self.near:.1f} to {self.far:.1f} mm, {self.half_angle:.2f} rad",
            )


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Beams:
    """The places that a sector samples, arrays of shape (beams, depths).

    Args:
        x: mm to the right.
        y: mm down.
        angle: rad, of each beam, shape (beams, 1); positive to the right.
        step: mm between neighbours along a beam.
        width: mm between neighbouring beams, shape (1, depths).
    """

    x: Array
    y: Array
    angle: Array
    step: float
    width: Array


def beams_of(sector: Sector) -> Beams:
    """Where the samples of a sector lie."""
    angle = np.linspace(-sector.half_angle, sector.half_angle, _BEAMS)[:, None]
    radius = np.linspace(sector.near, sector.far, _DEPTHS)[None, :]
    return Beams(
        x=sector.apex[0] + radius * np.sin(angle),
        y=sector.apex[1] + radius * np.cos(angle),
        angle=angle,
        step=(sector.far - sector.near) / (_DEPTHS - 1),
        width=radius * (2 * sector.half_angle / (_BEAMS - 1)),
    )


def smooth_noise(beams: Beams, rng: Generator, scale: float) -> Array:
    """A random field over the beams that changes over `scale` mm: mean 0, standard deviation 1."""
    across, along = scale / float(beams.width.mean()), scale / beams.step
    # coarse first: a broad blur of a fine lattice would cost seconds and look the same
    coarse = tuple(
        max(2, int(4 * n / max(4.0, s))) for n, s in zip(beams.x.shape, (across, along), strict=True)
    )
    field = ndimage.gaussian_filter(rng.standard_normal(coarse), 1.0)
    zoom = [n / m for n, m in zip(beams.x.shape, coarse, strict=True)]
    grown = ndimage.zoom(field, zoom, order=1, mode="nearest", grid_mode=True)
    result: Array = (grown - grown.mean()) / (grown.std() + 1e-12)
    return result


def speckled(echo_db: Array, beams: Beams, rng: Generator, resolution: tuple[float, float]) -> Array:
    """What the probe hears of diffuse scatterers: their random phases interfere within each resolution cell.

    The answer is compounded of three looks, as machines do to make speckle softer.

    Args:
        echo_db: How strongly each place scatters, dB, shape (beams, depths).
        beams: Where the places lie.
        rng: Draws the scatterers.
        resolution: mm (along, across) the beam, standard deviations of the point spread.

    Returns:
        Amplitude, linear.

    Source: Burckhardt, Speckle in ultrasound B-mode scans (IEEE Trans. Sonics Ultrason. 25, 1978).
    """
    sigma = (resolution[1] / float(beams.width.mean()), resolution[0] / beams.step)
    strength = 10.0 ** (echo_db / 20.0)
    gain = 4.0 * math.pi * sigma[0] * sigma[1]  # keeps the mean power what it was before the blur
    total = np.zeros_like(echo_db)
    for _ in range(_LOOKS):
        parts = [
            ndimage.gaussian_filter(strength * rng.standard_normal(echo_db.shape), sigma) for _ in range(2)
        ]
        total += np.hypot(*parts)
    amplitude: Array = total * math.sqrt(gain / 2.0) / _LOOKS
    return amplitude


def to_grey(amplitude: Array, dynamic_range: float) -> Array:
    """Log compression: 0 dB becomes 255, `dynamic_range` dB below it becomes 0."""
    decibel = 20.0 * np.log10(amplitude + 1e-9)
    grey: Array = 255.0 * np.clip(1.0 + decibel / dynamic_range, 0.0, 1.0)
    return grey


def scan_converted(values: Array, sector: Sector, shape: tuple[int, int], pixel_size: float) -> NDArray[Any]:
    """The picture of what the beams brought: black outside of the sector.

    Args:
        values: Shape (beams, depths).
        sector: Where the beams lie.
        shape: (rows, columns) of the picture.
        pixel_size: mm.

    Returns:
        Shape (rows, columns), the type of `values`.
    """
    y = (np.arange(shape[0]) * pixel_size - sector.apex[1])[:, None]
    x = (np.arange(shape[1]) * pixel_size - sector.apex[0])[None, :]
    angle, radius = np.arctan2(x, y), np.hypot(x, y)
    beam = (angle / sector.half_angle + 1.0) * (values.shape[0] - 1) / 2.0
    depth = (radius - sector.near) / (sector.far - sector.near) * (values.shape[1] - 1)
    picture: NDArray[Any] = ndimage.map_coordinates(values, [beam, depth], order=1, mode="constant", cval=0.0)
    return picture
