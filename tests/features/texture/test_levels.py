"""How numbers become grey levels."""

import numpy as np
import pytest

from skiagraph.errors import InvalidInput
from skiagraph.features.region import Region
from skiagraph.features.texture import Levels, histogram, statistics
from skiagraph.features.texture.levels import levels_of

NUMBERS = np.array([-1000.0, -12.5, 0.0, 24.9, 25.0, 400.0])


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        (Levels(bins=2), [1, 2, 2, 2, 2, 2]),
        (Levels(bins=14), [1, 10, 11, 11, 11, 14]),
        (Levels(width=25.0), [1, 40, 41, 41, 42, 57]),
        (Levels(width=25.0, within=(-1025.0, 400.0)), [2, 41, 42, 42, 43, 58]),
        (Levels(width=25.0, within=(-np.inf, 400.0)), [1, 40, 41, 41, 42, 57]),
    ],
)
def test_numbers_fall_into_bins_that_hold_their_lower_end(levels, expected):
    assert levels_of(NUMBERS, levels).tolist() == expected


def test_the_highest_number_falls_into_the_last_bin_and_one_number_alone_into_the_first():
    assert levels_of(np.array([0.0, 1.0, 2.0]), Levels(bins=2)).tolist() == [1, 2, 2]
    assert levels_of(np.array([7.0, 7.0]), Levels(bins=8)).tolist() == [1, 1]


def test_numbers_out_of_range_do_not_belong_to_the_region():
    region = Region(numbers=NUMBERS.reshape(2, 3), mask=np.ones((2, 3), bool), unit="[hnsf'U]")
    kept = {f.name: f for f in statistics(region, within=(-500.0, 25.0))}
    assert (kept["minimum"].value, kept["maximum"].value) == (-12.5, 25.0)
    assert (kept["minimum"].unit, kept["variance"].unit, kept["skewness"].unit) == (
        "[hnsf'U]",
        "([hnsf'U])2",
        "",
    )
    levels = Levels(width=25.0, within=(-500.0, 25.0))
    assert {f.name: f.value for f in histogram(region, levels=levels)}["maximum"] == 22.0


def test_the_mode_is_the_most_frequent_level_nearest_to_the_mean():
    numbers = np.array([[1.0, 1.0, 2.0, 3.0], [3.0, 4.0, 5.0, 6.0]])
    region = Region(numbers=numbers, mask=np.ones(numbers.shape, bool))
    assert {f.name: f.value for f in histogram(region, levels=Levels(width=1.0))}["mode"] == 3.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "a number of bins or a width"),
        ({"bins": 8, "width": 2.0}, "a number of bins or a width"),
        ({"bins": 1}, "at least 2 bins"),
        ({"width": 0.0}, "a positive number"),
        ({"width": float("nan")}, "a positive number"),
        ({"bins": 8, "within": (5.0, 5.0)}, "begins below its end"),
    ],
)
def test_levels_that_say_nothing_are_refused(arguments, message):
    with pytest.raises(InvalidInput, match=message):
        Levels(**arguments)
