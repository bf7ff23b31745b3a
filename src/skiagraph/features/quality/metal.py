"""Metal in CT, and the streaks that it throws over the tissue around it."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from skiagraph.features.quality.planes import Planes

__all__ = ["metal_pixels", "streaks"]

_METAL_HU: Final = 2500.0  # above teeth and cortical bone
_LEAST_MM2: Final = 6.0
_NEAR_MM: Final = 25.0
_TISSUE_HU: Final = (-400.0, 400.0)  # tissue that streaks have darkened or brightened is still counted
_WINDOW: Final = 15  # pixels that say what is usual at a place, of those that are tissue
_HIGH: Final = 0.9  # the quantile of roughness near metal
_NORMAL: Final = 2.4387  # this quantile over the median, where all is normal noise
_DEVIATIONS: Final = 1.6449  # this quantile in deviations
_SAMPLES: Final = 50


def metal_pixels(planes: Planes) -> NDArray[np.intp]:
    """How many pixels of each plane are as dense as metal, shape (planes,)."""
    counts = [
        np.count_nonzero(planes.array[n // planes.slices, n % planes.slices] > _METAL_HU)
        for n in range(len(planes))
    ]
    return np.array(counts, dtype=np.intp)


def streaks(plane: NDArray[Any], pixel: float | None) -> float:
    """How much rougher soft tissue is within 2.5 cm of metal than in the rest of its slice, HU.

    Rough is what differs from the mean of the tissue around it. Noise elsewhere is taken off.

    Args:
        plane: HU, shape (rows, columns).
        pixel: Side of a pixel, mm; None counts as 0.7.

    Returns:
        0 where there is no metal of at least 6 mm2, or no soft tissue near it or elsewhere.

    Source: own.
    """
    side = pixel or 0.7
    values = np.asarray(plane, dtype=np.float32)
    metal = values > _METAL_HU
    if np.count_nonzero(metal) * side * side < _LEAST_MM2:
        return 0.0
    distance = ndimage.distance_transform_edt(~metal)
    distance *= side
    inside = (values > _TISSUE_HU[0]) & (values < _TISSUE_HU[1])
    tissue = ndimage.minimum_filter(inside, 3) & (distance > 2.0 + 2 * side)
    near, far = tissue & (distance < _NEAR_MM), tissue & (distance >= 2 * _NEAR_MM)
    if min(np.count_nonzero(near), np.count_nonzero(far)) < _SAMPLES:
        return 0.0
    share = ndimage.uniform_filter(tissue.astype(np.float32), _WINDOW)
    level = ndimage.uniform_filter(np.where(tissue, values, np.float32(0.0)), _WINDOW)
    rough = np.abs(values - level / np.maximum(share, np.float32(1e-3)))
    excess = (float(np.quantile(rough[near], _HIGH)) - _NORMAL * float(np.median(rough[far]))) / _DEVIATIONS
    return excess if math.isfinite(excess) and excess > 0 else 0.0
