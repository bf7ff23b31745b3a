"""The median of a window: single outliers go, edges stay."""

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
    window_of,
)

__all__ = ["Median"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Median:
    """The median of the window around each place; the edge of the image is repeated beyond it.

    Args:
        window: Its side; an odd number of samples is taken along each axis.
        unit: Of `window`: ``"pixel"`` (of the finest axis) or ``"mm"``.

    Source: Tukey, Exploratory data analysis (1977); `scipy.ndimage.median_filter`.
    """

    window: float = 3
    unit: Unit = "pixel"

    def __post_init__(self) -> None:
        check_positive(window=self.window)
        check_unit(self.unit)

    def __call__(self, image: Image, mask: NDArray[np.bool_] | None = None) -> Image:
        """The image smoothed.

        Raises:
            UnknownSize: A window in mm for an image without a size.
        """
        return filtered(image, self._still, mask)

    def _still(self, still: Still) -> Numbers:
        size = window_of(still, self.window, self.unit)
        return np.asarray(ndimage.median_filter(still.numbers, size=size, mode="nearest"))
