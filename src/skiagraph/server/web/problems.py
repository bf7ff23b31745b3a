"""Errors as problems (RFC 9457): the sentence that we say, with the status of HTTP that it has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fastapi import Request
from fastapi.responses import JSONResponse

from skiagraph.errors import (
    InvalidInput,
    MissingInput,
    NotPermitted,
    SkiagraphError,
    StateError,
    UnknownName,
    WriteFailed,
)
from skiagraph.server.database import DatabaseGone
from skiagraph.server.people.access import Throttled, Unknown

__all__ = ["on_error", "problem"]

_STATUS: Final[Mapping[type[SkiagraphError], int]] = {
    Throttled: 429,
    Unknown: 401,
    NotPermitted: 403,
    MissingInput: 404,
    UnknownName: 404,
    DatabaseGone: 503,
    StateError: 409,
    WriteFailed: 507,
    InvalidInput: 422,
}
"""The first that fits counts."""


def problem(error: SkiagraphError, status: int | None = None) -> JSONResponse:
    """One sentence, and its parts.

    Args:
        error: What went wrong.
        status: Of HTTP; None for the one of its kind.
    """
    kind = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 500)
    code = kind if status is None else status
    headers = {"WWW-Authenticate": "Bearer"} if code == 401 else {}
    if isinstance(error, Throttled):
        headers["Retry-After"] = str(error.seconds)
    said = {"title": error.rule, "status": code, "detail": str(error)}
    return JSONResponse(said, code, headers, media_type="application/problem+json")


def on_error(_request: Request, error: Exception) -> JSONResponse:
    """What the application does with our errors."""
    if not isinstance(error, SkiagraphError):
        raise error
    return problem(error)
