"""Masks over the pixels of an object as findings in the space of its image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skiagraph.codes import Code
from skiagraph.errors import GeometryError
from skiagraph.findings import Segment, Segmentation
from skiagraph.findings.checks import field_shape
from skiagraph.geometry import Space

__all__ = ["mask_finding"]


def mask_finding(mask: NDArray[np.bool_], space: Space, code: Code) -> Segmentation:
    """One mask as a segmentation with one segment.

    Args:
        mask: Shape (row, column), for all slices and frames, or (frame, row, column) as the pixels of the object.
        space: Of the image.
        code: What the mask shows.

    Raises:
        GeometryError: Neither fits the space.
    """
    shape = field_shape(space)
    if mask.ndim == 2 and mask.shape == shape[-2:]:
        labels = np.broadcast_to(mask, shape)
    elif mask.shape[-2:] == shape[-2:] and mask.size == np.prod(shape):
        labels = mask.reshape(shape)
    else:
        raise GeometryError(f"a mask here covers pixels of shape {shape}", got=f"shape {mask.shape}")
    return Segmentation(space=space, labels=labels.astype(np.uint8), segments=(Segment(number=1, code=code),))
