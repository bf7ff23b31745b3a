"""Gestational age: the published formula, its published spread, and the range in which it was made."""

import pytest

from skiagraph import codes
from skiagraph.errors import InvalidInput
from skiagraph.features import gestational_age, head_circumference_range
from skiagraph.findings import Interval, Measurement, NotApplicable


def hc(mm, low=None, high=None):
    interval = None if low is None else Interval(low=low, high=high)
    return Measurement(concept=codes.HEAD_CIRCUMFERENCE, value=mm, unit=codes.MM, interval=interval)


# Hadlock 1984: 8.96 + 0.540 HC + 0.0003 HC^3, HC in cm; two SD of its table of variability, by age
HADLOCK = [(100.0, 14.66, 1.19), (160.0, 18.8288, 1.48), (200.0, 22.16, 1.48), (250.0, 27.1475, 2.06),
           (300.0, 33.26, 2.98), (340.0, 39.1112, 2.70)]  # fmt: skip


@pytest.mark.parametrize(("mm", "weeks", "two_sd"), HADLOCK)
def test_the_published_value_and_spread(mm, weeks, two_sd):
    age = gestational_age(hc(mm))
    assert (age.concept, age.unit) == (codes.GESTATIONAL_AGE, codes.WEEK)
    assert age.value == pytest.approx(weeks, abs=1e-9)
    assert age.interval.low == pytest.approx(weeks - two_sd)
    assert age.interval.high == pytest.approx(weeks + two_sd)
    assert "Hadlock" in age.method


def test_the_interval_of_the_circumference_is_joined_in_quadrature():
    age = gestational_age(hc(200.0, 190.0, 215.0))
    low, high = (8.96 + 0.54 * cm + 0.0003 * cm**3 for cm in (19.0, 21.5))
    assert age.interval.low == pytest.approx(22.16 - (1.48**2 + (22.16 - low) ** 2) ** 0.5)
    assert age.interval.high == pytest.approx(22.16 + (1.48**2 + (high - 22.16) ** 2) ** 0.5)


@pytest.mark.parametrize("mm", [0.0, 40.0, 87.0, 360.0, 600.0])
def test_outside_of_its_range_the_formula_is_not_used(mm):
    refusal = gestational_age(hc(mm))
    assert isinstance(refusal, NotApplicable)
    assert refusal.reason == "out-of-range"
    assert "14 to 42 weeks" in refusal.explanation


def test_the_range_ends_at_14_and_42_weeks():
    low, high = head_circumference_range()
    assert (low, high) == pytest.approx((88.9, 357.3), abs=1.0)
    assert gestational_age(hc(low + 1e-6)).value == pytest.approx(14.0)
    assert gestational_age(hc(high - 1e-6)).value == pytest.approx(42.0)
    assert isinstance(gestational_age(hc(low - 0.01)), NotApplicable)
    assert isinstance(gestational_age(hc(high + 0.01)), NotApplicable)


@pytest.mark.parametrize(
    ("concept", "unit"),
    [(codes.BIPARIETAL_DIAMETER, codes.MM), (codes.HEAD_CIRCUMFERENCE, codes.PIXEL)],
    ids=["another measurement", "another unit"],
)
def test_anything_but_a_head_circumference_in_mm_is_refused(concept, unit):
    with pytest.raises(InvalidInput, match="head circumference in mm"):
        gestational_age(Measurement(concept=concept, value=200.0, unit=unit))
