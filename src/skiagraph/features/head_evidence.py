"""What an image says for or against a fetal head in the standard plane: 44 numbers, none of them learnt."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from skiagraph.errors import InvalidInput
from skiagraph.features.ring import Ring, around, best_ring, bright_lines, polar

__all__ = ["HEAD_EVIDENCE", "head_evidence"]

HEAD_EVIDENCE: Final = (
    *("score", "rival", "lead", "covered", "twelfth 1", "twelfth 3", "twelfth 5"),  # the ring
    *("size", "ratio", "tilt"),
    *(
        f"grey at {r:.2f}"
        for r in (0.15, 0.3, 0.45, 0.6, 0.75, 0.85, 0.9, 0.95, 1, 1.05, 1.15, 1.3, 1.45, 1.6)
    ),
    *("contrast", "unevenness", "lines within"),
    *("lines", "black", "quarter", "median", "three quarters", "nine tenths", "mean"),  # the whole image
    *(f"power {k}" for k in range(5)),
    *(f"peaks {k}" for k in range(5)),
)
"""Names of the numbers, in order."""

Array = NDArray[np.float64]

_AREA: Final = 64.0 * 96.0  # pixels of the working grid, whatever the shape of the image
_SIDES: Final = ((24, 96), (24, 128))  # least and most (rows, columns) of the working grid
_LEAST: Final = 16  # pixels along a side below which there is nothing to see
_MOST: Final = 1_500_000  # pixels that are looked at
_RADII: Final = np.linspace(0.1, 1.6, 31)  # 1 is the ring
_SHOWN: Final = (
    1,
    4,
    7,
    10,
    13,
    15,
    16,
    17,
    18,
    19,
    21,
    24,
    27,
    30,
)  # of these, each with a number of its own
_BLURS: Final = (0.7, 1.4, 2.8, 5.6, 11.2)  # pixels of the working grid


def head_evidence(picture: NDArray[Any]) -> Array | None:
    """The evidence that one grey image holds; it does not change with brightness, contrast or size.

    Args:
        picture: Grey levels, shape (rows, columns), any unit. What is not finite counts as 0.

    Returns:
        Shape (44,), in the order of `HEAD_EVIDENCE`; None where there is nothing to see: fewer than 16 pixels along a
        side, or one grey level.

    Raises:
        InvalidInput: Not two axes.

    Source: own.
    """
    if picture.ndim != 2:
        raise InvalidInput("evidence of a head is looked for in one grey plane", got=f"shape {picture.shape}")
    grey = _working(picture)
    if grey is None:
        return None
    strength, direction = bright_lines(grey)
    field = strength * direction
    ring = best_ring(np.stack([ndimage.gaussian_filter(part, 0.8) for part in field]))
    return np.concatenate(
        [_of_the_ring(field, ring), _of_the_place(grey, strength, ring), _of_the_image(grey, strength)]
    )


def _working(picture: NDArray[Any]) -> Array | None:
    """The picture without an even border on a grid of about 64 x 96, 0 = dark to 1 = bright."""
    if min(picture.shape) < _LEAST:
        return None
    step = int(np.ceil(np.sqrt(picture.size / _MOST)))
    grey = _stretched(picture[::step, ::step])
    if grey is None:
        return None
    seen = np.abs(grey - grey[0, 0]) > 0.06
    rows, columns = np.flatnonzero(seen.sum(1) > 1), np.flatnonzero(seen.sum(0) > 1)
    if rows.size > 7 and columns.size > 7:
        grey = grey[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    factor = np.sqrt(_AREA / grey.size)
    down, right = (
        _shrink(side, int(np.clip(round(side * factor), least, most)))
        for side, (least, most) in zip(grey.shape, _SIDES, strict=True)
    )
    small = (down @ grey @ right.T).astype(np.float64)
    return np.clip(small / max(float(np.quantile(small, 0.995)), 1e-6), 0.0, 1.0)


def _stretched(picture: NDArray[Any]) -> NDArray[np.float32] | None:
    """From the 0.2 % to the 99.8 % quantile, cut to 0 to 1; None where these are one."""
    if picture.dtype == np.uint8:
        grey = picture.astype(np.float32)
    else:
        wide = np.nan_to_num(picture.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
        largest = float(np.abs(wide).max())
        grey = (wide / largest if largest > 0 else wide).astype(np.float32)
    low, high = np.quantile(grey[:: 1 + grey.shape[0] // 256, :: 1 + grey.shape[1] // 256], (0.002, 0.998))
    if not high > low:
        return None
    stretched: NDArray[np.float32] = np.clip((grey - np.float32(low)) / np.float32(high - low), 0.0, 1.0)
    return stretched


def _shrink(before: int, after: int) -> NDArray[np.float32]:
    """Weights that resample one axis, shape (after, before): triangles as wide as what they average."""
    step = before / after
    place = (np.arange(after) + 0.5) * step - 0.5
    weight = np.clip(1.0 - np.abs(np.arange(before) - place[:, None]) / max(step, 1.0), 0.0, None)
    result: NDArray[np.float32] = (weight / weight.sum(1, keepdims=True)).astype(np.float32)
    return result


def _of_the_ring(field: Array, ring: Ring) -> Array:
    """How well, how evenly and how large a ring is seen, shape (10,)."""
    agree = np.maximum.reduce([around(field, ring, scale) for scale in (0.94, 1.0, 1.06)])
    twelfths = np.sort(agree.reshape(12, -1).mean(1))
    long, short = ring.semi_axes
    return np.array(
        [
            *(ring.score, ring.rival, ring.score - ring.rival, (agree > 0.2).mean(), *twelfths[[0, 2, 4]]),
            *(np.log(short), np.log(long / short), abs(np.sin(ring.tilt))),
        ]
    )


def _of_the_place(grey: Array, strength: Array, ring: Ring) -> Array:
    """What lies within, on and around a ring, shape (17,)."""
    seen = polar(ndimage.gaussian_filter(grey, 0.7), ring, _RADII)
    profile = seen.mean(0)
    radius = _radius(ring, grey.shape)
    within, inner = grey[radius < 0.9], strength[radius < 0.85]
    level = within.mean() if within.size else 0.0
    contrast = np.log((profile[17:20].max() + 0.02) / (level + 0.02))
    lines = inner.mean() if inner.size else 0.0
    return np.array([*profile[list(_SHOWN)], contrast, seen[:, 18].std(), lines])


def _radius(ring: Ring, shape: tuple[int, ...]) -> Array:
    """Distance of each pixel from the centre of a ring, in semi-axes."""
    (y, x), (long, short) = ring.centre, ring.semi_axes
    dy, dx = np.arange(shape[0])[:, None] - y, np.arange(shape[1])[None, :] - x
    c, s = np.cos(ring.tilt), np.sin(ring.tilt)
    result: Array = np.hypot((c * dx + s * dy) / long, (c * dy - s * dx) / short)
    return result


def _of_the_image(grey: Array, strength: Array) -> Array:
    """Grey levels, and how rough and how peaked they are in five bands of frequency, shape (17,)."""
    bands, last = [], grey
    for sigma in _BLURS:
        blurred = ndimage.gaussian_filter(grey, sigma, truncate=3.0)
        bands.append(last - blurred)
        last = blurred
    squares = [band * band for band in bands]
    square, fourth = (np.array([np.mean(s**power) for s in squares]) for power in (1, 2))
    return np.array(
        [
            *(strength.mean(), (grey < 0.03).mean(), *np.quantile(grey, (0.25, 0.5, 0.75, 0.9)), grey.mean()),
            *np.log([band.std() + 1e-3 for band in bands]),
            *np.log(fourth / (square**2 + 1e-12) + 1e-3),
        ]
    )
