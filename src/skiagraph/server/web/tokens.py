"""Tokens of services: make, list, revoke."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from skiagraph.server.web.guard import Number, caller_of, needs, site_of

__all__ = ["router"]

router = APIRouter(prefix="/api/tokens", tags=["tokens"])


class Wanted(BaseModel):
    """A new token.

    Args:
        name: Of the service.
        scopes: What it may do.
        days: Until it ends; null for never.
    """

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=64)]
    scopes: Annotated[list[str], Field(max_length=16)]
    days: Annotated[float, Field(gt=0, le=36_500)] | None = 365


class Made(BaseModel):
    """A token, shown this once."""

    token: str


class Row(BaseModel):
    """A token, without its secret."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    scopes: list[str]
    created: datetime
    expires: datetime | None
    revoked: bool


@router.post("", dependencies=[needs("manage")], status_code=201)
def make(request: Request, wanted: Wanted) -> Made:
    """Makes one, for ``Authorization: Bearer``."""
    tokens = site_of(request).people.tokens
    return Made(token=tokens.make(caller_of(request), wanted.name, wanted.scopes, wanted.days))


@router.get("", dependencies=[needs("manage")])
def listed(request: Request) -> list[Row]:
    """All, the newest first."""
    return [Row.model_validate(one) for one in site_of(request).people.tokens.listed()]


@router.delete("/{number}", dependencies=[needs("manage")], status_code=204)
def revoke(request: Request, number: Number) -> Response:
    """Ends one, at once."""
    site_of(request).people.tokens.revoke(caller_of(request), number)
    return Response(status_code=204)
