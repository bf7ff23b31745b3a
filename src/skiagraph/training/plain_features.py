"""A few plain numbers of an image's brightness: what a model must at least be better than."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from skiagraph.image import Image, pixels

__all__ = ["FEATURES", "grey_of", "level_of", "plain_features"]

_QUANTILES: Final = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_THUMBNAIL: Final = {2: 8, 3: 4}  # blocks along each axis

FEATURES: Final = (
    "mean, standard deviation, skewness, seven quantiles (1 to 99 %), mean size and standard deviation of the "
    "gradient, logarithm of the number of samples along each axis, and the mean of each of 8 x 8 (volumes: 4 x 4 x 4) "
    "blocks"
)
"""What the numbers are, in words."""


def grey_of(image: Image) -> NDArray[np.float64]:
    """The still grey image: the first frame, the mean of channels, nothing infinite; axes (spatial...)."""
    array = np.asarray(pixels(image), dtype=np.float64)
    if image.space.timeline is not None:
        array = array[0]
    if image.channels:
        array = array.mean(axis=-1)
    return np.nan_to_num(array, nan=0.0, posinf=0.0, neginf=0.0)


def level_of(image: Image) -> NDArray[np.float64]:
    """Brightness as a share of the range from the 0.5th to the 99.5th percentile, 0 to 1; axes (spatial...)."""
    grey = grey_of(image)
    low, high = np.percentile(grey, [0.5, 99.5])
    return np.asarray(((grey - low) / max(high - low, 1e-12)).clip(0, 1))


def plain_features(image: Image) -> NDArray[np.float64]:
    """The numbers of one image, as `FEATURES` lists them: shape (78,) of a plane, (79,) of a volume.

    Source: own; first-order statistics as in Zwanenburg et al., The image biomarker standardisation initiative
        (Radiology 2020), section 3.3.
    """
    grey = grey_of(image)
    mean, spread = float(grey.mean()), float(grey.std())
    skewness = float(((grey - mean) ** 3).mean()) / max(spread, 1e-12) ** 3
    edges = np.sqrt(sum(np.square(g) for g in _gradients(grey)))
    return np.concatenate(
        [
            [mean, spread, skewness],
            np.quantile(grey, _QUANTILES),
            [float(edges.mean()), float(edges.std())],
            np.log(grey.shape),
            _blocks(grey).ravel(),
        ]
    )


def _gradients(grey: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    return [ndimage.correlate1d(grey, [-0.5, 0.0, 0.5], axis=a, mode="nearest") for a in range(grey.ndim)]


def _blocks(grey: NDArray[np.float64]) -> NDArray[Any]:
    """Means of blocks of nearly equal size; short axes repeat their samples."""
    n = _THUMBNAIL[grey.ndim]
    for axis in range(grey.ndim):
        grey = np.repeat(grey, -(-n // grey.shape[axis]), axis=axis) if grey.shape[axis] < n else grey
        starts = np.arange(n) * grey.shape[axis] // n
        counts = np.diff([*starts.tolist(), grey.shape[axis]])
        sums = np.add.reduceat(grey, starts, axis=axis)
        grey = sums / counts.reshape([-1 if a == axis else 1 for a in range(grey.ndim)])
    return grey
