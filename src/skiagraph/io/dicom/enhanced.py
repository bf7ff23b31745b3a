"""Enhanced multi-frame objects to frames: each image with its own place and facts from its functional groups."""

from __future__ import annotations

from typing import Any, Final

from pydicom.dataset import Dataset

from skiagraph.errors import FormatError
from skiagraph.io.dicom.facts import facts_of, order_of, parts_of, seconds_of
from skiagraph.io.dicom.frame import Frame, Slice, slice_of, uid_of
from skiagraph.io.dicom.quick import has, number_of
from skiagraph.io.dicom.source import Source

__all__ = ["enhanced_frames", "groups_of", "is_enhanced"]

_PER_FRAME: Final = "PerFrameFunctionalGroupsSequence"
_SHARED: Final = "SharedFunctionalGroupsSequence"


def is_enhanced(header: Dataset) -> bool:
    """Whether an object has functional groups (DICOM PS3.3 C.7.6.16)."""
    present = has(header, _PER_FRAME) or has(header, _SHARED)
    return present and bool(header.get(_PER_FRAME) or header.get(_SHARED))


def groups_of(header: Dataset, number: int) -> Dataset:
    """The functional groups of one frame: its own, and those that all frames share where it has none.

    Args:
        header: Of an enhanced object.
        number: The frame, from 0.

    Raises:
        FormatError: The object has no groups for this frame.
    """
    shared, own = header.get(_SHARED), header.get(_PER_FRAME)
    groups = Dataset()
    if shared:
        groups.update(shared[0])
    if own:
        if number >= len(own):
            raise FormatError(
                "an enhanced object has functional groups for each of its frames",
                got=f"{len(own)} for frame {number + 1}",
            )
        groups.update(own[number])
    return groups


def enhanced_frames(source: Source, header: Dataset) -> tuple[Frame, ...]:
    """The frames of an enhanced object.

    Args:
        source: Where it lies.
        header: All of it but its pixels.

    Raises:
        FormatError: Groups that do not hold.
    """
    count = int(header.get("NumberOfFrames") or 1)
    shape = int(header.Rows), int(header.Columns)
    first = order_of(header)
    frames = []
    for number in range(count):
        groups = groups_of(header, number)
        frames.append(
            Frame(
                source=source,
                header=header,
                shape=shape,
                number=number,
                place=_place(header, groups),
                groups=groups,
                parts=_parts(header, groups),
                facts=_facts(header, groups),
                seconds=seconds_of(header, groups),
                order=(*(first or (0.0,)), float(number)),
            )
        )
    return tuple(frames)


def _inner(groups: Dataset, sequence: str, keyword: str) -> Any:
    found = groups.get(sequence)
    return found[0].get(keyword) if found else None


def _place(header: Dataset, groups: Dataset) -> Slice | None:
    """From plane position, plane orientation and pixel measures; of 3-D ultrasound, in the frame of its volume."""
    position = _inner(groups, "PlanePositionSequence", "ImagePositionPatient")
    orientation = _inner(groups, "PlaneOrientationSequence", "ImageOrientationPatient")
    if not position:
        position = _inner(groups, "PlanePositionVolumeSequence", "ImagePositionVolume")
        orientation = _inner(groups, "PlaneOrientationVolumeSequence", "ImageOrientationVolume")
    spacing = _inner(groups, "PixelMeasuresSequence", "PixelSpacing") or header.get("PixelSpacing")
    if not position or not orientation or not spacing:
        return None
    return slice_of(orientation, position, spacing)


def _parts(header: Dataset, groups: Dataset) -> dict[str, Any]:
    parts = parts_of(header, groups)
    if parts["frame_of_reference"] is None:
        parts["frame_of_reference"] = uid_of(header, "VolumeFrameOfReferenceUID")
    return {**parts, "data_type": _inner(groups, "ImageDataTypeSequence", "DataType") or ""}


def _facts(header: Dataset, groups: Dataset) -> dict[str, Any]:
    facts = facts_of(header, groups)
    thickness = number_of(_inner(groups, "PixelMeasuresSequence", "SliceThickness"))
    return facts if thickness is None else {**facts, "slice_thickness": thickness}
