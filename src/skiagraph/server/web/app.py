"""The application: its resources, and what stands in front of them."""

from __future__ import annotations

from typing import Any, Final, final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy.exc import DataError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from skiagraph.errors import SkiagraphError
from skiagraph.server.site import Site
from skiagraph.server.web import (
    description,
    events,
    health,
    metrics,
    models,
    openid,
    people,
    reports,
    rules,
    sign_in,
    studies,
    tokens,
    uploads,
)
from skiagraph.server.web.counted import Counted
from skiagraph.server.web.dicomweb import retrieve, search, shown, store
from skiagraph.server.web.layers import layered
from skiagraph.server.web.problems import on_defect, on_error, on_refusal, on_unfit, on_words
from skiagraph.version import __version__

__all__ = ["application", "application_routes"]

_ROUTERS: Final = (
    description.router,
    events.router,
    health.router,
    metrics.router,
    models.router,
    openid.router,
    people.router,
    reports.router,
    retrieve.router,
    search.router,
    shown.router,
    rules.router,
    sign_in.router,
    store.router,
    studies.router,
    tokens.router,
    uploads.router,
)


@final
class _Guarded(FastAPI):
    """An application whose layers stand in front of everything, its own answers to errors too."""

    def build_middleware_stack(self) -> ASGIApp:
        """Called once, at the first request."""
        site: Site = self.state.site
        return Counted(layered(super().build_middleware_stack(), site, application_routes()), site.metrics)

    def openapi(self) -> dict[str, Any]:
        """The description of all routes, made once."""
        if self.openapi_schema is None:
            self.openapi_schema = description.described(application_routes())
        return self.openapi_schema


def application(site: Site) -> FastAPI:
    """All that answers over HTTP.

    Args:
        site: What the server is made of.
    """
    app = _Guarded(title="Skiagraph", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.site = site
    for router in _ROUTERS:
        app.include_router(router)
    app.add_exception_handler(SkiagraphError, on_error)
    app.add_exception_handler(RequestValidationError, on_words)
    app.add_exception_handler(HTTPException, on_refusal)
    for unfit in (DataError, OverflowError):
        app.add_exception_handler(unfit, on_unfit)
    app.add_exception_handler(Exception, on_defect)
    return app


def application_routes() -> list[APIRoute]:
    """All routes of all resources."""
    return [one for router in _ROUTERS for one in router.routes if isinstance(one, APIRoute)]
