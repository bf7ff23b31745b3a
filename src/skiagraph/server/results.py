"""The results of a report as DICOM objects in the archive: the same report gives the same objects, each once."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from skiagraph.case import Case, Signature
from skiagraph.errors import FormatError, MissingInput
from skiagraph.image import image_digest
from skiagraph.interchange.object import encoded
from skiagraph.interchange.whole import export_report
from skiagraph.io import read_cases
from skiagraph.report import Language, Reading, reading_from_plain
from skiagraph.report.pdf import report_pdf
from skiagraph.server.archive.headers import describe
from skiagraph.server.archive.rows import Arrival, enter
from skiagraph.server.site import Site
from skiagraph.server.tables import Event, Report, Series, Study
from skiagraph.server.way.laid_out import laid_out
from skiagraph.server.way.states import study_of, told

__all__ = ["made_results", "page_of", "results_of"]

_KIND: Final = "results"


def made_results(site: Site, uid: str, identifier: str, version: int) -> dict[str, str]:
    """Makes the objects of one version of a report, unless they are there.

    Those of a draft say that nobody has verified them (as IHE AI Results asks); those of a signed report say who signed
    and when.

    Args:
        site: The server.
        uid: StudyInstanceUID.
        identifier: Of the report.
        version: Of the report.

    Returns:
        SOPInstanceUID of each object and what it is: ``"segmentation"``, ``"measurements"``, ``"report"``...

    Raises:
        MissingInput: There is no such study.
        FormatError: The images are not those that were read.
        WriteFailed: The disk does not take them.
        DatabaseGone: The database does not answer.
    """
    with site.database.reading() as session:
        study = study_of(session, uid)
        there = results_of(session, study, identifier, version)
        if there is not None:
            return there
        report = _report(session, study, identifier, version)
    made: dict[str, str] = {}
    arrivals: list[Arrival] = []
    with _cases(site, uid) as cases:
        for reading in _signed(report):
            for name, data in _objects(reading, _case_of(reading, cases), site.settings.language):
                described = describe(io.BytesIO(data), len(data))
                if described.instance["uid"] not in made:
                    made[described.instance["uid"]] = name
                    digest = site.files.put(data)
                    arrivals.append(Arrival(described=described, digest=digest, size=len(data), ours=True))
    with site.database.writing() as session:
        study = study_of(session, uid, locked=True)
        if results_of(session, study, identifier, version) is None:
            enter(session, arrivals)
            told(session, study, _KIND, report=identifier, version=version, objects=made)
    return made


def results_of(session: Session, study: Study, identifier: str, version: int) -> dict[str, str] | None:
    """The objects of one version of a report, by SOPInstanceUID; None where they are not made yet."""
    events = select(Event.detail).where(Event.study_id == study.id, Event.kind == _KIND)
    for detail in session.scalars(events):
        if (detail["report"], detail["version"]) == (identifier, version):
            objects: dict[str, str] = detail["objects"]
            return objects
    return None


def page_of(site: Site, uid: str, which: tuple[str, int], reading: int, language: Language) -> bytes:
    """The page of one reading of a version of a report, PDF; it says what the reader wrote where they did.

    Args:
        site: The server.
        uid: StudyInstanceUID.
        which: Identifier and version of the report.
        reading: Its number, from 0.
        language: Of the page.

    Raises:
        MissingInput: There is no such study, version or reading.
        FormatError: The images are not those that were read.
    """
    with site.database.reading() as session:
        report = _report(session, study_of(session, uid), *which)
    readings = list(_signed(report))
    if reading >= len(readings):
        raise MissingInput(f"this report has {len(readings)} readings, counted from 0", got=str(reading))
    one = readings[reading]
    with _cases(site, uid) as cases:
        return report_pdf(one.report, _case_of(one, cases), one.card, lang=language, reasons=one.reasons)


def _report(session: Session, study: Study, identifier: str, version: int) -> Report:
    wanted = select(Report).where(
        Report.study_id == study.id, Report.identifier == identifier, Report.version == version
    )
    found = session.scalar(wanted)
    if found is None:
        raise MissingInput("a study has the version of a report that is asked for", got="another")
    return found


@contextmanager
def _cases(site: Site, uid: str) -> Iterator[list[Case]]:
    """The cases of a study, as long as their files lie there."""
    with site.database.reading() as session:
        series = list(session.scalars(select(Series.uid).join(Study).where(Study.uid == uid)))
    with laid_out(site, uid, series) as folder:
        yield [case for case in read_cases(folder) if isinstance(case, Case)]


def _signed(report: Report) -> Iterator[Reading]:
    """The readings of a report, each in the state of the whole."""
    documents: Sequence[Mapping[str, Any]] = report.content["readings"]
    for document in documents:
        reading = reading_from_plain(document)
        words: Mapping[str, str] = report.content.get("text", {})
        if words:
            told = {**dict(reading.report.narrative), **words}
            reading = dataclasses.replace(
                reading, report=dataclasses.replace(reading.report, narrative=tuple(told.items()))
            )
        if report.state != "draft":
            signature = Signature(reader=report.reader, signed=report.at)
            state: Any = report.state
            own = dataclasses.replace(reading.report, state=state, signature=signature, reason=report.reason)
            reading = dataclasses.replace(reading, report=own)
        yield reading


def _case_of(reading: Reading, cases: Sequence[Case]) -> Case:
    """The case that was read, among those of the study."""
    wanted = {one.name: (one.digest, one.uid) for one in reading.inputs}
    for case in cases:
        if {n: (image_digest(image), case.uids.get(n)) for n, image in case.images.items()} == wanted:
            known = {f"given {n}": outline for n, outline in enumerate(reading.given)}
            return dataclasses.replace(case, identifier=reading.report.case, known={**case.known, **known})
    raise FormatError(
        "the images of a report are those that were read", got="others", way_out="read them anew"
    )


def _objects(reading: Reading, case: Case, language: Language) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each object of one reading."""
    page = report_pdf(reading.report, case, reading.card, lang=language, reasons=reading.reasons)
    for one in export_report(reading.report, case, pdf=page).objects:
        yield one.name, encoded(one.object)
