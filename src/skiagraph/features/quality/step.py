"""Motion between slices: a volume in which one slice lies beside its neighbours."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from skiagraph.features.quality.planes import Planes

__all__ = ["largest_step"]

_SIDE: Final = 96  # pixels along a side on which shifts are told
_AROUND: Final = 2  # slices before and after that say what is usual
_LEAST: Final = 6  # slices below which there is no usual


def largest_step(planes: Planes) -> tuple[float, int] | None:
    """The largest sudden shift between neighbouring slices of the first moment, and where it lies.

    Args:
        planes: Of a volume.

    Returns:
        (mm, number of the slice after the shift, from 0); None for fewer than 6 slices or where no size is known.

    Source: Lucas and Kanade, An iterative image registration technique (IJCAI 1981), one shift a pair of slices; the
    comparison with the neighbours is our own.
    """
    if planes.slices < _LEAST or planes.spacing is None:
        return None
    step = -(-max(planes.array.shape[2:4]) // _SIDE)
    small = [_calm(planes.raw(n), step) for n in range(planes.slices)]
    shifts = np.array([_shift(a, b) for a, b in pairwise(small)])
    shifts *= np.array(planes.spacing) * step
    usual = ndimage.median_filter(shifts, size=(2 * _AROUND + 1, 1), mode="nearest")
    sudden = np.linalg.norm(shifts - usual, axis=1)
    where = int(np.argmax(sudden))
    return float(sudden[where]), where + 1


def _calm(plane: NDArray[Any], step: int) -> NDArray[np.float32]:
    """Small, smooth, and cut to its middle values, so that neither noise nor metal leads."""
    grey = np.asarray(plane[::step, ::step], dtype=np.float32)
    grey = np.nan_to_num(grey if grey.ndim == 2 else grey.mean(-1))
    low, high = np.quantile(grey, (0.02, 0.98))
    result: NDArray[np.float32] = ndimage.gaussian_filter(np.clip(grey, low, high), 1.5, truncate=3.0)
    return result


def _shift(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float64]:
    """(rows, columns) in pixels by which the second lies beside the first, refined once."""
    total = np.zeros(2)
    for _ in range(2):
        moved = ndimage.shift(second, -total, order=1, mode="nearest") if total.any() else second
        down, right = np.gradient((first + moved) / 2.0)
        grams = np.array([[np.vdot(down, down), np.vdot(down, right)], [0.0, np.vdot(right, right)]])
        grams[1, 0] = grams[0, 1]
        if np.linalg.det(grams) <= 1e-9 * max(float(np.trace(grams)), 1e-12) ** 2:
            return np.zeros(2)
        change = first - moved
        total += np.linalg.solve(grams, np.array([np.vdot(down, change), np.vdot(right, change)]))
        total = np.clip(total, -20.0, 20.0)
    return total
