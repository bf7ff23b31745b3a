"""Watershed: touching objects are parted where they are narrow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import watershed as flooded

from skiagraph.findings import Segmentation
from skiagraph.image import Image
from skiagraph.preprocess.filters.still import (
    Still,
    Unit,
    check_counts,
    check_positive,
    check_unit,
    sigmas_of,
    steps_of,
    window_of,
)
from skiagraph.preprocess.regions.selected import segmented
from skiagraph.preprocess.regions.threshold import otsu_threshold

__all__ = ["watershed"]


def watershed(
    image: Image, *, apart: float = 7, unit: Unit = "pixel", smallest: int = 16, bright: bool = True
) -> Segmentation:
    """Single objects: the sides of the threshold of Otsu, parted along the watershed of the distance to the edge.

    Args:
        image: Still or moving, 2-D or 3-D.
        apart: How far the middles of two objects lie apart at least.
        unit: Of `apart`: ``"pixel"`` (of the finest axis) or ``"mm"``.
        smallest: Samples of an object; smaller ones are dropped.
        bright: False takes objects that are darker than what is around them.

    Returns:
        Instances, one segment an object, numbered from 1.

    Raises:
        InvalidInput: A parameter that is not positive.
        UnknownSize: A distance in mm for an image without a size.

    Source: Vincent and Soille, Watersheds in digital spaces (1991); `skimage.segmentation.watershed`.
    """
    check_positive(apart=apart)
    check_counts(smallest=smallest)
    check_unit(unit)

    def act(still: Still) -> NDArray[np.int32]:
        smooth = ndimage.gaussian_filter(still.numbers, sigmas_of(still, 1.0, "pixel"))
        inside = np.equal(smooth > otsu_threshold(smooth[still.known]), bright)
        depth = ndimage.distance_transform_edt(inside, sampling=steps_of(still))
        depth = ndimage.gaussian_filter(depth, sigmas_of(still, 1.0, "pixel"))
        size = window_of(still, 2 * apart, unit)
        peaks, _ = ndimage.label(inside & (depth == ndimage.maximum_filter(depth, size=size)))
        labels = flooded(-depth, peaks, mask=inside)
        return _large(np.asarray(labels, dtype=np.int32), smallest)

    return segmented(image, act, kind="instances")


def _large(labels: NDArray[np.int32], smallest: int) -> NDArray[np.int32]:
    """Objects of at least so many samples, numbered without a gap."""
    kept = np.bincount(labels.ravel()) >= smallest
    kept[0] = False
    numbers = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
    return np.asarray(numbers[labels])
