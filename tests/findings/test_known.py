"""Findings by name that are made when they are first asked for, once."""

import pickle

import pytest

from skiagraph.codes import Code
from skiagraph.findings import Known, Text


@pytest.fixture
def asked():
    return []


@pytest.fixture
def known(asked):
    def make():
        asked.append("late")
        return text("late")

    return Known({"there": text("there")}, {"late": make})


def text(words):
    return Text(text=words, concept=Code(value="1", scheme="99TEST", meaning="said"))


def test_names_are_there_before_findings_are_made(known, asked):
    assert (list(known), len(known), "late" in known, "other" in known) == (["there", "late"], 2, True, False)
    assert repr(known) == "Known(there, late)"
    assert not asked


def test_a_late_finding_is_made_once(known, asked):
    assert known["late"] is known["late"]
    assert known["there"].text == "there"
    assert asked == ["late"]
    with pytest.raises(KeyError):
        known["other"]


@pytest.mark.parametrize(
    "derive",
    [Known, lambda k: k.renamed(str.lower), lambda k: Known().with_others(k), lambda k: k.with_others({})],
)
def test_what_is_derived_stays_late_and_is_still_made_once(known, asked, derive):
    other = derive(derive(known))
    assert set(other) == {"there", "late"}
    assert not asked
    assert other["late"] is known["late"] is other["late"]
    assert asked == ["late"]


def test_the_other_of_two_with_one_name_holds(known):
    assert known.with_others({"late": text("new")})["late"].text == "new"


def test_it_is_made_before_it_is_pickled(known):
    assert pickle.loads(pickle.dumps(known))["late"].text == "late"
