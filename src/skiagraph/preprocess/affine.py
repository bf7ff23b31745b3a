"""Turns, scales, shifts, shears and flips a picture: the probe was held differently."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image as Pillow

from skiagraph.preprocess.step import Picture

__all__ = ["Affine"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Affine:
    """A random affine map about the middle of the picture.

    Args:
        turn: Largest angle, degrees.
        any_turn: Share of pictures that are turned by any angle instead.
        shrink: Largest factor by which things become smaller.
        grow: Largest factor by which things become larger.
        stretch: Largest factor by which one axis grows against the other.
        shift: Largest shift, as a share of the side.
        shear: Largest shear.
        flip: Whether half of the pictures are mirrored.
    """

    turn: float = 35.0
    any_turn: float = 0.3
    shrink: float = 1.65
    grow: float = 1.4
    stretch: float = 1.12
    shift: float = 0.12
    shear: float = 0.1
    flip: bool = True

    def sample(
        self, rng: Generator, shape: tuple[int, int]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Linear part and offset from index of the new picture to index of the old."""
        turn = 180.0 if rng.random() < self.any_turn else self.turn
        angle = math.radians(rng.uniform(-turn, turn))
        scale = math.exp(rng.uniform(-math.log(self.grow), math.log(self.shrink)))
        stretch = math.exp(rng.uniform(-math.log(self.stretch), math.log(self.stretch)))
        c, s = math.cos(angle), math.sin(angle)
        linear = (
            scale
            * np.array([[c, -s], [s, c]])
            @ np.array([[1.0, rng.uniform(-self.shear, self.shear)], [0, 1]])
        )
        linear = linear @ np.diag([stretch, 1 / stretch])
        if self.flip and rng.random() < 0.5:
            linear = linear @ np.diag([1.0, -1.0])
        middle = (np.array(shape) - 1) / 2
        moved = middle + rng.uniform(-self.shift, self.shift, 2) * np.array(shape)
        return linear, moved - linear @ middle

    def apply(self, sampled: tuple[NDArray[np.float64], NDArray[np.float64]], picture: Picture) -> Picture:
        """The picture moved, black where nothing was."""
        ((rr, rc), (cr, cc)), (r, c) = sampled[0], sampled[1]
        # Pillow counts x before y, and from the corner of a pixel instead of its centre
        way = (cc, cr, c + 0.5 - 0.5 * (cc + cr), rc, rr, r + 0.5 - 0.5 * (rc + rr))
        source = Pillow.fromarray(np.ascontiguousarray(picture, dtype=np.float32))
        moved = source.transform(
            source.size, Pillow.Transform.AFFINE, way, resample=Pillow.Resampling.BILINEAR
        )
        return np.asarray(moved, dtype=np.float32)

    def apply_to_mask(
        self, sampled: tuple[NDArray[np.float64], NDArray[np.float64]], mask: Picture
    ) -> Picture:
        """The mask moved likewise."""
        return self.apply(sampled, mask)
