"""Key object selection: which frames of a study are worth a look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from highdicom.sr import ContainerContentItem, ImageContentItem
from pydicom.dataset import Dataset

from skiagraph.case import Case, Origin
from skiagraph.codes import Code
from skiagraph.errors import InvalidInput, UnknownName
from skiagraph.interchange.envelope import begun, sealed
from skiagraph.interchange.identity import Content, Equipment, Series
from skiagraph.interchange.object import DicomObject
from skiagraph.interchange.places import origin_of
from skiagraph.interchange.references import evidence
from skiagraph.interchange.sr.items import concept, text, under
from skiagraph.interchange.sr.words import SOURCE

__all__ = ["key_object"]

_KEY_OBJECTS: Final = "1.2.840.10008.5.1.4.1.1.88.59"
_OF_INTEREST: Final = Code(value="113000", scheme="DCM", meaning="Of Interest")
_DESCRIPTION: Final = Code(value="113012", scheme="DCM", meaning="Key Object Description")


def key_object(
    frames: Sequence[tuple[str, int, int]], case: Case, equipment: Equipment, series: Series, content: Content
) -> DicomObject:
    """A key object selection document that points at frames of interest.

    Args:
        frames: Name of an image of the case, moment and slice, 0 where it has none.
        case: What they are of.
        equipment: The device that writes.
        series: Where the object stands.
        content: Its description is that of the selection.

    Raises:
        InvalidInput: No frame, a slice that is not there, or one that no single frame of the source gave.
        UnknownName: An image that is not in the case.

    Source: DICOM PS3.3 A.35.4 and C.17.6; PS3.16 TID 2010.
    """
    if not frames:
        raise InvalidInput("a selection of key objects points at something", got="no frame")
    strange = sorted({name for name, _, _ in frames} - set(case.images))
    if strange:
        raise UnknownName("key objects are frames of the images of the case", got=", ".join(strange))
    origins = {name: origin_of(case, name) for name, _, _ in frames}
    ds = begun(_KEY_OBJECTS, "KO", next(iter(origins.values())), equipment, series, content)
    ds.ReferencedPerformedProcedureStepSequence = []
    chosen = {name: _chosen(frames, name, origin) for name, origin in origins.items()}
    ds.CurrentRequestedProcedureEvidenceSequence = evidence(
        _only(origins[name], numbers) for name, numbers in chosen.items()
    )
    root = ContainerContentItem(concept(_OF_INTEREST), is_content_continuous=False, template_id="2010")
    images = [_image(origins[name], n, which) for name, found in chosen.items() for n, which in found.items()]
    items = [text(_DESCRIPTION, content.description), *images]
    for element in under(root, items):
        ds.add(element)
    return sealed(ds)


def _chosen(frames: Sequence[tuple[str, int, int]], name: str, origin: Origin) -> dict[int, list[int]]:
    """Numbers of the chosen frames of one image, by the index of the object that holds them."""
    found: dict[int, list[int]] = {}
    for moment, number in [(m, n) for other, m, n in frames if other == name]:
        moments, slices = origin.frames.shape[:2]
        if not (0 <= moment < moments and 0 <= number < slices):
            raise InvalidInput(
                f"a key frame is one of {moments} moments and {slices} slices", got=f"{moment}, {number}"
            )
        index, frame = (int(n) for n in origin.frames[moment, number])
        if index < 0:
            raise InvalidInput("a key frame is a frame of the source", got="a slice that was made of several")
        numbers = found.setdefault(index, [])
        if frame not in numbers:
            numbers.append(frame)
    return found


def _only(origin: Origin, numbers: Mapping[int, Sequence[int]]) -> Origin:
    """The objects that are pointed at, and no others."""
    return Origin(
        header=origin.header,
        instances=tuple(origin.instances[n] for n in numbers),
        frames=np.array([[[-1, 0]]], np.int32),
    )


def _image(origin: Origin, index: int, numbers: list[int]) -> Dataset:
    """What it is for is the title of the selection (TID 2010); highdicom reads none without a name."""
    instance = origin.instances[index]
    which = None if instance.frames is None else sorted(numbers)
    uids = instance.sop_class_uid, instance.sop_instance_uid
    return ImageContentItem(concept(SOURCE), *uids, which, relationship_type="CONTAINS")
