"""A segmentation to a DICOM Segmentation object: header by pydicom, frames and bits as a stream."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from typing import Final, Literal

import numpy as np
from pydicom.dataset import Dataset

from skiagraph.case import Case, Origin
from skiagraph.codes import Code
from skiagraph.errors import InvalidInput, NoDicomHome
from skiagraph.findings import Segment, Segmentation
from skiagraph.findings.checks import field_shape
from skiagraph.interchange.envelope import begun, place_in_frame, put_label, sealed
from skiagraph.interchange.groups import per_frame, put_groups
from skiagraph.interchange.identity import Content, Equipment, Series
from skiagraph.interchange.object import DicomObject, Tail
from skiagraph.interchange.places import Placed, placed
from skiagraph.interchange.references import referenced_series, series_uid
from skiagraph.interchange.remainder import remember
from skiagraph.interchange.seg.bits import padded, pixel_data
from skiagraph.interchange.seg.pictures import MOST_FRACTIONAL, Pictures, Stored, pictures_of
from skiagraph.interchange.seg.rest import rest_of
from skiagraph.interchange.seg.segments import background_item, segment_items

__all__ = ["BINARY", "LABEL_MAP", "segmentation_object"]

BINARY: Final = "1.2.840.10008.5.1.4.1.1.66.4"
"""Segmentation storage: bits or fractions (DICOM PS3.4 table B.5-1)."""
LABEL_MAP: Final = "1.2.840.10008.5.1.4.1.1.66.7"
"""Label map segmentation storage."""
_SEGMENTED: Final = Code(value="113076", scheme="DCM", meaning="Segmentation")
_NONE: Final = Code(value="260413007", scheme="SCT", meaning="None")
_LARGEST: Final = 65535  # rows and columns are words


def segmentation_object(
    segmentation: Segmentation,
    case: Case,
    equipment: Equipment,
    series: Series,
    content: Content,
    *,
    form: Literal["binary", "fractional", "labelmap", "auto"] = "auto",
) -> DicomObject:
    """A DICOM Segmentation (PS3.3 A.51) or Label Map Segmentation (A.86).

    What comes back from it is equal in everything, but for coordinates, which are decimal strings of 16 characters.
    Others see probabilities in parts of 255; their lost bits, and labels that do not follow from the largest fraction,
    are kept apart for us.

    Args:
        segmentation: What was found. Without any segment one that is called None and has no pixels is written, since
            the standard asks for one.
        case: The images that it is about.
        equipment: What makes the object.
        series: Where it stands.
        content: What it is about, and what made it: without an algorithm a person did.
        form: ``"binary"``, which every viewer reads, leaves probabilities out; ``"fractional"`` holds probabilities
            (without them each mask as a whole occupancy); ``"labelmap"`` holds one number a pixel and leaves
            probabilities out; ``"auto"`` is fractional where there are probabilities and binary where there are none.

    Raises:
        InvalidInput: A label map of segments that overlap.
        NoDicomHome: Rows and columns do not stand at right angles; a picture without a place in the patient on which
            no image of the case lies; more pixels or segments than an object holds.
    """
    where = placed(segmentation.space, case)
    _check(where)
    stored = _stored(segmentation, form)
    drawn = segmentation if segmentation.segments else _with_one(segmentation)
    pictures = pictures_of(drawn, stored, where.planes)
    padded(pictures.length)
    ds = begun(LABEL_MAP if stored == "LABELMAP" else BINARY, "SEG", where.origin, equipment, series, content)
    if where.planes.positions is not None:
        place_in_frame(ds, segmentation.space.frame)
    else:
        ds.PatientOrientation = ""  # type 2C of the general image module (PS3.3 C.7.6.1)
    _put_image(ds, pictures, where.origin, content)
    _put_segments(ds, drawn, pictures, content, series_uid(where.origin))
    put_groups(ds, segmentation.space, where, Dataset(), _SEGMENTED)
    rest = rest_of(segmentation, pictures, where)
    if rest:
        remember(ds, rest)
    segments = pictures.frames, () if stored == "LABELMAP" else pictures.numbers
    groups = per_frame(ds, where, segmentation.space.timeline, _SEGMENTED, segments)
    return sealed(ds, _tail(groups, pictures))


def _put_segments(ds: Dataset, drawn: Segmentation, pictures: Pictures, content: Content, about: str) -> None:
    ds.SegmentationType = pictures.stored
    ds.SegmentsOverlap = "YES" if drawn.kind == "overlapping" else "NO"
    items = segment_items(drawn.segments, pictures.numbers, content, about)
    if pictures.stored == "LABELMAP":
        ds.PixelPaddingValue = 0
        items.insert(0, background_item(content))
    if pictures.stored == "FRACTIONAL":
        given = drawn.probabilities is not None
        ds.SegmentationFractionalType = "PROBABILITY" if given else "OCCUPANCY"
        ds.MaximumFractionalValue = MOST_FRACTIONAL
    ds.SegmentSequence = items


def _stored(segmentation: Segmentation, form: str) -> Stored:
    if form == "labelmap":
        if segmentation.kind == "overlapping":
            raise InvalidInput(
                "a label map has one label at each place",
                got="segments that overlap",
                way_out="ask for form='binary'",
            )
        return "LABELMAP"
    if form == "fractional" or (form == "auto" and segmentation.probabilities is not None):
        return "FRACTIONAL"
    return "BINARY"


def _check(where: Placed) -> None:
    if where.planes.positions is None and not where.aligned:
        raise NoDicomHome(
            "a segmentation without a place in the patient lies pixel by pixel on an image (PS3.3 A.51.5.1)",
            got="a lattice that no image of the case has",
            way_out="resample it onto the image",
        )
    if max(where.planes.shape[1:]) > _LARGEST:
        raise NoDicomHome(
            "a DICOM frame has up to 65535 rows and columns",
            got=f"{where.planes.shape[1]} by {where.planes.shape[2]}",
            way_out="crop it",
        )


def _with_one(segmentation: Segmentation) -> Segmentation:
    """The same with a segment that is called None and is nowhere."""
    nothing = np.zeros(field_shape(segmentation.space), np.bool_)
    whole = nothing[None] if segmentation.kind == "overlapping" else nothing
    likely = None if segmentation.probabilities is None else nothing[None].astype(np.float32)
    none = (Segment(number=1, code=_NONE),)
    return dataclasses.replace(segmentation, labels=whole, segments=none, probabilities=likely)


def _put_image(ds: Dataset, pictures: Pictures, origin: Origin, content: Content) -> None:
    """Modules general image, image pixel, segmentation image and common instance reference."""
    ds.ImageType = ["DERIVED", "PRIMARY"]
    put_label(ds, "SEGMENTATION", content)
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelRepresentation = 1, "MONOCHROME2", 0
    ds.Rows, ds.Columns = pictures.shape
    ds.NumberOfFrames = len(pictures.frames)
    ds.BitsAllocated = ds.BitsStored = pictures.bits
    ds.HighBit = pictures.bits - 1
    ds.LossyImageCompression = "00"
    items = referenced_series(origin)
    if items:
        ds.ReferencedSeriesSequence = items


def _tail(groups: bytes, pictures: Pictures) -> Tail:
    def chunks() -> Iterator[bytes]:
        yield groups
        yield from pixel_data(pictures.pieces(), pictures.length, words=pictures.bits == 16)

    total = hashlib.sha256()
    for piece in chunks():
        total.update(piece)
    return Tail(chunks=chunks, digest=total.hexdigest())
