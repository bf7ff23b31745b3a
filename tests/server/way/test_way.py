"""A study on its way: read once, drafted once, and where it cannot be read it says why."""

import io
import time

import pydicom
import pytest
from sqlalchemy import select

from skiagraph.report import reading_from_plain
from skiagraph.server.tables import Event, Instance, Report, Run, Series, Study


def rows(site, uid, table):
    with site.database.reading() as session:
        return list(session.scalars(select(table).join(Study).where(Study.uid == uid).order_by(table.id)))


@pytest.mark.both_databases
def test_an_ultrasound_study_is_read_and_drafted_with_results_beside_its_images(working, head, until):
    uid, data = head(3)
    working.intake.take([data])
    until(working, uid, "drafted")
    (run,) = rows(working, uid, Run)
    assert (run.model, run.outcome, run.reason) == ("fetal-head-ultrasound", "read", "")
    assert run.trace["engine"].startswith("openvino")
    assert run.trace["inputs"][0]["digest"]
    assert set(run.trace["seconds"]) == {"fetch and decode", "read"}
    (report,) = rows(working, uid, Report)
    assert (report.version, report.state, report.reader) == (1, "draft", "")
    reading = reading_from_plain(report.content["readings"][0])
    assert any(one.value > 50 for one in reading.report.findings if hasattr(one, "value"))


def test_the_way_is_told_in_order(working, head, until):
    uid, data = head(4)
    working.intake.take([data])
    until(working, uid, "drafted")
    kinds = [event.kind for event in rows(working, uid, Event)]
    assert kinds[:5] == ["received", "complete", "prepared", "read", "drafted"]


def test_results_of_a_draft_are_unverified_objects_of_the_same_study(working, head, until):
    uid, data = head(5)
    working.intake.take([data])
    until(working, uid, "drafted")
    end = [event for event in waited(working, uid) if event.kind == "results"]
    (event,) = end
    names = set(event.detail["objects"].values())
    assert {"segmentation", "measurements", "report"} <= names
    with working.database.reading() as session:
        own = list(
            session.scalars(select(Instance).join(Series).join(Study).where(Study.uid == uid, Instance.ours))
        )
    assert {one.uid for one in own} == set(event.detail["objects"])
    for one in own:
        with working.files.open(one.digest) as stream:
            dataset = pydicom.dcmread(stream)
        assert dataset.StudyInstanceUID == uid
        if dataset.Modality == "SR":
            assert dataset.VerificationFlag == "UNVERIFIED"
    assert until(working, uid, "drafted").state == "drafted"  # results start no new reading


def waited(site, uid):
    for _ in range(400):
        events = rows(site, uid, Event)
        if any(event.kind == "results" for event in events):
            return events
        time.sleep(0.05)
    raise AssertionError("no results")


def test_a_study_without_a_rule_ends_unread_with_the_reason(working, chest, until):
    uid, files = chest
    for data in files:
        working.intake.take([data])
    study = until(working, uid, "unread")
    assert study.reason == "No rule of routes.toml has a model for this study."
    assert rows(working, uid, Run) == []


def test_new_images_bring_a_drafted_study_back_and_it_is_read_anew(working, head, until):
    uid, data = head(6)
    working.intake.take([data])
    until(working, uid, "drafted")
    other = pydicom.dcmread(io.BytesIO(data))
    other.SOPInstanceUID = other.file_meta.MediaStorageSOPInstanceUID = f"{other.SOPInstanceUID}.1"[:64]
    other.InstanceNumber = 2
    buffer = io.BytesIO()
    other.save_as(buffer)
    working.intake.take([buffer.getvalue()])
    for _ in range(600):
        if len(rows(working, uid, Report)) == 2:
            break
        time.sleep(0.05)
    reports = rows(working, uid, Report)
    assert [report.version for report in reports] == [1, 1]
    assert len({report.identifier for report in reports}) == 2
    assert len(reports[1].content["readings"]) == 2
