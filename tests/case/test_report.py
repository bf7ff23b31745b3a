"""The life of a report: a model drafts, a reader signs, and what was signed is never lost."""

import dataclasses
import pickle
from datetime import UTC, datetime

import pytest

from skiagraph.case import Report, Signature, amended, finalised, preliminary
from skiagraph.errors import InvalidInput, StateError
from skiagraph.findings import Findings, Provenance, Text

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
SIGNATURE = Signature(reader="reader-7", signed=NOW)
PROVENANCE = Provenance(sources=(), model="m", model_version="1", created=NOW)


def said(words):
    return Findings(items=(Text(text=words),), provenance=PROVENANCE)


DRAFT = Report(identifier="r", case="c", findings=said("first"))
STATES = {
    "draft": DRAFT,
    "preliminary": preliminary(DRAFT, SIGNATURE),
    "final": finalised(DRAFT, SIGNATURE),
    "amended": amended(finalised(DRAFT, SIGNATURE), SIGNATURE, findings=said("second"), reason="wrong side"),
}
STEPS = {
    "preliminary": lambda report: preliminary(report, SIGNATURE),
    "final": lambda report: finalised(report, SIGNATURE),
    "amended": lambda report: amended(report, SIGNATURE, findings=said("new"), reason="because"),
}
ALLOWED = {
    ("draft", "preliminary"),
    ("draft", "final"),
    ("preliminary", "final"),
    ("final", "amended"),
    ("amended", "amended"),
}


@pytest.mark.parametrize("before", STATES)
@pytest.mark.parametrize("after", STEPS)
def test_a_report_goes_only_the_way_of_its_life(before, after):
    report = STATES[before]
    if (before, after) in ALLOWED:
        result = STEPS[after](report)
        assert (result.state, result.version, result.previous) == (after, report.version + 1, report)
        assert result.signature == SIGNATURE
    else:
        with pytest.raises(StateError, match=f"got a {before} report"):
            STEPS[after](report)


def test_what_was_signed_stays_readable_behind_what_corrects_it():
    report = STATES["amended"]
    assert [f.text for f in report.findings] == ["second"]
    assert [f.text for f in report.previous.findings] == ["first"]
    assert (report.reason, report.previous.reason) == ("wrong side", "")
    assert report.previous.previous is DRAFT


@pytest.mark.parametrize(
    ("report", "changes"),
    [
        ("draft", {"signature": SIGNATURE}),
        ("final", {"signature": None}),
        ("final", {"reason": "because"}),
        ("amended", {"reason": "  "}),
        ("draft", {"version": 2}),
        ("final", {"version": 1}),
        ("final", {"previous": None}),
    ],
)
def test_a_report_that_contradicts_itself_is_refused(report, changes):
    with pytest.raises(InvalidInput):
        dataclasses.replace(STATES[report], **changes)


def test_a_correction_has_a_reason():
    with pytest.raises(InvalidInput, match="why it was changed"):
        amended(STATES["final"], SIGNATURE, findings=said("new"), reason="")


@pytest.mark.parametrize(
    ("reader", "signed"),
    [("", NOW), (" ", NOW), ("reader-7", NOW.replace(tzinfo=None))],
    ids=["none", "blank", "zone"],
)
def test_a_signature_names_its_reader_and_its_time_zone(reader, signed):
    with pytest.raises(InvalidInput, match="names its reader"):
        Signature(reader=reader, signed=signed)


def test_a_report_is_the_same_after_pickle():
    again = pickle.loads(pickle.dumps(STATES["amended"]))
    assert (again.state, again.version, again.previous.state, again.signature) == (
        "amended",
        3,
        "final",
        SIGNATURE,
    )
