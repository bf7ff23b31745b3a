"""The threshold that parts a picture into its dark and its bright half."""

from __future__ import annotations

import numpy as np
from skimage.filters import threshold_otsu

from skiagraph.findings import Segmentation
from skiagraph.image import Image
from skiagraph.preprocess.filters.still import Still
from skiagraph.preprocess.regions.selected import segmented

__all__ = ["otsu", "otsu_threshold"]


def otsu_threshold(still: Still) -> float:
    """The value whose two sides vary least within themselves."""
    return float(threshold_otsu(still.numbers[still.known]))


def otsu(image: Image, *, bright: bool = True) -> Segmentation:
    """What is brighter than the threshold of Otsu; of a picture of one value nothing.

    Args:
        image: Still or moving, 2-D or 3-D.
        bright: False takes what is darker, or as dark as the threshold.

    Source: Otsu, A threshold selection method from gray-level histograms (1979); `skimage.filters.threshold_otsu`.
    """
    return segmented(image, lambda still: np.equal(still.numbers > otsu_threshold(still), bright))
