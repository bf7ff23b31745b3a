"""What form structures have in pictures: how thick they are, and whether they are ellipses."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from skiagraph.features import moment_ellipse, rasterised

__all__ = ["ellipticity", "thickness"]


def thickness(mask: NDArray[np.bool_]) -> float:
    """How thick a structure is, as a share of its picture's longest side: of a strip the width, of a disc the radius.

    Args:
        mask: Shape (rows, columns).

    Returns:
        Twice the area over the perimeter; 0 of an empty mask. The perimeter is that of lines in any direction, which
        are longer by 4 / pi on the edges of pixels.

    Source: own; the perimeter by Cauchy and Crofton's formula for two directions.
    """
    edges = sum(int(np.count_nonzero(np.diff(mask, axis=axis))) for axis in range(mask.ndim))
    if not edges:
        return 1.0 if mask.any() else 0.0
    return float(2 * mask.sum() / (edges * math.pi / 4) / max(mask.shape))


def ellipticity(mask: NDArray[np.bool_]) -> float:
    """Dice of a mask and the ellipse with its moments: near 1 where it is one; 0 of an empty mask.

    Args:
        mask: Shape (rows, columns).
    """
    ellipse = moment_ellipse(mask)
    if ellipse is None:
        return 0.0
    drawn = rasterised(ellipse, (mask.shape[0], mask.shape[1]))
    return float(2 * np.count_nonzero(drawn & mask) / (np.count_nonzero(drawn) + np.count_nonzero(mask)))
