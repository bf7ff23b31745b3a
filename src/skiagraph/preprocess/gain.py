"""Brightens and darkens broad regions: depth gain, shadows, poor contact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.random import Generator

from skiagraph.preprocess.lattice import linear_weights
from skiagraph.preprocess.step import Picture

__all__ = ["Gain"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """A smooth random field that multiplies the picture.

    Args:
        strength: Largest standard deviation of the logarithm of the field.
        knots: Independent values along (rows, columns).
    """

    strength: float = 0.35
    knots: tuple[int, int] = (4, 6)

    def sample(self, rng: Generator, shape: tuple[int, int]) -> Picture:  # noqa: ARG002  one shape of step
        """Logarithm of the field at its knots."""
        field: Picture = rng.normal(0.0, rng.uniform(0.0, self.strength), self.knots).astype(np.float32)
        return field

    def apply(self, sampled: Picture, picture: Picture) -> Picture:
        """The picture times the field."""
        across, along = (
            linear_weights(k, n, (k - 1) / (n - 1), 0.0)
            for k, n in zip(sampled.shape, picture.shape, strict=True)
        )
        return picture * np.exp(across @ sampled @ along.T)

    def apply_to_mask(self, sampled: Picture, mask: Picture) -> Picture:  # noqa: ARG002
        """The mask stays."""
        return mask
