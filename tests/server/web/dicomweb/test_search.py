"""QIDO-RS: what matches, what is said of it, and what is no search."""

import sys
from pathlib import Path

import pytest
from sqlalchemy import select, update

sys.path.insert(0, str(Path(__file__).parent))

from dicom_objects import CT, OTHER, STUDY, slice_of

from skiagraph.server.archive.admission import Admission
from skiagraph.server.tables import AuditRecord, Study

ROOT = "/dicom-web"


def uids(answer, tag):
    return [one[tag]["Value"][0] for one in answer.json()] if answer.status_code == 200 else []


def test_a_study_is_described_as_the_standard_asks(viewer):
    answer = viewer.get(f"{ROOT}/studies")
    assert answer.headers["content-type"] == "application/dicom+json"
    assert answer.headers["x-total-count"] == "1"
    (said,) = answer.json()
    assert said["00080061"] == {"vr": "CS", "Value": ["CT"]}
    assert said["00080056"] == {"vr": "CS", "Value": ["ONLINE"]}
    assert said["00081190"] == {"vr": "UR", "Value": [f"http://127.0.0.1/dicom-web/studies/{STUDY}"]}
    assert said["00100010"]["Value"] == [{"Alphabetic": "Müller^Jane", "Ideographic": "山田^太郎"}]
    assert (said["00201206"]["Value"], said["00201208"]["Value"]) == ([2], [10])
    assert {"00080020", "00080030", "00080050", "00080090", "00100020", "00100030", "00100040", "0020000D",
            "00200010"} <= set(said)  # fmt: skip


@pytest.mark.parametrize(
    ("path", "tag", "count"),
    [
        ("studies", "0020000D", 1),
        ("series", "0020000E", 2),
        ("instances", "00080018", 10),
        (f"studies/{STUDY}/series", "0020000E", 2),
        (f"studies/{STUDY}/instances", "00080018", 10),
        (f"studies/{STUDY}/series/{CT}/instances", "00080018", 5),
    ],
)
def test_all_six_searches_name_where_their_matches_are(viewer, path, tag, count):
    answer = viewer.get(f"{ROOT}/{path}")
    assert len(set(uids(answer, tag))) == count
    for said in answer.json():
        place = said["00081190"]["Value"][0]
        assert viewer.get(f"{place}/metadata").status_code == 200
        assert list(said) == sorted(said)


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ("PatientID=P1", 1), ("00100020=P1", 1), ("PatientID=P2", 0), ("PatientID=P*", 1),
        ("PatientName=muller*", 1), ("PatientName=M%C3%BCller%5EJane", 1), ("PatientName=Doe", 0),
        ("PatientName=jane", 0), ("PatientName=jane&fuzzymatching=true", 1),
        ("StudyDate=20260101-20260103", 1), ("StudyDate=20260103-", 0), ("StudyDate=20260102&StudyTime=10-11", 1),
        ("ModalitiesInStudy=CT", 1), ("ModalitiesInStudy=MR", 0), ("ModalitiesInStudy=MR,CT", 1),
        ("ModalitiesInStudy=MR&ModalitiesInStudy=CT", 1),
        ("StudyInstanceUID=1.2.3,1.2.4", 1), ("StudyInstanceUID=1.2.3&StudyInstanceUID=1.2.4", 1),
        ("AccessionNumber=A1&StudyDescription=Th?rax", 1), ("PatientID=", 1), ("PatientID=*", 1),
        ("PatientID=P1%27%20OR%201=1--", 0), ("PatientID=%25", 0), ("PatientName=%3Cscript%3E", 0),
        ("offset=1", 0), ("limit=0", 0), ("limit=999999999&offset=2147483647", 0),
        ("limit=101&offset=0&fuzzymatching=false&includefield=00081030%2C00080060", 1),  # OHIF
    ],
)  # fmt: skip
def test_studies_match_as_they_are_asked_for(viewer, asked, count):
    answer = viewer.get(f"{ROOT}/studies?{asked}")
    assert answer.status_code == (200 if count else 204)
    assert len(uids(answer, "0020000D")) == count
    assert ("fuzzymatching=true" in asked) == answer.headers.get("warning", "").startswith("299 ")


@pytest.mark.parametrize(
    "asked",
    ["limit=-1", "limit=x", "limit=1e3", "offset=-1", "offset=99999999999999999999", "fuzzymatching=maybe",
     "Nothing=1", "PixelData=1", "00091001=1", "x" * 500 + "=1", "StudyDate=today", "StudyDate=20260101--",
     f"PatientID={'x' * 2000}", "PatientID=%07", "PatientID=1&PatientID=2", "Modality=CT",
     "StudyInstanceUID=" + ",".join(["1.2"] * 2000), "includefield=Nothing", "includefield=" + ",".join(["Rows"] * 500),
     "%27=1", "PatientID%27%20OR%201%3D1--=1", "__class__=1", "StudyTime=25-x"],
)  # fmt: skip
def test_what_is_no_search_is_refused_in_one_sentence(viewer, asked):
    answer = viewer.get(f"{ROOT}/studies?{asked}")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.json()["detail"]) < 1000


def test_a_search_within_a_study_does_not_leave_it(viewer):
    assert viewer.get(f"{ROOT}/studies/{STUDY}/series?StudyInstanceUID=1.2.4").status_code == 400
    assert uids(viewer.get(f"{ROOT}/studies/{STUDY}/series?SeriesNumber=2"), "0020000E") == [OTHER]
    assert viewer.get(f"{ROOT}/studies/{STUDY}/series?SeriesNumber=9").status_code == 204
    assert viewer.get(f"{ROOT}/studies/1.2.4/series").status_code == 404
    assert viewer.get(f"{ROOT}/studies/{STUDY}/series/1.2.4/instances").status_code == 404


def test_what_the_index_lacks_comes_from_the_files_where_it_is_asked_for(viewer):
    path = f"{ROOT}/studies/{STUDY}/series/{CT}/instances"
    plain = viewer.get(path).json()[0]
    more = viewer.get(
        f"{path}?includefield=RescaleSlope&includefield=00281052,ReferencedImageSequence"
    ).json()[0]
    assert set(more) - set(plain) == {"00281052", "00281053", "00081140"}
    assert more["00281052"]["Value"] == [-1024]
    assert viewer.get(f"{path}?includefield=all").json()[0] == plain
    (study,) = viewer.get(f"{ROOT}/studies?includefield=SOPClassUID").json()
    assert "00080016" in study


def test_pages_say_how_many_are_left(viewer):
    path = f"{ROOT}/studies/{STUDY}/instances"
    first = viewer.get(f"{path}?limit=4")
    assert first.headers["x-total-count"] == "10"
    assert first.headers["warning"] == '299 skiagraph "There are 6 additional results that can be requested"'
    onward = first.headers["link"].split(">")[0].removeprefix("<")
    second = viewer.get(onward)
    assert not set(uids(first, "00080018")) & set(uids(second, "00080018"))
    last = viewer.get(f"{path}?limit=4&offset=8")
    assert len(uids(last, "00080018")) == 2
    assert "warning" not in last.headers


@pytest.mark.parametrize(
    "accept", ["application/dicom+xml", "multipart/related; type=application/dicom+xml", "a/b"]
)
def test_matches_come_as_json_alone(viewer, accept):
    answer = viewer.get(f"{ROOT}/studies", headers={"Accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (406, "application/problem+json")


@pytest.mark.both_databases
def test_restricted_studies_match_for_those_who_have_a_grant_alone(full, browser):
    full.intake.take([slice_of(1, study="1.2.5", series="1.2.5.1")])
    Admission(full).step()
    with full.database.writing() as session:
        session.execute(update(Study).where(Study.uid == STUDY).values(restricted=True))
    client = browser("viewer")
    assert uids(client.get(f"{ROOT}/studies"), "0020000D") == ["1.2.5"]
    assert set(uids(client.get(f"{ROOT}/series"), "0020000D")) == {"1.2.5"}
    assert set(uids(client.get(f"{ROOT}/instances"), "0020000D")) == {"1.2.5"}
    assert browser(None).get(f"{ROOT}/studies").status_code == 401


@pytest.mark.both_databases
def test_a_search_stands_in_the_audit_trail_with_its_words(full, browser):
    client = browser("viewer")
    for _ in range(3):
        client.get(f"{ROOT}/studies?PatientID=P1")
    client.get(f"{ROOT}/studies?PatientID=P2")
    with full.database.reading() as session:
        found = session.scalars(select(AuditRecord).where(AuditRecord.event == "studies asked for")).all()
    assert len(found) == 2
    assert "PatientID=P1" in found[0].message
