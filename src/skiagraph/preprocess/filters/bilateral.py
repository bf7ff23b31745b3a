"""The bilateral filter: a mean that counts neighbours by how near they are, in place and in value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

import numpy as np
import SimpleITK as sitk  # noqa: N813  as all the world calls it
from numpy.typing import NDArray

from skiagraph.image import Image
from skiagraph.preprocess.filters.itk import from_itk, to_itk
from skiagraph.preprocess.filters.still import (
    Numbers,
    Still,
    Unit,
    check_positive,
    check_unit,
    filtered,
    noise_of,
    steps_of,
)

__all__ = ["Bilateral"]

_NOISES: Final = 3.0  # values within about three deviations of the noise belong together


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Bilateral:
    """A Gaussian mean whose weights also fall with the difference in value.

    Args:
        sigma: Standard deviation in place.
        tone: Standard deviation in value, in the unit of the image; None takes three times its estimated noise.
        unit: Of `sigma`: ``"pixel"`` (of the finest axis) or ``"mm"``.

    Source: Tomasi and Manduchi, Bilateral filtering for gray and color images (1998); `SimpleITK.Bilateral`.
    """

    sigma: float = 1.5
    tone: float | None = None
    unit: Unit = "pixel"

    def __post_init__(self) -> None:
        check_positive(sigma=self.sigma, tone=self.tone)
        check_unit(self.unit)

    def __call__(self, image: Image, mask: NDArray[np.bool_] | None = None) -> Image:
        """The image smoothed.

        Raises:
            UnknownSize: A width in mm for an image without a size.
        """
        return filtered(image, self._still, mask)

    def _still(self, still: Still) -> Numbers:
        tone = _NOISES * noise_of(still) if self.tone is None else self.tone
        if tone == 0:
            return still.numbers
        image = to_itk(still.numbers, steps_of(still, self.unit))
        return from_itk(sitk.Bilateral(image, self.sigma, tone, 100))
