"""A server that has objects of several kinds, and one on a port for clients of others."""

import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from dicomweb_client.api import DICOMwebClient
from dicomweb_client.session_utils import create_session
from fastapi.testclient import TestClient
from sqlalchemy import func, select

sys.path.insert(0, str(Path(__file__).parent))

from dicom_objects import OBJECTS

from skiagraph.server.archive.admission import Admission
from skiagraph.server.people.people import SHELL
from skiagraph.server.settings import settings_of
from skiagraph.server.site import Site, opened_site
from skiagraph.server.tables import Instance
from skiagraph.server.web.app import application


@pytest.fixture
def admitting(site: Site) -> Iterator[Site]:
    """A server that admits what comes."""
    admission = Admission(site)
    admission.start()
    yield site
    admission.stop()


def fill(site: Site) -> Site:
    """The same with all objects."""
    for data in OBJECTS.values():
        site.intake.take([data])
    Admission(site).step()
    return site


@pytest.fixture
def full(site: Site) -> Site:
    """A server that has all objects, and admits no more."""
    return fill(site)


@pytest.fixture(scope="module")
def viewer(tmp_path_factory) -> Iterator[TestClient]:
    """A client that sees a server with all objects; both are shared by the tests of a file."""
    site = fill(
        opened_site(settings_of(tmp_path_factory.mktemp("server") / "home", dicom={"enabled": False}))
    )
    with TestClient(application(site), base_url="http://127.0.0.1") as client:
        client.headers["Authorization"] = f"Bearer {site.people.tokens.make(SHELL, 'viewer', ['see'], 1)}"
        yield client
    site.close()


@dataclass(frozen=True)
class Served:
    """A server on a port.

    Args:
        url: Of its DICOMweb.
        token: With which everything is seen and stored.
        site: It.
    """

    url: str
    token: str
    site: Site

    @property
    def client(self) -> DICOMwebClient:
        """Of others."""
        session = create_session()
        session.headers["Authorization"] = f"Bearer {self.token}"
        return DICOMwebClient(self.url, session=session)

    def wait_for(self, count: int) -> None:
        """Until so many instances are in the index."""
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with self.site.database.reading() as session:
                if session.scalar(select(func.count()).select_from(Instance)) == count:
                    return
            time.sleep(0.02)
        pytest.fail("they were not admitted")


@pytest.fixture
def served(admitting: Site) -> Iterator[Served]:
    """The server on a free port, empty."""
    token = admitting.people.tokens.make(SHELL, "viewer", ["see", "upload"], 1)
    config = uvicorn.Config(application(admitting), http="httptools", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield Served(f"http://127.0.0.1:{listening.getsockname()[1]}/dicom-web", token, admitting)
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def filled(served: Served) -> Served:
    """The server on a free port, with all objects."""
    for data in OBJECTS.values():
        served.site.intake.take([data])
    served.wait_for(len(OBJECTS))
    return served
