"""The threshold that parts a picture into its dark and its bright half."""

from __future__ import annotations

from typing import Final

import numpy as np
from skimage.filters import threshold_otsu

from skiagraph.findings import Segmentation
from skiagraph.image import Image
from skiagraph.preprocess.filters.still import Numbers
from skiagraph.preprocess.regions.selected import segmented

__all__ = ["otsu", "otsu_threshold"]

_EXACT: Final = 2**16  # whole numbers of a wider range than that are counted in bins


def otsu_threshold(numbers: Numbers) -> float:
    """The value whose two sides vary least within themselves; of whole numbers exactly, else to one of 256 bins."""
    if np.ptp(numbers) < _EXACT and np.array_equal(numbers, np.rint(numbers)):
        return float(threshold_otsu(numbers.astype(np.int64)))
    return float(threshold_otsu(numbers))


def otsu(image: Image, *, bright: bool = True) -> Segmentation:
    """What is brighter than the threshold of Otsu; of a picture of one value nothing.

    Args:
        image: Still or moving, 2-D or 3-D.
        bright: False takes what is darker, or as dark as the threshold.

    Source: Otsu, A threshold selection method from gray-level histograms (1979); `skimage.filters.threshold_otsu`.
    """
    return segmented(
        image, lambda still: np.equal(still.numbers > otsu_threshold(still.numbers[still.known]), bright)
    )
