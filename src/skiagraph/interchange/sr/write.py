"""Findings as one structured report: Comprehensive 3D SR by the measurement report template (TID 1500)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, final

from highdicom.sr import (
    ContainerContentItem,
    DeviceObserverIdentifyingAttributes,
    ImageContentItem,
    ObservationContext,
    ObserverContext,
)
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes as dicom_codes
from pydicom.uid import UID

from skiagraph.case import Case, Origin, Signature
from skiagraph.codes import Code
from skiagraph.errors import InvalidInput, NoDicomHome
from skiagraph.findings import (
    Boxes,
    Classification,
    Contours,
    Finding,
    Landmarks,
    Measurement,
    NotApplicable,
    Segmentation,
    Text,
)
from skiagraph.geometry import Space, derived_frame
from skiagraph.interchange.coded import code_of
from skiagraph.interchange.envelope import begun, clean_header, sealed
from skiagraph.interchange.identity import Content, Equipment, Series
from skiagraph.interchange.object import DicomObject
from skiagraph.interchange.references import evidence, series_uid
from skiagraph.interchange.remainder import remember
from skiagraph.interchange.sr import words as w
from skiagraph.interchange.sr.groups import (
    Rest,
    classification_group,
    language_item,
    measurement_group,
    refusal_item,
    text_item,
)
from skiagraph.interchange.sr.items import MODIFIES, concept, container, statement, under, words
from skiagraph.interchange.sr.marks import in_patient, mark_groups, segment_group
from skiagraph.interchange.sr.subject import Subject, subject_of
from skiagraph.plain import to_plain

__all__ = ["COMPREHENSIVE_3D", "report_object"]

COMPREHENSIVE_3D: Final = "1.2.840.10008.5.1.4.1.1.88.34"
_LABEL_MAP: Final = "1.2.840.10008.5.1.4.1.1.66.7"
_MOST_SEGMENTS: Final = (
    65535  # numbers of segments are 16 bits; beyond, a segmentation object counts them from 1
)
_NONE: Final[Mapping[int, Origin]] = MappingProxyType({})


def report_object(
    findings: Sequence[Finding],
    case: Case,
    equipment: Equipment,
    series: Series,
    content: Content,
    *,
    segmentations: Mapping[int, Origin] = _NONE,
) -> DicomObject:
    """One structured report of all findings; `read_report` makes the same of it again.

    Each number, classification and mark is a measurement group, each text and refusal a qualitative evaluation. Marks
    of a grid in millimetres are SCOORD3D, all others SCOORD on the picture where they lie.

    Args:
        findings: Measurements, classifications, texts, refusals, landmarks, boxes, contours; and segmentations that
            `segmentations` says where to find.
        case: What they are about. An image that did not come from DICOM gets a study of its own.
        equipment: The device that writes.
        series: Where the object stands.
        content: What made the findings; unverified unless it says otherwise.
        segmentations: By the index of a segmentation among the findings: the object that holds it, see `as_origin`.

    Raises:
        NoDicomHome: A finding of another kind, or marks on a picture that is not in the case.

    Source: DICOM PS3.3 A.35.13; PS3.16 TID 1500; IHE Radiology, AI Results.
    """
    subject = subject_of(case, content)
    body = _Body(subject=subject)
    for n, finding in enumerate(findings):
        body.add(finding, n, segmentations)
    ds = begun(COMPREHENSIVE_3D, "SR", subject.first, equipment, series, content)
    _general(ds, content)
    _cite(ds, subject, segmentations.values())
    for element in _root(body, equipment):
        ds.add(element)
    remember(ds, {"report": {"findings": body.rests, "spaces": body.spaces}})
    return sealed(ds)


@final
@dataclass(slots=True, kw_only=True, eq=False)
class _Body:
    """What is gathered from one finding after the other."""

    subject: Subject
    groups: list[Dataset] = field(default_factory=list)
    evaluations: list[Dataset] = field(default_factory=list)
    rests: list[Rest] = field(default_factory=list)
    spaces: list[Any] = field(default_factory=list)

    def add(self, finding: Finding, n: int, segmentations: Mapping[int, Origin]) -> None:
        rest: Rest = {"kind": type(finding).__name__}
        match finding:
            case Measurement():
                rest |= self._group(measurement_group(finding, self.subject, len(self.groups) + 1))
            case Classification():
                rest |= self._group(classification_group(finding, self.subject, len(self.groups) + 1))
            case Text():
                rest |= self._evaluation(text_item(finding))
            case NotApplicable():
                rest |= self._evaluation(refusal_item(finding))
            case Landmarks() | Boxes() | Contours():
                rest |= self._marks(finding)
            case Segmentation() if n in segmentations:
                self._segments(finding, segmentations[n])
            case _:
                raise NoDicomHome(
                    "a structured report holds facts and marks", got=f"a finding of kind {rest['kind']}"
                )
        self.rests.append(rest)

    def _segments(self, finding: Segmentation, place: Origin) -> None:
        (held,) = place.instances
        source = series_uid(self.subject.origins[self.subject.image_of(finding.space)])
        numbers = [segment.number for segment in finding.segments]
        if held.sop_class_uid != _LABEL_MAP or max(numbers, default=0) > _MOST_SEGMENTS:
            numbers = list(range(1, len(numbers) + 1))
        for number, segment in zip(numbers, finding.segments, strict=True):
            at = len(self.groups) + 1
            self.groups.append(segment_group(segment, number, held, source, self.subject, at))

    def _group(self, made: tuple[Dataset, Rest]) -> Rest:
        self.groups.append(made[0])
        return made[1]

    def _evaluation(self, made: tuple[Dataset, Rest]) -> Rest:
        self.evaluations.append(made[0])
        return made[1]

    def _marks(self, finding: Landmarks | Boxes | Contours) -> Rest:
        made = list(mark_groups(finding, self.subject, len(self.groups) + 1))
        self.groups += [group for group, _ in made]
        rest: Rest = {"space": self._space(finding.space), "items": [rest for _, rest in made]}
        if not in_patient(finding.space) and made:
            rest["picture"] = self._space(self.subject.picture_of(finding.space).space)
        return rest

    def _space(self, space: Space) -> int:
        plain = to_plain(space)
        if plain not in self.spaces:
            self.spaces.append(plain)
        return self.spaces.index(plain)


def _general(ds: Dataset, content: Content) -> None:
    """The modules of documents (DICOM PS3.3 C.17.1 and C.17.2)."""
    ds.ReferencedPerformedProcedureStepSequence, ds.PerformedProcedureCodeSequence = [], []
    ds.CompletionFlag = "COMPLETE"
    ds.PreliminaryFlag = "FINAL" if content.verified else "PRELIMINARY"
    ds.VerificationFlag = "VERIFIED" if content.verified else "UNVERIFIED"
    if content.signature is not None:
        ds.VerifyingObserverSequence = [_reader(ds, content.signature)]
    scheme = Dataset()
    scheme.CodingSchemeDesignator, scheme.CodingSchemeName = w.PRIVATE, "Concepts of skiagraph"
    scheme.CodingSchemeUID = UID(derived_frame("coding scheme of skiagraph"))
    scheme.CodingSchemeResponsibleOrganization = "The Skiagraph authors"
    ds.CodingSchemeIdentificationSequence = [scheme]


def _reader(ds: Dataset, signature: Signature) -> Dataset:
    """Who verified it, and when (DICOM PS3.3 table C.17-2)."""
    item = Dataset()
    item.VerifyingObserverName = words(signature.reader).replace("\\", " ").replace("=", " ")[:64]
    item.VerifyingObserverIdentificationCodeSequence = []
    item.VerifyingOrganization = ds.get("InstitutionName") or "Not stated"
    item.VerificationDateTime = signature.signed.strftime("%Y%m%d%H%M%S.%f%z")
    return item


def _cite(ds: Dataset, subject: Subject, segmentations: Iterable[Origin]) -> None:
    """All objects that the content names, those of the study of the report first (PS3.3 C.17.2)."""
    studies = evidence([*subject.origins.values(), *segmentations])
    ds.CurrentRequestedProcedureEvidenceSequence = studies[:1]
    if studies[1:]:
        ds.PertinentOtherEvidenceSequence = studies[1:]


def _root(body: _Body, equipment: Equipment) -> Dataset:
    root = ContainerContentItem(concept(w.REPORT), is_content_continuous=False, template_id="1500")
    items = [
        language_item("en"),
        *_observer(body.subject.content, equipment),
        statement(w.PROCEDURE, _procedure(body.subject), MODIFIES),
        container(w.LIBRARY, _library(body.subject)),
    ]
    if body.groups or not body.evaluations:
        items.append(container(w.MEASUREMENTS, body.groups))
    if body.evaluations:
        items.append(container(w.EVALUATIONS, body.evaluations))
    return under(root, items)


def _observer(content: Content, equipment: Equipment) -> ObservationContext:
    """A device has looked (TID 1001, 1002 and 1004): the algorithm, or the program that a person used."""
    made_by = content.algorithm
    name = equipment.model_name if made_by is None else f"{made_by.name} {made_by.version}"
    parts = (equipment.manufacturer, equipment.model_name, equipment.serial_number, name)
    device = DeviceObserverIdentifyingAttributes(
        uid=derived_frame(" ".join(["device", *parts, "" if made_by is None else made_by.digest])),
        name=name,
        manufacturer_name=equipment.manufacturer,
        model_name=equipment.model_name,
        serial_number=equipment.serial_number,
    )
    kind = ObserverContext(observer_type=dicom_codes.DCM.Device, observer_identifying_attributes=device)
    return ObservationContext(observer_device_context=kind)


def _procedure(subject: Subject) -> Code:
    """The first that the source names."""
    for entry in clean_header(subject.first).get("ProcedureCodeSequence") or ():
        try:
            return code_of(entry)
        except InvalidInput:
            continue
    return w.IMAGING


def _library(subject: Subject) -> Iterator[Dataset]:
    """The sources, one group an image (TID 1600)."""
    for origin in subject.origins.values():
        images = [
            ImageContentItem(
                concept(w.SOURCE), i.sop_class_uid, i.sop_instance_uid, relationship_type="CONTAINS"
            )
            for i in origin.instances
        ]
        if images:
            yield container(w.LIBRARY_GROUP, images)
