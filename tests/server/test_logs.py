"""Logs: facts that may stand there, and never who a patient is, whatever happens."""

import io
import json
import logging
import time

import httpx
import numpy as np
import pydicom
import pytest
from pynetdicom import AE
from served import PASSWORD

from skiagraph.errors import InvalidInput
from skiagraph.server.logs import configure_logs, log

PLANTED = {
    "PatientName": "Zwetschgenbaum^Kunigunde",
    "PatientID": "MRN-7788991",
    "PatientBirthDate": "19310207",
}
WORDS = (
    "Zwetschgenbaum",
    "ZWETSCHGENBAUM",
    "zwetschgenbaum",
    "Kunigunde",
    "kunigunde",
    "7788991",
    "19310207",
    "1931-02-07",
)


@pytest.fixture
def lines():
    """What is logged, as JSON a line; the logs of the test run are put back."""
    root = logging.getLogger()
    handlers, level, stream = list(root.handlers), root.level, io.StringIO()
    configure_logs("json", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:] = handlers
    root.setLevel(level)


def test_facts_that_are_not_in_the_list_are_left_out(lines):
    log.info("stored", study="1.2.3", count=2, patient="Doe^Jane", name="Doe")
    (line,) = lines()
    assert {key: line[key] for key in ("event", "study", "count", "level")} == {
        "event": "stored",
        "study": "1.2.3",
        "count": 2,
        "level": "info",
    }
    assert set(line) == {"event", "study", "count", "level", "at"}


def test_of_errors_of_others_the_kind_and_the_place_are_kept_alone(lines):
    try:
        {}["Doe^Jane"]
    except KeyError as error:
        log.error("failed", exc_info=error)
    (line,) = lines()
    assert line["error"] == "KeyError"
    assert "test_logs.py" in line["frames"][0]
    assert "Doe" not in json.dumps(line)


def test_our_own_sentences_are_kept(lines):
    log.error("failed", exc_info=InvalidInput("a study has images", got="none"))
    assert lines()[0]["sentence"] == "a study has images; got none."


@pytest.mark.parametrize(
    "package", ["uvicorn.error", "pydicom", "pynetdicom.acse", "dbos", "sqlalchemy.engine"]
)
def test_of_messages_of_other_packages_the_pattern_is_kept_without_its_values(lines, package):
    logging.getLogger(package).error("bad value %s of %s", "Doe^Jane", "19310207")
    logging.getLogger(package).error("bad value Doe^Jane")
    assert [line["event"] for line in lines()] == ["bad value %s of %s", "a message of another package"]


def test_a_package_that_has_its_own_way_out_is_brought_back():
    own = logging.getLogger("sqlalchemy.engine")
    elsewhere = io.StringIO()
    own.addHandler(logging.StreamHandler(elsewhere))
    own.propagate = False
    own.disabled = True
    told = io.StringIO()
    configure_logs("json", told)
    own.error("bad value %s", "Doe^Jane")
    assert elsewhere.getvalue() == ""
    assert json.loads(told.getvalue())["event"] == "bad value %s"


def files(head):
    """Objects of one patient: whole, of another content, cut off, damaged in several ways."""
    uid, data = head(31)
    ds = pydicom.dcmread(io.BytesIO(data))
    for keyword, value in PLANTED.items():
        setattr(ds, keyword, value)
    ds.StudyDescription = "Kunigunde Zwetschgenbaum 7788991"
    made = {}

    def kept(name):
        buffer = io.BytesIO()
        ds.save_as(buffer)
        made[name] = buffer.getvalue()

    kept("whole.dcm")
    ds.PixelData = np.zeros(len(ds.PixelData), np.uint8).tobytes()
    kept("another-content.dcm")
    ds.SOPInstanceUID, ds.Rows = f"{uid}.7", 60000
    kept("too-large.dcm")
    made["bad-uid.dcm"] = made["whole.dcm"].replace(uid.encode(), b"KUNIGUNDE".ljust(len(uid), b"x"))
    made["cut.dcm"] = made["whole.dcm"][: len(made["whole.dcm"]) // 2]
    made["header.dcm"] = made["whole.dcm"][:700]
    made["Zwetschgenbaum-7788991.txt"] = b"Kunigunde Zwetschgenbaum, 1931-02-07"
    made["Kunigunde.zip"] = b"PK\x03\x04 Kunigunde"
    made["Kunigunde.nii"] = b"\x5c\x01\x00\x00 Kunigunde"
    return uid, made


def send(port, *objects):
    """By C-STORE."""
    datasets = [pydicom.dcmread(io.BytesIO(one)) for one in objects]
    entity = AE("SENDER")
    entity.add_requested_context(datasets[0].SOPClassUID, datasets[0].file_meta.TransferSyntaxUID)
    association = entity.associate("127.0.0.1", port, ae_title="SKIAGRAPH")
    assert association.is_established
    for one in datasets:
        association.send_c_store(one)
    association.release()


def test_no_patient_stands_in_the_output_of_a_server_whatever_comes(server, head):
    uid, made = files(head)
    with server.admin() as web:
        for name, data in made.items():
            answer = web.post(
                "/api/uploads", files={"files": (name, data)}, data={"patient": PLANTED["PatientName"]}
            )
            assert answer.status_code in {202, 422}, (name, answer.text)
        for _ in range(300):
            found = web.get("/api/studies", params={"text": "Zwetschgenbaum"}).json()["studies"]
            if any(one["uid"] == uid and one["state"] in {"drafted", "unread"} for one in found):
                break
            time.sleep(0.1)
        assert any(one["patient_name"] == PLANTED["PatientName"] for one in found), "the study is there"
        web.get(f"/api/studies/{uid}")
        web.get("/api/studies/Zwetschgenbaum")
        web.get("/api/studies", params={"since": "Zwetschgenbaum", "MRN-7788991": "19310207"})
        web.post("/api/tokens", content=b'{"name": "Zwetschgenbaum')
        web.delete("/api/tokens/77889919310207778899119310207")
    send(server.dicom, made["whole.dcm"], made["another-content.dcm"])
    with httpx.Client(base_url=server.address) as nobody:
        nobody.post("/api/sign-in", json={"name": "Zwetschgenbaum", "password": "Kunigunde 7788991"})
        nobody.get("/Zwetschgenbaum?id=7788991", headers={"Authorization": "Bearer 7788991"})
        nobody.get("/health", headers={"Host": "Zwetschgenbaum.example"})
    said = server.log.read_text()
    assert "started" in said
    assert not [word for word in WORDS if word in said]
    for line in said.splitlines():
        json.loads(line)


def test_of_a_defect_the_log_names_the_place_and_the_request(site, browser, lines, monkeypatch):
    client = browser("admin")
    client._transport.raise_server_exceptions = False

    def broken(*_):
        raise RuntimeError("Zwetschgenbaum")

    monkeypatch.setattr(type(site.people.accounts), "listed", broken)
    answer = client.get("/api/users", params={"q": "Zwetschgenbaum"})
    assert answer.status_code == 500
    (line,) = [line for line in lines() if line["event"] == "a request failed"]
    assert (line["error"], line["request"]) == ("RuntimeError", answer.headers["x-request-id"])
    assert any("broken" in frame for frame in line["frames"])
    assert "Zwetschgenbaum" not in json.dumps(lines())


def test_a_password_and_a_link_stand_in_no_log(server):
    with server.admin():
        said = server.log.read_text()
    assert PASSWORD not in said
    assert server.first.partition("invitation=")[2] not in said
