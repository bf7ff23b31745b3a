"""Functional groups of tens of thousands of frames: each part is encoded once, and the items are joined of parts."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.tag import Tag
from pydicom.uid import UID

from skiagraph.case import Origin
from skiagraph.codes import Code
from skiagraph.geometry import Space, Timeline, derived_frame
from skiagraph.interchange.coded import coded
from skiagraph.interchange.envelope import decimal
from skiagraph.interchange.places import Placed
from skiagraph.interchange.references import derivation, series_uid, source_items

__all__ = ["UNSPECIFIED", "Dimension", "per_frame", "put_groups"]

UNSPECIFIED: Final = Code(value="112187", scheme="DCM", meaning="Unspecified method of calculation")
_ITEM: Final = b"\xfe\xff\x00\xe0"
_PER_FRAME: Final = b"\x00\x52\x30\x92SQ\0\0"
_FRAME_CONTENT: Final = b"\x20\x00\x11\x91SQ\0\0"
_INDEX_VALUES: Final = b"\x20\x00\x57\x91UL"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """One index of the dimensions of frames (DICOM PS3.3 C.7.6.17).

    Args:
        axis: Which column of the list of frames it counts: 0 segments, 1 moments, 2 slices.
        pointer: Keyword of what it counts.
        group: Keyword of the functional group that holds this.
    """

    axis: int
    pointer: str
    group: str


_SEGMENT: Final = Dimension(axis=0, pointer="ReferencedSegmentNumber", group="SegmentIdentificationSequence")
_MOMENT: Final = Dimension(axis=1, pointer="TemporalPositionIndex", group="FrameContentSequence")
_POSITION: Final = Dimension(axis=2, pointer="ImagePositionPatient", group="PlanePositionSequence")
_IN_STACK: Final = Dimension(axis=2, pointer="InStackPositionNumber", group="FrameContentSequence")


def _dimensions(where: Placed, *, segments: bool) -> tuple[Dimension, ...]:
    """What tells frames of a lattice apart.

    Args:
        where: Where the field lies.
        segments: Each segment has frames of its own.
    """
    planes = where.planes
    found = [*([_SEGMENT] if segments else []), *([_MOMENT] if planes.moments is not None else [])]
    if planes.positions is not None:
        found.append(_POSITION)
    elif planes.axes[0] >= 0 or not found:
        found.append(_IN_STACK)
    return tuple(found)


def _put_dimensions(ds: Dataset, known: Sequence[Dimension], about: str) -> None:
    """The multi-frame dimension module (DICOM PS3.3 C.7.6.17); its UID follows from `about`."""
    uid = UID(derived_frame(" ".join(["dimensions", about, *(d.pointer for d in known)])))
    organisation = Dataset()
    organisation.DimensionOrganizationUID = uid
    ds.DimensionOrganizationSequence = [organisation]
    ds.DimensionIndexSequence = []
    for dimension in known:
        item = Dataset()
        item.DimensionOrganizationUID = uid
        item.DimensionIndexPointer, item.FunctionalGroupPointer = Tag(dimension.pointer), Tag(dimension.group)
        item.DimensionDescriptionLabel = dimension.pointer
        ds.DimensionIndexSequence.append(item)


def put_groups(ds: Dataset, space: Space, where: Placed, shared: Dataset, how: Code | None) -> None:
    """Groups that all frames share: size and direction of pixels, and sources that are not frame by frame.

    What has no place in the patient states no size either: highdicom and GDCM refuse a size without an orientation.

    Args:
        ds: What is written.
        space: The lattice.
        where: Its frames and their source.
        shared: Groups that all frames share beside these.
        how: The frames were made of those of the source; None where they were not.

    Source: DICOM PS3.3 C.7.6.16 (functional groups).
    """
    planes = where.planes
    if planes.orientation is not None and planes.spacing is not None:
        turn, size = Dataset(), Dataset()
        normal = np.cross(planes.orientation[:3], planes.orientation[3:])
        size.PixelSpacing = [decimal(v) for v in planes.spacing]
        turn.ImageOrientationPatient = [decimal(v) for v in planes.orientation]
        size.SliceThickness = decimal(abs(float(space.affine[:3, planes.axes[0]] @ normal)))
        size.SpacingBetweenSlices = size.SliceThickness
        shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [turn], [size]
    if how is not None and not where.aligned and where.origin.instances:
        shared.DerivationImageSequence = [_of_all(where.origin, how)]
    ds.SharedFunctionalGroupsSequence = [shared]


def per_frame(
    ds: Dataset,
    where: Placed,
    timeline: Timeline | None,
    how: Code | None,
    segments: tuple[NDArray[np.intp], Sequence[int]] | None = None,
) -> bytes:
    """The per-frame functional groups sequence, encoded (DICOM PS3.5 section 7.5), which follows all of the header.

    Args:
        ds: The header, which gets the dimensions.
        where: Where the field lies.
        timeline: Of it.
        how: The frames were made of those of the source; None where they were not.
        segments: Where frames belong to segments: indices of segment, moment and slice of each, shape (frames, 3), and
            the SegmentNumber of each segment, none where frames belong to no one segment. None for one frame a moment
            and slice.
    """
    planes = where.planes
    every = np.argwhere(np.ones((1, planes.moments or 1, planes.shape[0]), np.bool_))
    frames, numbers = (every, ()) if segments is None else segments
    known = _dimensions(where, segments=bool(numbers))
    _put_dimensions(ds, known, series_uid(where.origin))
    sources, places = _sources(where, frames, how), _places(where)
    named = [_encoded_segment(number) for number in numbers]
    own = _frame_content(where, stacked=_IN_STACK in known)
    times, columns = _times(timeline, planes.moments or 1), [d.axis for d in known]
    items = []
    for segment, moment, number in frames.tolist():
        at = (segment, moment, number)
        values = struct.pack(f"<{len(columns)}I", *(at[axis] + 1 for axis in columns))
        inner = own[moment, number] + _INDEX_VALUES + len(values).to_bytes(2, "little") + values
        content = _FRAME_CONTENT + _sized(_ITEM + _sized(inner))
        parts = (
            sources[moment, number],
            content,
            places[number],
            times[moment],
            named[segment] if named else b"",
        )
        items.append(_ITEM + _sized(b"".join(parts)))
    return _PER_FRAME + _sized(b"".join(items))


def _times(timeline: Timeline | None, moments: int) -> list[bytes]:
    """The temporal position group of each moment; nothing where times are not in seconds (C.7.6.16.2.15)."""
    if timeline is None or timeline.unit != "s":
        return [b""] * moments
    found = []
    for time in timeline.times.tolist():
        ds, item = Dataset(), Dataset()
        item.TemporalPositionTimeOffset = time
        ds.TemporalPositionSequence = [item]
        found.append(_encoded(ds))
    return found


def _sized(content: bytes) -> bytes:
    return len(content).to_bytes(4, "little") + content


def _encoded(ds: Dataset) -> bytes:
    """Elements in explicit little endian."""
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_dataset(buffer, ds)
    return buffer.getvalue()


def _encoded_segment(number: int) -> bytes:
    ds, item = Dataset(), Dataset()
    item.ReferencedSegmentNumber = number
    ds.SegmentIdentificationSequence = [item]
    return _encoded(ds)


def _places(where: Placed) -> list[bytes]:
    positions = where.planes.positions
    if positions is None:
        return [b""] * where.planes.shape[0]
    result = []
    for position in positions:
        ds, item = Dataset(), Dataset()
        item.ImagePositionPatient = [decimal(v) for v in position]
        ds.PlanePositionSequence = [item]
        result.append(_encoded(ds))
    return result


def _frame_content(where: Placed, *, stacked: bool) -> dict[tuple[int, int], bytes]:
    """Elements of the frame content group before the dimension index values: place in the stack, moment."""
    planes = where.planes
    found = {}
    for moment in range(planes.moments or 1):
        for number in range(planes.shape[0]):
            ds = Dataset()
            if stacked:
                ds.StackID, ds.InStackPositionNumber = "1", number + 1
            if planes.moments is not None:
                ds.TemporalPositionIndex = moment + 1
            found[moment, number] = _encoded(ds)
    return found


def _sources(where: Placed, frames: NDArray[np.intp], how: Code | None) -> dict[tuple[int, int], bytes]:
    """The derivation image group of each moment and slice that has a frame: of all frames, or of none.

    It is empty where no single frame became the slice, which was made of its neighbours.
    """
    made: dict[tuple[int, int], Dataset | None] = {}
    for moment, number in {(m, n) for _, m, n in frames.tolist()}:
        item = None
        if how is not None and where.aligned:
            item = derivation(where.origin, moment, number, how)
            if item is None and where.planes.positions is None and where.origin.instances:
                item = _of_all(where.origin, how)
        made[moment, number] = item
    if all(item is None for item in made.values()):
        return dict.fromkeys(made, b"")
    found = {}
    for at, item in made.items():
        ds = Dataset()
        ds.DerivationImageSequence = [] if item is None else [item]
        found[at] = _encoded(ds)
    return found


def _of_all(origin: Origin, how: Code) -> Dataset:
    """A derivation from objects of which no single frame became the slice."""
    item = Dataset()
    item.DerivationCodeSequence, item.SourceImageSequence = [coded(how)], source_items(origin, aligned=False)
    return item
