"""Accounts, invitations, sessions, and who sees a restricted study."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from skiagraph.server.web.guard import Number, caller_of, needs, site_of, visit_of

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["people"])

_Person = Literal["viewer", "reader", "admin"]
_Name = Annotated[str, Path(max_length=64)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Account(BaseModel):
    """An account, without its password."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    role: str
    disabled: bool
    locked_until: datetime | None
    created: datetime


class Change(_Strict):
    """What becomes of an account; null leaves it as it is.

    Args:
        unlock: Ends the time in which wrong passwords locked it.
    """

    role: _Person | None = None
    disabled: bool | None = None
    unlock: Literal[True] | None = None


class Wanted(_Strict):
    """Whom an invitation makes."""

    role: _Person


class Link(BaseModel):
    """A link that works once, shown this once."""

    link: str


class Passwords(_Strict):
    """The password of now, and the next."""

    old: Annotated[str, Field(max_length=256)]
    new: Annotated[str, Field(max_length=256)]


class Session(BaseModel):
    """A session in a browser.

    Args:
        this: Whether it is the one that asks.
    """

    id: int
    address: str
    agent: str
    created: datetime
    seen: datetime
    this: bool


class Access(_Strict):
    """Who sees a study: everyone who may see, or where it is restricted the people named."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    restricted: bool
    people: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=1000)] = []


@router.get("/users", dependencies=[needs("manage")])
def users(request: Request) -> list[Account]:
    """All accounts, by name."""
    return [Account.model_validate(one) for one in site_of(request).people.accounts.listed()]


@router.patch("/users/{name}", dependencies=[needs("manage")])
def change_user(request: Request, name: _Name, change: Change) -> Account:
    """Gives another role, disables, enables or unlocks."""
    accounts, by = site_of(request).people.accounts, caller_of(request)
    if change.role is not None:
        accounts.set_role(by, name, change.role)
    if change.disabled is not None:
        (accounts.disable if change.disabled else accounts.enable)(by, name)
    if change.unlock:
        accounts.unlock(by, name)
    return Account.model_validate(accounts.named(name))


@router.post("/users/{name}/link", dependencies=[needs("manage")], status_code=201)
def renew(request: Request, name: _Name) -> Link:
    """A link that gives an account a new password."""
    return _link(request, site_of(request).people.invitations.renew(caller_of(request), name))


@router.post("/invitations", dependencies=[needs("manage")], status_code=201)
def invite(request: Request, wanted: Wanted) -> Link:
    """A link that makes an account."""
    return _link(request, site_of(request).people.invitations.invite(caller_of(request), wanted.role))


@router.put("/me/password", dependencies=[needs("any")], status_code=204)
def change_password(request: Request, passwords: Passwords) -> Response:
    """Gives oneself another password; one's other sessions end."""
    visit = visit_of(request)
    site_of(request).people.door.change_password(
        caller_of(request), passwords.old, passwords.new, login=visit.login if visit else None
    )
    return Response(status_code=204)


@router.get("/me/sessions", dependencies=[needs("any")])
def sessions(request: Request) -> list[Session]:
    """One's own sessions, the last used first."""
    caller, visit = caller_of(request), visit_of(request)
    found = site_of(request).people.sessions.listed(caller.user or 0)
    return [
        Session(
            id=one.id,
            address=one.address,
            agent=one.agent,
            created=one.created,
            seen=one.seen,
            this=visit is not None and visit.login == one.id,
        )
        for one in found
    ]


@router.delete("/me/sessions/{number}", dependencies=[needs("any")], status_code=204)
def end_session(request: Request, number: Number) -> Response:
    """Ends one of one's own sessions."""
    site_of(request).people.sessions.end(caller_of(request), number)
    return Response(status_code=204)


@router.get("/studies/{uid}/access", dependencies=[needs("manage")])
def access(request: Request, uid: _Name) -> Access:
    """Who sees a study."""
    return Access.model_validate(site_of(request).people.grants.of(uid))


@router.put("/studies/{uid}/access", dependencies=[needs("manage")])
def put_access(request: Request, uid: _Name, access: Access) -> Access:
    """Says who sees a study from now on."""
    grants = site_of(request).people.grants
    grants.put(caller_of(request), uid, restricted=access.restricted, people=access.people)
    return Access.model_validate(grants.of(uid))


def _link(request: Request, secret: str) -> Link:
    return Link(link=f"{request.url.scheme}://{request.headers['host']}/sign-in?invitation={secret}")
