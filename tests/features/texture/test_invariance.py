"""What texture does not depend on: how a region lies, where it lies, and the scale of numbers without one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ibsi_phantom import MERGES, phantom

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

EIGHT = Levels(bins=8)
FAMILIES = {"glcm": glcm, "glrlm": glrlm, "glszm": glszm, "gldzm": gldzm, "ngtdm": ngtdm, "gldm": gldm}


def table(features):
    return {f.key: f.value for f in features}


def same(one, other, rel=1e-9):
    assert table(one) == pytest.approx(table(other), rel=rel, abs=1e-12, nan_ok=True)


@st.composite
def regions(draw, ndim):
    """Small pictures or volumes of whole numbers with a mask that holds at least one place."""
    shape = draw(st.tuples(*[st.integers(2, 7 if ndim == 2 else 5)] * ndim))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    mask = rng.random(shape) < 0.75
    mask.flat[0] = True
    return Region(numbers=rng.integers(0, 40, shape).astype(float), mask=mask)


def moved(region, move):
    return Region(numbers=move(region.numbers), mask=move(region.mask))


@pytest.mark.parametrize("merge", MERGES)
@given(region=regions(2), turns=st.integers(0, 3), flip=st.booleans())
def test_pictures_may_be_turned_and_mirrored(merge, region, turns, flip):
    other = moved(region, lambda a: np.rot90(np.fliplr(a) if flip else a, turns))
    same(textures(other, levels=EIGHT, merge=merge), textures(region, levels=EIGHT, merge=merge))


@pytest.mark.parametrize("merge", ["3D:avg", "3D:mrg"])
@given(region=regions(3), axes=st.permutations(range(3)), flipped=st.sets(st.integers(0, 2)))
def test_volumes_may_lie_any_way(merge, region, axes, flipped):
    other = moved(region, lambda a: np.flip(np.transpose(a, axes), tuple(flipped)))
    same(textures(other, levels=EIGHT, merge=merge), textures(region, levels=EIGHT, merge=merge))


@pytest.mark.parametrize("merge", MERGES)
@given(region=regions(3), axis=st.integers(0, 2))
def test_slices_may_be_stacked_along_any_axis(merge, region, axis):
    other = moved(region, lambda a: np.moveaxis(a, 0, axis))
    same(textures(other, levels=EIGHT, merge=merge, along=axis), textures(region, levels=EIGHT, merge=merge))


@given(region=regions(3), before=st.integers(0, 3), after=st.integers(0, 3))
def test_what_lies_outside_of_the_region_does_not_matter(region, before, after):
    wide = Region(
        numbers=np.pad(region.numbers, (before, after), constant_values=np.nan),
        mask=np.pad(region.mask, (before, after)),
    )
    same(textures(wide, levels=EIGHT), textures(region, levels=EIGHT))


@given(region=regions(2), factor=st.sampled_from([0.25, 2.0, 8.0]), offset=st.integers(-100, 100))
def test_a_fixed_number_of_bins_knows_no_scale_and_no_zero(region, factor, offset):
    other = moved(region, lambda a: a if a.dtype == bool else a * factor + offset)
    names = [f.key for f in statistics(region)]
    one, two = (
        {k: v for k, v in table(textures(r, levels=EIGHT)).items() if k not in names} for r in (other, region)
    )
    assert one == pytest.approx(two, rel=1e-9, abs=1e-12, nan_ok=True)


@given(region=regions(2), offset=st.integers(-5, 5))
def test_a_fixed_width_of_bins_knows_no_zero_but_a_scale(region, offset):
    levels = Levels(width=4.0)
    other = moved(region, lambda a: a if a.dtype == bool else a + offset)
    same(histogram(other, levels=levels), histogram(region, levels=levels))
    double = moved(region, lambda a: a if a.dtype == bool else a * 2)
    same(glcm(double, levels=Levels(width=8.0)), glcm(region, levels=levels))


@pytest.mark.parametrize("merge", MERGES)
def test_a_family_by_itself_gives_what_all_of_them_together_give(merge):
    region, levels = phantom(), Levels(bins=5, within=(1.0, 4.0))
    together = textures(region, levels=levels, merge=merge)
    for name, family in FAMILIES.items():
        assert family(region, levels=levels, merge=merge) == tuple(f for f in together if f.family == name)
    assert statistics(region, within=levels.within) == together[:18]
    assert histogram(region, levels=levels) == together[18:41]


def test_the_distance_of_a_zone_is_to_the_border_of_the_mask_not_to_a_hole_of_numbers_out_of_range():
    numbers = np.ones((7, 7))
    numbers[3, 3], numbers[2, 2] = 2.0, 9.0
    region = Region(numbers=numbers, mask=np.ones((7, 7), bool))
    found = table(gldzm(region, levels=Levels(width=1.0, within=(1.0, 2.0))))
    assert found["gldzm_large_distance_high_grey_level_emphasis"] == pytest.approx((1 + 4**2 * 2**2) / 2)
    assert found["gldzm_zone_percentage"] == pytest.approx(2 / 48)


def test_grey_levels_that_need_two_bytes_are_told_apart():
    ramp = Region(numbers=np.arange(300.0)[np.newaxis] * 3, mask=np.ones((1, 300), bool))
    found = table(textures(ramp, levels=Levels(width=1.0)))
    assert found["histogram_maximum"] == 898.0
    assert found["glcm_contrast"] == pytest.approx(9.0)
    assert found["glcm_joint_entropy"] == pytest.approx(np.log2(2 * 299))
    assert found["glrlm_long_runs_emphasis"] == found["glszm_large_zone_emphasis"] == pytest.approx(1.0)
    assert found["gldm_high_dependence_emphasis"] == pytest.approx(1.0)
