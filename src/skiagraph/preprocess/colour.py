"""The channels of an image that a recipe asks for, on the lattice of its network."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from skiagraph.geometry import Space
from skiagraph.image import Image, pixels
from skiagraph.image.quantity import GREY
from skiagraph.preprocess.grey import grey
from skiagraph.preprocess.lattice import network_pixels
from skiagraph.preprocess.normalise import normalised
from skiagraph.task.recipe import Recipe

__all__ = ["network_input", "network_stack"]


def network_stack(image: Image, onto: Space, recipe: Recipe) -> NDArray[np.float32]:
    """The pixels of a still image on a lattice that `network_space` gave, before any normalisation.

    Args:
        image: Grey, or red, green and blue.
        onto: The lattice.
        recipe: Says how many channels.

    Returns:
        Shape (channels, *shape of the lattice), in the unit of the image. A grey image has three equal colours where
        three are asked for; colours become their luma where one is.

    Raises:
        InvalidInput: Other channels.
        GeometryError: An image over time.
    """
    if recipe.channels == 1 or not image.channels:
        one = network_pixels(grey(image), onto).astype(np.float32)[None]
        return np.repeat(one, recipe.channels, 0)
    grey(image)  # the same refusal of other channels
    planes = (
        dataclasses.replace(
            image, data=np.ascontiguousarray(pixels(image)[..., n]), channels=(), quantity=GREY
        )
        for n in range(len(image.channels))
    )
    return np.stack([network_pixels(plane, onto).astype(np.float32) for plane in planes])


def network_input(image: Image, onto: Space, recipe: Recipe) -> NDArray[np.float32]:
    """What a network is shown of an image: as `network_stack`, normalised over all channels together."""
    return normalised(network_stack(image, onto, recipe), recipe.normalise, recipe.intensity)
