"""The application: its resources, and what stands in front of them."""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI

from skiagraph.errors import SkiagraphError
from skiagraph.server.site import Site
from skiagraph.server.web import events, health, metrics, studies
from skiagraph.server.web.problems import on_error
from skiagraph.version import __version__

__all__ = ["application"]

_ROUTERS: Final = (
    events.router,
    health.router,
    metrics.router,
    studies.router,
)


def application(site: Site) -> FastAPI:
    """All that answers over HTTP.

    Args:
        site: What the server is made of.
    """
    app = FastAPI(title="Skiagraph", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.site = site
    for router in _ROUTERS:
        app.include_router(router)
    app.add_exception_handler(SkiagraphError, on_error)
    return app
