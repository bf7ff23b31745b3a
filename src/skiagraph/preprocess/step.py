"""What a step of augmentation is: it samples its parameters from a generator, then applies them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

__all__ = ["Picture", "Step", "augmented"]

Picture = NDArray[np.float32]


class Step(Protocol):
    """One way in which pictures of the same thing differ. Pictures are (rows, columns), float32, 0 to 1."""

    def sample(self, rng: Generator, shape: tuple[int, int]) -> Any:
        """Draws the parameters of one application; None where the step leaves this picture alone."""
        ...

    def apply(self, sampled: Any, picture: Picture) -> Picture:
        """The picture changed as the parameters say; no chance any more."""
        ...

    def apply_to_mask(self, sampled: Any, mask: Picture) -> Picture:
        """The mask that belongs to the changed picture."""
        ...


def augmented(
    steps: Sequence[Step], rng: Generator, picture: Picture, mask: Picture
) -> tuple[Picture, Picture]:
    """A picture and its mask after all steps in order.

    Args:
        steps: What to do.
        rng: All chance comes from here.
        picture: Shape (rows, columns), float32, 0 to 1.
        mask: Shape (rows, columns), float32, 0 to 1.

    Returns:
        Picture (0 to 1) and mask of the same shape.
    """
    shape = (picture.shape[0], picture.shape[1])
    for step in steps:
        sampled = step.sample(rng, shape)
        if sampled is not None:
            picture, mask = step.apply(sampled, picture), step.apply_to_mask(sampled, mask)
    return np.clip(picture, 0.0, 1.0), mask
