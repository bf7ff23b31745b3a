"""The frames of a lattice as multi-frame objects state them: functional groups, dimensions, films and pixels."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import UID

from skiagraph.codes import Code
from skiagraph.errors import NoDicomHome
from skiagraph.geometry import Space, Timeline, derived_frame
from skiagraph.interchange.coded import coded
from skiagraph.interchange.envelope import decimal
from skiagraph.interchange.object import Tail
from skiagraph.interchange.places import Placed
from skiagraph.interchange.planes import Planes
from skiagraph.interchange.references import derivation, source_items

__all__ = ["UNSPECIFIED", "pixel_tail", "put_film", "put_groups", "put_shape"]

UNSPECIFIED: Final = Code(value="112187", scheme="DCM", meaning="Unspecified method of calculation")
_STORED: Final = {"PixelData": 0x0010, "FloatPixelData": 0x0008, "DoubleFloatPixelData": 0x0009}
_MOST: Final = 2**32 - 2  # bytes of one element (DICOM PS3.5 section 7.1.1)
_LONGEST: Final = 2**16 - 2  # bytes of one element of numbers as text
_TEMPORAL, _PLACE, _STACK = (0x00209128, 0x00209111), (0x00200032, 0x00209113), (0x00209057, 0x00209111)

Pixels = Literal["PixelData", "FloatPixelData", "DoubleFloatPixelData"]


def put_shape(ds: Dataset, planes: Planes) -> None:
    """How many frames an object has, and how large they are."""
    ds.NumberOfFrames = (planes.moments or 1) * planes.shape[0]
    ds.Rows, ds.Columns = planes.shape[1:]


def put_groups(ds: Dataset, space: Space, placed: Placed, shared: Dataset, *, derived: bool = True) -> None:
    """Functional groups and dimensions: where and when each frame is, and of which source it was made.

    Args:
        ds: What is written; its `shared` groups become complete here.
        space: The lattice.
        placed: Its frames and their source.
        shared: Groups that all frames share beside those of their place.
        derived: Whether the frames were made of those of the source.

    Source: DICOM PS3.3 C.7.6.16 (functional groups), C.7.6.17 (dimensions).
    """
    planes = placed.planes
    put_shape(ds, planes)
    _put_dimensions(ds, planes)
    shared.PixelMeasuresSequence = [_measures(space, planes)]
    if planes.orientation is not None:
        turned = Dataset()
        turned.ImageOrientationPatient = [decimal(v) for v in planes.orientation]
        shared.PlaneOrientationSequence = [turned]
    if derived and not placed.aligned and placed.origin.instances:
        shared.DerivationImageSequence = [_beside(placed)]
    ds.SharedFunctionalGroupsSequence = [shared]
    of_frames = placed if derived and placed.aligned else None
    ds.PerFrameFunctionalGroupsSequence = [
        _frame(space.timeline, planes, (moment, number), of_frames)
        for moment in range(planes.moments or 1)
        for number in range(planes.shape[0])
    ]


def _put_dimensions(ds: Dataset, planes: Planes) -> None:
    pointers = [_PLACE if planes.positions is not None else _STACK]
    if planes.moments is not None:
        pointers.insert(0, _TEMPORAL)
    organization = UID(derived_frame(f"dimensions {pointers}"))
    ds.DimensionOrganizationSequence, ds.DimensionIndexSequence = [Dataset()], []
    ds.DimensionOrganizationSequence[0].DimensionOrganizationUID = organization
    for pointer, group in pointers:
        item = Dataset()
        item.DimensionOrganizationUID = organization
        item.DimensionIndexPointer, item.FunctionalGroupPointer = pointer, group
        ds.DimensionIndexSequence.append(item)


def _measures(space: Space, planes: Planes) -> Dataset:
    ds = Dataset()
    if planes.spacing is not None:
        ds.PixelSpacing = [decimal(v) for v in planes.spacing]
    if planes.positions is not None:
        step = planes.step or float(np.linalg.norm(space.affine[:3, planes.axes[0]]))
        ds.SliceThickness = ds.SpacingBetweenSlices = decimal(step)
    return ds


def _frame(timeline: Timeline | None, planes: Planes, at: tuple[int, int], source: Placed | None) -> Dataset:
    moment, number = at
    ds, content = Dataset(), Dataset()
    content.StackID, content.InStackPositionNumber = "1", number + 1
    content.DimensionIndexValues = [number + 1]
    if timeline is not None:
        content.TemporalPositionIndex = moment + 1
        content.DimensionIndexValues = [moment + 1, number + 1]
        if timeline.unit == "s":
            when = Dataset()
            when.TemporalPositionTimeOffset = float(timeline.times[moment])
            ds.TemporalPositionSequence = [when]
    ds.FrameContentSequence = [content]
    if planes.positions is not None:
        place = Dataset()
        place.ImagePositionPatient = [decimal(v) for v in planes.positions[number]]
        ds.PlanePositionSequence = [place]
    if source is not None:
        made = derivation(source.origin, moment, number, UNSPECIFIED)
        ds.DerivationImageSequence = [] if made is None else [made]
    return ds


def _beside(placed: Placed) -> Dataset:
    """That frames were made of all of the source, which lies on another lattice."""
    made = Dataset()
    made.DerivationCodeSequence = [coded(UNSPECIFIED)]
    made.SourceImageSequence = source_items(placed.origin, aligned=False)
    return made


def put_film(ds: Dataset, planes: Planes, timeline: Timeline | None) -> None:
    """The frames of a picture that moves, or of one alone, where there are no functional groups.

    Source: DICOM PS3.3 C.7.6.5 (cine), C.7.6.6 (multi-frame), C.8.6.4 (vectors), 10.7 (pixel spacing).
    """
    put_shape(ds, planes)
    if planes.spacing is not None:
        ds.PixelSpacing = [decimal(v) for v in planes.spacing]
    if ds.NumberOfFrames < 2:
        return
    if timeline is None or timeline.unit != "s" or planes.shape[0] > 1:
        ds.FrameIncrementPointer = 0x00182001
        ds.PageNumberVector = list(range(1, ds.NumberOfFrames + 1))
        return
    steps = np.diff(timeline.times) * 1000.0
    even = float(steps.mean())
    vector = ["0", *(decimal(step) for step in steps)]
    if np.abs(steps - even).max() <= 1e-9 * even or sum(map(len, vector)) + len(vector) > _LONGEST:
        ds.FrameIncrementPointer, ds.FrameTime = 0x00181063, decimal(even)
    else:
        ds.FrameIncrementPointer, ds.FrameTimeVector = 0x00181065, vector


def pixel_tail(
    keyword: Pixels, frames: NDArray[Any], stored: Callable[[NDArray[Any]], NDArray[Any]] | None = None
) -> Tail:
    """The pixels of an object as its last element, written frame by frame.

    Args:
        keyword: Which element.
        frames: Shape (moments, slices, rows, columns[, 3]).
        stored: What is stored of one frame, an unsigned integer or float type; None stores it as it is.

    Raises:
        NoDicomHome: More bytes than one element holds.
    """
    kept = stored or np.asarray
    sample = kept(frames[0, 0])
    size = sample.nbytes * frames.shape[0] * frames.shape[1]
    if size > _MOST:
        raise NoDicomHome(
            "the pixels of one DICOM object have less than 4 GiB",
            got=f"{size} bytes",
            way_out="part the image into several",
        )
    wide = sample.dtype.newbyteorder("<")
    kinds = {"FloatPixelData": b"OF", "DoubleFloatPixelData": b"OD", "PixelData": b"OW"}
    vr = b"OB" if sample.dtype.itemsize == 1 else kinds[keyword]
    even = size + size % 2
    tag = b"\xe0\x7f" + _STORED[keyword].to_bytes(2, "little")
    head = tag + vr + b"\0\0" + even.to_bytes(4, "little")

    def pieces() -> Iterator[bytes]:
        yield head
        for moment in frames:
            for frame in moment:
                yield np.ascontiguousarray(kept(frame), dtype=wide).tobytes()
        yield b"\0" * (even - size)

    return Tail(chunks=pieces, digest=_digest(pieces()))


def _digest(pieces: Iterator[bytes] | Sequence[bytes]) -> str:
    total = hashlib.sha256()
    for piece in pieces:
        total.update(piece)
    return total.hexdigest()
