"""Counts requests and their time, by route."""

from __future__ import annotations

import time
from typing import final

from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from skiagraph.server.metrics import Metrics

__all__ = ["Counted"]


@final
class Counted:
    """Stands in front of everything. What is refused before a route is known counts as ``"none"``.

    Args:
        app: What is behind.
        metrics: Where it is counted.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                found = scope.get("route")
                route = found.path if isinstance(found, APIRoute) else "none"
                method = scope["method"] if route != "none" else ""
                self._metrics.requests.labels(method, route, str(message["status"])).inc()
                self._metrics.seconds.labels(route).observe(time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, tell)
