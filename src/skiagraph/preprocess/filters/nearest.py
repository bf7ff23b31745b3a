"""K-nearest-neighbour smoothing: the mean of those pixels around a place that are closest to it in value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput
from skiagraph.image import Image
from skiagraph.preprocess.filters.still import (
    Numbers,
    Still,
    Unit,
    check_counts,
    check_positive,
    check_unit,
    filtered,
    window_of,
)

__all__ = ["KNearest"]

_AT_ONCE: Final = 2**21  # numbers of all windows together that are held at a time


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class KNearest:
    """The mean of the `k` pixels of a window that are closest in value to its centre, the centre counted.

    Of pixels that are equally close and of which not all have room among the `k`, each counts in part: the result
    does not depend on the order in which an image lies in memory. Beyond the edge of an image nothing counts; a place
    with fewer neighbours than `k` takes those that it has.

    Args:
        window: Side of the window, odd where it is in pixels.
        k: How many pixels, at most those of the window.
        unit: Of `window`: ``"pixel"`` (of the finest axis) or ``"mm"``.

    Raises:
        InvalidInput: A window that is not positive, or even in pixels; fewer than one pixel.

    Source: Davis and Rosenfeld, Noise cleaning by iterated local averaging (1978); the rule for ties is our own.
    """

    window: float = 3
    k: int = 4
    unit: Unit = "pixel"

    def __post_init__(self) -> None:
        check_counts(k=self.k)
        check_positive(window=self.window)
        check_unit(self.unit)
        if self.unit == "pixel" and self.window % 2 != 1:
            raise InvalidInput("a window in pixels has an odd side", got=str(self.window))

    def __call__(self, image: Image, mask: NDArray[np.bool_] | None = None) -> Image:
        """The image smoothed.

        Raises:
            InvalidInput: The window has fewer than `k` pixels.
            UnknownSize: A window in mm for an image without a size.
        """
        return filtered(image, self._still, mask)

    def _still(self, still: Still) -> Numbers:
        window = window_of(still, self.window, self.unit)
        count = math.prod(window)
        if self.k > count:
            raise InvalidInput(
                "k is at most the number of pixels in the window",
                got=f"k = {self.k} and {' x '.join(map(str, window))} pixels",
                way_out="take a wider window or a smaller k",
            )
        half = [side // 2 for side in window]
        numbers = np.where(still.known, still.numbers, np.inf)
        padded = np.pad(numbers, [(h, h) for h in half], constant_values=np.inf)
        result = np.empty_like(still.numbers)
        rows = max(1, _AT_ONCE // (count * math.prod(numbers.shape[1:])))
        for first in range(0, len(numbers), rows):
            part = slice(first, first + rows)
            around = sliding_window_view(padded[first : first + rows + 2 * half[0]], window)
            result[part] = _nearest_mean(
                around.reshape(*around.shape[: numbers.ndim], -1), numbers[part], self.k
            )
        return result


def _nearest_mean(around: Numbers, centre: Numbers, k: int) -> Numbers:
    """Mean of the `k` values of the last axis closest to the centre; infinite ones are not there.

    Args:
        around: Shape (places..., window).
        centre: Shape (places...); the result is meaningless where it is infinite.
        k: From 1 to the length of the last axis.
    """
    middle = np.where(np.isfinite(centre), centre, 0.0)[..., None]
    away = around - middle
    far = np.abs(away)
    limit = np.partition(far, k - 1, axis=-1)[..., k - 1 : k]
    closer, tied = far < limit, (far == limit) & np.isfinite(limit)
    there = np.count_nonzero(closer, axis=-1)
    ties = np.count_nonzero(tied, axis=-1)
    # Sums of differences from the centre: exact where all are equal, and small beside the values themselves.
    total = np.sum(away, axis=-1, where=closer)
    total += np.sum(away, axis=-1, where=tied) / np.maximum(ties, 1) * np.where(ties > 0, k - there, 0)
    return np.asarray(middle[..., 0] + total / np.where(ties > 0, k, np.maximum(there, 1)))
