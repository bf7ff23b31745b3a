"""Adds the noise of a detector: fewer photons, a weaker signal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.random import Generator

from skiagraph.preprocess.step import Picture

__all__ = ["Noise"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Gaussian noise, independent from place to place; of pictures and volumes.

    Args:
        share: Share of the pictures that get some.
        strength: Largest standard deviation, where the picture runs from 0 to 1.
    """

    share: float = 0.5
    strength: float = 0.05

    def sample(self, rng: Generator, shape: tuple[int, ...]) -> Picture | None:
        """The noise, or None."""
        if rng.random() >= self.share:
            return None
        noise: Picture = rng.standard_normal(shape, dtype=np.float32)
        return noise * np.float32(rng.uniform(0.0, self.strength))

    def apply(self, sampled: Picture, picture: Picture) -> Picture:
        """The picture with noise."""
        return picture + sampled

    def apply_to_mask(self, sampled: Picture, mask: Picture) -> Picture:  # noqa: ARG002
        """The mask stays."""
        return mask
