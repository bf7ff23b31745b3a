"""What local descriptors say of regions that hold little or nothing: a value or a reason, in one table."""

import numpy as np
import pytest

from skiagraph.features.local import (
    binary_patterns,
    dense_sift,
    gabor,
    laws,
    oriented_gradients,
    sift_points,
    wavelets,
)
from skiagraph.features.region import Region

FAMILIES = {f.__name__: f for f in (binary_patterns, gabor, wavelets, laws, oriented_gradients)}


def decimated(region):
    return wavelets(region, wavelet="haar", stationary=False)


FAMILIES["decimated wavelets"] = decimated


def numbers(ndim):
    return np.random.default_rng(0).normal(100, 20, (24, 28) if ndim == 2 else (6, 24, 28))


def nothing(ndim):
    return np.zeros(numbers(ndim).shape, bool)


def box(ndim):
    mask = nothing(ndim)
    mask[..., 8:18, 9:20] = True
    return mask


def empty(ndim):
    return numbers(ndim), nothing(ndim)


def nan_inside(ndim):
    n = numbers(ndim)
    n[..., 10, 10] = np.nan
    return n, box(ndim)


def infinite_inside(ndim):
    n = numbers(ndim)
    n[..., 10, 10] = np.inf
    return n, box(ndim)


def huge_inside(ndim):
    return numbers(ndim) * 1e200, box(ndim)


def huge_outside(ndim):
    return np.where(box(ndim), numbers(ndim), 1.7e308), box(ndim)


def nan_outside(ndim):
    return np.where(box(ndim), numbers(ndim), np.nan), box(ndim)


def one_pixel(ndim):
    mask = nothing(ndim)
    mask[(..., *[2] * ndim)] = True
    return numbers(ndim), mask


def one_pixel_alone(ndim):
    return np.full((1,) * ndim, 7.0), np.ones((1,) * ndim, bool)


def one_row(ndim):
    mask = nothing(ndim)
    mask[..., 5, 3:20] = True
    return numbers(ndim), mask


def constant(ndim):
    return np.full(numbers(ndim).shape, 0.1), box(ndim)


def zero(ndim):
    return np.zeros(numbers(ndim).shape), box(ndim)


def whole(ndim):
    return numbers(ndim), np.ones(numbers(ndim).shape, bool)


def corner(ndim):
    mask = nothing(ndim)
    mask[..., -6:, -7:] = True
    return numbers(ndim), mask


def several_parts(ndim):
    mask = nothing(ndim)
    mask[..., 2:6, 2:6] = mask[..., 15:22, 20:26] = True
    return numbers(ndim), mask


EMPTY, INFINITE = "the mask is empty", "a number in the mask is not finite"
HUGE = "a number in the mask is beyond 1e100"
NARROW, FLAT = "the box is narrower than three samples", "the band is zero"
SINGLE = "the band has one coefficient"
SHORT, LONG = "the wavelength is shorter than two samples", "the wavelength is longer than the picture"

# Region, and per family the reasons that some of its features give; all others have a value.
TABLE = {
    empty: {family: {EMPTY} for family in FAMILIES},
    nan_inside: {family: {INFINITE} for family in FAMILIES},
    infinite_inside: {family: {INFINITE} for family in FAMILIES},
    huge_inside: {family: {HUGE} for family in FAMILIES},
    huge_outside: {},
    nan_outside: {},
    one_pixel: {"oriented_gradients": {NARROW}, "wavelets": {SINGLE}, "decimated wavelets": {SINGLE}},
    one_pixel_alone: {
        "gabor": {LONG},
        "oriented_gradients": {NARROW},
        "wavelets": {SINGLE},
        "decimated wavelets": {SINGLE},
    },
    one_row: {"oriented_gradients": {NARROW}},
    constant: {"wavelets": {FLAT}, "decimated wavelets": {FLAT}},
    zero: {"wavelets": {FLAT}, "decimated wavelets": {FLAT}},
    whole: {},
    corner: {},
    several_parts: {},
}


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.__name__)
@pytest.mark.parametrize("known", [False, True], ids=["samples", "mm"])
def test_a_feature_has_a_value_or_a_reason(case, family, ndim, known):
    n, mask = case(ndim)
    spacing = (4.0, 0.5, 0.4)[-ndim:] if known else None
    found = FAMILIES[family](Region(numbers=n, mask=mask, spacing=spacing, unit="[hnsf'U]"))
    assert len({f.key for f in found}) == len(found)
    reasons = {f.reason for f in found} - {""}
    assert reasons == TABLE[case].get(family, set())
    if {EMPTY, INFINITE, HUGE} & reasons:
        assert all(f.reason for f in found)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_reason_changes_no_column(family):
    keys = [
        [f.key for f in FAMILIES[family](Region(numbers=case(2)[0], mask=case(2)[1]))]
        for case in (empty, whole, one_pixel_alone)
    ]
    assert keys[0] == keys[1] == keys[2]


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.__name__)
@pytest.mark.parametrize("described", [sift_points, dense_sift])
def test_keypoints_of_any_region_are_finite_and_inside(case, described):
    n, mask = case(2)
    points, descriptors = described(n, mask)
    assert descriptors.shape == (len(points), 128)
    assert np.linalg.norm(descriptors, axis=1) == pytest.approx(np.ones(len(points)), rel=1e-5)
    assert mask[tuple(np.round(points).astype(int).T)].all()
    none = (empty, nan_inside, infinite_inside, huge_inside, one_pixel_alone, constant, zero)
    assert (len(points) == 0) == (case in none)


@pytest.mark.parametrize("family", [binary_patterns, gabor, laws, wavelets])
def test_what_is_not_finite_outside_is_the_mean_of_the_inside(family):
    n, mask = nan_outside(2)
    filled = np.where(mask, n, n[mask].mean())
    assert family(Region(numbers=n, mask=mask)) == family(Region(numbers=filled, mask=mask))
