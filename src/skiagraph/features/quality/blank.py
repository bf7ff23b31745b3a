"""Blank frames: planes of one value, or of nearly one beside the others of their image."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["blank_planes"]

_FAINT: Final = 0.01  # of the usual range of the planes


def blank_planes(
    low: NDArray[np.float64], high: NDArray[np.float64], *, ends: bool = True
) -> tuple[int, ...]:
    """The numbers of the blank planes, from 0, slices first and moments after.

    A plane is blank when the range of its values is below 1 % of the median range of all planes, or none.

    Args:
        low: The lowest value of each plane, shape (times, slices), NaN where there is none.
        high: The highest, likewise.
        ends: Whether slices at the ends of a volume count. Volumes that were masked or resampled have blank ends by
            right; those of a scanner have not. Moments and single pictures always count.

    Source: own.
    """
    span = np.nan_to_num(high - low, nan=0.0)
    shown = span[span > 0]
    blank = span <= (_FAINT * float(np.median(shown)) if shown.size else 0.0)
    if not ends and blank.shape[1] > 1:
        for moment in blank:
            filled = np.flatnonzero(~moment)
            if filled.size:
                moment[: filled[0]] = moment[filled[-1] + 1 :] = False
    return tuple(int(n) for n in np.flatnonzero(blank.ravel()))
