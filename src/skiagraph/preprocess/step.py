"""What a step of augmentation is: it samples its parameters from a generator, then applies them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

__all__ = ["Picture", "Step", "augmented", "augmented_stack"]

Picture = NDArray[np.float32]


class Step(Protocol):
    """One way in which pictures of the same thing differ.

    Pictures are (rows, columns), or for the steps that take volumes any spatial axes; float32, 0 to 1.
    """

    def sample(self, rng: Generator, shape: Any) -> Any:
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
    pictures, masks = augmented_stack(steps, rng, picture[None], mask[None])
    return pictures[0], masks[0]


def augmented_stack(
    steps: Sequence[Step], rng: Generator, pictures: Picture, masks: Picture | None = None
) -> tuple[Picture, Picture]:
    """The channels of an image and its masks after all steps in order; each step does the same to all of them.

    Args:
        steps: What to do.
        rng: All chance comes from here.
        pictures: Shape (channels, spatial...), float32, 0 to 1.
        masks: Shape (labels, spatial...), float32, 0 to 1; None for none.

    Returns:
        Pictures (0 to 1) and masks of the same shapes; no mask where none came.
    """
    images = list(pictures)
    outlines: list[Picture] = [] if masks is None else list(masks)
    for step in steps:
        sampled = step.sample(rng, pictures.shape[1:])
        if sampled is not None:
            images = [step.apply(sampled, image) for image in images]
            outlines = [step.apply_to_mask(sampled, outline) for outline in outlines]
    stacked = np.stack(outlines) if outlines else np.zeros((0, *pictures.shape[1:]), np.float32)
    return np.clip(np.stack(images), 0.0, 1.0), stacked
