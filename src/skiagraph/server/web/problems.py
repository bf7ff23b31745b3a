"""Errors as problems (RFC 9457): the sentence that we say, with the status of HTTP that it has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

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
from skiagraph.server.logs import log
from skiagraph.server.people.access import Throttled, Unknown

__all__ = [
    "NotAcceptable",
    "NotInRange",
    "NotSpoken",
    "Problem",
    "on_defect",
    "on_error",
    "on_refusal",
    "on_words",
    "problem",
]


class NotAcceptable(InvalidInput):
    """A client takes nothing that there is."""


class NotSpoken(InvalidInput):
    """A body of a kind that is not read here."""


class NotInRange(InvalidInput):
    """A range that lies behind the end."""


_STATUS: Final[Mapping[type[SkiagraphError], int]] = {
    Throttled: 429,
    Unknown: 401,
    NotPermitted: 403,
    MissingInput: 404,
    UnknownName: 404,
    DatabaseGone: 503,
    StateError: 409,
    WriteFailed: 507,
    NotAcceptable: 406,
    NotSpoken: 415,
    NotInRange: 416,
    InvalidInput: 422,
}
"""The first that fits counts."""

_TYPE: Final = "application/problem+json"


class Problem(BaseModel):
    """Why something was not done (RFC 9457).

    Args:
        title: The rule.
        status: Of HTTP.
        detail: The rule, what came and the way out, in a sentence.
    """

    title: str
    status: int
    detail: str


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
    return _answer(Problem(title=error.rule, status=code, detail=str(error)), headers)


def on_error(_request: Request, error: Exception) -> JSONResponse:
    """What the application does with our errors."""
    if not isinstance(error, SkiagraphError):
        raise error
    return problem(error)


def on_words(_request: Request, error: Exception) -> JSONResponse:
    """Where what came is not as described: which part of it, but not what it said."""
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return problem(InvalidInput("a request is as described", got=f"{where}: {str(first['msg']).lower()}"))


def on_unfit(_request: Request, _error: Exception) -> JSONResponse:
    """Numbers and texts that no column takes: beyond 64 bits, or with a NUL."""
    return problem(InvalidInput("numbers and texts fit into the database", got="others"))


def on_refusal(_request: Request, error: Exception) -> JSONResponse:
    """Refusals of the framework: no such path, no such method, a body that cannot be read."""
    if not isinstance(error, HTTPException):
        raise error
    words = str(error.detail)
    return _answer(Problem(title=words, status=error.status_code, detail=words), dict(error.headers or {}))


def on_defect(request: Request, error: Exception) -> JSONResponse:
    """A defect of ours: its kind and place stand in the log, and nothing of it in the answer."""
    number = str(getattr(request.state, "request", ""))
    log.error("a request failed", request=number, method=request.method, status=500, exc_info=error)
    words = "The server failed at this request; its log says where"
    return _answer(Problem(title=words, status=500, detail=f"{words} (request {number})."), {})


def _answer(said: Problem, headers: Mapping[str, str]) -> JSONResponse:
    return JSONResponse(said.model_dump(), said.status, headers, media_type=_TYPE)
