"""What stands in front of every route: headers for browsers, the name that is asked for, and bounds of requests."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Final, final

from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from skiagraph.errors import InvalidInput, SkiagraphError
from skiagraph.server.settings import Limits, Settings
from skiagraph.server.site import Site
from skiagraph.server.web.gate import Gate
from skiagraph.server.web.guard import PUBLIC, Permitted
from skiagraph.server.web.problems import problem

__all__ = ["layered"]

_POLICY: Final[Mapping[str, str]] = {
    "default-src": "'none'",
    "script-src": "'self' 'wasm-unsafe-eval'",
    "worker-src": "'self' blob:",
    "style-src": "'self'",
    "img-src": "'self' blob: data:",
    "font-src": "'self'",
    "media-src": "'self' blob:",
    "connect-src": "'self' blob:",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "object-src": "'none'",
}
"""What a page of ours may do: nothing that was not served by us; workers and WebAssembly for viewers."""

_HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": "; ".join(f"{what} {whence}" for what, whence in _POLICY.items()),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
"""Set where the route has not said otherwise. The last is for patient data; what may be kept says so itself."""

_SECURE: Final = ("strict-transport-security", "max-age=31536000")
_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")

_FORM: Final = 64 << 10  # bytes of what anyone sends
_BODY: Final = 32 << 20  # bytes of what those who are signed in send


def layered(app: ASGIApp, site: Site, routes: Sequence[APIRoute]) -> ASGIApp:
    """The application behind all layers, the outermost first: headers, names, bounds, and who asks.

    Args:
        app: All routes.
        site: What the server is made of.
        routes: The same, to see what each asks for.
    """
    permitted = Permitted(routes)
    bounded = Bounds(Gate(app, site, permitted), site.settings.limits, permitted)
    return Headers(Names(bounded, site.settings), site.settings)


@final
class Headers:
    """From where and over what a request came; what browsers are told with every answer, and its number.

    Args:
        app: What is behind.
        settings: Whether a proxy is in front, whose headers are believed.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._proxy = settings.behind_proxy
        self._secure = settings.secure
        told = {**_HEADERS, **({_SECURE[0]: _SECURE[1]} if settings.secure else {})}
        self._told = [(name.encode(), value.encode()) for name, value in told.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands on."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 1008})  # we have none
            return
        state = scope.setdefault("state", {})
        client = scope.get("client")
        state["address"] = client[0] if client else ""
        state["request"] = secrets.token_hex(16)
        if self._proxy:
            state["address"] = _last(_header(scope, b"x-forwarded-for")) or state["address"]
            given = _header(scope, b"x-request-id")
            state["request"] = given if _ID.fullmatch(given) else state["request"]
        scope["scheme"] = "https" if self._secure else "http"

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                said = {name.lower() for name, _ in headers}
                headers += [one for one in self._told if one[0] not in said]
                headers.append((b"x-request-id", state["request"].encode()))
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, tell)


@final
class Names:
    """Answers only under the server's own names, so that no page elsewhere borrows one (DNS rebinding).

    Args:
        app: What is behind.
        settings: The names. ``localhost`` and addresses in numbers need no naming: nobody can borrow these.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._names = {"localhost", *(name.casefold() for name in settings.names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands on, or 421."""
        hosts = [value for name, value in scope.get("headers", ()) if name == b"host"]
        if scope["type"] == "http" and (len(hosts) != 1 or not self._ours(hosts[0].decode("latin-1"))):
            error = InvalidInput(
                "a request names this server",
                got="another name",
                way_out="list it in names, in settings.toml",
            )
            await _refuse(error, 421, scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _ours(self, host: str) -> bool:
        match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]@/\\\s]+)(?::\d{1,5})?", host)
        if match is None:
            return False
        name = match[1].strip("[]").casefold()
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name.removesuffix(".") in self._names
        return True


@final
class Bounds:
    """How much a request may bring, and how long it may take to come.

    Args:
        app: What is behind.
        limits: Of an upload, and of time.
        permitted: Which routes are uploads, and which are open to anyone.
    """

    def __init__(self, app: ASGIApp, limits: Limits, permitted: Permitted) -> None:
        self._app = app
        self._limits = limits
        self._permitted = permitted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands on, or 413 or 408 as soon as a bound is passed."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._most(scope)
        said = _header(scope, b"content-length")
        if said.isdecimal() and int(said) > most:
            await _refuse(_too_much(most), 413, scope, receive, send)
            return
        body = _Body(receive, most, self._limits.body_seconds)
        answered = False

        async def answer(message: Message) -> None:
            nonlocal answered
            if body.refusal is None or answered:
                answered = True
                await send(message)

        try:
            await self._app(scope, body.receive, answer)
        except ClientDisconnect:
            if body.refusal is None:
                raise
        if body.refusal is not None and not answered:
            await _refuse(*body.refusal, scope, receive, send)

    def _most(self, scope: Scope) -> int:
        permission = self._permitted.of(scope)
        if permission == "upload":
            return self._limits.upload_bytes
        return _FORM if permission == PUBLIC else _BODY


class _Body:
    """The body of one request, which ends as if its sender had gone where a bound is passed."""

    def __init__(self, receive: Receive, most: int, seconds: float) -> None:
        self._receive = receive
        self._most = most
        self._seconds = seconds
        self._until = asyncio.get_running_loop().time() + seconds
        self._come = 0
        self._whole = False
        self.refusal: tuple[SkiagraphError, int] | None = None

    async def receive(self) -> Message:
        """The next part."""
        if self._whole:
            return await self._receive()
        if self.refusal is not None:
            return {"type": "http.disconnect"}
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            return self._refused(
                InvalidInput(f"a request comes whole within {self._seconds:g} s", got="a slower one"), 408
            )
        self._come += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        if self._come > self._most:
            return self._refused(_too_much(self._most), 413)
        return message

    def _refused(self, error: SkiagraphError, status: int) -> Message:
        self.refusal = (error, status)
        self._whole = False
        return {"type": "http.disconnect"}


def _too_much(most: int) -> InvalidInput:
    return InvalidInput(f"a request brings at most {most} bytes", got="more")


async def _refuse(error: SkiagraphError, status: int, scope: Scope, receive: Receive, send: Send) -> None:
    """Answers, and ends the connection, on which the rest of the request would still come."""
    response = problem(error, status)
    response.headers["Connection"] = "close"
    await response(scope, receive, send)


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope.get("headers", ()) if key == name), "")


def _last(forwarded: str) -> str:
    """The address that our own proxy added; those before it are hearsay."""
    last = forwarded.rpartition(",")[2].strip()
    try:
        return str(ipaddress.ip_address(last.strip("[]")))
    except ValueError:
        return ""
