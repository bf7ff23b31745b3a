"""The application: its resources, what stands in front of them, and errors as problems (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fastapi import FastAPI, Request
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
from skiagraph.server.site import Site
from skiagraph.server.web import health, metrics
from skiagraph.server.web.guard import Unknown
from skiagraph.version import __version__

__all__ = ["application"]

_STATUS: Final[Mapping[type[SkiagraphError], int]] = {
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

_ROUTERS: Final = (health.router, metrics.router,)


def application(site: Site) -> FastAPI:
    """All that answers over HTTP.

    Args:
        site: What the server is made of.
    """
    app = FastAPI(title="Skiagraph", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.site = site
    for router in _ROUTERS:
        app.include_router(router)
    app.add_exception_handler(SkiagraphError, _problem)
    return app


def _problem(_request: Request, error: Exception) -> JSONResponse:
    """One sentence, and its parts."""
    if not isinstance(error, SkiagraphError):
        raise error
    status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 500)
    said = {"title": error.rule, "status": status, "detail": str(error)}
    return JSONResponse(said, status, media_type="application/problem+json")
