"""A server in a folder of its own, and browsers in which somebody is signed in."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from skiagraph.server.settings import settings_of
from skiagraph.server.site import Site, opened_site
from skiagraph.server.tables import User
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
    """A client in which a new person of a role is signed in, named after it; None for nobody.

    It sends what unsafe methods ask for. The same role again is the same person in another session.
    """
    app = application(site)

    def signed_in(role: str | None) -> TestClient:
        client = TestClient(app, base_url="http://127.0.0.1")
        if role is not None:
            with site.database.writing() as session:
                number = session.scalar(select(User.id).where(User.name == role))
                number = number or site.people.accounts.made(session, role, role, password="")
                secret = site.people.sessions.begin(session, number, address="testclient", agent="tests")
            client.cookies.set("skiagraph", secret)
            client.headers["X-CSRF-Token"] = site.people.sessions.visit(secret, "testclient").csrf
        return client

    return signed_in
