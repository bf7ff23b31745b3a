"""A server whose workers run in this process, and phantom studies to send to it."""

import io
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydicom.filewriter import dcmwrite

from skiagraph.phantoms.catalogue import KINDS
from skiagraph.server.archive.admission import Admission
from skiagraph.server.settings import settings_of
from skiagraph.server.site import Site, opened_site
from skiagraph.server.tables import Study
from skiagraph.server.way.durable import Workers
from skiagraph.server.way.states import study_of
from skiagraph.server.way.watch import Completion

sys.path.insert(0, str(Path(__file__).parents[2] / "interchange"))  # the validator of objects


def encoded(dataset):
    buffer = io.BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def chest() -> tuple[str, list[bytes]]:
    """A study of a kind that no rule has a model for."""
    datasets = KINDS["chest-xray"](1).datasets
    return str(datasets[0].StudyInstanceUID), [encoded(one) for one in datasets]


@pytest.fixture
def site(tmp_path: Path, database_url: str) -> Iterator[Site]:
    """A server that takes studies as complete at once."""
    settings = settings_of(
        tmp_path / "home", database=database_url, quiet_seconds=0.0, dicom={"enabled": False}
    )
    opened = opened_site(settings)
    yield opened
    opened.close()


@pytest.fixture
def working(site: Site) -> Iterator[Site]:
    """The same, with all that works in the background."""
    parts = [Admission(site), Workers(site), Completion(site)]
    for part in parts:
        part.start()
    yield site
    for part in reversed(parts):
        part.stop()


@pytest.fixture(scope="session")
def until() -> Callable[..., Study]:
    """Waits for a study to be in one of some states."""

    def waited(site: Site, uid: str, *states: str, seconds: float = 60.0) -> Study:
        end = time.monotonic() + seconds
        now = "not there"
        while time.monotonic() < end:
            with site.database.reading() as session:
                found = session.query(Study).filter(Study.uid == uid).one_or_none()
                now = "not there" if found is None else found.state
                if found is not None and now in states:
                    return study_of(session, uid)
            time.sleep(0.05)
        raise AssertionError(f"{uid} is {now} after {seconds} s, not {' or '.join(states)}")

    return waited
