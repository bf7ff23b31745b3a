"""A report from draft to delivery: versions stay, signing locks, and the results go where the rules say, once."""

import socket
import subprocess
import time
from datetime import UTC, datetime
from shutil import which

import pydicom
import pytest
from sqlalchemy import select
from validator import complaints

from skiagraph.errors import InvalidInput, NotPermitted, StateError
from skiagraph.server import reports
from skiagraph.server.people.access import Caller
from skiagraph.server.people.roles import MAY
from skiagraph.server.results import page_of
from skiagraph.server.settings import settings_of
from skiagraph.server.site import opened_site
from skiagraph.server.tables import Delivery, User
from skiagraph.server.way.states import study_of

_ROUTES = """
[[route]]
name = "Heads"
modality = ["US"]
models = ["fetal-head-ultrasound"]
destinations = ["pacs"]
results = ["segmentation", "measurements", "report"]
"""


class Provider:
    """A storage provider of DCMTK that can be gone for a while."""

    def __init__(self, folder):
        self.folder, self.process = folder, None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def begin(self):
        command = ["storescp", "--fork", "--output-directory", str(self.folder), str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def end(self):
        self.process.terminate()
        self.process.wait()


@pytest.fixture
def provider(tmp_path):
    """A running provider."""
    if which("storescp") is None:
        pytest.skip("storescp (DCMTK) is not here")
    folder = tmp_path / "pacs"
    folder.mkdir()
    made = Provider(folder)
    made.begin()
    yield made
    made.end()


@pytest.fixture
def pacs(provider):
    """Its port and the folder in which it keeps what it gets."""
    return provider.port, provider.folder


@pytest.fixture
def site(tmp_path, pacs, database_url):
    """A server that sends signed results to the provider."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "routes.toml").write_text(_ROUTES)
    node = {"enabled": False, "peers": {"pacs": {"title": "PACS", "host": "127.0.0.1", "port": pacs[0]}}}
    sent = {"pacs": {"peer": "pacs"}}
    opened = opened_site(
        settings_of(home, quiet_seconds=0.0, dicom=node, destinations=sent, database=database_url)
    )
    yield opened
    opened.close()


@pytest.fixture
def reader(site):
    """A person who may sign."""
    with site.database.writing() as session:
        user = User(name="dr-lee", role="reader", created=datetime.now(UTC))
        session.add(user)
        session.flush()
        return Caller(name="dr-lee", user=user.id, role="reader", may=MAY["reader"], address="127.0.0.1")


def newest(site, uid):
    with site.database.reading() as session:
        return reports.versions_of(session, study_of(session, uid))[-1]


def changed(site, uid, do, *args):
    with site.database.writing() as session:
        return do(session, study_of(session, uid, locked=True), *args)


def content_of(report, words):
    return reports.Content(readings=report.content["readings"], text={"en": words})


@pytest.mark.both_databases
def test_the_whole_life_of_a_report(working, head, until, reader, pacs):
    uid, data = head(11)
    working.intake.take([data])
    until(working, uid, "drafted")
    first = newest(working, uid)
    base = (first.identifier, 1)
    assert list(pacs[1].iterdir()) == []  # nothing leaves before it is signed

    written = changed(working, uid, reports.rewritten, base, content_of(first, "As seen."), reader)
    assert (written.version, written.state, written.reader) == (2, "draft", "dr-lee")
    assert until(working, uid, "in review").state == "in review"
    with pytest.raises(StateError, match="version 1, while there is version 2"):
        changed(working, uid, reports.rewritten, base, content_of(first, "Too late."), reader)

    signed = changed(working, uid, reports.signed, (first.identifier, 2), reader)
    assert (signed.version, signed.state) == (3, "final")
    until(working, uid, "delivered", seconds=90)
    objects = [pydicom.dcmread(path) for path in pacs[1].iterdir()]
    assert sorted(one.Modality for one in objects) == ["DOC", "SEG", "SR"]
    report = next(one for one in objects if one.Modality == "SR")
    assert report.VerificationFlag == "VERIFIED"
    assert "dr-lee" in str(report.VerifyingObserverSequence[0].VerifyingObserverName)

    with pytest.raises(StateError, match="amended, not rewritten"):
        changed(working, uid, reports.rewritten, (first.identifier, 3), content_of(first, "No."), reader)
    with pytest.raises(InvalidInput, match="why it was changed"):
        changed(working, uid, reports.amended, (first.identifier, 3), content_of(first, "New."), " ", reader)
    amended = changed(
        working,
        uid,
        reports.amended,
        (first.identifier, 3),
        content_of(first, "Corrected."),
        "a slip",
        reader,
    )
    assert (amended.version, amended.state, amended.reason) == (4, "amended", "a slip")
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and len(list(pacs[1].iterdir())) < 5:
        time.sleep(0.1)
    assert (
        len(list(pacs[1].iterdir())) == 5
    )  # page and statements anew; the outline did not change and is there once
    with working.database.reading() as session:
        kept = [one.state for one in reports.versions_of(session, study_of(session, uid))]
        rows = list(session.scalars(select(Delivery)))
    assert kept == ["draft", "draft", "final", "amended"]
    until(working, uid, "delivered")
    assert {one.state for one in rows} <= {"sent", "waiting"}


def test_all_that_leaves_is_valid(working, head, until, reader, pacs):
    uid, data = head(15)
    working.intake.take([data])
    until(working, uid, "drafted")
    changed(working, uid, reports.signed, (newest(working, uid).identifier, 1), reader)
    until(working, uid, "delivered", seconds=90)
    if which("dciodvfy") is None:
        pytest.skip("dciodvfy (Debian package dicom3tools) is not here")
    files = list(pacs[1].iterdir())
    assert len(files) == 3
    assert {path.name: complaints(path) for path in files} == {path.name: [] for path in files}


def test_a_token_writes_no_report(working, head, until):
    uid, data = head(12)
    working.intake.take([data])
    until(working, uid, "drafted")
    report = newest(working, uid)
    service = Caller(name="bot", user=None, role="service", may=frozenset({"report", "sign"}), address="")
    with pytest.raises(NotPermitted, match="written by people"):
        changed(working, uid, reports.signed, (report.identifier, 1), service)


@pytest.mark.both_databases
def test_a_page_is_made_of_any_version(working, head, until, reader):
    uid, data = head(13)
    working.intake.take([data])
    until(working, uid, "drafted")
    report = newest(working, uid)
    for language in ("en", "zh"):
        page = page_of(working, uid, (report.identifier, 1), 0, language)
        assert page.startswith(b"%PDF-")


# pynetdicom leaves the socket of a refused connection to the garbage collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_destination_that_is_gone_is_tried_until_it_is_back(working, head, until, reader, pacs, provider):
    uid, data = head(14)
    working.intake.take([data])
    until(working, uid, "drafted")
    provider.end()
    changed(working, uid, reports.signed, (newest(working, uid).identifier, 1), reader)
    time.sleep(3.0)
    assert until(working, uid, "signed").state == "signed"
    provider.begin()
    until(working, uid, "delivered", seconds=90)
    assert len(list(pacs[1].iterdir())) == 3
