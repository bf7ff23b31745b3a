"""Signing in at an OpenID Connect provider, and back."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from skiagraph.errors import NotPermitted, UnknownName
from skiagraph.server.people.access import Throttled, Unknown
from skiagraph.server.people.openid import Answer, Provider
from skiagraph.server.web.guard import needs, site_of
from skiagraph.server.web.sign_in import AFTER, put_cookie, visitor_of
from skiagraph.server.web.sign_in_page import page

__all__ = ["router"]

router = APIRouter(prefix="/sign-in/openid", include_in_schema=False)

_MINUTES: Final = 10  # that somebody may take at the provider


@router.get("", dependencies=[needs("public")])
def to_provider(request: Request) -> Response:
    """Sends the browser to the provider."""
    provider = _provider(request)
    try:
        there, secret = site_of(request).people.door.ask(provider, _back(request), visitor_of(request))
    except (Throttled, Unknown) as error:
        return _failed(request, error)
    response = RedirectResponse(there, 303)
    # Lax, for the browser comes back from another site.
    response.set_cookie(
        _cookie(request),
        secret,
        max_age=_MINUTES * 60,
        path="/",
        secure=site_of(request).settings.secure,
        httponly=True,
        samesite="lax",
    )
    return response


@router.get("/return", dependencies=[needs("public")])
def from_provider(request: Request) -> Response:
    """Takes the browser back, and begins a session."""
    provider = _provider(request)
    secret = request.cookies.get(_cookie(request), "")
    answer = Answer(secret=secret, said=dict(request.query_params), back=_back(request))
    try:
        session = site_of(request).people.door.enter_from(provider, answer, visitor_of(request))
    except (Throttled, Unknown) as error:
        return _failed(request, error)
    # A redirect from here would still count as coming from the other site, and so without the strict cookie.
    response = put_cookie(request, page(request, onward=AFTER), session)
    response.delete_cookie(_cookie(request), path="/", secure=site_of(request).settings.secure, httponly=True)
    return response


def _failed(request: Request, error: NotPermitted) -> Response:
    if isinstance(error, Throttled):
        return page(request, said="slowly", status=429)
    return page(request, said="provider", status=401)


def _provider(request: Request) -> Provider:
    provider = site_of(request).people.provider
    if provider is None:
        raise UnknownName("a provider is named in the settings", got="none")
    return provider


def _back(request: Request) -> str:
    return f"{request.url.scheme}://{request.headers['host']}/sign-in/openid/return"


def _cookie(request: Request) -> str:
    return "__Host-openid" if site_of(request).settings.secure else "openid"
