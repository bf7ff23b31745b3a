"""Changes grey curve and brightness: another machine, another preset."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

from numpy.random import Generator

from skiagraph.preprocess.step import Picture

__all__ = ["Gamma"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Gamma:
    """``picture ** gamma * brightness``.

    Args:
        gamma: Largest exponent, and one over the smallest.
        brightness: Largest factor, and one over the smallest; what exceeds white is clipped.
    """

    gamma: float = 1.5
    brightness: float = 1.4

    def sample(self, rng: Generator, shape: tuple[int, ...]) -> tuple[float, float]:  # noqa: ARG002  one shape of step
        """Exponent and factor."""
        g, b = math.log(self.gamma), math.log(self.brightness)
        return math.exp(rng.uniform(-g, g)), math.exp(rng.uniform(-b, b))

    def apply(self, sampled: tuple[float, float], picture: Picture) -> Picture:
        """The picture with another curve."""
        return (picture ** sampled[0] * sampled[1]).clip(0.0, 1.0)

    def apply_to_mask(self, sampled: tuple[float, float], mask: Picture) -> Picture:  # noqa: ARG002
        """The mask stays."""
        return mask
