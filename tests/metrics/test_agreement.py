"""Agreement of measurements: bias, error and coverage by hand, and tallies in any order."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skiagraph import codes
from skiagraph.errors import InvalidInput
from skiagraph.findings import Interval, Measurement
from skiagraph.metrics import Agreement, AgreementTally
from skiagraph.testing import check_metric


def hc(value, half=None):
    interval = None if half is None else Interval(low=value - half, high=value + half)
    return Measurement(concept=codes.HEAD_CIRCUMFERENCE, value=value, unit=codes.MM, interval=interval)


PAIRS = [
    (hc(101.0, 2.0), hc(100.0)),
    (hc(196.0, 3.0), hc(200.0)),
    (hc(300.0, 0.0), hc(300.0)),
    (hc(252.0), hc(250.0)),
]


def total(pairs):
    metric = Agreement()
    result = metric.tally(*pairs[0])
    for pair in pairs[1:]:
        result = metric.merge(result, metric.tally(*pair))
    return result


def test_the_figures_are_those_of_numpy():
    errors = np.array([1.0, -4.0, 0.0, 2.0])
    figures = Agreement().summary(total(PAIRS))
    assert figures["mean absolute error"] == pytest.approx(np.abs(errors).mean())
    assert figures["bias"] == pytest.approx(errors.mean())
    assert figures["spread"] == pytest.approx(errors.std())
    assert figures["coverage"] == pytest.approx(2 / 3), "of the three with an interval, one misses"


def test_without_an_interval_the_coverage_is_not_known():
    assert math.isnan(Agreement().summary(total([PAIRS[3]]))["coverage"])


@pytest.mark.parametrize(
    ("concept", "unit"),
    [(codes.BIPARIETAL_DIAMETER, codes.MM), (codes.HEAD_CIRCUMFERENCE, codes.PIXEL)],
    ids=["another thing", "another unit"],
)
def test_two_things_or_two_units_are_not_compared(concept, unit):
    with pytest.raises(InvalidInput, match="one thing in one unit"):
        Agreement().tally(hc(100.0), Measurement(concept=concept, value=100.0, unit=unit))


def test_the_contract_holds():
    check_metric(Agreement(), PAIRS)


sums = st.floats(0, 1e4)
counts = st.integers(0, 50)
tallies = st.builds(
    AgreementTally, n=st.integers(1, 50), error=st.floats(-1e4, 1e4), absolute=sums, squared=sums,
    with_interval=counts, covered=counts,
)  # fmt: skip


@given(a=tallies, b=tallies, c=tallies)
def test_merging_is_associative_and_commutative(a, b, c):
    merge = Agreement().merge
    assert merge(a, b) == merge(b, a)
    left, right = merge(merge(a, b), c), merge(a, merge(b, c))
    assert (left.n, left.with_interval, left.covered) == (right.n, right.with_interval, right.covered)
    for name in ("error", "absolute", "squared"):
        assert getattr(left, name) == pytest.approx(getattr(right, name), rel=1e-9, abs=1e-9)
