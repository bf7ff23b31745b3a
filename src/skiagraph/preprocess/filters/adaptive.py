"""Filters that smooth by how much a place varies beside its noise: Wiener for noise that adds, Lee for speckle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from skiagraph.image import Image
from skiagraph.preprocess.filters.still import (
    Numbers,
    Still,
    Unit,
    check_not_negative,
    check_positive,
    check_unit,
    filtered,
    noise_of,
    window_of,
)

__all__ = ["Lee", "Wiener", "speckle_of"]


def _local_statistics(numbers: Numbers, size: tuple[int, ...]) -> tuple[Numbers, Numbers]:
    """Mean and variance of the window around each place, the edge repeated beyond the image."""
    level = numbers.mean()
    away = numbers - level  # the difference of two large squares would lose the small variance between them
    mean = ndimage.uniform_filter(away, size, mode="nearest")
    square = ndimage.uniform_filter(away * away, size, mode="nearest")
    return np.asarray(mean + level), np.maximum(square - mean * mean, 0.0)


def speckle_of(still: Still, window: float, unit: Unit = "pixel") -> float:
    """Deviation over mean of the usual window of a picture: of speckle alone, where most of it is even tissue."""
    mean, variance = _local_statistics(still.numbers, window_of(still, window, unit))
    return _usual(np.divide(variance, mean**2, out=np.zeros_like(mean), where=mean > 0), still)


def _usual(squared: Numbers, still: Still) -> float:
    varied = squared[still.wanted & (squared > 0)]
    return float(np.sqrt(np.median(varied))) if varied.size else 0.0


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Wiener:
    """Keeps of each difference from the local mean the share of the local variance that is not noise.

    Args:
        window: Side of the window.
        noise: Standard deviation of the noise, in the unit of the image; None estimates it.
        unit: Of `window`: ``"pixel"`` (of the finest axis) or ``"mm"``.

    Source: Lim, Two-dimensional signal and image processing (1990), page 548, as `scipy.signal.wiener`, which
        takes zeros beyond the edge where this repeats it.
    """

    window: float = 5
    noise: float | None = None
    unit: Unit = "pixel"

    def __post_init__(self) -> None:
        check_positive(window=self.window, noise=self.noise)
        check_unit(self.unit)

    def __call__(self, image: Image, mask: NDArray[np.bool_] | None = None) -> Image:
        """The image smoothed.

        Raises:
            UnknownSize: A window in mm for an image without a size.
        """
        return filtered(image, self._still, mask)

    def _still(self, still: Still) -> Numbers:
        noise = noise_of(still) if self.noise is None else self.noise
        mean, variance = _local_statistics(still.numbers, window_of(still, self.window, self.unit))
        kept = 1.0 - noise**2 / np.maximum(variance, max(noise**2, np.finfo(np.float64).tiny))
        return np.asarray(mean + kept * (still.numbers - mean))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Lee:
    """Speckle filter: the local mean, and of each difference from it ``1 - (Cu / Ci)^2``.

    Ci is deviation over mean of the window, Cu that of speckle alone.

    Args:
        window: Side of the window.
        speckle: Cu, deviation over mean where tissue is even: 0.52 in amplitudes of one look, less after compression;
            None takes the median of the image's windows.
        unit: Of `window`: ``"pixel"`` (of the finest axis) or ``"mm"``.

    Source: Lee, Digital image enhancement and noise filtering by use of local statistics (1980), in the form of Lopes,
        Touzi and Nezry (1990).
    """

    window: float = 7
    speckle: float | None = None
    unit: Unit = "pixel"

    def __post_init__(self) -> None:
        check_positive(window=self.window, speckle=self.speckle)
        check_unit(self.unit)

    def __call__(self, image: Image, mask: NDArray[np.bool_] | None = None) -> Image:
        """The image smoothed.

        Raises:
            InvalidInput: Numbers below zero.
            UnknownSize: A window in mm for an image without a size.
        """
        return filtered(image, self._still, mask)

    def _still(self, still: Still) -> Numbers:
        check_not_negative(still, "speckle")
        mean, variance = _local_statistics(still.numbers, window_of(still, self.window, self.unit))
        squared = np.divide(variance, mean**2, out=np.zeros_like(mean), where=mean > 0)
        speckle = _usual(squared, still) if self.speckle is None else self.speckle
        kept = np.divide(speckle**2, squared, out=np.ones_like(mean), where=squared > 0)
        return np.asarray(mean + np.maximum(0.0, 1.0 - kept) * (still.numbers - mean))
