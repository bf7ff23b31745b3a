"""Total variation: the picture with the fewest ups and downs that is still close to the one measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray
from skimage.restoration import denoise_tv_chambolle

from skiagraph.image import Image
from skiagraph.preprocess.filters.still import Numbers, Still, by_sheets, check_positive, filtered, noise_of

__all__ = ["TotalVariation"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TotalVariation:
    """Denoising by total variation; the mean is kept.

    Volumes whose slices are more than twice as far apart as the pixels in them are filtered slice by slice.

    Args:
        weight: How much smoothness counts, in the unit of the image; None takes its estimated noise.

    Source: Rudin, Osher and Fatemi (1992), solved as in Chambolle, An algorithm for total
        variation minimization (2004);
        `skimage.restoration.denoise_tv_chambolle`.
    """

    weight: float | None = None

    def __post_init__(self) -> None:
        check_positive(weight=self.weight)

    def __call__(self, image: Image, mask: NDArray[np.bool_] | None = None) -> Image:
        """The image smoothed."""
        return filtered(image, self._still, mask)

    def _still(self, still: Still) -> Numbers:
        weight = noise_of(still) if self.weight is None else self.weight
        if weight == 0:
            return still.numbers
        return by_sheets(still, lambda numbers: np.asarray(denoise_tv_chambolle(numbers, weight=weight)))
