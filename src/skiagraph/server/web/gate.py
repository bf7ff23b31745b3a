"""The gate: nothing behind it is reached but by those who are known, and by routes that are for anyone."""

from __future__ import annotations

import contextlib
import hmac
import time
from dataclasses import replace
from functools import partial
from typing import Final, Protocol, final

from anyio import CancelScope, to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from skiagraph.errors import NotPermitted, SkiagraphError
from skiagraph.server.database import DatabaseGone
from skiagraph.server.people.access import Unknown
from skiagraph.server.people.secret import digest_of
from skiagraph.server.people.visits import Visit
from skiagraph.server.site import Site
from skiagraph.server.web.guard import PUBLIC, Permitted, cookie_name
from skiagraph.server.web.problems import problem

__all__ = ["Gate"]

_SAFE: Final = ("GET", "HEAD", "OPTIONS")
_CSRF: Final = "x-csrf-token"
_LOOK: Final = 15.0  # s between two looks whether somebody may still hear an answer that lasts


class _Read(Protocol):
    def __call__(self, secret: str, address: str, *, use: bool = True) -> Visit | None: ...


@final
class Gate:
    """Finds out who asks, by cookie or bearer token, and lets through who may ask at all.

    Args:
        app: What is behind.
        site: Whose people.
        permitted: What each route asks for.
    """

    def __init__(self, app: ASGIApp, site: Site, permitted: Permitted) -> None:
        self._app = app
        self._people = site.people
        self._permitted = permitted
        self._cookie = cookie_name(site.settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands on, or 401, 403 or 503; a browser that goes to a page is sent to sign in."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        public = self._permitted.of(scope) == PUBLIC
        refusal: Response | None = None
        try:
            visit = await self._visit(request, public=public)
            if visit is None or visit.login is not None:
                _check_source(request)
            if visit is None and not public:
                refusal = _unknown(request)
            elif visit is not None and not public:
                _check_token(request, visit)
        except SkiagraphError as error:
            refusal = problem(error)
        if refusal is not None:
            if "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0":
                refusal.headers["Connection"] = "close"  # the body is not waited for
            await refusal(scope, receive, send)
            return
        scope["state"]["visit"] = visit
        scope["state"]["caller"] = None if visit is None else visit.caller
        with CancelScope() as inside:
            still = send if visit is None else self._watched(request, send, inside)
            await self._app(scope, receive, still)

    def _watched(self, request: Request, send: Send, inside: CancelScope) -> Send:
        """Answers that last, as streams of events do, end with the session or token for which they were begun."""
        looked = time.monotonic()

        async def still(message: Message) -> None:
            nonlocal looked
            if message.get("more_body", False) and time.monotonic() - looked > _LOOK:
                read, secret = self._shown(request)
                with contextlib.suppress(DatabaseGone):
                    if await to_thread.run_sync(partial(read, secret, "", use=False)) is None:
                        inside.cancel()
                looked = time.monotonic()
            await send(message)

        return still

    def _shown(self, request: Request) -> tuple[_Read, str]:
        """A token or a cookie, and what reads it."""
        kind, _, shown = request.headers.get("authorization", "").partition(" ")
        if kind.casefold() == "bearer":
            return self._people.tokens.visit, shown.strip()
        return self._people.sessions.visit, request.cookies.get(self._cookie, "")

    async def _visit(self, request: Request, *, public: bool) -> Visit | None:
        (read, secret), address = self._shown(request), request.state.address
        if not secret:
            return None
        digest, known = digest_of(secret), self._people.known
        visit, age = known.get(digest), known.age
        if visit is None:
            with contextlib.suppress(*(DatabaseGone,) if public else ()):
                visit = await to_thread.run_sync(read, secret, address)
            if visit is None:
                return None
            known.put(digest, visit, age)
        if visit.caller.address != address:
            return replace(visit, caller=replace(visit.caller, address=address))
        return visit


def _check_source(request: Request) -> None:
    """What changes something was sent by a page of ours, or by no page at all."""
    if request.method in _SAFE:
        return
    ours = f"{request.url.scheme}://{request.headers['host']}".casefold()
    origin = request.headers.get("origin", ours)
    site = request.headers.get("sec-fetch-site", "none")
    if site not in ("same-origin", "none") or origin.casefold() != ours:
        raise NotPermitted("what changes something is asked by a page of this server", got="another page")


def _check_token(request: Request, visit: Visit) -> None:
    """A cookie alone changes nothing: the page shows that it was served by us."""
    if request.method in _SAFE or visit.login is None:
        return
    if not hmac.compare_digest(request.headers.get(_CSRF, "").encode(), visit.csrf.encode()):
        raise NotPermitted(
            "what changes something shows the token of its session",
            got="none, or another",
            way_out="send csrf of /api/me in the header X-CSRF-Token",
        )


def _unknown(request: Request) -> Response:
    if request.headers.get("sec-fetch-mode") == "navigate" and request.method == "GET":
        return RedirectResponse("/sign-in", 303)
    return problem(Unknown("a request says who asks", way_out="sign in, or show a token"))
