"""Blurs a picture: another focus, another compression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from numpy.random import Generator
from scipy import ndimage

from skiagraph.preprocess.step import Picture

__all__ = ["Blur"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Blur:
    """A mean over a small square.

    Args:
        share: Share of the pictures that are blurred.
        width: Side of the square, pixels.
    """

    share: float = 0.2
    width: int = 3

    def sample(self, rng: Generator, shape: tuple[int, ...]) -> int | None:  # noqa: ARG002  one shape of step
        """The width, or None."""
        return self.width if rng.random() < self.share else None

    def apply(self, sampled: int, picture: Picture) -> Picture:
        """The picture blurred."""
        result: Picture = ndimage.uniform_filter(picture, sampled)
        return result

    def apply_to_mask(self, sampled: int, mask: Picture) -> Picture:  # noqa: ARG002
        """The mask stays."""
        return mask
