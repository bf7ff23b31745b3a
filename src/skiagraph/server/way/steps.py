"""What happens to a study on its way, step by step: each may be done again, and then changes nothing."""

from __future__ import annotations

import hashlib
import os
import platform
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from skiagraph.case import Case
from skiagraph.errors import FormatError, InvalidInput, SkiagraphError
from skiagraph.findings import NotApplicable
from skiagraph.image import image_digest
from skiagraph.io import read_cases
from skiagraph.report import Reading, reading_to_plain
from skiagraph.server.reports import draft
from skiagraph.server.routing import Described, Route, SeriesFacts, decided, routes_of
from skiagraph.server.site import Site
from skiagraph.server.tables import Instance, Run, Series, Study
from skiagraph.server.way.laid_out import laid_out
from skiagraph.server.way.states import moved, study_of
from skiagraph.version import __version__
from skiagraph.workflow import Reader, read_case_with
from skiagraph.workflow.quality import with_remarks

__all__ = [
    "Work",
    "chosen",
    "content_digest",
    "described",
    "drafted",
    "laid_out",
    "prepared",
    "read_by",
    "unread",
]

Work = dict[str, Any]
"""What one model reads: ``{"model": name, "series": [uid, ...], "route": name}``; kept between steps."""

_NO_RULE: Final = "No rule of routes.toml has a model for this study."


def described(session: Session, uid: str) -> Described:
    """What rules look at in a study.

    Raises:
        MissingInput: There is no such study.
    """
    study = study_of(session, uid)
    ours = select(Instance.series_id).where(Instance.ours.is_(True))
    results = set(session.scalars(ours.join(Series).where(Series.study_id == study.id)))
    rows = session.scalars(select(Series).where(Series.study_id == study.id).order_by(Series.id))
    series = tuple(
        SeriesFacts(
            uid=one.uid,
            modality=one.modality,
            body_part=one.body_part,
            description=one.description,
            station=one.station,
            ours=one.id in results,
        )
        for one in rows
    )
    return Described(uid=uid, description=study.description, series=series)


def content_digest(session: Session, study: Study) -> str:
    """SHA-256 of the images of a study, without results of ours, hexadecimal: what a reading is about."""
    rows = (
        select(Instance.digest)
        .join(Series)
        .where(Series.study_id == study.id, Instance.ours.is_(False))
        .order_by(Instance.digest)
    )
    return hashlib.sha256("\n".join(session.scalars(rows)).encode()).hexdigest()


def chosen(site: Site, uid: str) -> tuple[list[Work], list[Route]]:
    """Which models read a study, and the rules that say so.

    Raises:
        FormatError: The file of rules is no TOML.
        InvalidInput: It has a rule that is none.
        MissingInput: There is no such study.
    """
    routes = routes_of(site.settings.routes_file)
    with site.database.reading() as session:
        study = described(session, uid)
    fitting = [one for one in decided(routes, study) if one.series]
    work: dict[str, Work] = {}
    for one in fitting:
        for model in one.route.models:
            there = work.setdefault(model, {"model": model, "series": [], "route": one.route.name})
            there["series"] = list(dict.fromkeys([*there["series"], *one.series]))
    return list(work.values()), [one.route for one in fitting]


def prepared(site: Site, uid: str, work: Sequence[Work], priority: int) -> None:
    """The study is ready for its models; one that has none ends here, and says so."""
    with site.database.writing() as session:
        study = study_of(session, uid, locked=True)
        study.priority = priority
        if study.state != "complete":
            return
        if work:
            moved(session, study, "prepared", models=[one["model"] for one in work])
        else:
            moved(session, study, "unread", reason=_NO_RULE)


def unread(site: Site, uid: str, reason: str) -> None:
    """A study that no model could read ends with its reason."""
    with site.database.writing() as session:
        study = study_of(session, uid, locked=True)
        if study.state in ("complete", "prepared", "read"):
            moved(session, study, "unread", reason=reason)


def drafted(site: Site, uid: str, digest: str, keys: Sequence[str]) -> tuple[str, int] | None:
    """The report of what was read, as a draft that nobody has verified; once for the same images.

    Args:
        site: The server.
        uid: StudyInstanceUID.
        digest: Of its images.
        keys: Of the runs that speak in it.

    Returns:
        Identifier and version of the report; None where no model had an answer, and the study is ``"unread"``.
    """
    with site.database.writing() as session:
        study = study_of(session, uid, locked=True)
        if study.state not in ("read", "drafted"):
            return None
        runs = session.scalars(
            select(Run).where(Run.study_id == study.id, Run.key.in_(keys)).order_by(Run.id)
        )
        by_key = {run.key: run for run in runs}
        ordered = [by_key[key] for key in dict.fromkeys(keys) if key in by_key]
        readings = [run.reading for run in ordered if run.outcome == "read" and run.reading is not None]
        if not readings:
            reasons = dict.fromkeys(run.reason for run in ordered)
            moved(session, study, "unread", reason=" ".join(reasons) or "It holds no image that can be read.")
            return None
        begun = draft(session, study, digest, readings)
        moved(session, study, "drafted", report=begun.identifier)
        return begun.identifier, begun.version


def read_by(site: Site, uid: str, work: Work, reader: Reader) -> list[str]:
    """One model reads its series of a study; each case leaves the trace of its inference, once.

    Args:
        site: The server.
        uid: StudyInstanceUID.
        work: Which model reads what.
        reader: The model, opened.

    Returns:
        The keys of the runs, in the order of the cases.

    Raises:
        DatabaseGone: The database does not answer; nothing is lost, the step is done again.
    """
    keys = []
    begun = time.monotonic()
    with laid_out(site, uid, work["series"]) as folder:
        after = time.monotonic()
        for item in _cases(folder):
            seconds = {"fetch and decode": round(time.monotonic() - after + (after - begun), 4)}
            keys.append(_one(site, uid, work, reader, item, seconds))
            begun = after = time.monotonic()
    with site.database.writing() as session:
        study = study_of(session, uid, locked=True)
        if study.state == "prepared":
            moved(session, study, "read", model=work["model"], cases=len(keys))
    return keys


def _cases(folder: Path) -> Iterator[Case | str]:
    try:
        yield from read_cases(folder)
    except SkiagraphError as error:
        yield str(error)


def _one(
    site: Site, uid: str, work: Work, reader: Reader, item: Case | str, seconds: dict[str, float]
) -> str:
    inputs = [] if isinstance(item, str) else _inputs(item)
    said = item if isinstance(item, str) else " ".join(one["digest"] + one["uid"] for one in inputs)
    key = hashlib.sha256(f"{uid} {reader.digest} {said}".encode()).hexdigest()
    with site.database.reading() as session:
        study = study_of(session, uid)
        if session.scalar(select(Run.id).where(Run.study_id == study.id, Run.key == key)) is not None:
            return key
    begun = time.monotonic()
    outcome, reason, reading = _answer(reader, item)
    seconds["read"] = round(time.monotonic() - begun, 4)
    trace = {
        "route": work["route"],
        "inputs": inputs,
        "engine": reader.engine.name,
        "precision": reader.engine.precision,
        "machine": {"system": platform.platform(), "processor": platform.machine(), "cores": os.cpu_count()},
        "software": f"skiagraph {__version__}",
        "seconds": seconds,
    }
    for stage, spent in seconds.items():
        site.metrics.stages.labels(stage).observe(spent)
    site.metrics.read.labels(reader.card.name, outcome).inc()
    with site.database.writing() as session:
        if session.scalar(select(Run.id).where(Run.study_id == study.id, Run.key == key)) is None:
            session.add(
                Run(
                    study_id=study.id,
                    key=key,
                    model=reader.card.name,
                    version=reader.card.version,
                    digest=reader.digest,
                    outcome=outcome,
                    reason=reason,
                    trace=trace,
                    reading=None if reading is None else reading_to_plain(reading),
                    at=datetime.now(UTC),
                )
            )
    return key


def _answer(reader: Reader, item: Case | str) -> tuple[str, str, Reading | None]:
    """What came of a case: ``"read"``, ``"not applicable"`` or ``"failed"``, why, and the reading."""
    if isinstance(item, str):
        return "failed", item, None
    try:
        reading = read_case_with(reader, with_remarks(item, reader.card))
    except (FormatError, InvalidInput) as error:
        return "failed", str(error), None
    findings = reading.report.findings
    refused = [one for one in findings if isinstance(one, NotApplicable)]
    if len(refused) == len(findings):
        return (
            "not applicable",
            refused[0].explanation if refused else "The model found nothing to say.",
            reading,
        )
    return "read", "", reading


def _inputs(case: Case) -> list[dict[str, str]]:
    return [
        {"name": name, "digest": image_digest(image), "uid": case.uids.get(name) or ""}
        for name, image in case.images.items()
    ]
