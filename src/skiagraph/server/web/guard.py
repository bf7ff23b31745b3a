"""Who is asking, and whether they may: no route is reached without a permission, but for those that say ``public``."""

from __future__ import annotations

from typing import Any, Final, Literal

from fastapi import Depends, Request
from fastapi.params import Depends as Dependency

from skiagraph.errors import NotPermitted
from skiagraph.server.people.access import Caller, Unknown
from skiagraph.server.people.roles import Permission
from skiagraph.server.site import Site

__all__ = ["PUBLIC", "Caller", "Unknown", "caller_of", "needs", "site_of"]

PUBLIC: Final = "public"
"""The mark of routes that anyone reaches: signing in, health and static files."""


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
