"""Where a plane shows something: the object in front of its background, and tissue in CT."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["lung", "object_of", "soft_tissue"]

_TISSUE_HU: Final = (-30.0, 130.0)  # blood, muscle, organs, water; neither fat nor bone
_LUNG_HU: Final = (-950.0, -700.0)
_SMOOTH: Final = 2.0  # pixels
_SIDE: Final = 192  # pixels along the shorter side from which on every second, third... is looked at
_WINDOW: Final = 5  # pixels, of which most must be bright
_OF_BRIGHT: Final = 0.2  # of the 98th percentile, from which a signal belongs to the object


def soft_tissue(plane: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a smoothed CT plane has the values of soft tissue.

    Args:
        plane: HU, shape (rows, columns).

    Source: own.
    """
    return _between(plane, _TISSUE_HU)


def lung(plane: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a smoothed CT plane has the values of aerated lung.

    Args:
        plane: HU, shape (rows, columns).

    Source: own.
    """
    return _between(plane, _LUNG_HU)


def _between(plane: NDArray[Any], ends: tuple[float, float]) -> NDArray[np.bool_]:
    smooth = ndimage.gaussian_filter(np.asarray(plane, dtype=np.float32), _SMOOTH, truncate=2.0)
    result: NDArray[np.bool_] = (smooth > ends[0]) & (smooth < ends[1])
    return result


def object_of(plane: NDArray[Any]) -> NDArray[np.bool_]:
    """The object in a plane with a dark background, holes filled.

    Args:
        plane: Signal, shape (rows, columns).

    Source: own.
    """
    step = max(1, min(plane.shape) // _SIDE)
    small = np.asarray(plane[::step, ::step], dtype=np.float32)
    smooth = ndimage.gaussian_filter(small, 1.0, truncate=2.0)
    low = float(smooth.min())
    bright = smooth > low + _OF_BRIGHT * (float(np.quantile(smooth, 0.98)) - low)
    calm = ndimage.uniform_filter(bright.astype(np.float32), _WINDOW) > 0.5
    filled: NDArray[np.bool_] = ndimage.binary_fill_holes(calm)
    if step == 1:
        return filled
    rows, columns = plane.shape
    return filled.repeat(step, axis=0).repeat(step, axis=1)[:rows, :columns]
