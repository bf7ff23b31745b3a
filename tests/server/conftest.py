"""A server in a folder of its own, and browsers in which somebody is signed in."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from skiagraph.server.people.access import Caller
from skiagraph.server.people.roles import MAY
from skiagraph.server.settings import settings_of
from skiagraph.server.site import Site, opened_site
from skiagraph.server.web.app import application

Browser = Callable[[str | None], TestClient]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A server on SQLite, without a DICOM node."""
    opened = opened_site(settings_of(tmp_path / "home", dicom={"enabled": False}))
    yield opened
    opened.close()


@pytest.fixture
def browser(site: Site) -> Browser:
    """A client in which a person of a role is signed in; None for nobody. Sends what unsafe methods ask for."""
    app = application(site)

    def signed_in(role: str | None) -> TestClient:
        return TestClient(_as(app, role), base_url="http://127.0.0.1")

    return signed_in


def _as(app: ASGIApp, role: str | None) -> ASGIApp:
    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        if role is not None and scope["type"] == "http":
            who = Caller(name=role, user=None, role=role, may=MAY[role], address="127.0.0.1")
            scope.setdefault("state", {})["caller"] = who
        await app(scope, receive, send)

    return inner
