"""Uploads by people and the removal of studies, over HTTP."""

import io

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage
from sqlalchemy import select, update

from skiagraph.server.archive.admission import Admission
from skiagraph.server.tables import AuditRecord, Study


def dicom(number=1):
    ds, buffer = Dataset(), io.BytesIO()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID = SecondaryCaptureImageStorage, f"1.2.3.1.{number}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.PatientName = "1.2.3", "1.2.3.1", "Doe^Jane"
    ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def picture():
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def posted(client, *files, **fields):
    return client.post("/api/uploads", files=[("files", (name, data)) for name, data in files], data=fields)


def records(site, event):
    with site.database.reading() as session:
        return session.scalars(select(AuditRecord).where(AuditRecord.event == event)).all()


def test_a_reader_uploads_files_and_they_stand_in_the_archive(site, browser):
    answer = posted(
        browser("reader"), ("1.dcm", dicom(1)), ("1.dcm", dicom(2)), ("eye.png", picture()), patient="Roe"
    )
    assert answer.status_code == 202
    assert {**answer.json(), "studies": 2} == {"objects": 2, "made": 1, "studies": 2, "problems": []}
    assert [one.study for one in records(site, "images imported")] == answer.json()["studies"]
    Admission(site).step()
    with site.database.reading() as session:
        names = sorted(session.scalars(select(Study.patient_name)))
    assert names == ["Doe^Jane", "Roe"]
    assert list((site.settings.home / "uploads").iterdir()) == []


@pytest.mark.parametrize("role", ["viewer", None])
def test_who_may_not_upload_writes_nothing(site, browser, role):
    assert posted(browser(role), ("1.dcm", dicom())).status_code in (401, 403)
    assert not (site.settings.home / "uploads").exists()


@pytest.mark.parametrize(
    ("content", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b""),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"garbage"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\ncut',
        ),
        ("multipart/form-data; boundary=x", b"--x\r\n" + b"A: b\r\n" * 1000),
    ],
)
def test_a_form_that_is_none_is_refused_and_leaves_nothing(site, browser, content, body):
    answer = browser("reader").post("/api/uploads", content=body, headers={"content-type": content})
    assert answer.status_code == 422
    assert site.intake.pending() == []
    assert list((site.settings.home / "uploads").iterdir()) == []


@pytest.fixture
def limits(tmp_path, request):
    """Written before the server opens, so that it stands in front of `site`."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "settings.toml").write_text(f"[limits]\n{request.param}\n")


@pytest.mark.parametrize(
    ("limits", "status"), [("upload_bytes = 2000", 413), ("upload_files = 2", 422)], indirect=["limits"]
)
def test_more_than_an_upload_may_bring_is_refused_and_leaves_nothing(limits, site, browser, status):
    answer = posted(browser("reader"), *((f"{n}.dcm", dicom(n)) for n in range(4)))
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert site.intake.pending() == []
    assert list((site.settings.home / "uploads").glob("*")) == []


@pytest.mark.parametrize(
    "name", ["../../../evil.dcm", "/evil.dcm", "..\\evil.dcm", "%2e%2e%2fevil.dcm", "evil\x00.dcm", "a" * 300]
)
def test_a_hostile_name_leads_nowhere(site, browser, name):
    answer = posted(browser("reader"), (name, dicom()))
    assert answer.status_code == 202
    assert answer.json()["objects"] == 1
    assert not list(site.settings.home.parent.rglob("*evil*"))


def test_an_administrator_removes_a_study(site, browser):
    posted(browser("admin"), ("1.dcm", dicom()))
    Admission(site).step()
    assert browser("reader").delete("/api/studies/1.2.3").status_code == 403
    assert browser("admin").delete("/api/studies/1.2.3").status_code == 204
    assert browser("admin").delete("/api/studies/1.2.3").status_code == 404
    assert list(site.files.digests()) == []
    assert [one.who for one in records(site, "study deleted")] == ["admin"]


def test_a_study_that_an_administrator_does_not_see_is_not_removed(site, browser):
    posted(browser("admin"), ("1.dcm", dicom()))
    Admission(site).step()
    with site.database.writing() as session:
        session.execute(update(Study).values(restricted=True))
    assert browser("admin").delete("/api/studies/1.2.3").status_code == 404
    assert len(list(site.files.digests())) == 1


@pytest.mark.parametrize("uid", ["1.2.3'--", "..%2f..", "a" * 10, "1" * 65])
def test_a_uid_that_is_none_is_not_found(browser, uid):
    assert browser("admin").delete(f"/api/studies/{uid}").status_code in (404, 405, 422)
