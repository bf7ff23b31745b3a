"""What form structures have in pictures: how thick they are, and whether they are ellipses."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from skiagraph.features import moment_ellipse, rasterised

__all__ = ["ellipticity", "thickness"]


def thickness(mask: NDArray[np.bool_]) -> float:
    """How thick a structure is, as a share of its image's longest side: of a strip or a sheet its width.

    Args:
        mask: Shape (rows, columns), or that of a volume.

    Returns:
        Twice the area over the perimeter, or the volume over the surface: of a disc the radius, of a ball two thirds of
        it; 0 of an empty mask. Perimeter and surface are those of lines and faces in any direction, which are longer by
        4 / pi on the edges of pixels and by 3 / 2 on the faces of voxels.

    Source: own; Cauchy and Crofton's formula for the directions of the axes.
    """
    edges = sum(int(np.count_nonzero(np.diff(mask, axis=axis))) for axis in range(mask.ndim))
    if not edges:
        return 1.0 if mask.any() else 0.0
    slant = math.pi / 4 if mask.ndim == 2 else 2 / 3
    return float(2 * mask.sum() / (edges * slant) / max(mask.shape))


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
