"""Routing rules, and where results went: look at them, try them on a study, send again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select

from skiagraph.server.deliver import sent_again
from skiagraph.server.people.access import Caller, visible
from skiagraph.server.routing import Route, decided, routes_of
from skiagraph.server.tables import Delivery, Study
from skiagraph.server.way.steps import described
from skiagraph.server.way.worklist import seen_study
from skiagraph.server.web.guard import caller_of, needs, site_of

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["routing"])
_Who = Annotated[Caller, Depends(caller_of)]
_Uid = Annotated[str, Path(pattern=r"^[0-9.]{1,64}$")]
_MOST = 500


class Rules(BaseModel):
    """The rules as they are, and the destinations that they may name."""

    routes: list[Route]
    destinations: list[str]


class Tried(BaseModel):
    """What one rule says of a study: the series that fit, and why others do not."""

    route: str
    series: list[str]
    why: dict[str, str]


class DeliveryRow(BaseModel):
    """One result on its way to one destination."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    study: str
    destination: str
    instance_uid: str
    state: str
    attempts: int
    error: str
    at: datetime


@router.get("/routes", dependencies=[needs("manage")])
def routes(request: Request) -> Rules:
    """The rules that the file says."""
    settings = site_of(request).settings
    return Rules(routes=list(routes_of(settings.routes_file)), destinations=sorted(settings.destinations))


@router.get("/studies/{uid}/routes", dependencies=[needs("manage")])
def tried(request: Request, caller: _Who, uid: _Uid) -> list[Tried]:
    """What the rules say of a study, without doing anything."""
    site = site_of(request)
    with site.database.reading() as session:
        study = described(session, seen_study(session, caller, uid).uid)
    found = decided(routes_of(site.settings.routes_file), study)
    return [Tried(route=one.route.name, series=list(one.series), why=dict(one.why)) for one in found]


@router.get("/deliveries", dependencies=[needs("manage")])
def deliveries(request: Request, caller: _Who, state: str = "") -> list[DeliveryRow]:
    """The newest results on their way, by state where one is named."""
    query = select(Delivery, Study.uid).join(Study).where(visible(caller)).order_by(Delivery.id.desc())
    if state:
        query = query.where(Delivery.state == state)
    with site_of(request).database.reading() as session:
        found = session.execute(query.limit(_MOST)).all()
    return [_row(delivery, uid) for delivery, uid in found]


@router.post("/studies/{uid}/deliveries/again", dependencies=[needs("manage")])
def again(request: Request, caller: _Who, uid: _Uid) -> dict[str, int]:
    """Sends again what a destination did not take; how many objects wait for it now."""
    site = site_of(request)
    with site.database.reading() as session:
        seen_study(session, caller, uid)
    waiting = sent_again(site, uid)
    site.audit.record("images sent", caller.name, study=uid, address=caller.address, detail="asked for again")
    return {"waiting": waiting}


def _row(one: Delivery, uid: str) -> DeliveryRow:
    fields = {name: getattr(one, name) for name in DeliveryRow.model_fields if name != "study"}
    return DeliveryRow(study=uid, **fields)
