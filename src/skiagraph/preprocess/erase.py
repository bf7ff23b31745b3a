"""Blackens a rectangle or a box: a shadow, an overlay, a burned-in box that was removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from numpy.random import Generator

from skiagraph.preprocess.step import Picture

__all__ = ["Erase"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Erase:
    """A black rectangle somewhere.

    Args:
        share: Share of the pictures that get one.
        largest: Its largest side, as a share of the picture's.
    """

    share: float = 0.3
    largest: float = 0.33

    def sample(self, rng: Generator, shape: tuple[int, ...]) -> tuple[slice, ...] | None:
        """Where, or None."""
        if rng.random() >= self.share:
            return None
        sides = [int(rng.integers(1, max(2, int(n * self.largest)))) for n in shape]
        corner = [int(rng.integers(0, n - side + 1)) for n, side in zip(shape, sides, strict=True)]
        return tuple(slice(c, c + side) for c, side in zip(corner, sides, strict=True))

    def apply(self, sampled: tuple[slice, ...], picture: Picture) -> Picture:
        """The picture with a hole."""
        result = picture.copy()
        result[sampled] = 0.0
        return result

    def apply_to_mask(self, sampled: tuple[slice, ...], mask: Picture) -> Picture:  # noqa: ARG002
        """The mask stays: the structure is there, although it is not seen."""
        return mask
