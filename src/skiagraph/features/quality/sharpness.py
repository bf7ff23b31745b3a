"""Blur, by motion or by focus: how little a picture loses when it is blurred once more."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["blur"]

_SIDE: Final = (
    512  # pixels along the shorter side on which blur is told, so that it does not depend on resolution
)
_TAPS: Final = 11
_CALM: Final = 1.0  # pixels: noise finer than this is no sharpness


def blur(plane: NDArray[Any]) -> float:
    """How blurred a picture is along its worse direction, 0 (sharp) to 1.

    Args:
        plane: Grey levels, shape (rows, columns).

    Returns:
        0 also for a picture of one value.

    Source: Crete et al., The blur effect: perception and estimation with a new no-reference perceptual blur metric,
    Proc. SPIE 6492 (2007), on a picture of about 512 pixels a side, its noise calmed first.
    """
    step = max(1, round(min(plane.shape) / _SIDE))
    rows, columns = (n // step * step for n in plane.shape)
    small = np.asarray(plane[:rows, :columns], dtype=np.float32)
    small = small.reshape(rows // step, step, columns // step, step).mean((1, 3))
    calm = ndimage.gaussian_filter(small, _CALM, truncate=3.0)
    return max(_along(calm, axis) for axis in (0, 1))


def _along(plane: NDArray[np.float32], axis: int) -> float:
    softer = ndimage.uniform_filter1d(plane, _TAPS, axis=axis)
    before, after = np.abs(np.diff(plane, axis=axis)), np.abs(np.diff(softer, axis=axis))
    whole = float(before.sum())
    lost = float(np.maximum(before - after, 0.0).sum())
    return 1.0 - lost / whole if whole > 0 else 0.0
