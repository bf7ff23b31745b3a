"""Pictures with the overlay burned in as secondary captures that say so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import SecondaryCaptureImageStorage

from skiagraph.case import Origin
from skiagraph.errors import InvalidInput
from skiagraph.interchange.coded import coded
from skiagraph.interchange.envelope import begun, sealed
from skiagraph.interchange.groups import UNSPECIFIED
from skiagraph.interchange.identity import Content, Equipment, Series
from skiagraph.interchange.invented import COLOUR
from skiagraph.interchange.object import DicomObject
from skiagraph.interchange.overlay import overlaid
from skiagraph.interchange.pixels import pixel_tail
from skiagraph.interchange.references import referenced_series, source_items
from skiagraph.interchange.secondary import put_capture, put_stored

__all__ = ["capture", "overlaid"]

_SAID: Final = "Findings drawn into a copy of the image by software. Not a source image, not for diagnosis."


def capture(
    pictures: Sequence[NDArray[np.uint8]],
    origin: Origin,
    equipment: Equipment,
    series: Series,
    content: Content,
) -> DicomObject:
    """Pictures as one object: a secondary capture of one, a multi-frame true colour secondary capture of several.

    Args:
        pictures: Each of shape (rows, columns, 3); smaller ones get a dark edge.
        origin: Of the image that they show; it is named as their source.
        equipment: What made them.
        series: Where they stand.
        content: What they are.

    Raises:
        InvalidInput: No pictures, or others than red, green and blue bytes.

    Source: DICOM PS3.3 A.8.1, A.8.5, C.8.6.
    """
    stack = _stacked(pictures)
    several = len(stack) > 1
    kind = COLOUR if several else SecondaryCaptureImageStorage
    ds = begun(kind, "OT", origin, equipment, series, content)
    put_capture(ds, ["DERIVED", "SECONDARY", "OTHER"], burned_in=True)
    ds.DerivationDescription, ds.DerivationCodeSequence = _SAID, [coded(UNSPECIFIED)]
    ds.ImageComments = f"{content.description}. {_SAID}"
    ds.SourceImageSequence = source_items(origin)
    ds.ReferencedSeriesSequence = referenced_series(origin)
    put_stored(ds, stack.dtype, 3)
    ds.Rows, ds.Columns = stack.shape[1:3]
    if several:
        ds.NumberOfFrames, ds.FrameIncrementPointer = len(stack), 0x00182001
        ds.PageNumberVector = list(range(1, len(stack) + 1))
    return sealed(ds, pixel_tail("PixelData", stack[None]))


def _stacked(pictures: Sequence[NDArray[Any]]) -> NDArray[np.uint8]:
    """Shape (pictures, rows, columns, 3), as large as the largest."""
    if not pictures or any(
        p.ndim != 3 or p.shape[2] != 3 or p.dtype != np.uint8 or not p.size for p in pictures
    ):
        raise InvalidInput(
            "a capture has pictures of red, green and blue bytes", got=f"{len(pictures)} pictures"
        )
    rows, columns = (max(p.shape[n] for p in pictures) for n in (0, 1))
    stack = np.zeros((len(pictures), rows, columns, 3), np.uint8)
    for n, picture in enumerate(pictures):
        stack[n, : picture.shape[0], : picture.shape[1]] = picture
    return stack
