"""The application: its resources, and what stands in front of them."""

from __future__ import annotations

from typing import Final, final

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.types import ASGIApp

from skiagraph.errors import SkiagraphError
from skiagraph.server.site import Site
from skiagraph.server.web import (
    events,
    health,
    metrics,
    openid,
    people,
    reports,
    sign_in,
    studies,
    tokens,
    uploads,
)
from skiagraph.server.web.layers import layered
from skiagraph.server.web.problems import on_error
from skiagraph.version import __version__

__all__ = ["application"]

_ROUTERS: Final = (
    events.router,
    health.router,
    metrics.router,
    openid.router,
    people.router,
    reports.router,
    sign_in.router,
    studies.router,
    tokens.router,
    uploads.router,
)


@final
class _Guarded(FastAPI):
    """An application whose layers stand in front of everything, its own answers to errors too."""

    def build_middleware_stack(self) -> ASGIApp:
        """Called once, at the first request."""
        routes = [one for router in _ROUTERS for one in router.routes if isinstance(one, APIRoute)]
        return layered(super().build_middleware_stack(), self.state.site, routes)


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
    return app
