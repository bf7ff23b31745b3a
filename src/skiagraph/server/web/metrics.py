"""The counters of the server, for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from skiagraph.server.web.guard import needs, site_of

__all__ = ["router"]

router = APIRouter(tags=["health"])


@router.get(
    "/metrics",
    dependencies=[needs("audit")],
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(request: Request) -> Response:
    """All counters (text format 0.0.4)."""
    return Response(site_of(request).metrics.exposed(), media_type="text/plain; version=0.0.4; charset=utf-8")
