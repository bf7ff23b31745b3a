"""Overlap of outlines: numbers by hand, tallies in any order, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skiagraph import codes
from skiagraph.errors import GeometryError
from skiagraph.findings import Segment, Segmentation
from skiagraph.geometry import Plane, derived_frame
from skiagraph.metrics import Overlap, OverlapTally
from skiagraph.testing import check_metric


def drawn(*rows, number=1, spacing=(1.0, 1.0)):
    """A segmentation from rows of '.' and '#'."""
    labels = np.array([[number * (c == "#") for c in row] for row in rows], dtype=np.uint8)
    space = Plane.upright(shape=labels.shape, spacing=spacing, frame=derived_frame("drawn"))
    return Segmentation(space=space, labels=labels, segments=(Segment(number=number, code=codes.HEAD),))


EMPTY = drawn("....", "....")
TABLE = {
    "the same": (drawn("##..", "##.."), drawn("##..", "##.."), 1.0, 0),
    "half of both": (drawn("##..", "##.."), drawn(".##.", ".##."), 0.5, 0),
    "inside": (drawn("#...", "...."), drawn("##..", "#..."), 2 * 1 / 4, 0),
    "both empty": (EMPTY, EMPTY, 1.0, 0),
    "missed": (EMPTY, drawn("##..", "...."), 0.0, 1),
    "beside": (drawn("..##", "...."), drawn("##..", "...."), 0.0, 1),
    "where nothing is": (drawn("#...", "...."), EMPTY, 0.0, 1),
}


@pytest.mark.parametrize(("prediction", "reference", "dice", "missed"), TABLE.values(), ids=TABLE)
def test_one_case(prediction, reference, dice, missed):
    tally = Overlap().tally(prediction, reference)
    assert tally == OverlapTally(n=1, dice=dice, worst=dice, missed=missed)


def test_the_figures_are_means_over_cases_and_the_worst_of_them():
    metric = Overlap()
    total = metric.tally(*TABLE["the same"][:2])
    for name in ("half of both", "missed", "both empty"):
        total = metric.merge(total, metric.tally(*TABLE[name][:2]))
    assert metric.summary(total) == {"dice": 2.5 / 4, "worst dice": 0.0, "missed": 0.25}


def test_another_segment_is_asked_for_by_its_number():
    two = drawn("##..", "....", number=2)
    assert Overlap(number=2).tally(two, two).dice == 1.0
    assert Overlap(number=1).tally(two, drawn("##..", "....")).missed == 1, "segment 1 is not there"


@pytest.mark.parametrize(
    "other",
    [drawn("....", "....", "...."), drawn("....", "....", spacing=(2.0, 1.0))],
    ids=["another shape", "another spacing"],
)
def test_outlines_on_two_lattices_are_refused(other):
    with pytest.raises(GeometryError, match="resample"):
        Overlap().tally(EMPTY, other)


def test_the_contract_holds():
    check_metric(Overlap(), [row[:2] for row in TABLE.values()])


shares = st.floats(0, 1)
tallies = st.builds(OverlapTally, n=st.integers(1, 50), dice=shares, worst=shares, missed=st.integers(0, 5))


@given(a=tallies, b=tallies, c=tallies)
def test_merging_is_associative_and_commutative(a, b, c):
    merge = Overlap().merge
    assert merge(a, b) == merge(b, a)
    left, right = merge(merge(a, b), c), merge(a, merge(b, c))
    assert (left.n, left.worst, left.missed) == (right.n, right.worst, right.missed)
    assert left.dice == pytest.approx(right.dice, rel=1e-12)
