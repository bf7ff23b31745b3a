"""Every feature of texture has the value that the standard publishes for its digital phantom."""

import pytest
from ibsi_phantom import MERGES, phantom, published

from skiagraph.features.texture import Levels, textures

FAMILIES = ("statistics", "histogram", "glcm", "glrlm", "glszm", "gldzm", "ngtdm", "gldm")
NOT_PUBLISHED = {("glcm", "maximal correlation coefficient")}


@pytest.fixture(scope="module")
def found():
    """Features by way to merge, family and name."""
    return {
        (merge, feature.family, feature.name): feature
        for merge in MERGES
        for feature in textures(phantom(), levels=Levels(width=1.0), merge=merge)
    }


def test_the_phantom_is_the_one_of_the_manual():
    region = phantom()
    assert region.numbers.shape == (4, 4, 5)
    assert region.inside.size == 74
    assert sorted(set(region.inside.tolist())) == [1.0, 3.0, 4.0, 6.0]


@pytest.mark.parametrize("merge", MERGES)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_has_its_published_values(found, family, merge):
    expected = [value for value in published() if (value.family, value.merge) == (family, merge)]
    wrong = [
        f"{value.name}: {found[merge, family, value.name].value:.5g}, published {value.value:g}"
        for value in expected
        if abs(found[merge, family, value.name].value - value.value) > value.tolerance * (1 + 1e-9)
    ]
    assert not wrong
    assert bool(expected) == (merge == "3D:mrg" or family not in ("statistics", "histogram"))


def test_every_feature_but_one_has_a_published_value_and_a_code_of_its_own(found):
    known = {(value.family, value.name) for value in published()}
    ours = {(family, name) for _, family, name in found}
    assert ours - known == NOT_PUBLISHED
    assert known <= ours
    codes = {(f.family, f.name): f.ibsi for f in found.values() if (f.family, f.name) in known}
    assert len(set(codes.values())) == len(codes) == 136
    assert all(len(code) == 4 for code in codes.values())


@pytest.mark.parametrize("levels", [Levels(width=1.0), Levels(bins=6), Levels(width=1.0, within=(1.0, 6.0))])
def test_the_ways_to_discretise_that_leave_the_phantom_as_it_is_give_the_same(found, levels):
    again = textures(phantom(), levels=levels)
    assert [f.value for f in again] == [
        pytest.approx(found["3D:mrg", f.family, f.name].value, rel=1e-12) for f in again
    ]
