"""The worklist and its studies: look for, look at, assign, put first, read anew."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from skiagraph.server.people.access import Caller
from skiagraph.server.tables import Study
from skiagraph.server.way import worklist
from skiagraph.server.web.guard import caller_of, needs, site_of

__all__ = ["router"]

router = APIRouter(prefix="/api/studies", tags=["studies"])
_Who = Annotated[Caller, Depends(caller_of)]
_Date = Annotated[str, Field(pattern=r"^(\d{8})?$")]


class _Row(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class StudyRow(_Row):
    """A study in the worklist."""

    uid: str
    patient_id: str
    patient_name: str
    birth_date: str
    sex: str
    date: str
    time: str
    accession: str
    description: str
    modalities: str
    body_part: str
    series_count: int
    instance_count: int
    state: str
    reason: str
    priority: int
    restricted: bool
    assigned: int | None
    received: datetime
    changed: datetime


class Asked(BaseModel):
    """What is looked for in the worklist."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(max_length=200)] = ""
    modality: Annotated[str, Field(max_length=16)] = ""
    states: Annotated[list[str], Field(max_length=9)] = []
    since: _Date = ""
    until: _Date = ""
    reader: int | None = None
    order: Literal["priority", "received", "date", "name", "state"] = "priority"
    start: Annotated[int, Field(ge=0)] = 0
    most: Annotated[int, Field(ge=1, le=500)] = 100


class Page(BaseModel):
    """A page of the worklist, how many studies fit, and how many of them stand in each state."""

    studies: list[StudyRow]
    total: int
    states: dict[str, int]


class SeriesRow(_Row):
    """A series of a study."""

    uid: str
    modality: str
    number: int | None
    description: str
    body_part: str
    instance_count: int


class RunRow(_Row):
    """The trace of one inference: model and weights, inputs, machine, precision, time of each stage."""

    key: str
    model: str
    version: str
    digest: str
    outcome: str
    reason: str
    trace: dict[str, Any]
    at: datetime


class WholeStudy(StudyRow):
    """A study with its series and the traces of all inferences about it."""

    series: list[SeriesRow]
    runs: list[RunRow]


class Change(BaseModel):
    """What may be changed of a study; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    assigned: str | None = None
    priority: int | None = None


@router.get("", dependencies=[needs("see")])
def studies(request: Request, caller: _Who, asked: Annotated[Asked, Query()]) -> Page:
    """The studies that fit, of those that the caller sees."""
    wish = worklist.Wish(**{**asked.model_dump(), "states": tuple(asked.states)})
    with site_of(request).database.reading() as session:
        found = worklist.found(session, caller, wish)
    rows = [StudyRow.model_validate(one) for one in found.studies]
    return Page(studies=rows, total=found.total, states=found.states)


@router.get("/{uid}", dependencies=[needs("see")])
def study(request: Request, caller: _Who, uid: str) -> WholeStudy:
    """One study; looking at it stands in the audit trail."""
    site = site_of(request)
    with site.database.reading() as session:
        one = worklist.seen_study(session, caller, uid)
        series, runs = worklist.series_of(session, one), worklist.runs_of(session, one)
    site.audit.record("study looked at", caller.name, study=uid, address=caller.address)
    return WholeStudy(
        **_row(one),
        series=[SeriesRow.model_validate(each) for each in series],
        runs=[RunRow.model_validate(each) for each in runs],
    )


@router.patch("/{uid}", dependencies=[needs("report")])
def change(request: Request, caller: _Who, uid: str, wish: Change) -> StudyRow:
    """Gives a study to a reader (null: to nobody), or another priority."""
    with worklist.changing(site_of(request), caller, uid, "study assigned") as (session, one):
        if "assigned" in wish.model_fields_set:
            worklist.assigned(session, one, wish.assigned)
        if wish.priority is not None:
            worklist.prioritised(session, one, wish.priority)
    return StudyRow.model_validate(one)


@router.post("/{uid}/read-anew", dependencies=[needs("report")])
def read_anew(request: Request, caller: _Who, uid: str) -> StudyRow:
    """Lets the models read a study again, by the rules as they are now."""
    with worklist.changing(site_of(request), caller, uid, "reading asked for") as (session, one):
        worklist.reread(session, one)
    return StudyRow.model_validate(one)


def _row(one: Study) -> dict[str, Any]:
    return StudyRow.model_validate(one).model_dump()
