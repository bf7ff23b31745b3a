"""Non-local means: places whose surroundings look alike are averaged, wherever they lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray
from skimage.restoration import denoise_nl_means

from skiagraph.image import Image
from skiagraph.preprocess.filters.still import (
    Numbers,
    Still,
    by_sheets,
    check_counts,
    check_positive,
    filtered,
    noise_of,
)

__all__ = ["NonLocalMeans"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class NonLocalMeans:
    """A mean over a neighbourhood, weighted by how alike small patches are.

    Volumes whose slices are more than twice as far apart as the pixels in them are filtered slice by slice.

    Args:
        patch: Side of a patch, pixels.
        reach: How far patches are looked for, pixels.
        strength: Times the noise by which patches may differ.
        noise: Standard deviation of the noise, in the unit of the image; None estimates it.

    Source: Buades, Coll and Morel, A non-local algorithm for image denoising (2005), in the fast form of Darbon et al.
        (2008); `skimage.restoration.denoise_nl_means`.
    """

    patch: int = 5
    reach: int = 4
    strength: float = 0.8
    noise: float | None = None

    def __post_init__(self) -> None:
        check_counts(patch=self.patch, reach=self.reach)
        check_positive(strength=self.strength, noise=self.noise)

    def __call__(self, image: Image, mask: NDArray[np.bool_] | None = None) -> Image:
        """The image smoothed."""
        return filtered(image, self._still, mask)

    def _still(self, still: Still) -> Numbers:
        noise = noise_of(still) if self.noise is None else self.noise
        if noise == 0:
            return still.numbers

        def act(numbers: Numbers) -> Numbers:
            # It cannot take an axis of one sample; two equal ones say the same.
            thick = np.pad(numbers, [(0, int(side == 1)) for side in numbers.shape], mode="edge")
            smooth = denoise_nl_means(
                thick,
                patch_size=self.patch,
                patch_distance=self.reach,
                h=self.strength * noise,
                sigma=noise,
                preserve_range=True,
            )
            return np.asarray(smooth[tuple(slice(side) for side in numbers.shape)])

        return by_sheets(still, act)
