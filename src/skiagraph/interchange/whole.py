"""A whole report to DICOM objects: each finding in its home, and what viewers show that do not know that home."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, final

import numpy as np

from skiagraph.case import Case, Report
from skiagraph.errors import NoDicomHome
from skiagraph.findings import (
    Boxes,
    Classification,
    Contours,
    DerivedImage,
    DisplacementField,
    Finding,
    Heatmap,
    Landmarks,
    Measurement,
    NotApplicable,
    Segmentation,
    SpatialFinding,
    Text,
    Transform,
)
from skiagraph.interchange.capture import capture, overlaid
from skiagraph.interchange.document import encapsulated_pdf
from skiagraph.interchange.export import SERIES, export
from skiagraph.interchange.identity import SKIAGRAPH, Content, Equipment, content_of
from skiagraph.interchange.key_objects import key_object
from skiagraph.interchange.object import DicomObject, as_origin
from skiagraph.interchange.places import image_of, origin_of, placed
from skiagraph.interchange.planes import as_frames
from skiagraph.interchange.presentation import presentation_state
from skiagraph.interchange.references import study_uid
from skiagraph.interchange.source_image import source_object
from skiagraph.interchange.sr import report_object
from skiagraph.interchange.sr.marks import picture_under
from skiagraph.interchange.sr.subject import subject_of
from skiagraph.interchange.structure_set import structure_set_object

__all__ = ["Export", "Exported", "export_report"]

_Made = tuple[str, str, DicomObject]  # name, what it holds, itself
_Reported = Landmarks | Boxes | Contours | Measurement | Classification | Text | NotApplicable
"""Kinds whose home is the structured report."""

_COUNTED: Final[Mapping[type, tuple[str, str]]] = {
    Measurement: ("measurement", "measurements"),
    Classification: ("classification", "classifications"),
    Text: ("text", "texts"),
    NotApplicable: ("refusal", "refusals"),
    Landmarks: ("set of points", "sets of points"),
    Boxes: ("set of boxes", "sets of boxes"),
    Contours: ("set of lines", "sets of lines"),
    Segmentation: ("reference to a segmentation", "references to segmentations"),
}
_NAMES: Final[dict[type, str]] = {
    Segmentation: "segmentation",
    Heatmap: "map",
    DerivedImage: "derived",
    DisplacementField: "registration",
    Transform: "registration",
}


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Exported:
    """One object of a report.

    Args:
        name: What it is, for a file name: ``"segmentation"``, ``"measurements"``...; counted where there are several.
        holds: What it holds, a few words for people.
        object: Itself.
    """

    name: str
    holds: str
    object: DicomObject


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Export:
    """A report as DICOM objects.

    Args:
        objects: In the order in which an archive should get them: what others refer to comes first.
        homeless: Findings that no DICOM object carries, each with the sentence that says why.
    """

    objects: tuple[Exported, ...]
    homeless: tuple[tuple[Finding, str], ...]


def export_report(
    report: Report, case: Case, *, pdf: bytes | None = None, equipment: Equipment = SKIAGRAPH
) -> Export:
    """All that is sent of a report: the findings in their homes, and beside them what older viewers show.

    Segmentations, maps and registrations by themselves; measurements, classes, words and marks in one structured report
    that refers to them; contours for radiotherapy; marks as a presentation state; a picture with the overlay burned in;
    the page; and the key images. Images that did not come from DICOM are written too.

    Args:
        report: Findings with their provenance, and whether a reader has signed.
        case: What it is about.
        pdf: The page, where it shall go along.
        equipment: The device that writes.

    Raises:
        FormatError: Pixels of the case cannot be decoded.
    """
    task = _Task(report=report, case=case, equipment=equipment)
    homes, homeless = _homes(task)
    without = [n for n, _, _ in homeless]
    made = [*_images(case), *homes.values(), *_measurements(task, homes, without), *_further(task)]
    if pdf is not None:
        page = encapsulated_pdf(pdf, case, equipment, SERIES["report"], task.content("Report"))
        made.append(("report", "the page of the report", page))
    made += _key_images(task)
    return Export(objects=_named(made), homeless=tuple((finding, why) for _, finding, why in homeless))


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Task:
    report: Report
    case: Case
    equipment: Equipment
    begun: Counter[str] = field(default_factory=Counter)

    def content(self, description: str) -> Content:
        """Of the next object of a description: each description has a series, in which its objects are counted."""
        signed = self.report.signature if self.report.state in ("final", "amended") else None
        self.begun[description] += 1
        made_by = self.report.findings.provenance
        return content_of(made_by, description, signature=signed, number=self.begun[description])


def _images(case: Case) -> Iterator[_Made]:
    for name in case.images:
        if name not in case.origins:
            yield "image", f"the image that was read ({name})", source_object(case, name)


def _homes(task: _Task) -> tuple[dict[int, _Made], list[tuple[int, Finding, str]]]:
    """The objects of the findings that have one of their own, by their place in the report; and those without any."""
    homes: dict[int, _Made] = {}
    homeless: list[tuple[int, Finding, str]] = []
    for n, finding in enumerate(task.report.findings):
        try:
            made = _home(task, finding)
        except NoDicomHome as error:
            homeless.append((n, finding, str(error)))
        else:
            homes |= {} if made is None else {n: made}
    return homes, homeless


def _home(task: _Task, finding: Finding) -> _Made | None:
    """The object of a finding; None where the structured report takes it."""
    if isinstance(finding, Landmarks | Boxes | Contours):
        picture_under(finding, subject_of(task.case, content_of(task.report.findings.provenance, "Marks")))
    if isinstance(finding, _Reported):
        return None
    name = _NAMES.get(type(finding), "result")
    words = SERIES[name].description if name in SERIES else name
    made = export(finding, task.case, content=task.content(words), equipment=task.equipment)
    return name, _held(finding), made


def _measurements(task: _Task, homes: Mapping[int, _Made], without: Sequence[int]) -> Iterator[_Made]:
    """One structured report of all facts and marks; it refers to the segmentations."""
    items = list(task.report.findings)
    kept = [
        n
        for n, f in enumerate(items)
        if (isinstance(f, _Reported) and n not in without) or (isinstance(f, Segmentation) and n in homes)
    ]
    if kept:
        places = {at: as_origin(homes[n][2]) for at, n in enumerate(kept) if n in homes}
        where, content = SERIES["measurements"], task.content("Measurements and statements")
        findings = [items[n] for n in kept]
        made = report_object(findings, task.case, task.equipment, where, content, segmentations=places)
        yield "measurements", _counted(findings), made


def _further(task: _Task) -> Iterator[_Made]:
    """What findings also are, for those who cannot show their homes."""
    items, case = list(task.report.findings), task.case
    for finding in items:
        if isinstance(finding, Segmentation | Contours):
            with suppress(NoDicomHome):
                content = task.content("Contours")
                made = structure_set_object(finding, case, task.equipment, SERIES["structures"], content)
                yield "structures", f"contours: {_held(finding)}", made
        if isinstance(finding, Contours | Landmarks | Boxes) and finding.items:
            with suppress(NoDicomHome):
                content = task.content("Marks on the image")
                made = presentation_state(finding, case, task.equipment, SERIES["presentation"], content)
                yield "presentation", f"marks on the image: {_held(finding)}", made
    for name, image in case.images.items():
        shown = [f for f in items if isinstance(f, SpatialFinding) and image_of(f.space, case) == name]
        if shown:
            pictures = overlaid(image, shown)
            content = task.content("Overlay burned in")
            yield (
                "capture",
                "pictures with the overlay burned in",
                capture(pictures, origin_of(case, name), task.equipment, SERIES["capture"], content),
            )


def _key_images(task: _Task) -> Iterator[_Made]:
    """The frames on which findings show most; those of each study in an object of its own (DICOM PS3.3 C.17.6.2)."""
    studies: dict[str, dict[tuple[str, int, int], None]] = {}
    for key in (key for f in task.report.findings for key in _key_frames(f, task.case)):
        studies.setdefault(study_uid(origin_of(task.case, key[0])), {})[key] = None
    for frames in map(list, studies.values()):
        where, content = SERIES["key-images"], task.content("Key images")
        yield (
            "key-images",
            "references to the key images",
            key_object(frames, task.case, task.equipment, where, content),
        )


def _key_frames(finding: Finding, case: Case) -> Iterator[tuple[str, int, int]]:
    """Where a segmentation is largest: the name of the image, the moment and the slice."""
    if not isinstance(finding, Segmentation) or not finding.labels.any():
        return
    try:
        where = placed(finding.space, case)
    except NoDicomHome:
        return
    if where.aligned:
        labels = np.any(finding.labels, axis=0) if finding.kind == "overlapping" else finding.labels
        area = np.count_nonzero(as_frames(labels, where.planes), axis=(2, 3))
        moment, number = np.unravel_index(int(area.argmax()), area.shape)
        if where.origin.frames[moment, number, 0] >= 0:
            yield where.name, int(moment), int(number)


def _held(finding: Finding) -> str:
    """What a finding holds, by the words of its codes."""
    match finding:
        case Segmentation():
            names = [segment.code.meaning or segment.code.value for segment in finding.segments]
        case Landmarks() | Boxes() | Contours():
            names = [item.code.meaning or item.code.value for item in finding.items]
        case Heatmap():
            names = [finding.concept.meaning or finding.concept.value]
        case DerivedImage():
            names = [f"{finding.kind} image"]
        case _:
            names = [type(finding).__name__]
    return ", ".join(dict.fromkeys(names)) or "nothing found"


def _counted(findings: Sequence[Finding]) -> str:
    counts = Counter(type(finding) for finding in findings)
    return ", ".join(f"{n} {_COUNTED[kind][n > 1]}" for kind, n in counts.items())


def _named(made: Sequence[_Made]) -> tuple[Exported, ...]:
    """Each under a name of its own: counted from 1 where several share one."""
    total, seen = Counter(name for name, _, _ in made), Counter[str]()
    found = []
    for name, holds, thing in made:
        seen[name] += 1
        own = f"{name}-{seen[name]}" if total[name] > 1 else name
        found.append(Exported(name=own, holds=holds, object=thing))
    return tuple(found)
