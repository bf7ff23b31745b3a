"""Results of anyone as reports: who made them and when, who verified them, whose they are, and what is no result."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import ComprehensiveSRStorage

from skiagraph.case import Signature
from skiagraph.errors import FormatError
from skiagraph.findings import Text
from skiagraph.interchange import Algorithm, Content, export, save
from skiagraph.interchange.fhir import diagnostic_report
from skiagraph.interchange.results import read_result


def named(value, scheme, meaning):
    ds = Dataset()
    ds.CodeValue, ds.CodingSchemeDesignator, ds.CodeMeaning = value, scheme, meaning
    return ds


def report(**more):
    """A structured report of somebody else, with one sentence."""
    words = Dataset()
    words.RelationshipType, words.ValueType, words.TextValue = "CONTAINS", "TEXT", "No lesion."
    words.ConceptNameCodeSequence = [named("59776-5", "LN", "Procedure Findings")]
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID, ds.Modality = ComprehensiveSRStorage, "2.25.11", "SR"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.PatientID = "2.25.12", "2.25.13", "4711"
    ds.ValueType, ds.ContinuityOfContent = "CONTAINER", "SEPARATE"
    ds.ConceptNameCodeSequence = [named("18748-4", "LN", "Diagnostic imaging report")]
    ds.ContentSequence = [words]
    for keyword, value in more.items():
        setattr(ds, keyword, value)
    return ds


def saved(ds, path):
    ds.save_as(path, implicit_vr=False, little_endian=True)
    return path


def test_a_report_of_others_keeps_its_words_its_patient_and_its_study(tmp_path):
    result = read_result(saved(report(), tmp_path / "r.dcm"))
    assert [f.text for f in result.report.findings if isinstance(f, Text)] == ["No lesion."]
    assert (result.report.identifier, result.report.state) == ("2.25.11", "draft")
    bundle = diagnostic_report(result.report, result.origin, None)
    (document,) = (
        e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "DiagnosticReport"
    )
    assert document["subject"]["identifier"] == {"value": "4711"}
    assert document["imagingStudy"][0]["identifier"]["value"] == "urn:oid:2.25.12"
    assert "meta" not in document


@pytest.mark.parametrize(
    ("stated", "created"),
    [
        ({}, datetime(1970, 1, 1, tzinfo=UTC)),
        ({"ContentDate": "20260102"}, datetime(2026, 1, 2, tzinfo=UTC)),
        (
            {"ContentDate": "20260102", "ContentTime": "030405.678"},
            datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        ),
        (
            {"ContentDate": "20260102", "ContentTime": "030405", "TimezoneOffsetFromUTC": "+0800"},
            datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=8))),
        ),
    ],
)
def test_when_it_was_made_is_what_it_states(tmp_path, stated, created):
    assert (
        read_result(saved(report(**stated), tmp_path / "r.dcm")).report.findings.provenance.created == created
    )


def verified(name="Reader^Ann", when="20260304050607+0100"):
    observer = Dataset()
    observer.VerifyingObserverName, observer.VerificationDateTime = name, when
    return {"VerificationFlag": "VERIFIED", "VerifyingObserverSequence": [observer]}


@pytest.mark.parametrize(
    ("when", "zone"),
    [("20260304050607+0100", timezone(timedelta(hours=1))), ("20260304050607.123", UTC)],
)
def test_what_somebody_verified_is_final_and_signed(tmp_path, when, zone):
    result = read_result(saved(report(**verified(when=when)), tmp_path / "r.dcm"))
    signed = datetime(2026, 3, 4, 5, 6, 7, tzinfo=zone)
    assert result.report.state == "final"
    assert result.report.signature == Signature(reader="Reader Ann", signed=signed)


@pytest.mark.parametrize("more", [verified(name=""), verified(when=""), {"VerificationFlag": "VERIFIED"}])
def test_a_verification_without_a_name_or_a_time_is_none(tmp_path, more):
    assert read_result(saved(report(**more), tmp_path / "r.dcm")).report.state == "draft"


def test_an_image_is_no_result():
    assert read_result(Path(get_testdata_file("CT_small.dcm"))) is None


def test_a_damaged_result_is_refused_by_its_name(tmp_path):
    ds = Dataset()
    ds.SOPClassUID, ds.Modality = "1.2.840.10008.5.1.4.1.1.66.4", "SEG"
    with pytest.raises(FormatError):
        read_result(saved(ds, tmp_path / "seg.dcm"))


@pytest.mark.parametrize(
    "zone", [UTC, timezone(timedelta(hours=8)), timezone(-timedelta(hours=3, minutes=30))]
)
def test_our_own_objects_say_which_model_made_them_and_exactly_when(zone, drawn_source, tmp_path):
    case = drawn_source("axial CT").case
    created = datetime(2026, 3, 4, 23, 30, 5, 123456, tzinfo=zone)
    content = Content(
        description="words", created=created, algorithm=Algorithm(name="letter finder", version="1.2")
    )
    save(export(Text(text="No lesion."), case, content=content), tmp_path / "ours.dcm")
    made_by = read_result(tmp_path / "ours.dcm").report.findings.provenance
    assert (made_by.model, made_by.model_version, made_by.created) == ("letter finder", "1.2", created)
    assert pydicom.dcmread(tmp_path / "ours.dcm").ContentDate == f"{created:%Y%m%d}"
