"""Every family that can be asked for, and every region that hardly is one: a value or a named reason, in one table."""

import numpy as np
import pytest

from skiagraph.features.region import Region
from skiagraph.features.sets import FAMILIES


def numbers(ndim):
    return np.random.default_rng(0).normal(100, 20, (24, 28) if ndim == 2 else (6, 20, 22))


def box(ndim):
    mask = np.zeros(numbers(ndim).shape, bool)
    mask[..., 6:16, 7:18] = True
    return mask


def empty(ndim):
    return numbers(ndim), np.zeros_like(box(ndim))


def one_pixel(ndim):
    mask = np.zeros_like(box(ndim))
    mask[(2,) * ndim] = True
    return numbers(ndim), mask


def one_pixel_alone(ndim):
    return np.full((1,) * ndim, 7.0), np.ones((1,) * ndim, bool)


def constant(ndim):
    return np.full_like(numbers(ndim), 7.0), box(ndim)


def zero(ndim):
    return np.zeros_like(numbers(ndim)), box(ndim)


def touching_the_border(ndim):
    return numbers(ndim), np.ones_like(box(ndim))


def nan_inside(ndim):
    given = numbers(ndim)
    given[..., 8, 9] = np.nan
    return given, box(ndim)


def nan_outside(ndim):
    return np.where(box(ndim), numbers(ndim), np.nan), box(ndim)


def several_parts(ndim):
    mask = np.zeros_like(box(ndim))
    mask[..., 1:5, 1:5] = mask[..., 12:18, 11:20] = mask[..., 8, 8] = True
    return numbers(ndim), mask


def one_row(ndim):
    mask = np.zeros_like(box(ndim))
    mask[..., 5, 3:16] = True
    return numbers(ndim), mask


SHAPES = (
    "hu moments",
    "boundary moments",
    "chord lengths",
    "fourier descriptors",
    "elliptic fourier",
    "outline",
    "classic outline",
    "solid",
)
NUMBERS = tuple(name for name in FAMILIES if name not in SHAPES)
OUTLINES = SHAPES[:-1]
NEIGHBOURS = ("glcm", "ngtdm")
# Region, and the families of which no feature has a value; of the others at least one has.
TABLE = {
    empty: (*NUMBERS, *SHAPES),
    one_pixel: (*OUTLINES, *NEIGHBOURS, "oriented gradients"),
    one_pixel_alone: (*OUTLINES, *NEIGHBOURS, "oriented gradients", "gabor"),
    constant: (),
    zero: (),
    touching_the_border: (),
    nan_inside: NUMBERS,
    nan_outside: (),
    several_parts: (),
    one_row: ("oriented gradients",),
}
FITTING = [(name, ndim) for name, one in FAMILIES.items() for ndim in (2, 3) if not one.misfit(ndim)]


@pytest.mark.parametrize("spacing", ["unknown", "anisotropic"])
@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.__name__)
@pytest.mark.parametrize(("name", "ndim"), FITTING)
def test_a_feature_has_a_value_or_a_reason(name, ndim, case, spacing):
    given, mask = case(ndim)
    size = None if spacing == "unknown" else (4.0, 0.5, 0.4)[-ndim:]
    found = FAMILIES[name](Region(numbers=given, mask=mask, spacing=size))
    assert all(np.isfinite(one.value) != bool(one.reason) for one in found)
    assert all(one.reason for one in found) == (name in TABLE[case])
    assert [one.key for one in found] == [one.key for one in FAMILIES[name](typical(ndim, size))]


def typical(ndim, size):
    return Region(numbers=numbers(ndim), mask=box(ndim), spacing=size)


@pytest.mark.parametrize("name", SHAPES)
def test_what_does_not_fit_a_family_has_a_reason_too(name):
    other = 5 - FAMILIES[name].ndim
    found = FAMILIES[name](typical(other, None))
    assert all("picture" in one.reason for one in found)
