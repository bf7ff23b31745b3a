"""Signing in and out, by the page and for programs."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from skiagraph.errors import InvalidInput, UnknownName
from skiagraph.server.people.access import Throttled, Unknown
from skiagraph.server.people.sign_in import Visitor
from skiagraph.server.people.visits import Visit
from skiagraph.server.web.guard import cookie_name, needs, site_of, visit_of
from skiagraph.server.web.sign_in_page import STYLE, onward_to, page

__all__ = ["AFTER", "put_cookie", "router", "visitor_of"]

AFTER: Final = "/sign-in"
"""Where people go who have signed in."""

router = APIRouter(tags=["sign-in"])

_Name = Annotated[str, Form(max_length=64)]
_Password = Annotated[str, Form(max_length=256)]
_Link = Annotated[str, Form(max_length=64)]


class Shown(BaseModel):
    """Name and password."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=64)]
    password: Annotated[str, Field(max_length=256)]


class Me(BaseModel):
    """Who is signed in.

    Args:
        csrf: What unsafe requests with the cookie show in ``X-CSRF-Token``; empty for a token.
    """

    name: str
    role: str
    permissions: list[str]
    csrf: str


@router.get("/sign-in", dependencies=[needs("public")], include_in_schema=False)
def sign_in_page(
    request: Request, invitation: Annotated[str, Query(max_length=64)] = "", said: str = ""
) -> Response:
    """The page: asks for name and password, or for a new password where a link was followed."""
    if not invitation:
        return page(request, said=said if said in ("made", "left") else "")
    try:
        invited = site_of(request).people.invitations.opened(invitation)
    except UnknownName:
        return page(request, said="link", status=404)
    return page(request, name=invited.name, known=bool(invited.name), invitation=invitation)


@router.get("/sign-in/style.css", dependencies=[needs("public")], include_in_schema=False)
def style() -> Response:
    """Its style sheet."""
    return Response(STYLE, media_type="text/css", headers={"Cache-Control": "public, max-age=3600"})


@router.post("/sign-in", dependencies=[needs("public")], include_in_schema=False)
def sign_in_form(request: Request, name: _Name, password: _Password) -> Response:
    """What the page sends."""
    try:
        secret = site_of(request).people.door.enter(name, password, visitor_of(request))
    except Throttled:
        return page(request, said="slowly", status=429, name=name)
    except Unknown:
        return page(request, said="refused", status=401, name=name)
    return put_cookie(request, onward_to(request, AFTER), secret)


@router.post("/sign-in/invitation", dependencies=[needs("public")], include_in_schema=False)
def accept_form(
    request: Request, invitation: _Link, name: _Name, password: _Password, again: _Password
) -> Response:
    """What the page sends after a link: makes the account, or gives it the new password."""
    people, address = site_of(request).people, request.state.address
    known = False
    try:
        people.door.throttle.take(address)
        known = bool(people.invitations.opened(invitation).name)
        if password != again:
            return page(request, said="differ", status=422, name=name, invitation=invitation, known=known)
        people.invitations.accept(invitation, name, password, address=address)
    except Throttled:
        return page(request, said="slowly", status=429, name=name, invitation=invitation, known=known)
    except UnknownName:
        return page(request, said="link", status=404)
    except InvalidInput as error:
        said = "weak" if "password" in error.rule else "taken"
        return page(request, said=said, status=422, name=name, invitation=invitation, known=known)
    return onward_to(request, "/sign-in?said=made")


@router.post("/sign-out", dependencies=[needs("public")], include_in_schema=False)
def sign_out_form(request: Request) -> Response:
    """What the page sends."""
    return _left(request, onward_to(request, "/sign-in?said=left"))


@router.post("/api/sign-in", dependencies=[needs("public")])
def sign_in(request: Request, shown: Shown, response: Response) -> Me:
    """Begins a session and sets its cookie."""
    people = site_of(request).people
    secret = people.door.enter(shown.name, shown.password, visitor_of(request))
    put_cookie(request, response, secret)
    visit = people.sessions.visit(secret, request.state.address)
    return _me(visit)


@router.post("/api/sign-out", dependencies=[needs("any")], status_code=204)
def sign_out(request: Request) -> Response:
    """Ends the session, and takes back its cookie."""
    return _left(request, Response(status_code=204))


@router.get("/api/me", dependencies=[needs("any")])
def me(request: Request) -> Me:
    """Who asks, and what they may do."""
    return _me(visit_of(request))


def _me(visit: Visit | None) -> Me:
    if visit is None:
        raise Unknown("a request says who asks", way_out="sign in, or show a token")
    caller = visit.caller
    return Me(name=caller.name, role=caller.role, permissions=sorted(caller.may), csrf=visit.csrf)


def visitor_of(request: Request) -> Visitor:
    """Who stands at the door."""
    return Visitor(
        address=request.state.address,
        agent=request.headers.get("user-agent", ""),
        secret=request.cookies.get(cookie_name(site_of(request).settings), ""),
    )


def put_cookie(request: Request, response: Response, secret: str) -> Response:
    """Sets the cookie of a session."""
    settings = site_of(request).settings
    response.set_cookie(
        cookie_name(settings), secret, path="/", secure=settings.secure, httponly=True, samesite="strict"
    )
    return response


def _left(request: Request, response: Response) -> Response:
    site, visit = site_of(request), visit_of(request)
    name = cookie_name(site.settings)
    if visit is not None:
        site.people.door.leave(request.cookies.get(name, ""), visit.caller.name, request.state.address)
    response.delete_cookie(name, path="/", secure=site.settings.secure, httponly=True, samesite="strict")
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response
