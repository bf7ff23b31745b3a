"""Reports: look at all versions, write, sign, amend, and the page as PDF."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from skiagraph.server import reports
from skiagraph.server.people.access import Caller
from skiagraph.server.results import page_of
from skiagraph.server.way import worklist
from skiagraph.server.web.guard import caller_of, needs, site_of

__all__ = ["router"]

router = APIRouter(prefix="/api/studies/{uid}/reports", tags=["reports"])
_Who = Annotated[Caller, Depends(caller_of)]
_Uid = Annotated[str, Path(pattern=r"^[0-9.]{1,64}$")]


class ReportRow(BaseModel):
    """One version of a report."""

    model_config = ConfigDict(from_attributes=True)

    identifier: str
    version: int
    state: str
    content: dict[str, Any]
    reader: str
    reason: str
    at: datetime


class Written(BaseModel):
    """What a report says now, written on a version that the reader has before them."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=1)]
    readings: list[dict[str, Any]]
    text: dict[str, str] = {}
    key_images: list[tuple[str, int]] = []

    def content(self) -> reports.Content:
        """As a value, checked."""
        return reports.Content(
            readings=self.readings, text=dict(self.text), key_images=tuple(self.key_images)
        )


class Amended(Written):
    """The same, of a signed report, and why."""

    reason: Annotated[str, Field(min_length=1, max_length=2000)]


class Signed(BaseModel):
    """A signature under a version that the reader has before them."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=1)]
    state: Literal["preliminary", "final"] = "final"


class _Page:
    """Which page is asked for."""

    def __init__(
        self,
        uid: _Uid,
        identifier: _Uid,
        version: Annotated[int, Path(ge=1)],
        reading: Annotated[int, Query(ge=0)] = 0,
        language: Literal["en", "zh"] = "en",
    ) -> None:
        self.uid, self.identifier, self.version = uid, identifier, version
        self.reading, self.language = reading, language


@router.get("", dependencies=[needs("see")])
def versions(request: Request, caller: _Who, uid: _Uid) -> list[ReportRow]:
    """All versions of the reports of a study, the newest last."""
    site = site_of(request)
    with site.database.reading() as session:
        found = reports.versions_of(session, worklist.seen_study(session, caller, uid))
    site.audit.record("report looked at", caller.name, study=uid, address=caller.address)
    return [ReportRow.model_validate(one) for one in found]


@router.put("/{identifier}", dependencies=[needs("report")])
def write(request: Request, caller: _Who, uid: _Uid, identifier: _Uid, wish: Written) -> ReportRow:
    """A new version of a report that is not signed; 409 where somebody wrote one meanwhile."""
    content, base = wish.content(), (identifier, wish.version)
    with worklist.changing(site_of(request), caller, uid, "report changed") as (session, study):
        made = reports.rewritten(session, study, base, content, caller)
    return ReportRow.model_validate(made)


@router.post("/{identifier}/sign", dependencies=[needs("sign")])
def sign(request: Request, caller: _Who, uid: _Uid, identifier: _Uid, wish: Signed) -> ReportRow:
    """Signs a report, for now or for good; results go where the rules send them."""
    with worklist.changing(site_of(request), caller, uid, "report signed") as (session, study):
        made = reports.signed(session, study, (identifier, wish.version), caller, wish.state)
    return ReportRow.model_validate(made)


@router.post("/{identifier}/amend", dependencies=[needs("sign")])
def amend(request: Request, caller: _Who, uid: _Uid, identifier: _Uid, wish: Amended) -> ReportRow:
    """Corrects a signed report; the version before stays."""
    content, base = wish.content(), (identifier, wish.version)
    with worklist.changing(site_of(request), caller, uid, "report signed") as (session, study):
        made = reports.amended(session, study, base, content, wish.reason, caller)
    return ReportRow.model_validate(made)


@router.get("/{identifier}/{version}/pdf", dependencies=[needs("see")], response_class=Response)
def pdf(request: Request, caller: _Who, which: Annotated[_Page, Depends()]) -> Response:
    """The page of one reading of a version (``application/pdf``)."""
    site, uid = site_of(request), which.uid
    with site.database.reading() as session:
        worklist.seen_study(session, caller, uid)
    page = page_of(site, uid, (which.identifier, which.version), which.reading, which.language)
    site.audit.record("report looked at", caller.name, study=uid, address=caller.address)
    return Response(page, media_type="application/pdf")
