"""Adds speckle, the grain of coherent imaging, and electronic noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.random import Generator

from skiagraph.preprocess.step import Picture

__all__ = ["Speckle"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Speckle:
    """Multiplicative grain of two pixels, and additive noise of one.

    Args:
        grain: Largest standard deviation of the factor.
        noise: Largest standard deviation of what is added.
    """

    grain: float = 0.35
    noise: float = 0.02

    def sample(self, rng: Generator, shape: tuple[int, int]) -> tuple[Picture, Picture]:
        """Both noises, at half and at full resolution."""
        half = (-(-shape[0] // 2), -(-shape[1] // 2))
        grain = rng.standard_normal(half, dtype=np.float32) * np.float32(rng.uniform(0.0, self.grain))
        noise = rng.standard_normal(shape, dtype=np.float32) * np.float32(rng.uniform(0.0, self.noise))
        return grain, noise

    def apply(self, sampled: tuple[Picture, Picture], picture: Picture) -> Picture:
        """The picture with both."""
        grain = np.repeat(np.repeat(sampled[0], 2, 0), 2, 1)[: picture.shape[0], : picture.shape[1]]
        return picture * (1.0 + grain) + sampled[1]

    def apply_to_mask(self, sampled: tuple[Picture, Picture], mask: Picture) -> Picture:  # noqa: ARG002
        """The mask stays."""
        return mask
