"""STOW-RS: what is stored, what is not and why, and bodies that mean harm."""

import sys
from pathlib import Path

import pytest
from sqlalchemy import select

sys.path.insert(0, str(Path(__file__).parent))

from dicom_objects import CT, OBJECTS, STUDY, film, read, slice_of

from skiagraph.server.tables import AuditRecord, Instance

KIND = 'multipart/related; type="application/dicom"; boundary=mark'


def body(*contents, kind="application/dicom"):
    parts = [f"--mark\r\nContent-Type: {kind}\r\n\r\n".encode() + one + b"\r\n" for one in contents]
    return b"".join(parts) + b"--mark--\r\n"


def posted(client, content, path="", kind=KIND, **headers):
    return client.post(
        f"/dicom-web/studies{path}", content=content, headers={"Content-Type": kind, **headers}
    )


def reasons(said, tag="00081198"):
    return [one["00081197"]["Value"][0] for one in said.get(tag, {}).get("Value", [])]


def stored(said):
    return [one["00081155"]["Value"][0] for one in said.get("00081199", {}).get("Value", [])]


@pytest.mark.both_databases
def test_what_is_answered_as_stored_is_found(admitting, browser):
    client = browser("reader")
    answer = posted(client, body(*OBJECTS.values()))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/dicom+json")
    said = answer.json()
    assert sorted(stored(said)) == sorted(OBJECTS)
    assert said["00081190"]["Value"] == [f"http://127.0.0.1/dicom-web/studies/{STUDY}"]
    for one in said["00081199"]["Value"]:
        got = client.get(one["00081190"]["Value"][0], headers={"Accept": "application/dicom"})
        assert got.content == OBJECTS[one["00081155"]["Value"][0]]
    with admitting.database.reading() as session:
        records = session.scalars(select(AuditRecord).where(AuditRecord.event == "images received")).all()
    assert [(one.who, one.study) for one in records] == [("reader", STUDY)]


def test_the_same_again_is_stored_and_is_there_once(admitting, browser):
    client = browser("reader")
    for _ in range(2):
        answer = posted(client, body(slice_of(1)), f"/{STUDY}")
        assert (answer.status_code, stored(answer.json())) == (200, [f"{CT}.1"])
    with admitting.database.reading() as session:
        assert len(session.scalars(select(Instance)).all()) == 1


def test_each_object_that_is_not_stored_has_its_reason(admitting, browser):
    client = browser("reader")
    assert posted(client, body(slice_of(1))).status_code == 200
    other = read(slice_of(1))
    other.PatientID = "P9"
    other.save_as(changed := __import__("io").BytesIO(), enforce_file_format=True)
    contents = [changed.getvalue(), b"no DICOM", b"", slice_of(2, study="1.2.9"), slice_of(3)]
    answer = posted(client, body(*contents), f"/{STUDY}")
    said = answer.json()
    assert answer.status_code == 202
    assert stored(said) == [f"{CT}.3"]
    assert sorted(reasons(said)) == [0x0111, 0xA900]
    assert reasons(said, "0008119A") == [0xC000, 0xC000]


def test_where_nothing_is_stored_the_whole_is_a_conflict(admitting, browser):
    answer = posted(browser("reader"), body(slice_of(1)), "/1.2.9")
    assert (answer.status_code, reasons(answer.json())) == (409, [0xA900])
    assert admitting.intake.pending() == []
    assert posted(browser("reader"), body(b"x")).status_code == 409


def test_one_object_may_come_alone_and_without_a_type(admitting, browser):
    client = browser("reader")
    assert stored(posted(client, slice_of(1), kind="application/dicom").json()) == [f"{CT}.1"]
    assert stored(posted(client, body(slice_of(2)), kind="multipart/related; boundary=mark").json()) == [
        f"{CT}.2"
    ]


def test_a_long_part_is_not_held_in_memory(admitting, browser, monkeypatch):
    monkeypatch.setattr("skiagraph.server.parts._IN_MEMORY", 100)
    assert stored(posted(browser("reader"), body(film(1), film(2))).json()) == ["1.2.3.2.1", "1.2.3.2.2"]
    assert not [one for one in admitting.intake.folder.iterdir() if one.name != ".admission"]


def test_what_is_promised_is_safe_although_nobody_admits_it(site, browser, monkeypatch):
    monkeypatch.setattr("skiagraph.server.web.dicomweb.storing._PATIENCE", 0.1)
    answer = posted(browser("reader"), body(slice_of(1)))
    assert (answer.status_code, stored(answer.json())) == (202, [f"{CT}.1"])
    assert len(site.intake.pending()) == 1


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), (None, 401)])
def test_who_may_not_upload_stores_nothing(site, browser, role, status):
    assert posted(browser(role), body(slice_of(1))).status_code == status
    assert site.intake.pending() == []


_HOSTILE = {
    "no boundary": (b"--mark\r\n", 'multipart/related; type="application/dicom"', 400),
    "an endless boundary": (b"--mark\r\n", KIND + "x" * 5000, 400),
    "no end": (body(b"x")[:-9], KIND, 400),
    "cut off within a part": (b"--mark\r\nContent-Type: application/dicom\r\n\r\n" + b"x" * 1000, KIND, 400),
    "nothing": (b"", KIND, 400),
    "another boundary": (b"--other\r\n\r\nx\r\n--other--\r\n", KIND, 400),
    "a flood of headers": (b"--mark\r\n" + b"A: b\r\n" * 100_000 + b"\r\nx\r\n--mark--\r\n", KIND, 400),
    "an endless header": (b"--mark\r\nA: " + b"b" * 1_000_000 + b"\r\n\r\nx\r\n--mark--\r\n", KIND, 400),
    "a part of another kind": (body(b"{}", kind="application/dicom+json"), KIND, 415),
    "XML": (b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>", "application/dicom+xml", 415),
    "XML in parts": (body(b"<a/>"), 'multipart/related; type="application/dicom+xml"; boundary=mark', 415),
    "JSON": (b"{}", "application/json", 415),
    "no kind": (b"x", "", 415),
}  # fmt: skip


@pytest.mark.parametrize(("content", "kind", "status"), _HOSTILE.values(), ids=_HOSTILE)
def test_a_body_that_means_harm_is_refused_in_one_sentence(site, browser, content, kind, status):
    answer = posted(browser("reader"), content, kind=kind)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert site.intake.pending() == []


def test_more_parts_than_may_come_are_refused(site, browser):
    from_many = body(*[b""] * (site.settings.limits.upload_files + 1))
    assert posted(browser("reader"), from_many).status_code == 400


def test_an_answer_that_nobody_takes_is_not_made(site, browser):
    answer = posted(browser("reader"), body(slice_of(1)), Accept="application/dicom+xml")
    assert answer.status_code == 406
    assert site.intake.pending() == []


@pytest.mark.parametrize("study", ["..%2f..%2fetc", "1.2.3'--", "1" * 65, "x"])
def test_a_study_that_is_none_is_refused(site, browser, study):
    assert posted(browser("reader"), body(slice_of(1)), f"/{study}").status_code in (400, 404, 405)
    assert site.intake.pending() == []
