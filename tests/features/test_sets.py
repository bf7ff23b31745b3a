"""Sets of features: every name leads to a function, what does not fit is named, and parameters are told."""

import json
import subprocess
import sys

import numpy as np
import pytest

from skiagraph.errors import InvalidInput, UnknownName
from skiagraph.features.feature import Feature
from skiagraph.features.region import Region
from skiagraph.features.sets import FAMILIES, SETS, FeatureSet, feature_set
from skiagraph.plain import to_plain


def region(ndim: int = 2) -> Region:
    rng = np.random.default_rng(0)
    numbers = rng.normal(100.0, 20.0, (40, 36) if ndim == 2 else (10, 24, 24))
    places = np.indices(numbers.shape) - np.array(numbers.shape).reshape(-1, *[1] * ndim) / 2
    scale = np.array([12.0, 9.0] if ndim == 2 else [3.0, 8.0, 6.0]).reshape(-1, *[1] * ndim)
    mask = ((places / scale) ** 2).sum(axis=0) <= 1
    return Region(numbers=numbers, mask=mask, spacing=(0.5,) * ndim)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_describes_a_region_and_is_called_as_its_features_are(name):
    family = FAMILIES[name]
    found = family(region(family.ndim or 2))
    assert found
    assert all(isinstance(one, Feature) for one in found)
    assert len({one.key for one in found}) == len(found)
    assert any(not one.reason for one in found)
    if name != "classic outline":
        assert {one.family for one in found} == {name}


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("name", SETS)
def test_every_set_leaves_out_what_does_not_fit_and_says_why(name, ndim):
    asked = SETS[name]
    left_out = asked.left_out(ndim)
    assert {one for one in asked.families if FAMILIES[one].ndim in (None, ndim)} == {*asked.families} - {
        *left_out
    }
    assert all(("volume" in why) == (ndim == 3) or "picture" in why for why in left_out.values())
    if set(left_out) == set(asked.families):
        assert asked(region(ndim)) == ()


def test_all_is_the_three_named_sets_together():
    whole = {one.key: one for one in SETS["all"](region())}
    parts = {one.key: one for name in ("texture", "shape", "local") for one in SETS[name](region())}
    assert whole == parts
    assert {one.key for one in SETS["classic outline"](region())} < set(whole)


def test_sets_are_joined_and_each_feature_stands_once():
    found = feature_set(["classic-outline", "Hu_Moments", "glcm"])(region())
    keys = [one.key for one in found]
    assert len(keys) == len(set(keys)) == 15 + len(SETS["glcm"](region()))


def test_grey_levels_are_by_number_or_by_width_and_both_are_refused():
    few, many, wide = (SETS["glcm"](region(), **how) for how in ({"bins": 8}, {"bins": 32}, {"width": 10.0}))
    assert SETS["glcm"](region()) == many != few
    assert wide not in (few, many)
    with pytest.raises(InvalidInput, match="a number of bins or a width"):
        SETS["glcm"](region(), bins=8, width=10.0)


def test_every_parameter_of_a_family_is_told_as_plain_data():
    told = SETS["all"].parameters(width=25.0)
    assert told["glcm"]["levels"].width == 25.0
    assert told["wavelets"]["levels"] != told["glcm"]["levels"]  # how deep a transform goes, not grey levels
    assert told["fourier descriptors"]["harmonics"] > 0
    assert set(json.loads(json.dumps(to_plain(told)))) == set(SETS["all"].families)


@pytest.mark.parametrize("names", [["glmc"], ["texture", "colour"], []])
def test_an_unknown_set_is_refused_with_the_names_that_there_are(names):
    with pytest.raises(UnknownName, match="classic outline"):
        feature_set(names)


def test_a_set_is_made_of_families():
    with pytest.raises(UnknownName):
        FeatureSet(name="own", families=("texture",))


def test_no_family_is_loaded_before_it_is_asked_for():
    rooms = "('skiagraph.features.shape', 'skiagraph.features.local', 'pywt')"
    code = f"import sys, skiagraph.features.sets; print([n for n in sys.modules if n.startswith({rooms})])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
