"""Tags that are programs: SQL, HTML and XML from outside stay text, wherever they are shown."""

import io

import pydicom
import pytest
from sqlalchemy import func, select

from skiagraph.server.archive.admission import Admission
from skiagraph.server.tables import Study

_HTML = "<script>alert(1)</script>"
_SQL = "'; DROP TABLE studies; --"
_XXE = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg><text>&x;</text></svg>'
)


@pytest.fixture
def hostile(site, head):
    """A study whose tags are programs; its UID."""
    uid, data = head(21)
    dataset = pydicom.dcmread(io.BytesIO(data))
    dataset.PatientName, dataset.PatientID, dataset.StudyDescription = f"{_HTML}^{_SQL}", _SQL, _HTML
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    site.intake.take([buffer.getvalue()])
    Admission(site).step()
    return uid


def test_tags_come_back_as_they_are_and_as_json(site, browser, hostile):
    answer = browser("reader").get("/api/studies")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    (study,) = answer.json()["studies"]
    assert (study["uid"], study["patient_id"], study["description"]) == (hostile, _SQL, _HTML)


@pytest.mark.parametrize(
    ("words", "fit"),
    [("DROP", 1), ("studies;", 1), ("%", 0), ("_", 0), ("\\", 0), ("*", 0), ("' OR '1'='1", 0), (_HTML, 1)],
)
def test_words_that_are_looked_for_are_words(site, browser, hostile, words, fit):
    answer = browser("reader").get("/api/studies", params={"text": words})
    assert answer.json()["total"] == fit
    with site.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Study)) == 1


def test_an_entity_of_xml_is_never_followed(site, browser):
    who = browser("reader")
    uploaded = who.post("/api/uploads", files={"files": ("picture.svg", _XXE, "image/svg+xml")})
    assert "root:" not in uploaded.text
    assert uploaded.status_code == 422 or uploaded.json()["objects"] == 0
    kind = 'multipart/related; type="application/dicom+xml"; boundary=b'
    body = b"--b\r\nContent-Type: application/dicom+xml\r\n\r\n" + _XXE + b"\r\n--b--\r\n"
    stored = who.post("/dicom-web/studies", content=body, headers={"Content-Type": kind})
    assert stored.status_code == 415
    assert "root:" not in stored.text
