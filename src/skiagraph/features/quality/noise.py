"""Noise: its standard deviation, in the unit of the image, told from one plane."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skiagraph.features.quality.content import soft_tissue

__all__ = ["noise_of_plane", "noise_of_tissue"]

_TO_SIGMA: Final = 0.674489750196082  # median absolute deviation of a normal variable of deviation 1
_LEAST: Final = 64  # samples below which no noise is told
_WINDOW: Final = 7  # pixels
_WINDOWS: Final = 16  # below which no noise is told


def noise_of_plane(plane: NDArray[Any], shown: NDArray[np.bool_] | None = None) -> float | None:
    """Standard deviation of noise that differs from pixel to pixel, in the unit of the plane.

    The finest diagonal details of a Haar wavelet are noise but for a few edges, which their median does not mind.
    Blocks of 2 x 2 equal pixels (background, clipped) are left out.

    Args:
        plane: Shape (rows, columns).
        shown: Where it is asked for; None for everywhere.

    Returns:
        None where fewer than 64 blocks are left.

    Source: Donoho and Johnstone, Ideal spatial adaptation by wavelet shrinkage, Biometrika 81 (1994), section 4.1.
    """
    rows, columns = (n // 2 * 2 for n in plane.shape)
    even = np.asarray(plane[:rows, :columns], dtype=np.float32)
    a, b, c, d = even[::2, ::2], even[::2, 1::2], even[1::2, ::2], even[1::2, 1::2]
    use = ~((a == b) & (a == c) & (a == d))
    if shown is not None:
        use &= shown[:rows:2, :columns:2] & shown[1:rows:2, 1:columns:2]
    detail = np.abs((a - b - c + d)[use]) / 2.0
    return _median(detail) / _TO_SIGMA if detail.size >= _LEAST else None


def _median(detail: NDArray[np.float32]) -> float:
    """The median; between the steps of half a unit that whole numbers leave, as if they had been rounded."""
    middle = float(np.median(detail))
    if not np.array_equal(detail[:1000] * 2.0, np.rint(detail[:1000] * 2.0)):
        return middle
    below, equal = int((detail < middle).sum()), int((detail == middle).sum())
    low, wide = (middle - 0.25, 0.5) if middle > 0 else (0.0, 0.25)
    return float(low + wide * (0.5 * detail.size - below) / max(1, equal))


def noise_of_tissue(plane: NDArray[Any]) -> float | None:
    """Standard deviation of CT noise in soft tissue, HU, also where neighbours share their noise.

    The mode of the standard deviations in windows of 7 x 7 pixels that lie in soft tissue.

    Args:
        plane: HU, shape (rows, columns).

    Returns:
        None where fewer than 16 windows lie in soft tissue.

    Source: Christianson et al., Automated technique to measure noise in clinical CT examinations, AJR 205 (2015) W93.
    """
    rows, columns = (n // _WINDOW * _WINDOW for n in plane.shape)
    inside = _windows(soft_tissue(plane)[:rows, :columns]).all((1, 3))
    if np.count_nonzero(inside) < _WINDOWS:
        return None
    deviations = _windows(np.asarray(plane[:rows, :columns], dtype=np.float32)).std((1, 3), ddof=1)
    return _mode(deviations[inside])


def _windows(plane: NDArray[Any]) -> NDArray[Any]:
    """The plane cut into windows, shape (windows down, rows of one, windows across, columns of one)."""
    rows, columns = (n // _WINDOW for n in plane.shape)
    return plane.reshape(rows, _WINDOW, columns, _WINDOW)


def _mode(values: NDArray[Any]) -> float:
    """The densest of the values: the middle of the shortest stretch that holds a quarter of them."""
    ordered = np.sort(values)
    width = max(2, ordered.size // 4)
    spans = ordered[width - 1 :] - ordered[: ordered.size - width + 1]
    first = int(np.argmin(spans))
    return float(np.median(ordered[first : first + width]))
