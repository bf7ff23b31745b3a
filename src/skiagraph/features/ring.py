"""The bright elliptical ring that an image shows best, such as a skull in ultrasound; found without any training."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

__all__ = ["Ring", "around", "best_ring", "bright_lines", "polar"]

Array = NDArray[np.float64]

_FRAME: Final = (72, 90)  # half the grid, padded so that no ring reaches round its edge
_SHORT: Final = (6.5, 8.0, 10.0, 12.5, 15.5, 19.0, 23.0, 27.0, 31.0)  # short semi-axes searched, pixels
_RATIOS: Final = (1.05, 1.25, 1.45)  # long over short semi-axis
_TILTS: Final = 8  # directions of the long axis over half a turn
_STARTS: Final = 10  # rings refined
_ROUNDS: Final = 9  # of refinement
_ANGLES: Final = 48  # samples around a ring
_LONGEST: Final = 1.7  # long over short semi-axis, at most
_MOVES: Final = np.concatenate([np.zeros((1, 5)), np.eye(5), -np.eye(5)])
_TURN: Final = np.linspace(0.0, 2.0 * np.pi, _ANGLES, endpoint=False)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """An ellipse on a grid, and how well the image shows it.

    Args:
        centre: (row, column), pixels.
        semi_axes: (long, short), pixels.
        tilt: From the columns towards the rows to the long axis, rad.
        score: Mean agreement of the lines along it, -1 to 1.
        rival: Agreement of the best ring with another centre.
    """

    centre: tuple[float, float]
    semi_axes: tuple[float, float]
    tilt: float
    score: float
    rival: float


def bright_lines(grey: Array) -> tuple[Array, Array]:
    """How much each place lies on a bright line, and across which direction.

    Args:
        grey: Shape (rows, columns), 0 to 1.

    Returns:
        Strength, 0 to 1, shape (rows, columns); and the direction across the line as the (cosine, sine) of twice its
        angle from the columns towards the rows, shape (2, rows, columns).

    Source: own; eigenvalues of the Hessian as in Frangi et al., Multiscale vessel enhancement filtering (MICCAI 1998).
    """
    yy, xx, yx = (ndimage.gaussian_filter(grey, 1.3, order=order) for order in ((2, 0), (0, 2), (1, 1)))
    spread = np.hypot(xx - yy, 2.0 * yx) + 1e-12
    across = np.maximum((spread - xx - yy) / 2.0, 0.0)  # curvature across the line, bright lines only
    along = np.abs(xx + yy + spread) / 2.0
    line = np.maximum(across - along, 0.0)
    local = np.sqrt(ndimage.gaussian_filter(line**2, 8.0)) + 0.25 * np.sqrt(np.mean(line**2)) + 2e-3
    strength: Array = line / (line + local)
    return strength, np.stack([(yy - xx) / spread, -2.0 * yx / spread])


def best_ring(field: Array) -> Ring:
    """The ellipse with which a field of lines agrees most: searched everywhere at half size, then refined.

    Args:
        field: Strength times direction as `bright_lines` gives them, shape (2, rows, columns), at most 96 rows and
            128 columns.

    Returns:
        The ring; on an empty field some ring with score 0.

    Source: own; a Hough transform for ellipses by correlation, in doubled angles so that the sign of a normal is free.
    """
    shapes, templates = _templates()
    rows, columns = field.shape[1] // 2, field.shape[2] // 2
    half = field[:, : 2 * rows, : 2 * columns].reshape(2, rows, 2, columns, 2).mean((2, 4))
    seen = fft.rfft2(half.astype(np.float32), _FRAME)
    product = templates[:, 0] * seen[0]
    product += templates[:, 1] * seen[1]
    maps = fft.irfft(fft.ifft(product, axis=1, overwrite_x=True)[:, :rows], _FRAME[1])[..., :columns]
    flat = maps.reshape(len(shapes), -1)
    first = np.argsort(flat.max(1) * _favour(shapes[:, 1]))[-_STARTS:]
    where = flat[first].argmax(1)
    places = np.stack([where % columns, where // columns], axis=1) * 2.0 + 0.5
    rings, scores = _refined(field, np.concatenate([places, shapes[first]], axis=1))
    best = int((scores * _favour(rings[:, 3])).argmax())
    x, y, long, short, tilt = (float(n) for n in rings[best])
    off = np.hypot(2.0 * np.arange(rows)[:, None] + 0.5 - y, 2.0 * np.arange(columns) + 0.5 - x)
    rival = float(maps[:, off > 0.6 * short].max(initial=0.0))
    return Ring(centre=(y, x), semi_axes=(long, short), tilt=tilt, score=float(scores[best]), rival=rival)


def around(field: Array, ring: Ring, scale: float = 1.0) -> Array:
    """Agreement of a field with a ring at 48 places around it, -1 to 1; 0 outside of the field.

    Args:
        field: As for `best_ring`.
        ring: The ring.
        scale: Makes the ring so much larger first.
    """
    (y, x), (long, short) = ring.centre, ring.semi_axes
    agreement: Array = _agreement(field, np.array([[x, y, long * scale, short * scale, ring.tilt]]))[0]
    return agreement


def polar(grey: Array, ring: Ring, radii: Array) -> Array:
    """What an image shows at 48 places around a ring and at distances from its centre.

    Args:
        grey: Shape (rows, columns).
        ring: The ring.
        radii: In semi-axes: 1 is the ring itself; shape (n,).

    Returns:
        Shape (48, n); 0 outside of the image.
    """
    (y, x), (long, short) = ring.centre, ring.semi_axes
    u, v = long * np.cos(_TURN)[:, None] * radii, short * np.sin(_TURN)[:, None] * radii
    c, s = np.cos(ring.tilt), np.sin(ring.tilt)
    sampled: Array = ndimage.map_coordinates(grey, [y + s * u + c * v, x + c * u - s * v], order=1)
    return sampled


@lru_cache(maxsize=1)
def _templates() -> tuple[Array, NDArray[np.complex64]]:
    """Ellipses that are searched (long, short, tilt), shape (n, 3); conjugate transforms of their doubled normals."""
    shapes = np.array(
        [
            (short * ratio, short, np.pi * tilt / _TILTS)
            for short in _SHORT
            for ratio in _RATIOS
            for tilt in range(1 if ratio < 1.1 else _TILTS)
        ]
    )
    y, x = (np.float32(2.0) * fft.fftfreq(n, 1.0 / n).astype(np.float32) for n in _FRAME)
    return shapes, np.stack([_template(shape, y[:, None], x) for shape in shapes])


def _template(shape: Array, y: NDArray[np.float32], x: NDArray[np.float32]) -> NDArray[np.complex64]:
    long, short, tilt = (float(n) for n in shape)
    c, s = float(np.cos(tilt)), float(np.sin(tilt))
    u, v = (c * x + s * y) / long, (c * y - s * x) / short
    r2 = u * u + v * v + 1e-9
    nx, ny = (
        c * u / long - s * v / short,
        s * u / long + c * v / short,
    )  # gradient of the equation of the ellipse
    n2 = nx * nx + ny * ny + 1e-12
    distance = (r2 - np.sqrt(r2)) / np.sqrt(n2)
    weight = np.exp(-0.5 * (distance / (0.8 + 0.06 * short)) ** 2)
    weight /= weight.sum() * n2
    double = np.stack([(nx * nx - ny * ny) * weight, 2.0 * nx * ny * weight])
    result: NDArray[np.complex64] = np.conj(fft.rfft2(double))
    return result


def _favour(short: Array) -> Array:
    """Weight of a ring by its short semi-axis: a long arc that agrees is rarer than a short one."""
    result: Array = (np.maximum(short, 1.0) / 20.0) ** 0.3
    return result


def _agreement(field: Array, rings: Array) -> Array:
    """Agreement of a field with rings (x, y, long, short, tilt), shape (rings, angles)."""
    x, y, long, short, tilt = (column[:, None] for column in rings.T)
    cos, sin, c, s = np.cos(_TURN), np.sin(_TURN), np.cos(tilt), np.sin(tilt)
    places = np.stack([y + s * long * cos + c * short * sin, x + c * long * cos - s * short * sin])
    nx, ny = c * cos / long - s * sin / short, s * cos / long + c * sin / short
    fx, fy = (ndimage.map_coordinates(part, places, order=1) for part in field)
    result: Array = (fx * (nx * nx - ny * ny) + fy * 2.0 * nx * ny) / (nx * nx + ny * ny)
    return result


def _refined(field: Array, rings: Array) -> tuple[Array, Array]:
    """Moves rings, shape (n, 5), one number at a time to where they agree most; and their scores, shape (n,)."""
    size = rings[:, 3]
    step = np.stack([0.1 * size, 0.1 * size, 0.1 * rings[:, 2], 0.1 * size, np.full(len(rings), 0.2)], axis=1)
    rank = np.arange(len(rings))
    scores: Array = np.zeros(len(rings))
    for _ in range(_ROUNDS):
        trial: NDArray[Any] = rings[:, None] + step[:, None] * _MOVES
        trial[..., 2] = np.clip(trial[..., 2], trial[..., 3], _LONGEST * trial[..., 3])
        agree = _agreement(field, trial.reshape(-1, 5)).reshape(len(rings), -1, _ANGLES).mean(2)
        best = agree.argmax(1)
        rings, scores = trial[rank, best], agree[rank, best]
        step[best == 0] /= 2.0
    return rings, scores
