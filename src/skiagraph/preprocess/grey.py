"""Pictures with colours as one grey channel."""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np

from skiagraph.errors import InvalidInput
from skiagraph.image import Image, pixels
from skiagraph.image.quantity import GREY

__all__ = ["LUMA", "grey"]

LUMA: Final = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def grey(image: Image) -> Image:
    """The luma of a red, green and blue image; an image with one number a place stays as it is.

    Raises:
        InvalidInput: Other channels.

    Source: ITU-R BT.601.
    """
    if not image.channels:
        return image
    if image.channels != ("red", "green", "blue"):
        raise InvalidInput("a picture is grey, or red, green and blue", got=", ".join(image.channels))
    luma = pixels(image).astype(np.float32) @ LUMA
    if pixels(image).dtype == np.uint8:
        luma = np.rint(luma).astype(np.uint8)
    return dataclasses.replace(image, data=luma, channels=(), quantity=GREY)
