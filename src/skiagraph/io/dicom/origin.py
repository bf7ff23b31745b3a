"""The objects behind an image, as results that are written about it will refer to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from skiagraph.case import Instance, Origin
from skiagraph.codecs.foreign import quiet
from skiagraph.io.dicom.frame import Frame, uid_of
from skiagraph.io.dicom.meaning import linear
from skiagraph.io.dicom.quick import has, numbers_at
from skiagraph.io.dicom.scan import BROKEN
from skiagraph.io.dicom.text import words_of
from skiagraph.io.dicom.volume import Layout

__all__ = ["origin_of"]

# Patient, clinical trial, patient study, general study and general series modules (DICOM PS3.3 C.7.1 to C.7.3), and
# what results repeat of the image: C.7.5.1, C.7.6.1.
_KEYWORDS: Final = (
    *(
        "PatientName",
        "PatientID",
        "IssuerOfPatientID",
        "TypeOfPatientID",
        "PatientBirthDate",
        "PatientBirthTime",
    ),
    *("PatientSex", "OtherPatientNames", "OtherPatientIDs", "EthnicGroup", "PatientComments", "PatientAge"),
    *(
        "PatientSize",
        "PatientWeight",
        "PatientState",
        "Occupation",
        "AdditionalPatientHistory",
        "PregnancyStatus",
    ),
    *("PatientSpeciesDescription", "PatientBreedDescription", "ResponsiblePerson", "ResponsibleOrganization"),
    *("PatientIdentityRemoved", "DeidentificationMethod", "LongitudinalTemporalInformationModified"),
    *(
        "ClinicalTrialSponsorName",
        "ClinicalTrialProtocolID",
        "ClinicalTrialProtocolName",
        "ClinicalTrialSiteID",
    ),
    *(
        "ClinicalTrialSiteName",
        "ClinicalTrialSubjectID",
        "ClinicalTrialSubjectReadingID",
        "ClinicalTrialTimePointID",
    ),
    *("StudyInstanceUID", "StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber"),
    *("StudyDescription", "AdmissionID", "AdmittingDiagnosesDescription", "TimezoneOffsetFromUTC"),
    *("Modality", "SeriesInstanceUID", "SeriesNumber", "SeriesDescription", "BodyPartExamined", "Laterality"),
    *("FrameOfReferenceUID", "PatientPosition", "Manufacturer", "ManufacturerModelName"),
)
_KEPT: Final = {word: (f"{Tag(tag_for_keyword(word) or 0):08X}", dictionary_VR(word)) for word in _KEYWORDS}
_LONG: Final = ("LT", "ST", "UT")


def origin_of(volumes: Sequence[Sequence[Frame]], layout: Layout | None) -> Origin | None:
    """The objects behind some moments.

    Args:
        volumes: For each moment its frames, in the order of their places; one frame each where there is no layout.
        layout: How slices were laid out; None for pictures.

    Returns:
        None where an object does not say what it is.
    """
    instances: dict[str, int] = {}
    made: list[Instance] = []
    pairs = np.zeros((len(volumes), 1 if layout is None else layout.count, 2), np.int32)
    pairs[..., 0] = -1
    for moment, volume in enumerate(volumes):
        for n, frame in enumerate(volume):
            instance = _instance(frame)
            if instance is None:
                return None
            index = instances.setdefault(instance.sop_instance_uid, len(made))
            if index == len(made):
                made.append(instance)
            for slot in _slots(n, layout):
                if not frame.tiled:
                    pairs[moment, slot] = index, frame.number + 1
    header = _header(volumes[0][0].header)
    return Origin(header=header, instances=tuple(made), frames=pairs, stored=_stored(volumes))


def _stored(volumes: Sequence[Sequence[Frame]]) -> tuple[float, float] | None:
    """From stored values to those that they mean: slope and intercept, where all frames have the same."""
    try:
        lines = [linear(frame.header, frame.groups) for volume in volumes for frame in volume]
    except BROKEN:
        return None
    found = {None if line is None else (line.slope, line.intercept) for line in lines}
    return found.pop() if len(found) == 1 else None


def _slots(n: int, layout: Layout | None) -> Sequence[int]:
    """The slices of the image that are slice `n` of the file, unchanged."""
    if layout is None:
        return (0,)
    if not layout.resampled:
        return (n,)
    as_they_are = (layout.before == n) & (layout.weight == 0)
    last = (layout.before == n - 1) & (layout.weight == 1)
    return [int(slot) for slot in np.flatnonzero(as_they_are | last)]


def _instance(frame: Frame) -> Instance | None:
    header = frame.header
    kind, uid = uid_of(header, "SOPClassUID"), frame.uid
    if kind is None or uid is None:
        return None
    count = numbers_at(header, "NumberOfFrames") if has(header, "NumberOfFrames") else ()
    return Instance(sop_class_uid=kind, sop_instance_uid=uid, frames=max(1, int(count[0])) if count else None)


def _header(header: Dataset) -> dict[str, Any]:
    """As the DICOM JSON model has it, texts in the character set of the file; what cannot be converted is left out."""
    found: dict[str, Any] = {}
    with quiet():
        for keyword, (tag, vr) in _KEPT.items():
            if not has(header, keyword):
                continue
            try:
                values = _values(header, keyword, vr)
            except BROKEN:
                continue
            if values:
                found[tag] = {"vr": vr, "Value": values}
    return found


def _values(header: Dataset, keyword: str, vr: str) -> list[Any]:
    if vr == "DS":
        return list(numbers_at(header, keyword))
    text = words_of(header, keyword).text
    several = [text] if vr in _LONG else [part.strip() for part in text.split("\\")]
    return [_name(part) if vr == "PN" else part for part in several if part]


def _name(text: str) -> dict[str, str]:
    groups = zip(("Alphabetic", "Ideographic", "Phonetic"), text.split("="), strict=False)
    return {group: words.rstrip("^ ") for group, words in groups if words.strip("^ ")}
