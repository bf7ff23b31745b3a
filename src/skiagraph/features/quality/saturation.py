"""Saturation: how much of what a picture shows stands at the last value that it can take."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["black_share", "white_share"]

_EMPTY: Final = 0.02  # of the range: darker counts as background
_CHANNELS: Final = 2  # red alone stands at its end in most photographs of a retina
_SIDE: Final = 256  # pixels along a side on which black patches are looked for


def white_share(plane: NDArray[Any], highest: float) -> float:
    """Share of the shown pixels that stand at the highest value, 0 to 1; in colour, with two channels there.

    Args:
        plane: Shape (rows, columns[, channels]).
        highest: The highest value of the whole image.

    Source: own.
    """
    lowest = float(plane.min())
    if not highest > lowest:
        return 0.0
    colours = plane if plane.ndim == 3 else plane[..., None]
    top = (colours >= highest).sum(-1) >= min(_CHANNELS, colours.shape[-1])
    shown = np.count_nonzero((colours > lowest + _EMPTY * (highest - lowest)).any(-1))
    return float(np.count_nonzero(top) / shown) if shown else 0.0


def black_share(plane: NDArray[Any], lowest: float) -> float:
    """Share of the picture that stands at the lowest value in patches that do not reach its border, 0 to 1.

    Background and collimation reach the border; lungs of an overexposed film do not.

    Args:
        plane: Shape (rows, columns).
        lowest: The lowest value of the whole image.

    Source: own.
    """
    step = max(1, min(plane.shape) // _SIDE)
    patches, _ = ndimage.label(plane[::step, ::step] <= lowest)
    border = np.concatenate([patches[0], patches[-1], patches[:, 0], patches[:, -1]])
    inside = (patches > 0) & ~np.isin(patches, np.unique(border))
    return float(inside.mean())
