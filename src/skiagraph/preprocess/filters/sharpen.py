"""Unsharp mask: what a blur takes away is added once more."""

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
    check_positive,
    check_unit,
    filtered,
    sigmas_of,
)

__all__ = ["Sharpen"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Sharpen:
    """``image + amount * (image - blurred)``; values beyond the range of a whole-number type are clipped.

    Args:
        sigma: Standard deviation of the blur.
        amount: How much is added.
        unit: Of `sigma`: ``"pixel"`` (of the finest axis) or ``"mm"``.

    Source: Gonzalez and Woods, Digital image processing, chapter 3; as `skimage.filters.unsharp_mask`.
    """

    sigma: float = 1.0
    amount: float = 1.0
    unit: Unit = "pixel"

    def __post_init__(self) -> None:
        check_positive(sigma=self.sigma, amount=self.amount)
        check_unit(self.unit)

    def __call__(self, image: Image, mask: NDArray[np.bool_] | None = None) -> Image:
        """The image sharpened; of colour its luminance.

        Raises:
            UnknownSize: A width in mm for an image without a size.
        """
        return filtered(image, self._still, mask, luminance=True)

    def _still(self, still: Still) -> Numbers:
        blurred = ndimage.gaussian_filter(
            still.numbers, sigmas_of(still, self.sigma, self.unit), mode="reflect"
        )
        return np.asarray(still.numbers + self.amount * (still.numbers - blurred))
