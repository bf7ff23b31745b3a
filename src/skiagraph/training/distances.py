"""How far each place lies from the edge of each structure, so that a loss can tell a near miss from a far one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["signed_distances"]


def signed_distances(
    masks: NDArray[np.float32], spacing: Sequence[float] | NDArray[np.float64] | None = None
) -> NDArray[np.float32]:
    """The distance of each place from the nearest place on the other side of the edge of a structure.

    Args:
        masks: Shape (structures, spatial...), 0 to 1, inside above one half; NaN is not known, and neither inside nor
            outside.
        spacing: Of the lattice, in mm along each spatial axis; None where no size is known.

    Returns:
        Shape (structures, spatial...), below 0 inside, measured in mm and then divided by the smallest spacing, so that
        a loss has the same weight whatever the unit. 0 where nothing is known, and everywhere for a structure without
        an edge.

    Source: Kervadec et al., Boundary loss for highly unbalanced segmentation (MIDL 2019), section 2.
    """
    steps = np.ones(masks.ndim - 1) if spacing is None else np.asarray(spacing) / np.min(spacing)
    found = np.zeros(masks.shape, np.float32)
    for distance, mask in zip(found, masks, strict=True):
        inside, outside = mask > 0.5, mask <= 0.5
        if inside.any() and outside.any():
            distance[outside] = ndimage.distance_transform_edt(~inside, sampling=steps)[outside]
            distance[inside] = -ndimage.distance_transform_edt(~outside, sampling=steps)[inside]
    return found
