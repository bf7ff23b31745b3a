"""Whether the server lives, and whether it takes work."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from skiagraph.server.web.guard import needs, site_of

__all__ = ["router"]

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    """Whether work is taken, and why not."""

    status: Literal["ready", "not ready"]
    reason: str | None = None


@router.get("/health", dependencies=[needs("public")])
def health() -> Alive:
    """The process answers."""
    return Alive()


@router.get(
    "/ready",
    dependencies=[needs("public")],
    response_model_exclude_none=True,
    responses={503: {"model": Ready, "description": "No work is taken now."}},
)
def ready(request: Request, response: Response) -> Ready:
    """Database and disk take work; 503 and the reason where they do not."""
    reason = site_of(request).unready()
    if reason is None:
        return Ready(status="ready")
    response.status_code = 503
    return Ready(status="not ready", reason=reason)
