"""Brightens and darkens broad regions: depth gain, shadows, poor contact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.random import Generator
from scipy import ndimage

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
        zoom = [n / k for n, k in zip(picture.shape, sampled.shape, strict=True)]
        field = ndimage.zoom(sampled, zoom, order=1, mode="nearest", grid_mode=True)
        return picture * np.exp(field)

    def apply_to_mask(self, sampled: Picture, mask: Picture) -> Picture:  # noqa: ARG002
        """The mask stays."""
        return mask
