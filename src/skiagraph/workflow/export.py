"""From readings and results to what other systems take: DICOM, FHIR, PDF, NIfTI, NRRD, CSV and JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, final

from skiagraph.case import Case, Report
from skiagraph.codecs import written
from skiagraph.errors import InvalidInput, UnknownName
from skiagraph.findings import Finding
from skiagraph.interchange.fhir import diagnostic_report
from skiagraph.interchange.object import save
from skiagraph.interchange.observations import without_observation
from skiagraph.interchange.research import fields_of, write_field, write_json
from skiagraph.interchange.table import rows, write_table
from skiagraph.interchange.whole import Export, export_report
from skiagraph.report import Language, Reading, sentence
from skiagraph.report.pdf import report_pdf
from skiagraph.task import Watch
from skiagraph.workflow.exports import Exports, Written, made_folder
from skiagraph.workflow.subjects import Subject, subjects

__all__ = ["FORMATS", "Order", "export_all", "written_beside"]

FORMATS: Final = ("dicom", "fhir", "pdf", "nifti", "nrrd", "csv", "json")
_USUAL: Final = frozenset(FORMATS) - {"nrrd"}  # says the same as NIfTI


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be exported.

    Args:
        source: As `skiagraph.workflow.subjects.subjects` takes it.
        out: Folder of the results; it is made. Where `source` holds several, each gets a folder there.
        formats: Some of `FORMATS`; empty for all that the source allows, but NRRD, which repeats NIfTI.
        study: The images that `source` is about; DICOM and PDF need them.
        language: Of the PDF.

    Raises:
        UnknownName: A format that is not written.
    """

    source: Path
    out: Path
    formats: tuple[str, ...] = ()
    study: Path | None = None
    language: Language = "en"

    def __post_init__(self) -> None:
        strange = [name for name in self.formats if name not in FORMATS]
        if strange:
            raise UnknownName(f"results are written to {', '.join(FORMATS)}", got=", ".join(strange))


def export_all(order: Order, watch: Watch) -> Exports:
    """Exports everything in a source; each file is written whole or not at all.

    Args:
        order: What and where.
        watch: Told after each reading or result.

    Returns:
        What was written, and what a format could not take.

    Raises:
        MissingInput: No such path.
        NotPermitted: It may not be read, or the results may not be written.
        FormatError: It holds nothing that can be exported.
        InvalidInput: A format for which something is missing, or images that are not those of the reading.
        WriteFailed: The disk does not take the results.
    """
    done = Exports()
    for n, subject in enumerate(subjects(order.source, order.study), 1):
        if isinstance(subject, str):
            done += Exports(notes=(subject,))
        else:
            chosen = _chosen(order, subject)
            folder = made_folder(order.out / subject.name)
            done += _exported(_Job(subject=subject, folder=folder, language=order.language), chosen)
        watch(n, 0, {})
    if not done.written:
        raise InvalidInput(
            f"{order.source.name} holds something for the formats that were asked for",
            got=" ".join(done.notes) or "nothing",
        )
    return done


def _chosen(order: Order, subject: Subject) -> tuple[str, ...]:
    missing = [name for name in order.formats if name not in subject.formats]
    if missing and subject.card is None:
        raise InvalidInput(
            "DICOM results become FHIR, NIfTI, NRRD, CSV or JSON", got=f"--to {','.join(missing)}"
        )
    if missing:
        raise InvalidInput(
            "DICOM objects and the PDF are made with the images that were read",
            got=f"--to {','.join(missing)} without them",
            way_out="name the images with --study",
        )
    if order.formats:
        return order.formats
    observed = without_observation(subject.report.findings) != subject.report.findings.items
    idle = "" if observed or subject.card is not None else "fhir"
    return tuple(name for name in subject.formats if name in _USUAL and name != idle)


def written_beside(
    reading: Reading, case: Case, folder: Path, *, dicom: bool, language: Language = "en"
) -> Exports:
    """The PDF of a reading, and its DICOM objects in a folder ``dicom``, beside ``reading.json``.

    Args:
        reading: The reading.
        case: What was read.
        folder: Of the reading; it exists.
        dicom: Whether DICOM objects are written too.
        language: Of the PDF.

    Raises:
        FormatError: Pixels of the case cannot be decoded.
        WriteFailed: The disk does not take the results.
    """
    subject = Subject(name="", report=reading.report, card=reading.card, about=case, reasons=reading.reasons)
    formats = ("dicom", "pdf") if dicom else ("pdf",)
    return _exported(_Job(subject=subject, folder=folder, language=language, kept="reading.json"), formats)


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Job:
    """One subject on its way into a folder; `kept` is the file that holds every finding."""

    subject: Subject
    folder: Path
    language: Language
    kept: str = "findings.json"

    @property
    def report(self) -> Report:
        return self.subject.report


def _exported(job: _Job, formats: tuple[str, ...]) -> Exports:
    """Pages and DICOM objects are made before the first byte is written, for they are what may fail."""
    about, card, pdf = job.subject.about, job.subject.card, None
    objects = Export(objects=(), homeless=())
    if isinstance(about, Case) and card is not None:
        if {"dicom", "pdf"} & set(formats):
            pdf = report_pdf(job.report, about, card, lang=job.language, reasons=job.subject.reasons)
        if "dicom" in formats:
            objects = export_report(job.report, about, pdf=pdf)
    if objects.homeless and job.kept == "findings.json" and "json" not in formats:
        formats = (*formats, "json")
    done = _dicom(job, objects) if "dicom" in formats else Exports()
    if pdf is not None and "pdf" in formats:
        done += _page(job, pdf)
    if "fhir" in formats:
        done += _fhir(job, pdf if "pdf" in formats else None)
    done += _fields(job, "nifti") if "nifti" in formats else Exports()
    done += _fields(job, "nrrd") if "nrrd" in formats else Exports()
    if "csv" in formats:
        done += _table(job)
    if "json" in formats:
        write_json(job.report.findings, job.folder / job.kept)
        held = f"{_counted(len(job.report.findings), 'finding')} with provenance"
        done += Exports(written=(Written(format="json", holds=held, path=job.folder / job.kept),))
    return done


def _dicom(job: _Job, objects: Export) -> Exports:
    folder = made_folder(job.folder / "dicom")
    files = []
    for one in objects.objects:
        path = folder / f"{one.name}.dcm"
        save(one.object, path)
        files.append(Written(format="dicom", holds=one.holds, path=path))
    notes = [f"{_without_stop(why)}; it is in {job.kept}." for _, why in objects.homeless]
    return Exports(written=tuple(files), notes=tuple(notes))


def _page(job: _Job, pdf: bytes) -> Exports:
    path = job.folder / "report.pdf"
    with written(path) as temporary:
        temporary.write_bytes(pdf)
    return Exports(written=(Written(format="pdf", holds="the report, to be filed", path=path),))


def _fhir(job: _Job, pdf: bytes | None) -> Exports:
    bundle = diagnostic_report(job.report, job.subject.about, job.subject.card, pdf=pdf)
    path = job.folder / "fhir.json"
    with written(path) as temporary:
        temporary.write_text(json.dumps(bundle, ensure_ascii=False, indent=1) + "\n", "utf-8")
    count = sum(entry["resource"]["resourceType"] == "Observation" for entry in bundle["entry"])
    notes = []
    if left := without_observation(job.report.findings):
        notes.append(f"FHIR has no form for {_kinds(left)}.")
    if job.subject.about is None:
        notes.append("FHIR names no patient and no study here; --study, with the images, tells them.")
    held = f"a report and {_counted(count, 'observation')}"
    return Exports(written=(Written(format="fhir", holds=held, path=path),), notes=tuple(notes))


def _fields(job: _Job, how: Literal["nifti", "nrrd"]) -> Exports:
    done, names = Exports(), Counter[str]()
    for finding in job.report.findings:
        words = sentence(finding, "en").splitlines()[0]
        for part in fields_of(finding):
            names[part.name] += 1
            stem = part.name if names[part.name] == 1 else f"{part.name}-{names[part.name]}"
            try:
                path, lost = write_field(part, job.folder, stem, how)
            except InvalidInput as error:
                done += Exports(notes=(f"{stem}: {error}",))
                continue
            done += Exports(written=(Written(format=how, holds=words, path=path),), notes=lost)
    return done


def _table(job: _Job) -> Exports:
    count = sum(1 for finding in job.report.findings for _ in rows(finding))
    if not count:
        return Exports()
    path = job.folder / "findings.csv"
    write_table(job.report.findings, path)
    return Exports(
        written=(Written(format="csv", holds=f"{_counted(count, 'row')} of facts and marks", path=path),)
    )


def _kinds(findings: Iterable[Finding]) -> str:
    return ", ".join(dict.fromkeys(type(finding).__name__ for finding in findings))


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"


def _without_stop(text: str) -> str:
    return text.rstrip(".")
