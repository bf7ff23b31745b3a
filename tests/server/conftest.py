"""A server in a folder of its own, on either database, and browsers in which somebody is signed in."""

import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fastapi.testclient import TestClient
from postgres import Cluster, cluster
from pydicom.filewriter import dcmwrite
from served import Served, served
from sqlalchemy import select

from skiagraph.phantoms.fetal_head import draw_fetal_head, sample_fetal_head
from skiagraph.phantoms.study import ultrasound_dataset
from skiagraph.server.settings import settings_of
from skiagraph.server.site import Site, opened_site
from skiagraph.server.tables import User
from skiagraph.server.web.app import application

Browser = Callable[[str | None], TestClient]


def pytest_generate_tests(metafunc):
    """Tests that are marked run on SQLite, and once more on PostgreSQL."""
    if metafunc.definition.get_closest_marker("both_databases"):
        metafunc.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A PostgreSQL; ``new()`` makes an empty database and says its URL."""
    with cluster() as running:
        yield running


@pytest.fixture(scope="session")
def head() -> Callable[[int], tuple[str, bytes]]:
    """A study of one fetal head: its UID and its file."""

    def drawn(seed: int) -> tuple[str, bytes]:
        rng = np.random.default_rng(seed)
        phantom = sample_fetal_head(rng)
        dataset = ultrasound_dataset(phantom, draw_fetal_head(phantom))
        buffer = io.BytesIO()
        dcmwrite(buffer, dataset, enforce_file_format=True)
        return str(dataset.StudyInstanceUID), buffer.getvalue()

    return drawn


@pytest.fixture
def database_url(request) -> str:
    """An empty database, as the setting ``database`` names it."""
    chosen = getattr(request, "param", "sqlite")
    return "" if chosen == "sqlite" else request.getfixturevalue("postgres").new()


@pytest.fixture
def site(tmp_path: Path, database_url: str) -> Iterator[Site]:
    """A server without a DICOM node."""
    opened = opened_site(settings_of(tmp_path / "home", database=database_url, dicom={"enabled": False}))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[Served]:
    """A real server in a process of its own, for all tests that only add to it."""
    with served(tmp_path_factory.mktemp("served") / "home", SKIAGRAPH_QUIET_SECONDS="0.2") as running:
        yield running


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
