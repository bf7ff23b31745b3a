"""Ghosts of motion in MR: what repeats itself beside the object along one direction and not along the other."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from skiagraph.features.quality.content import object_of

__all__ = ["ghosting"]

_AROUND: Final = 0.03  # of the side: how far from the object its own blur may reach
_LEAST: Final = 0.01  # of the picture: background below which nothing is told
_DETAIL: Final = 0.4  # of the edge of the picture within the object: more shows a detail
_DARK: Final = 0.3  # of the object's signal: a background is darker


def ghosting(plane: NDArray[Any]) -> float | None:
    """Percent signal ghosting: the background along one direction less that along the other, of the object's signal.

    Args:
        plane: Signal, shape (rows, columns), an object before a background.

    Returns:
        Percent; None where one direction has no dark background, as in pictures of a detail.

    Source: American College of Radiology, Phantom Test Guidance for the Large MRI Phantom (2018), section 6, with the
    regions found by the object's own outline.
    """
    inside = object_of(plane)
    edge = np.concatenate([inside[0], inside[-1], inside[:, 0], inside[:, -1]])
    if not inside.any() or float(edge.mean()) > _DETAIL:
        return None
    values = np.asarray(plane, dtype=np.float32)
    reach = max(3, round(_AROUND * max(plane.shape)))
    outside: NDArray[np.bool_] = np.logical_not(ndimage.binary_dilation(inside, iterations=reach))
    beside, above = outside & inside.any(1, keepdims=True), outside & inside.any(0, keepdims=True)
    if min(np.count_nonzero(beside), np.count_nonzero(above)) < _LEAST * plane.size:
        return None
    signal = float(values[inside].mean()) - float(values.min())
    if not signal > 0:
        return None
    if float(np.median(values[outside])) - float(values.min()) > _DARK * signal:
        return None
    return 100.0 * abs(float(values[beside].mean()) - float(values[above].mean())) / (2.0 * signal)
