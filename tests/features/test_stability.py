"""Intraclass correlations against the published example, and masks as others might have drawn them."""

import numpy as np
import pytest
from scipy import ndimage

from skiagraph.errors import InvalidInput
from skiagraph.features.feature import Feature
from skiagraph.features.region import Region
from skiagraph.features.stability import Perturbation, intraclass, perturbed, stability

# Shrout and Fleiss (1979), table 2: six targets, four judges.
RATINGS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])


@pytest.mark.parametrize(
    ("name", "value", "low", "high"),
    # Values: Shrout and Fleiss, table 4; 95 % intervals: as R's psych::ICC prints them for these ratings.
    [
        ("icc(1,1)", 0.17, -0.13, 0.72),
        ("icc(2,1)", 0.29, 0.02, 0.76),
        ("icc(3,1)", 0.71, 0.34, 0.95),
    ],
)
def test_the_correlations_of_the_published_example(name, value, low, high):
    found = intraclass(RATINGS)[name]
    assert (found.value, found.low, found.high) == pytest.approx((value, low, high), abs=0.005)
    assert (found.n, found.excluded) == (6, 0)


def test_agreement_knows_a_bias_of_a_column_and_consistency_does_not():
    truth = np.random.default_rng(0).normal(size=50)
    table = truth[:, None] + np.random.default_rng(1).normal(0, 0.1, (50, 3))
    plain, biased = intraclass(table), intraclass(table + np.array([0.0, 2.0, 4.0]))
    assert biased["icc(3,1)"].value == pytest.approx(plain["icc(3,1)"].value)
    assert plain["icc(2,1)"].value > 0.97
    assert biased["icc(2,1)"].value < 0.3
    assert intraclass(3 - 5 * table)["icc(2,1)"].value == pytest.approx(plain["icc(2,1)"].value)


@pytest.mark.parametrize("name", ["icc(1,1)", "icc(2,1)", "icc(3,1)"])
def test_the_interval_covers_the_truth_in_about_so_many_cases(name):
    rng, covered = np.random.default_rng(3), 0
    for _ in range(300):
        table = rng.normal(size=(20, 1)) + rng.normal(size=(20, 5))  # half of the variance is that of cases
        found = intraclass(table, confidence=0.9)[name]
        covered += found.low <= 0.5 <= found.high
    assert 0.84 < covered / 300 < 0.96


@pytest.mark.parametrize("name", ["icc(1,1)", "icc(2,1)", "icc(3,1)"])
def test_perfect_agreement_is_one_and_what_has_no_answer_has_none(name):
    same = intraclass(np.repeat(np.arange(5.0)[:, None], 3, axis=1))[name]
    assert (same.value, same.low, same.high) == (1, 1, 1)
    for table in (np.ones((4, 3)), np.zeros((1, 3)), np.arange(4.0)[:, None], np.zeros((0, 3))):
        assert np.isnan(intraclass(table)[name].value)


def test_cases_that_do_not_differ_agree_on_nothing_though_columns_differ():
    found = intraclass(np.tile(np.arange(3.0), (5, 1)))
    assert found["icc(1,1)"].value < 0
    assert found["icc(2,1)"].value == 0
    assert np.isnan(found["icc(3,1)"].value)


def test_a_case_without_a_number_is_left_out_and_counted():
    holed = np.concatenate([RATINGS, [[1, np.nan, 2, 3]]])
    found = intraclass(holed)["icc(2,1)"]
    assert found.value == intraclass(RATINGS)["icc(2,1)"].value
    assert (found.n, found.excluded) == (6, 1)


@pytest.mark.parametrize(("table", "confidence"), [(np.zeros(3), 0.95), (RATINGS, 1.0)])
def test_what_is_no_table_is_refused(table, confidence):
    with pytest.raises(InvalidInput, match="a table of cases and measurements"):
        intraclass(table, confidence=confidence)


# --- masks


def disc(radius=12.0, shape=(50, 50), spacing=(1.0, 1.0)):
    places = [(np.arange(n) - (n - 1) / 2) * s for n, s in zip(shape, spacing, strict=True)]
    return sum(p**2 for p in np.meshgrid(*places, indexing="ij")) <= radius**2


def centre(mask):
    return np.array(ndimage.center_of_mass(mask))


NOTHING = Perturbation(move=0, resize=0, roughen=0)


@pytest.mark.parametrize("shape", [(50, 50), (20, 30, 30)])
def test_a_perturbation_of_nothing_changes_nothing(shape):
    mask = disc(8.0, shape, (1.0,) * len(shape))
    for one in perturbed(
        mask, np.random.default_rng(0), n=2, how=NOTHING, spacing=(2.0, 0.5, 0.5)[-len(shape) :]
    ):
        assert (one == mask).all()


def test_masks_move_no_further_than_said_and_keep_their_size():
    mask, how = disc(), Perturbation(move=3, resize=0, roughen=0)
    masks = list(perturbed(mask, np.random.default_rng(0), n=30, how=how))
    shifts = np.array([centre(m) - centre(mask) for m in masks])
    assert 2 < np.abs(shifts).max() < 3.2
    assert np.abs(shifts.mean(axis=0)).max() < 1.5
    assert [m.sum() / mask.sum() for m in masks] == pytest.approx([1] * 30, abs=0.06)


def test_masks_grow_and_shrink_around_their_place():
    mask, how = disc(), Perturbation(move=0, resize=0.3, roughen=0)
    masks = list(perturbed(mask, np.random.default_rng(0), n=30, how=how))
    shares = np.array([m.sum() / mask.sum() for m in masks])
    assert shares.min() < 0.85
    assert shares.max() > 1.15
    assert np.abs(shares - 1).max() < 0.35
    assert max(np.abs(centre(m) - centre(mask)).max() for m in masks) < 1e-9


def test_an_outline_wavers_by_as_much_as_is_said():
    mask = disc(20.0, (60, 60))
    for roughen in (1.0, 2.5):
        how = Perturbation(move=0, resize=0, roughen=roughen, smooth=4)
        masks = perturbed(mask, np.random.default_rng(0), n=40, how=how)
        radius = np.array([m[30, 30:].sum() for m in masks])  # along one ray
        assert radius.std() == pytest.approx(roughen, rel=0.4)


def test_a_mask_changes_by_the_same_length_along_coarse_and_fine_axes():
    spacing = (4.0, 0.5)
    mask = disc(12.0, (20, 120), spacing)
    how = Perturbation(move=8, resize=0, roughen=0)  # 4 mm
    masks = perturbed(mask, np.random.default_rng(0), n=40, how=how, spacing=spacing)
    shifts = np.array([centre(m) - centre(mask) for m in masks]) * spacing
    assert (np.abs(shifts).max(axis=0) < 5).all()
    assert (np.abs(shifts).max(axis=0) > 3).all()


def test_the_same_generator_draws_the_same_masks_and_each_differs():
    mask = disc()
    one, two = (list(perturbed(mask, np.random.default_rng(5), n=4)) for _ in range(2))
    assert all((a == b).all() for a, b in zip(one, two, strict=True))
    assert len({m.tobytes() for m in (mask, *one)}) == 5


@pytest.mark.parametrize("mask", ["full", "one", "border", "parts"])
def test_masks_of_any_form_stay_masks(mask):
    masks = {name: np.zeros((20, 22), bool) for name in ("one", "border", "parts")}
    masks["full"] = np.ones((20, 22), bool)
    masks["one"][5, 5] = masks["border"][:8, :9] = True
    masks["parts"][2:6, 2:6] = masks["parts"][12:18, 12:20] = True
    found = list(perturbed(masks[mask], np.random.default_rng(0)))
    assert {(m.shape, m.dtype) for m in found} == {((20, 22), np.dtype(bool))}
    if mask == "full":
        assert all(m.all() for m in found)
    elif mask != "one":
        overlap = [(m & masks[mask]).sum() / (m | masks[mask]).sum() for m in found]
        assert min(overlap) > 0.4


def test_an_empty_mask_and_an_impossible_change_are_refused():
    with pytest.raises(InvalidInput, match="has an outline"):
        next(perturbed(np.zeros((3, 3), bool), np.random.default_rng(0)))
    for wrong in ({"move": -1.0}, {"resize": 1.0}, {"roughen": np.nan}, {"smooth": 0.0}):
        with pytest.raises(InvalidInput, match="a perturbation moves"):
            Perturbation(**wrong)


# --- together


def test_a_mean_is_stable_under_masks_and_one_pixel_of_their_outline_is_not():
    def describe(region):
        edge = region.mask & ~ndimage.binary_erosion(region.mask)
        values = {"mean": region.inside.mean(), "edge": region.numbers[edge][0]}
        return tuple(Feature(family="f", name=name, value=value) for name, value in values.items())

    rng = np.random.default_rng(0)
    regions = [
        Region(numbers=level + rng.normal(size=(40, 40)), mask=disc(10.0, (40, 40)))
        for level in np.linspace(0, 1, 8)
    ]
    found = stability(describe, regions, rng, n=6)
    assert list(found) == ["f_mean", "f_edge"]
    assert found["f_mean"]["icc(1,1)"].low > 0.9
    assert found["f_edge"]["icc(1,1)"].high < 0.7


def test_a_case_is_left_out_of_a_feature_that_one_of_its_masks_lacks():
    def describe(region):
        value = float(region.mask.sum()) if region.numbers[0, 0] else np.nan
        return (Feature(family="f", name="n", value=value, reason="" if np.isfinite(value) else "none"),)

    regions = [
        Region(numbers=np.full((40, 40), level), mask=disc(6.0 + i, (40, 40)))
        for i, level in enumerate((0, 1, 1, 1))
    ]
    found = stability(describe, regions, np.random.default_rng(0), n=3)["f_n"]["icc(2,1)"]
    assert (found.n, found.excluded) == (3, 1)
    assert found.value > 0.5
