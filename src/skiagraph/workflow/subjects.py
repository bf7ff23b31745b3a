"""What can be exported: readings with the images that they are about, and DICOM results of anyone."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from skiagraph.case import Case, Origin, Report
from skiagraph.codecs import with_pixel_size
from skiagraph.errors import FormatError, InvalidInput, MissingInput, NotPermitted
from skiagraph.findings import Known
from skiagraph.geometry import Plane
from skiagraph.image import Image, image_digest
from skiagraph.interchange.results import read_result
from skiagraph.io import read_cases
from skiagraph.io.formats import DICOM
from skiagraph.io.sources import as_file, gather
from skiagraph.report import LANGUAGES, Input, Reading, narrative, reading_from_plain
from skiagraph.task import Card, Explanation

__all__ = ["Subject", "subjects"]

_READING: Final = "reading.json"


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subject:
    """One thing to export.

    Args:
        name: Its folder among several; empty where it is the only one.
        report: Findings, words and state.
        card: The model; None for DICOM results of anyone.
        reasons: Of each answer by features, which of them decided it.
        about: The images; where they are not at hand but a DICOM result names patient and study, these; else None.
    """

    name: str
    report: Report
    card: Card | None
    about: Case | Origin | None
    reasons: tuple[Explanation, ...] = ()

    @property
    def formats(self) -> tuple[str, ...]:
        """What it can be exported to."""
        if isinstance(self.about, Case) and self.card is not None:
            return ("dicom", "fhir", "pdf", "nifti", "nrrd", "csv", "json")
        return ("fhir", "nifti", "nrrd", "csv", "json")


def subjects(source: Path, study: Path | None = None) -> Iterator[Subject | str]:
    """Everything in a source, one after the other.

    Args:
        source: A ``reading.json`` or its folder; a folder of such folders; or DICOM results: a file, a folder, a zip
            archive.
        study: The images that it is about, as `skiagraph.io.read_cases` takes them.

    Yields:
        A subject, or a sentence about what could not be read.

    Raises:
        MissingInput: No such path.
        NotPermitted: It may not be read.
        FormatError: It holds nothing that can be exported, or a damaged reading.
        InvalidInput: The study holds none of the images that were read.
    """
    if not source.exists():
        raise MissingInput(f"{source.name} is a reading or a DICOM result", way_out="check the path")
    files = _readings(source)
    if not files:
        yield from _results(source, study)
        return
    readings = {"" if len(files) == 1 else file.parent.name: _reading(file) for file in files}
    if study is None:
        for name, reading in readings.items():
            yield Subject(name=name, report=reading.report, card=reading.card, about=None)
    else:
        yield from _with_images(readings, study)


def _readings(source: Path) -> list[Path]:
    if source.is_file():
        return [source] if source.suffix.lower() == ".json" else []
    return [source / _READING] if (source / _READING).is_file() else sorted(source.glob(f"*/{_READING}"))


def _reading(file: Path) -> Reading:
    try:
        return reading_from_plain(json.loads(file.read_text("utf-8")))
    except PermissionError as error:
        raise NotPermitted(f"{file.name} must be readable", way_out="ask for the right to read it") from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise FormatError(f"{file.name} is a reading in JSON", got="a damaged or another file") from error


def _with_images(readings: dict[str, Reading], study: Path) -> Iterator[Subject | str]:
    waiting = dict(readings)
    for case in read_cases(study, fill_gaps=True):
        if isinstance(case, str):
            continue
        for name, reading in list(waiting.items()):
            same = _as_read(case, reading)
            if same is not None:
                del waiting[name]
                yield Subject(
                    name=name, report=reading.report, card=reading.card, about=same, reasons=reading.reasons
                )
        if not waiting:
            return
    if len(waiting) == len(readings):
        raise InvalidInput(
            "--study holds the images that were read, and here are others",
            way_out="name the study of this reading",
        )
    for name in waiting:
        yield f"{name}: its images are not in --study."


def _as_read(case: Case, reading: Reading) -> Case | None:
    """The case with the sizes and outlines that its reader was given, where its images are those of the reading."""
    inputs = {one.name: one for one in reading.inputs}
    if inputs.keys() != case.images.keys():
        return None
    images: dict[str, Image] = {}
    for name, image in case.images.items():
        same = _same(image, inputs[name])
        if same is None or case.uids.get(name) != inputs[name].uid:
            return None
        images[name] = same
    given = {f"given {n}": outline for n, outline in enumerate(reading.given, 1)}
    return dataclasses.replace(
        case,
        identifier=reading.report.case,
        images=images,
        known=Known(case.known).with_others(given),
        problems=reading.problems,
    )


def _same(image: Image, one: Input) -> Image | None:
    if tuple(image.space.shape) != one.shape:
        return None
    for candidate in _sized(image, one):
        if image_digest(candidate) == one.digest:
            return candidate
    return None


def _sized(image: Image, one: Input) -> Iterator[Image]:
    """As its file has it; and with the size that was given when it was read."""
    yield image
    if one.spacing is None or not isinstance(image.space, Plane):
        return
    rows, columns = one.spacing
    yield with_pixel_size(image, (float(f"{rows:.12g}"), float(f"{columns:.12g}")))
    yield with_pixel_size(image, (rows, columns))


def _results(source: Path, study: Path | None) -> Iterator[Subject | str]:
    found = gather(source)
    files = [file for file in found.files if file.format is DICOM]
    cases = [] if study is None else [c for c in read_cases(study, fill_gaps=True) if isinstance(c, Case)]
    many, there = len(files) > 1, False
    for file in files:
        try:
            with as_file(file.source) as path:
                result = read_result(path, cases)
        except FormatError as error:
            if not many:
                raise
            yield str(error)
            continue
        if result is None:
            continue
        words = tuple((lang, narrative(result.report.findings, lang)) for lang in LANGUAGES)
        report = dataclasses.replace(result.report, narrative=words)
        name = file.name.replace("/", "_") if many else ""
        there = True
        yield Subject(name=name, report=report, card=None, about=result.origin)
        yield from (f"{file.name}: {problem}" for problem in result.problems)
    if not there:
        raise FormatError(
            f"{source.name} holds a reading, or DICOM results such as segmentations and structured reports",
            got="neither",
            way_out="make a reading of images with: skiagraph read",
        )
