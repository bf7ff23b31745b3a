"""What local descriptors read: the part of a picture around a region, continued by mirroring where the picture ends."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skiagraph.features.feature import Feature
from skiagraph.features.region import Region

__all__ = ["bounding_box", "described", "planes", "unusable", "window"]

Numbers = NDArray[np.float64]
Mask = NDArray[np.bool_]

_LARGEST: Final = 1e100


def unusable(region: Region) -> str:
    """Why a region cannot be described at all; empty where it can."""
    if not region.mask.any():
        return "the mask is empty"
    if not np.isfinite(region.inside).all():
        return "a number in the mask is not finite"
    return "" if _fine(region.inside).all() else "a number in the mask is beyond 1e100"


def _fine(numbers: Numbers) -> Mask:
    """Finite, and small enough for sums of squares."""
    fine: Mask = np.abs(numbers) <= _LARGEST
    return fine


def described(family: str, name: str, answer: float | str, unit: str = "") -> Feature:
    """A feature from its value, or from the reason why it has none."""
    if isinstance(answer, str):
        return Feature(family=family, name=name, value=math.nan, unit=unit, reason=answer)
    return Feature(family=family, name=name, value=answer, unit=unit)


def bounding_box(mask: Mask) -> tuple[slice, ...]:
    """The smallest box that holds a mask, which is not empty."""
    places = np.nonzero(mask)
    return tuple(slice(int(p.min()), int(p.max()) + 1) for p in places)


def window(
    region: Region, margin: Sequence[int], sized: Callable[[int], int] = lambda n: n
) -> tuple[Numbers, Mask]:
    """The bounding box of a usable region, with a margin on all sides.

    Args:
        region: Its mask is not empty.
        margin: Samples before and behind the box, one number an axis.
        sized: From the length that is needed to the length that is wanted, which is no less.

    Returns:
        Numbers and mask of the window. Outside of the picture the picture is mirrored (its edge twice), and nothing is
        in the mask; numbers outside of the mask that are not finite, or beyond 1e100, are the mean of those inside.
    """
    box = bounding_box(region.mask)
    rows, within = [], []
    for side, room, length in zip(box, margin, region.numbers.shape, strict=True):
        places = np.arange(side.start - room, side.start - room + sized(side.stop - side.start + 2 * room))
        mirrored = np.mod(places, 2 * length)
        rows.append(np.minimum(mirrored, 2 * length - 1 - mirrored))
        within.append(places == rows[-1])
    numbers, mask = region.numbers[np.ix_(*rows)], region.mask[np.ix_(*rows)]
    fine = _fine(numbers)
    if not fine.all():
        numbers = np.where(fine, numbers, region.inside.mean())
    for axis, inside in enumerate(within):
        shape = [1] * region.ndim
        shape[axis] = -1
        mask = mask & inside.reshape(shape)
    return numbers, mask


def planes(numbers: Numbers, mask: Mask) -> Iterator[tuple[Numbers, Mask]]:
    """The picture itself, or the slices of a volume along its first axis that hold some of the mask."""
    if numbers.ndim == 2:
        yield numbers, mask
    else:
        yield from ((n, m) for n, m in zip(numbers, mask, strict=True) if m.any())
