"""Grey levels: numbers of a region put into bins, a fixed number of them or each of a fixed size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput

__all__ = ["DEFAULT", "Levels", "levels_of"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """How numbers become grey levels 1, 2, 3 ...; give either `bins` or `width`.

    Args:
        bins: Number of bins between the lowest and the highest number of the region; for numbers without a scale of
            their own, such as those of MRI and ultrasound.
        width: Size of a bin, in the unit of the numbers; for calibrated numbers, such as Hounsfield units. The first
            bin begins at the lower end of `within`, or at the lowest number of the region where there is none.
        within: Lowest and highest number that still belong to the region (re-segmentation), both included; None keeps
            all. An end may be infinite.

    Raises:
        InvalidInput: Both or neither of `bins` and `width`, fewer than 2 bins, a width that is not positive, or a
            range that ends before it begins.

    Source: IBSI reference manual, sections 2.6 (re-segmentation) and 2.7 (discretisation: fixed bin number, fixed
        bin size).
    """

    bins: int | None = None
    width: float | None = None
    within: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if (self.bins is None) == (self.width is None):
            raise InvalidInput(
                "grey levels have a number of bins or a width", got=f"{self.bins} and {self.width}"
            )
        if self.bins is not None and self.bins < 2:
            raise InvalidInput("grey levels have at least 2 bins", got=str(self.bins))
        if self.width is not None and not 0 < self.width < np.inf:
            raise InvalidInput("the width of a bin is a positive number", got=str(self.width))
        if self.within is not None and not self.within[0] < self.within[1]:
            raise InvalidInput("a range begins below its end", got=str(self.within))


DEFAULT: Final = Levels(bins=32)


def levels_of(numbers: NDArray[np.float64], levels: Levels) -> NDArray[np.float64]:
    """Grey levels of the numbers of a region, whole numbers from 1 on.

    Args:
        numbers: Shape (places,), finite, at least one, all of them in ``levels.within``.
        levels: How to put them into bins.

    Returns:
        Shape (places,); float64, since a narrow bin may give more levels than an integer holds.
    """
    lowest, highest = float(numbers.min()), float(numbers.max())
    if levels.width is not None:
        begin = lowest if levels.within is None or np.isinf(levels.within[0]) else levels.within[0]
        with np.errstate(over="ignore"):
            return np.floor((numbers - begin) / levels.width) + 1
    bins = float(levels.bins or 0)
    if lowest == highest:
        return np.ones_like(numbers)
    grey: NDArray[np.float64] = np.floor(bins * (numbers - lowest) / (highest - lowest)) + 1
    return np.minimum(grey, bins)
