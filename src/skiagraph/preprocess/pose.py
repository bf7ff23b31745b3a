"""Turns, scales, shifts and mirrors a volume: the patient lay differently."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage

from skiagraph.preprocess.step import Picture

__all__ = ["Pose"]

Sampled = tuple[NDArray[np.float64] | None, NDArray[np.float64], tuple[int, ...]]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """A random turn about each axis, a scale for all axes and a shift, about the middle; and mirror images.

    Args:
        share: Share of the volumes that are turned, scaled and shifted; it is the slow part.
        turn: Largest angle about each axis, degrees.
        shrink: Largest factor by which things become smaller.
        grow: Largest factor by which things become larger.
        shift: Largest shift, as a share of the side.
        mirror: Axes along which half of the volumes are mirrored.
        thin: Axis of thick slices, which stays what it is; turns are then about it alone. None where there is none.
    """

    share: float = 0.5
    turn: float = 20.0
    shrink: float = 1.2
    grow: float = 1.2
    shift: float = 0.05
    mirror: tuple[int, ...] = ()
    thin: int | None = None

    def sample(self, rng: Generator, shape: tuple[int, ...]) -> Sampled:
        """Linear part from index of the new volume to that of the old (None to stay), offset, and mirrored axes."""
        flipped = tuple(axis for axis in self.mirror if rng.random() < 0.5)
        if rng.random() >= self.share:
            return None, np.zeros(len(shape)), flipped
        scale = math.exp(rng.uniform(-math.log(self.grow), math.log(self.shrink)))
        linear = np.eye(len(shape)) * scale
        for a in range(len(shape)):
            for b in range(a + 1, len(shape)):
                if self.thin in {a, b}:
                    continue
                angle = math.radians(rng.uniform(-self.turn, self.turn))
                turn = np.eye(len(shape))
                turn[[a, a, b, b], [a, b, a, b]] = (
                    math.cos(angle),
                    -math.sin(angle),
                    math.sin(angle),
                    math.cos(angle),
                )
                linear = linear @ turn
        if self.thin is not None:
            linear[self.thin] = np.eye(len(shape))[self.thin]
        middle = (np.array(shape) - 1) / 2
        moved = middle + rng.uniform(-self.shift, self.shift, len(shape)) * np.array(shape)
        return linear, moved - linear @ middle, flipped

    def apply(self, sampled: Sampled, picture: Picture) -> Picture:
        """The volume moved; what comes in from outside is its smallest value."""
        return _moved(sampled, picture, float(picture.min()))

    def apply_to_mask(self, sampled: Sampled, mask: Picture) -> Picture:
        """The mask moved likewise; outside of it is nothing."""
        return _moved(sampled, mask, 0.0)


def _moved(sampled: Sampled, volume: Picture, outside: float) -> Picture:
    linear, offset, flipped = sampled
    if linear is not None:
        volume = ndimage.affine_transform(volume, linear, offset, order=1, mode="constant", cval=outside)
    return np.flip(volume, flipped) if flipped else volume
