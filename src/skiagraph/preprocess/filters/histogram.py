"""Filters that give grey levels a new scale: histogram equalisation, whole and local, and matching to another image."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from skimage import exposure

from skiagraph.errors import InvalidInput
from skiagraph.image import Image, pixels
from skiagraph.preprocess.filters.still import Numbers, Still, check_counts, check_positive, filtered

__all__ = ["Clahe", "Equalise", "Match"]

# Without its decorator, which takes a picture that is 3 or 4 columns wide for one in colour.
_LOCAL: Final[Any] = inspect.unwrap(exposure.equalize_adapthist)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Equalise:
    """Histogram equalisation: all grey levels between the darkest and the brightest become equally frequent.

    With a mask, the histogram is that of the mask. What had a physical unit is a grey level afterwards.

    Args:
        bins: Of the histogram.

    Source: Gonzalez and Woods, Digital image processing, chapter 3; `skimage.exposure.equalize_hist`.
    """

    bins: int = 256

    def __post_init__(self) -> None:
        check_counts(bins=self.bins)

    def __call__(self, image: Image, mask: NDArray[np.bool_] | None = None) -> Image:
        """The image equalised; of colour its luminance."""
        return filtered(image, self._still, mask, luminance=True, keeps_unit=False)

    def _still(self, still: Still) -> Numbers:
        low, span = _range(still)
        level = exposure.equalize_hist(still.numbers, nbins=self.bins, mask=still.wanted)
        lowest = float(level[still.wanted].min())
        return np.asarray(low + span * (level - lowest) / max(1.0 - lowest, np.finfo(np.float64).tiny))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Clahe:
    """Contrast limited adaptive histogram equalisation, between the darkest and the brightest value of the image.

    What had a physical unit is a grey level afterwards.

    Args:
        tiles: Along each axis.
        clip: Share of a tile's pixels, 0 to 1, that one grey level may have before it is cut: more gives more
            contrast and more noise.
        bins: Of the histograms.

    Raises:
        InvalidInput: A parameter that is not positive, or a clip above 1.

    Source: Zuiderveld, Contrast limited adaptive histogram equalization (Graphics Gems IV, 1994);
        `skimage.exposure.equalize_adapthist`.
    """

    tiles: int = 8
    clip: float = 0.01
    bins: int = 256

    def __post_init__(self) -> None:
        check_counts(tiles=self.tiles, bins=self.bins)
        check_positive(clip=self.clip)
        if self.clip > 1:
            raise InvalidInput("clip is a share from 0 to 1", got=str(self.clip))

    def __call__(self, image: Image, mask: NDArray[np.bool_] | None = None) -> Image:
        """The image with more local contrast; of colour its luminance."""
        return filtered(image, self._still, mask, luminance=True, keeps_unit=False)

    def _still(self, still: Still) -> Numbers:
        low, span = float(still.numbers.min()), float(np.ptp(still.numbers))
        kernel = [max(side // self.tiles, 1) for side in still.numbers.shape]
        level = _LOCAL(
            (still.numbers - low) / span, kernel_size=kernel, clip_limit=self.clip, nbins=self.bins
        )
        return np.asarray(low + span * level)


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Match:
    """Histogram matching: the values get the distribution that they have in a reference, channel by channel.

    With a mask, the values of the mask are matched. What had a physical unit is a grey level afterwards.

    Args:
        reference: Has the distribution; as many channels as the image, of any shape.

    Source: Gonzalez and Woods, Digital image processing, chapter 3; `skimage.exposure.match_histograms`.
    """

    reference: Image

    def __call__(self, image: Image, mask: NDArray[np.bool_] | None = None) -> Image:
        """The image with the values of the reference.

        Raises:
            InvalidInput: Another number of channels, or no number in the reference.
        """
        if len(image.channels) != len(self.reference.channels):
            raise InvalidInput(
                "an image and its reference have as many channels",
                got=f"{max(1, len(image.channels))} and {max(1, len(self.reference.channels))}",
            )
        return filtered(image, self._still, mask, keeps_unit=False)

    def _still(self, still: Still) -> Numbers:
        there = pixels(self.reference)
        values = np.asarray(there[..., still.channel] if self.reference.channels else there, dtype=np.float64)
        values = values[np.isfinite(values)]
        if not values.size:
            raise InvalidInput("a reference holds numbers", got="none that is finite")
        result = still.numbers.copy()
        result[still.wanted] = exposure.match_histograms(still.numbers[still.wanted], values)
        return result


def _range(still: Still) -> tuple[float, float]:
    """Lowest wanted value, and how far it is to the highest."""
    inside = still.numbers[still.wanted]
    return float(inside.min()), float(np.ptp(inside))
