"""Who is asking, and whether they may: no route is reached without a permission, but for those that say ``public``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, final

from fastapi import Depends, Path, Request
from fastapi.params import Depends as Dependency
from fastapi.routing import APIRoute
from starlette.types import Scope

from skiagraph.errors import NotPermitted
from skiagraph.server.people.access import Caller, Unknown
from skiagraph.server.people.roles import Permission
from skiagraph.server.people.visits import Visit
from skiagraph.server.settings import Settings
from skiagraph.server.site import Site

__all__ = [
    "PUBLIC",
    "Caller",
    "Number",
    "Permitted",
    "Unknown",
    "caller_of",
    "cookie_name",
    "needs",
    "permissions_of",
    "site_of",
    "visit_of",
]

PUBLIC: Final = "public"
"""The mark of routes that anyone reaches: signing in, health and static files."""

Number = Annotated[int, Path(ge=1, lt=1 << 63)]
"""Of a row, in a path."""


def site_of(request: Request) -> Site:
    """What the server is made of."""
    site: Site = request.app.state.site
    return site


def caller_of(request: Request) -> Caller:
    """Who asks; set by the layer that reads cookies and tokens.

    Raises:
        Unknown: Nobody is signed in.
    """
    caller: Caller | None = getattr(request.state, "caller", None)
    if caller is None:
        raise Unknown("a request says who asks", way_out="sign in, or show a token")
    return caller


def visit_of(request: Request) -> Visit | None:
    """The session or token with which somebody asks; None for nobody."""
    visit: Visit | None = getattr(request.state, "visit", None)
    return visit


def cookie_name(settings: Settings) -> str:
    """The cookie of a session; over TLS one that no other host and no plain connection can set (RFC 6265bis)."""
    return "__Host-skiagraph" if settings.secure else "skiagraph"


def needs(permission: Permission | Literal["any", "public"]) -> Dependency:
    """What a route asks for: a permission, ``"any"`` for whoever is signed in, or ``"public"`` for anyone.

    Each route of the application has exactly one of these; a test goes through them all.
    """

    async def check(request: Request) -> Any:
        if permission == PUBLIC:
            return None
        caller = caller_of(request)
        if permission != "any" and permission not in caller.may:
            raise NotPermitted(f"this asks for the permission to {permission}", got=f"a {caller.role}")
        return caller

    check.permission = permission  # type: ignore[attr-defined]
    dependency: Dependency = Depends(check)
    return dependency


def permissions_of(route: APIRoute) -> list[str]:
    """What a route asks for; each has exactly one."""
    asked = (getattr(one.call, "permission", None) for one in route.dependant.dependencies)
    return [permission for permission in asked if permission is not None]


@final
class Permitted:
    """What the routes of an application ask for, found before any of them runs.

    Args:
        routes: All of them.
    """

    def __init__(self, routes: Sequence[APIRoute]) -> None:
        self._routes: dict[str, list[tuple[re.Pattern[str], str]]] = {}
        for route in routes:
            asked = permissions_of(route)
            if len(asked) == 1:
                for method in route.methods or ():
                    self._routes.setdefault(method, []).append((route.path_regex, asked[0]))

    def of(self, scope: Scope) -> str | None:
        """What the route of a request asks for; None where there is no such route, or where it does not say."""
        for pattern, permission in self._routes.get(scope["method"], ()):
            if pattern.match(scope["path"]):
                return permission
        return None
