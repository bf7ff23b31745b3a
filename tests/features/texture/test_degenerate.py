"""Regions that hardly have a texture get a value or a reason, never an error and never a wrong number."""

import numpy as np
import pytest
from ibsi_phantom import MERGES

from skiagraph.errors import InvalidInput
from skiagraph.features.region import Region
from skiagraph.features.texture import (
    Levels,
    glcm,
    gldm,
    gldzm,
    glrlm,
    glszm,
    histogram,
    ngtdm,
    statistics,
    textures,
)

NUMBERS = 18 + 23 + 26 + 16 + 16 + 16 + 5 + 17


def picture(mask, numbers=None, **more):
    mask = np.asarray(mask, bool)
    if numbers is None:
        numbers = np.arange(mask.size, dtype=float).reshape(mask.shape) % 7
    return Region(numbers=numbers, mask=mask, **more)


def square(**more):
    mask = np.zeros((9, 9), bool)
    mask[2:7, 2:7] = True
    return picture(mask, **more)


def with_nan(where):
    numbers = np.arange(81.0).reshape(9, 9)
    numbers[where] = np.nan
    return square(numbers=numbers)


TWO_PARTS = np.zeros((9, 9), bool)
TWO_PARTS[0, 0] = TWO_PARTS[6:, 5:] = True
ONE_SLICE = np.zeros((5, 6, 7), bool)
ONE_SLICE[2, 1:4, 1:5] = True
HUGE = np.where(np.eye(9) > 0, 1e300, -1e300)

EMPTY = "the region is empty"
NOT_FINITE = "a number in the region is not finite or beyond 1e60"
ALONE = "no two places are neighbours"
ALIKE = "the grey levels of neighbours do not vary"
FEW = "so few grey levels do not define it"
ZERO = "it would be divided by zero"


@pytest.mark.parametrize(
    ("region", "reasons"),
    [
        pytest.param(picture(np.zeros((4, 4))), {EMPTY: NUMBERS}, id="empty"),
        pytest.param(picture(np.zeros((2, 3, 4))), {EMPTY: NUMBERS}, id="empty volume"),
        pytest.param(picture([[1]]), {ALONE: 31, FEW: 4, ZERO: 2}, id="one pixel that is zero"),
        pytest.param(picture([[1]], [[5.0]]), {ALONE: 31, FEW: 4}, id="one pixel"),
        pytest.param(picture([[1, 0, 1]]), {ALONE: 31, FEW: 1, ZERO: 1}, id="two pixels apart"),
        pytest.param(square(numbers=np.full((9, 9), 0.1)), {ALIKE: 4, FEW: 4}, id="constant"),
        pytest.param(with_nan((4, 4)), {NOT_FINITE: NUMBERS}, id="NaN inside"),
        pytest.param(with_nan((0, 0)), {}, id="NaN outside"),
        pytest.param(square(numbers=np.full((9, 9), np.inf)), {NOT_FINITE: NUMBERS}, id="infinite"),
        pytest.param(square(numbers=HUGE), {NOT_FINITE: NUMBERS}, id="huge"),
        pytest.param(square(numbers=np.eye(9) * 1e-200), {ZERO: 1}, id="tiny"),
        pytest.param(picture(np.ones((6, 5))), {}, id="touches the border"),
        pytest.param(picture(np.ones((1, 12))), {}, id="one row"),
        pytest.param(picture(np.ones((12, 1))), {}, id="one column"),
        pytest.param(picture(TWO_PARTS), {}, id="several parts"),
        pytest.param(square(spacing=(0.1, 7.0)), {}, id="anisotropic"),
        pytest.param(picture(ONE_SLICE), {}, id="one slice of a volume"),
        pytest.param(picture(np.ones((1, 5, 5))), {}, id="a volume of one slice"),
    ],
)
@pytest.mark.parametrize("merge", MERGES)
def test_a_degenerate_region_has_every_feature_or_its_reason(region, reasons, merge):
    features = textures(region, levels=Levels(bins=8), merge=merge)
    assert len(features) == NUMBERS
    counted = {}
    for feature in features:
        assert np.isfinite(feature.value) != bool(feature.reason)
        if feature.reason:
            counted[feature.reason] = counted.get(feature.reason, 0) + 1
    assert counted == reasons


@pytest.mark.parametrize(
    ("levels", "reason"),
    [
        (Levels(bins=8, within=(100.0, 200.0)), "no number of the region is in the range"),
        (Levels(width=1e-300), "more than 65,535 grey levels"),
        (Levels(width=0.0001), "more than 65,535 grey levels"),
        (Levels(width=0.01), "more than 1,024 grey levels occur"),
    ],
)
def test_levels_that_do_not_fit_the_region_are_named(levels, reason):
    numbers = np.linspace(0.0, 50.0, 40 * 40).reshape(40, 40)
    region = Region(numbers=numbers, mask=np.ones((40, 40), bool))
    for family in (histogram, glcm, glrlm, glszm, gldzm, ngtdm, gldm):
        assert all(reason in feature.reason for feature in family(region, levels=levels))
    assert not any(feature.reason for feature in statistics(region))


def test_features_of_a_constant_region_are_those_the_manual_sets():
    found = {(f.family, f.name): f.value for f in textures(square(numbers=np.full((9, 9), 0.1)))}
    assert found["statistics", "variance"] == found["statistics", "skewness"] == 0.0
    assert found["statistics", "kurtosis"] == 0.0
    assert found["ngtdm", "coarseness"] == 1e6
    assert found["ngtdm", "contrast"] == found["ngtdm", "busyness"] == found["ngtdm", "strength"] == 0.0
    assert found["glcm", "joint entropy"] == found["histogram", "entropy"] == 0.0
    assert found["glszm", "zone percentage"] == 1 / 25


def test_a_volume_of_one_slice_is_a_picture():
    grey = np.random.default_rng(1).integers(0, 5, (7, 8)).astype(float)
    mask = np.ones(grey.shape, bool)
    flat = textures(Region(numbers=grey, mask=mask))
    for axis in range(3):
        volume = Region(numbers=np.expand_dims(grey, axis), mask=np.expand_dims(mask, axis))
        assert [f.value for f in textures(volume, along=axis)] == [f.value for f in flat]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"merge": "3d"}, "one of six ways"),
        ({"along": 2}, "an axis of the region"),
        ({"along": -1}, "an axis of the region"),
    ],
)
def test_what_cannot_be_asked_of_a_region_is_refused(arguments, message):
    with pytest.raises(InvalidInput, match=message):
        textures(square(), **arguments)


@pytest.mark.parametrize("family", [glcm, ngtdm, gldm])
def test_neighbours_are_at_least_one_sample_apart(family):
    with pytest.raises(InvalidInput, match="one sample apart"):
        family(square(), distance=0)
