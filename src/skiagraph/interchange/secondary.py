"""Pictures as multi-frame secondary capture: grey bytes, grey words or colours, in the patient or as a film."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from skiagraph.codes import Code
from skiagraph.errors import NoDicomHome
from skiagraph.geometry import Space
from skiagraph.interchange.envelope import place_in_frame
from skiagraph.interchange.groups import per_frame, put_groups
from skiagraph.interchange.invented import BYTES, COLOUR, WORDS
from skiagraph.interchange.pixels import put_film, put_shape
from skiagraph.interchange.places import Placed

__all__ = ["as_stored", "kind_for", "put_capture", "put_frames", "put_stored"]

_GROUPS: Final = 0x52009230  # per-frame functional groups sequence, to which a frame increment may point


def kind_for(dtype: np.dtype[Any], channels: int) -> str:
    """The kind of object that holds pictures of a type, by UID.

    Raises:
        NoDicomHome: None does.
    """
    if channels == 3 and dtype == np.uint8:
        return COLOUR
    if not channels and dtype in (np.uint8, np.bool_):
        return BYTES
    if not channels and dtype == np.uint16:
        return WORDS
    raise NoDicomHome(
        "pictures in DICOM are bytes, words, or red, green and blue bytes",
        got=f"{dtype} with {channels or 1} channels",
        way_out="write it as NIfTI or NRRD",
    )


def put_capture(ds: Dataset, image_type: list[str], *, burned_in: bool) -> None:
    """What the secondary capture modules ask for (DICOM PS3.3 C.8.6.1 to C.8.6.3)."""
    ds.ImageType, ds.ConversionType, ds.PatientOrientation = image_type, "WSD", ""
    ds.BurnedInAnnotation, ds.LossyImageCompression = "YES" if burned_in else "NO", "00"


def put_stored(ds: Dataset, dtype: np.dtype[Any], channels: int) -> None:
    """How a pixel is stored; grey levels are shown as they are (DICOM PS3.3 A.8.3.4, A.8.4.4, A.8.5.4)."""
    bits = 8 * dtype.itemsize
    ds.SamplesPerPixel, ds.PhotometricInterpretation = channels or 1, "RGB" if channels else "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = bits, bits, bits - 1, 0
    if channels:
        ds.PlanarConfiguration = 0
        return
    ds.PresentationLUTShape, ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "IDENTITY", 0, 1, "US"


def put_frames(ds: Dataset, space: Space, placed: Placed, how: Code | None) -> bytes:
    """Where and when the frames are: functional groups in the patient, a film elsewhere.

    Args:
        ds: What is written.
        space: The lattice.
        placed: Its frames and their source.
        how: They were made of those of the source; None where they were not.

    Returns:
        The functional groups of each frame, which follow all of the header.
    """
    if placed.planes.positions is None:
        put_film(ds, placed.planes, space.timeline)
        return b""
    put_shape(ds, placed.planes)
    place_in_frame(ds, space.frame)
    put_groups(ds, space, placed, Dataset(), how)
    if int(ds.NumberOfFrames) > 1:
        ds.FrameIncrementPointer = _GROUPS
    return per_frame(ds, placed, space.timeline, how)


def as_stored(frame: NDArray[Any]) -> NDArray[Any]:
    """A frame in a type that has a size in DICOM."""
    return frame.astype(np.uint8) if frame.dtype == np.bool_ else frame
