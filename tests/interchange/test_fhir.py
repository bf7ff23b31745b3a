"""A report as FHIR R4B: valid, what each finding becomes, whose it is, and that the same report is the same bundle."""

import base64
import dataclasses
import json
from datetime import UTC, datetime

import numpy as np
import pytest
from fhir.resources.R4B.bundle import Bundle
from hypothesis import given
from hypothesis import settings as hypothesis_settings

from skiagraph import codes
from skiagraph.case import Case, Instance, Origin, Report, Signature, amended, finalised, preliminary
from skiagraph.codes import Code
from skiagraph.findings import (
    Classification,
    ClassScore,
    Findings,
    Interval,
    Measurement,
    NotApplicable,
    Provenance,
    Segment,
    Segmentation,
    Text,
)
from skiagraph.geometry import Plane
from skiagraph.image import Image
from skiagraph.interchange.fhir import diagnostic_report
from skiagraph.interchange.observations import observed, without_observation
from skiagraph.task import Card, InputSpec, OutputSpec
from skiagraph.testing.strategies.findings import finding_tuples

CARD = Card(
    name="fetal-head-ultrasound",
    version="1.0.0",
    task="segmentation",
    summary="Outlines a fetal head.",
    inputs=(InputSpec(name="image", modality="US", ndim=2),),
    outputs=(OutputSpec(finding="Segmentation", concept=codes.HEAD),),
    limits=("One head a picture.",),
)
PROVENANCE = Provenance(
    sources=(),
    model="fetal-head-ultrasound",
    model_version="1.0.0",
    model_digest="ab" * 32,
    software="skiagraph 1",
    created=datetime(2026, 11, 21, 9, 30, tzinfo=UTC),
)
MEASURED = Measurement(
    concept=codes.HEAD_CIRCUMFERENCE,
    value=182.25,
    unit=codes.MM,
    interval=Interval(low=179.5, high=185.0, level=0.9),
    method="Perimeter of the ellipse.",
)
LESION = Code(value="52988006", scheme="SCT", meaning="Lesion")
BENIGN, MALIGNANT = (
    Code(value="30807003", scheme="SCT", meaning="Benign"),
    Code(value="86049000", scheme="SCT", meaning="Malignant"),
)
OWN = Code(value="A1", scheme="99SITE", meaning="House word")
UNKNOWN_SIZE = NotApplicable(
    reason="unknown-size", explanation="The file states no size.", concept=codes.HEAD_CIRCUMFERENCE, score=0.5
)
STUDY = "1.2.826.0.1.3680043.8.498.1"


def report(*items, narrative=(("en", "All said."), ("zh", "全部。"))):
    findings = Findings(items=items, provenance=PROVENANCE)
    return Report(identifier="2.25.77", case="case", findings=findings, narrative=narrative)


def case(**header):
    tags = {"patient": "00100020", "issuer": "00100021", "accession": "00080050", "day": "00080020"}
    stated = {tags[name]: {"vr": "LO", "Value": [value]} for name, value in header.items()}
    stated["0020000D"] = {"vr": "UI", "Value": [STUDY]}
    space = Plane.upright(shape=(4, 5), spacing=(1.0, 1.0), frame="2.25.1")
    origin = Origin(
        header=stated,
        instances=(Instance(sop_class_uid="1.2.840.10008.5.1.4.1.1.6.1", sop_instance_uid="2.25.9"),),
        frames=np.array([[[0, 1]]]),
    )
    image = Image(data=np.zeros((4, 5), np.uint8), space=space)
    return Case(identifier="case", images={"image": image}, origins={"image": origin})


def resources(bundle, kind):
    return [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == kind]


def single(bundle, kind):
    (one,) = resources(bundle, kind)
    return one


def observation(*items):
    return single(diagnostic_report(report(*items), case(), CARD), "Observation")


def test_a_measurement_is_an_observation_with_a_unit_an_interval_and_a_method():
    said = observation(MEASURED)
    assert said["code"]["coding"] == [
        {"system": "http://loinc.org", "code": "11984-2", "display": "Head Circumference"}
    ]
    assert said["valueQuantity"] == {
        "value": 182.25,
        "unit": "millimetre",
        "system": "http://unitsofmeasure.org",
        "code": "mm",
    }
    interval, level = said["component"]
    assert (interval["valueRange"]["low"]["value"], interval["valueRange"]["high"]["value"]) == (179.5, 185.0)
    assert interval["valueRange"]["low"]["code"] == "mm"
    assert level["valueQuantity"]["value"] == 0.9
    assert said["method"]["text"] == "Perimeter of the ellipse."


def classified(*prediction_set, exclusive=True):
    scores = (ClassScore(code=BENIGN, probability=0.7), ClassScore(code=MALIGNANT, probability=0.3))
    return Classification(
        concept=LESION,
        scores=scores,
        exclusive=exclusive,
        prediction_set=prediction_set,
        level=0.95 if prediction_set else None,
    )


def test_a_classification_has_a_component_with_a_probability_for_each_class():
    said = observation(classified(BENIGN))
    assert [(c["code"]["text"], c["valueQuantity"]["value"]) for c in said["component"]] == [
        ("Benign", 0.7),
        ("Malignant", 0.3),
    ]
    assert said["valueCodeableConcept"]["text"] == "Benign"
    assert said["component"][0]["interpretation"][0]["text"] == "cannot be excluded at a level of 0.95"
    assert "interpretation" not in said["component"][1]


@pytest.mark.parametrize(
    "finding", [classified(BENIGN, MALIGNANT), classified(MALIGNANT), classified(exclusive=False)]
)
def test_a_class_is_no_value_while_the_model_leaves_another_one(finding):
    assert "valueCodeableConcept" not in observation(finding)


def test_words_keep_their_language():
    said = observation(Text(text="颅骨完整。", language="zh"))
    assert (said["valueString"], said["language"]) == ("颅骨完整。", "zh")


def test_a_refusal_is_an_observation_without_a_value_that_says_why():
    said = observation(UNKNOWN_SIZE)
    assert said["dataAbsentReason"]["coding"][0]["code"] == "not-performed"
    assert said["dataAbsentReason"]["text"] == "The file states no size."
    assert not [key for key in said if key.startswith("value")]


def test_a_scheme_that_fhir_has_no_name_for_stays_in_the_words():
    said = observation(dataclasses.replace(MEASURED, concept=OWN))
    assert said["code"] == {"text": "House word (A1, 99SITE)"}


def test_fields_and_marks_have_no_form_and_are_named():
    outline = Segmentation(
        space=Plane.upright(shape=(4, 5), spacing=(1.0, 1.0), frame="2.25.1"),
        labels=np.ones((4, 5), np.uint8),
        segments=(Segment(number=1, code=codes.HEAD),),
    )
    assert without_observation([outline, MEASURED]) == (outline,)
    assert len(resources(diagnostic_report(report(outline, MEASURED), case(), CARD), "Observation")) == 1


def test_patient_order_and_study_are_named_by_their_identifiers_alone():
    about = case(patient="4711", issuer="HOSPITAL", accession="A-1", day="20260314")
    bundle = diagnostic_report(report(MEASURED), about, CARD)
    assert not resources(bundle, "Patient")
    document, said = single(bundle, "DiagnosticReport"), single(bundle, "Observation")
    subject = {"type": "Patient", "identifier": {"value": "4711", "assigner": {"display": "HOSPITAL"}}}
    assert document["subject"] == said["subject"] == subject
    assert document["effectiveDateTime"] == said["effectiveDateTime"] == "2026-03-14"
    assert document["basedOn"][0]["identifier"]["value"] == "A-1"
    assert document["imagingStudy"][0]["identifier"] == {
        "system": "urn:dicom:uid",
        "value": f"urn:oid:{STUDY}",
    }


@pytest.mark.parametrize("day", ["", "2026", "20261399", "0000-00-00"])
def test_a_study_without_a_day_gets_none(day):
    document = single(diagnostic_report(report(), case(day=day), CARD), "DiagnosticReport")
    assert "effectiveDateTime" not in document


def test_without_the_images_no_patient_and_no_study_is_named():
    document = single(diagnostic_report(report(MEASURED), None, CARD), "DiagnosticReport")
    assert not {"subject", "imagingStudy", "basedOn"} & set(document)


def signed(state):
    draft = report(MEASURED)
    signature = Signature(reader="Dr. Reader", signed=datetime(2026, 11, 22, tzinfo=UTC))
    if state == "draft":
        return draft
    if state == "preliminary":
        return preliminary(draft, signature)
    final = finalised(draft, signature)
    return final if state == "final" else amended(final, signature, findings=draft.findings, reason="Typing.")


@pytest.mark.parametrize(
    ("state", "document", "said"),
    [
        ("draft", "partial", "preliminary"),
        ("preliminary", "preliminary", "preliminary"),
        ("final", "final", "final"),
        ("amended", "amended", "amended"),
    ],
)
def test_the_status_follows_the_state_of_the_report(state, document, said):
    bundle = diagnostic_report(signed(state), case(), CARD)
    assert single(bundle, "DiagnosticReport")["status"] == document
    assert single(bundle, "Observation")["status"] == said
    readers = single(bundle, "DiagnosticReport").get("resultsInterpreter")
    assert readers == (None if state == "draft" else [{"display": "Dr. Reader"}])


def test_the_model_is_a_device_that_the_observations_name():
    bundle = diagnostic_report(report(MEASURED), case(), CARD)
    device = single(bundle, "Device")
    assert device["deviceName"][0]["name"] == "fetal-head-ultrasound"
    assert device["version"] == [{"value": "1.0.0"}]
    assert "One head a picture." in [note["text"] for note in device["note"]]
    names = {e["fullUrl"] for e in bundle["entry"]}
    assert single(bundle, "Observation")["device"]["reference"] in names
    assert {r["reference"] for r in single(bundle, "DiagnosticReport")["result"]} <= names
    assert single(bundle, "Observation")["meta"]["security"][0]["code"] == "AIAST"


def test_the_conclusion_is_the_narrative_with_its_translation():
    document = single(diagnostic_report(report(MEASURED), case(), CARD), "DiagnosticReport")
    assert document["conclusion"] == "All said."
    (translation,) = document["_conclusion"]["extension"]
    assert translation["extension"] == [
        {"url": "lang", "valueCode": "zh"},
        {"url": "content", "valueString": "全部。"},
    ]


def test_the_page_goes_along_when_given():
    document = single(diagnostic_report(report(), case(), CARD, pdf=b"%PDF-1.7"), "DiagnosticReport")
    (form,) = document["presentedForm"]
    assert form["contentType"] == "application/pdf"
    assert base64.b64decode(form["data"]) == b"%PDF-1.7"


def test_the_same_report_is_the_same_bundle_and_a_new_version_of_it_takes_its_place():
    first, second = (json.dumps(diagnostic_report(signed("final"), case(), CARD)) for _ in range(2))
    assert first == second
    later = diagnostic_report(signed("amended"), case(), CARD)
    assert [e["request"] for e in json.loads(first)["entry"]] == [e["request"] for e in later["entry"]]
    assert {e["request"]["method"] for e in later["entry"]} == {"PUT"}


@given(finding_tuples())
@hypothesis_settings(max_examples=40)
def test_every_finding_gives_a_valid_bundle(findings):
    words = tuple(("en", str(f.text)) for f in findings if isinstance(f, Text))[:1]
    draft = Report(identifier="2.25.77", case="case", findings=findings, narrative=words)
    bundle = diagnostic_report(draft, None, CARD)
    Bundle.model_validate_json(json.dumps(bundle))
    assert len(resources(bundle, "Observation")) == len([f for f in findings if observed(f) is not None])
