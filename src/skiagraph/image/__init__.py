"""What was measured: numbers in a space, with their quantity, unit, axes and modality."""

from skiagraph.image.image import Image, image_digest, pixels
from skiagraph.image.lazy import Lazy
from skiagraph.image.quantity import Quantity
from skiagraph.image.resample import resample_image
from skiagraph.image.window import Display, DisplayTable, Window, is_flat, seen, to_display

__all__ = [
    "Display",
    "DisplayTable",
    "Image",
    "Lazy",
    "Quantity",
    "Window",
    "image_digest",
    "is_flat",
    "pixels",
    "resample_image",
    "seen",
    "to_display",
]
