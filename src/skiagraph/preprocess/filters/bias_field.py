"""Takes away the slow shading that coils leave in magnetic resonance images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

import numpy as np
import SimpleITK as sitk  # noqa: N813  as all the world calls it
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput
from skiagraph.image import Image
from skiagraph.preprocess.filters.itk import from_itk, to_itk
from skiagraph.preprocess.filters.still import (
    Numbers,
    Still,
    check_counts,
    check_not_negative,
    filtered,
    steps_of,
)

__all__ = ["BiasField"]

_LEAST: Final = 8  # samples along an axis to which a picture may shrink: the splines have four to begin with


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class BiasField:
    """Bias field correction by N4: divides by a smooth field that sharpens the histogram.

    The field is fitted to the mask, or without one to all that is brighter than the threshold of Otsu; it divides
    the whole picture, and the mean of what was fitted is kept.

    Args:
        steps: Most iterations a level.
        levels: How often the mesh of the spline is halved.
        shrink: The field is fitted to a picture that is so many times smaller.

    Source: Tustison et al., N4ITK: improved N3 bias correction (2010); `SimpleITK.N4BiasFieldCorrectionImageFilter`.
    """

    steps: int = 50
    levels: int = 3
    shrink: int = 4

    def __post_init__(self) -> None:
        check_counts(steps=self.steps, levels=self.levels, shrink=self.shrink)

    def __call__(self, image: Image, mask: NDArray[np.bool_] | None = None) -> Image:
        """The image without its shading.

        Raises:
            InvalidInput: Numbers below zero, or an axis of fewer than four samples.
        """
        return filtered(image, self._still, mask)

    def _still(self, still: Still) -> Numbers:
        check_not_negative(still, "a bias field")
        if min(still.numbers.shape) < 4:
            raise InvalidInput(
                "a bias field needs four samples along each axis", got=str(still.numbers.shape)
            )
        image = to_itk(still.numbers.astype(np.float32), steps_of(still))
        inside = to_itk(_fitted(still).astype(np.uint8), steps_of(still))
        factors = [max(1, min(self.shrink, n // _LEAST)) for n in still.numbers.shape[::-1]]
        corrector = sitk.N4BiasFieldCorrectionImageFilter()
        corrector.SetMaximumNumberOfIterations([self.steps] * self.levels)
        corrector.Execute(sitk.Shrink(image, factors), sitk.Shrink(inside, factors))
        field = np.exp(from_itk(corrector.GetLogBiasFieldAsImage(image)))
        corrected = still.numbers / field
        kept = _fitted(still)
        return np.asarray(corrected * (still.numbers[kept].mean() / corrected[kept].mean()))


def _fitted(still: Still) -> NDArray[np.bool_]:
    """The mask that came; where none came, what is bright. Only values above 0 have a logarithm."""
    bright = still.wanted & (still.numbers > 0)
    if not np.array_equal(still.wanted, still.known):
        return bright
    above = from_itk(sitk.OtsuThreshold(to_itk(still.numbers, steps_of(still)), 0, 1)) > 0
    return bright & above
