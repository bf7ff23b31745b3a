"""Whether the server lives, and whether it takes work."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from skiagraph.server.web.guard import needs, site_of

__all__ = ["router"]

router = APIRouter(tags=["health"])


@router.get("/health", dependencies=[needs("public")])
def health() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@router.get("/ready", dependencies=[needs("public")])
def ready(request: Request) -> JSONResponse:
    """Database and disk take work; 503 and the reason where they do not."""
    reason = site_of(request).unready()
    return JSONResponse(
        {"status": "ready"} if reason is None else {"status": "not ready", "reason": reason},
        200 if reason is None else 503,
    )
