"""`reading.json` keeps a report in every state, and refuses in one sentence what it cannot know."""

import json
import re
from datetime import UTC, datetime
from importlib.resources import files

import jsonschema
import numpy as np
import pytest

from skiagraph import codes
from skiagraph.case import Case, Signature, amended, finalised
from skiagraph.errors import FormatError, SkiagraphError
from skiagraph.findings import Findings, Measurement, Provenance, Source
from skiagraph.geometry import Plane
from skiagraph.image import Image, image_digest
from skiagraph.plain import to_plain
from skiagraph.report import drafted, reading_from_plain, reading_of, reading_to_plain
from skiagraph.report import reading as reading_module
from skiagraph.report.schema import reading_schema
from skiagraph.report.words import confidence_word, number, short, word
from skiagraph.task.card import Card, InputSpec, OutputSpec

IMAGE = Image(
    data=np.eye(4), space=Plane.upright(shape=(4, 4), spacing=(0.5, 0.5), frame="2.25.1"), modality="US"
)
CASE = Case(identifier="case-1", images={"image": IMAGE}, uids={"image": "2.25.9"}, problems=("Odd.",))
CARD = Card(
    name="toy",
    version="1.0.0",
    task="segmentation",
    summary="A toy.",
    inputs=(InputSpec(name="image", modality="US", ndim=2),),
    outputs=(OutputSpec(finding="Measurement", concept=codes.HEAD_CIRCUMFERENCE),),
)


def document(change=lambda report: report):
    provenance = Provenance(
        sources=(Source(name="image", digest="ab"),),
        model="toy",
        model_version="1.0.0",
        created=datetime(2026, 1, 2, tzinfo=UTC),
    )
    length = Measurement(concept=codes.HEAD_CIRCUMFERENCE, value=100.0, unit=codes.MM)
    report = change(drafted("case-1", Findings(items=(length,), provenance=provenance)))
    return json.loads(json.dumps(reading_to_plain(reading_of(report, CASE, CARD))))


def signed_and_amended(report):
    signature = Signature(reader="Dr. Reader", signed=datetime(2026, 2, 3, tzinfo=UTC))
    final = finalised(report, signature)
    return amended(final, signature, findings=final.findings, reason="A slip.")


@pytest.mark.parametrize("change", [lambda r: r, signed_and_amended], ids=["draft", "amended"])
def test_a_report_comes_back_with_all_its_versions(change):
    first = document(change)
    jsonschema.Draft202012Validator(reading_schema()).validate(first)
    back = reading_from_plain(first)
    assert reading_to_plain(back) == first
    assert to_plain(back.card) == to_plain(CARD)


def test_the_document_says_what_was_looked_at_and_in_which_words():
    d = document()
    assert (d["format"], d["version"], d["case"]) == ("skiagraph-reading", 2, "case-1")
    assert d["problems"] == ["Odd."]
    assert set(d["narrative"]) == {"en", "zh"}
    (one,) = d["inputs"]
    assert (one["digest"], one["uid"], one["shape"], one["spacing"]) == ("ab", "2.25.9", [4, 4], [0.5, 0.5])


def test_an_input_without_a_source_gets_its_own_digest():
    provenance = Provenance(
        sources=(), model="toy", model_version="1", created=datetime(2026, 1, 2, tzinfo=UTC)
    )
    report = drafted("case-1", Findings(items=(), provenance=provenance))
    assert reading_of(report, CASE, CARD).inputs[0].digest == image_digest(IMAGE)


@pytest.mark.parametrize(
    "damage", [None, [], "x", {}, {"format": "other", "version": 1}, {"format": "skiagraph-reading"}]
)
def test_what_is_no_reading_is_refused(damage):
    with pytest.raises(FormatError, match="skiagraph-reading"):
        reading_from_plain(damage)


@pytest.mark.parametrize("version", [0, -1, True, "1", 1.5])
def test_a_strange_version_is_refused(version):
    with pytest.raises(FormatError, match="with a version"):
        reading_from_plain(document() | {"version": version})


def test_a_newer_version_is_refused_with_the_way_out():
    with pytest.raises(FormatError, match=r"up to version 2; got version 3; update skiagraph\."):
        reading_from_plain(document() | {"version": 3})


def test_an_older_version_goes_through_the_door(monkeypatch):
    old = document()
    monkeypatch.setattr(reading_module, "VERSION", 3)
    monkeypatch.setattr(reading_module, "_MIGRATIONS", {2: lambda d: d | {"problems": ["Migrated."]}})
    assert reading_from_plain(old).problems == ("Migrated.",)


def test_a_reading_of_version_1_knows_nothing_of_outlines_that_were_given():
    old = document() | {"version": 1}
    del old["given"], old["reasons"]
    back = reading_from_plain(old)
    assert (back.given, back.reasons) == ((), ())


@pytest.mark.parametrize(
    "part",
    [
        "case",
        "report",
        "findings",
        "provenance",
        "narrative",
        "inputs",
        "problems",
        "card",
        "given",
        "reasons",
    ],
)
@pytest.mark.parametrize("damage", ["missing", "wrong"])
def test_a_damaged_document_is_refused_in_one_sentence(part, damage):
    d = document()
    if damage == "missing":
        del d[part]
    else:
        d[part] = 7
    with pytest.raises(SkiagraphError):
        reading_from_plain(d)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(reading_schema()).validate(d)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0.0"),
        (176.32, "176.3"),
        (4.0, "4.00"),
        (0.978, "0.978"),
        (0.01234, "0.0123"),
        (-5.5, "-5.50"),
        (1e7, "1.00e+07"),
        (1e-9, "1.00e-09"),
    ],
)
def test_numbers_are_as_precise_as_people_read_them(value, shown):
    assert number(value) == shown


@pytest.mark.parametrize(
    ("confidence", "shown"),
    [(1.0, "high"), (0.95, "high"), (0.949, "moderate"), (0.8, "moderate"), (0.799, "low"), (0.0, "low")],
)
def test_confidence_has_a_word(confidence, shown):
    assert confidence_word(confidence, "en") == shown


def test_every_code_of_the_house_has_its_words():
    table = json.loads(files("skiagraph.report").joinpath("words.json").read_text("utf-8"))
    for code in (c for c in vars(codes).values() if isinstance(c, codes.Code)):
        assert {"en", "zh"} <= set(table[f"{code.scheme}|{code.value}"])


def test_an_unknown_code_is_called_by_its_meaning_and_else_by_its_value():
    assert word(codes.Code(value="1", scheme="99X", meaning="new thing"), "zh") == "new thing"
    assert short(codes.Code(value="1", scheme="99X"), "en") == "1"


def test_every_phrase_has_the_same_parts_in_both_languages():
    table = json.loads(files("skiagraph.report").joinpath("phrases.json").read_text("utf-8"))
    parts = {
        key: [sorted(re.findall(r"{\w+}", words[lang])) for lang in ("en", "zh")]
        for key, words in table.items()
    }
    assert {key: both for key, both in parts.items() if both[0] != both[1]} == {}
