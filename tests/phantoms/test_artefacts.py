"""Planted artefacts: each changes what it says, by as much as it says, and nothing else."""

import numpy as np
import pytest

from skiagraph.errors import InvalidInput
from skiagraph.geometry import spacing_of
from skiagraph.phantoms.artefacts import (
    back_projected,
    blanked,
    blurred,
    cut_off,
    forward_projected,
    jumped,
    moved_during_scan,
    saturated,
    sheared,
    with_metal,
    with_noise,
    with_rings,
    with_spacing,
)
from skiagraph.phantoms.sections import chest_film, chest_sections, fundus, head_sections


@pytest.fixture
def ct(rng):
    return chest_sections(rng, slices=2, side=160)


@pytest.fixture
def mr(rng):
    return head_sections(rng, slices=4, side=128)


@pytest.mark.parametrize("drawn", [chest_film, chest_sections, fundus, head_sections])
def test_the_same_chance_draws_the_same_picture(drawn):
    first, second = (drawn(np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(first.data, second.data)
    assert first.space == second.space


def test_a_disc_comes_back_from_its_projections():
    y, x = np.mgrid[:96, :96] - 47.5
    disc = (np.hypot(x - 10, y + 15) < 20).astype(float)
    back = back_projected(forward_projected(disc))
    assert back[np.hypot(x - 10, y + 15) < 16].mean() == pytest.approx(1.0, abs=0.05)
    assert abs(back[(np.hypot(x - 10, y + 15) > 26) & (np.hypot(x, y) < 40)].mean()) < 0.03


def test_noise_has_the_deviation_that_was_asked(mr, rng):
    noisy = with_noise(mr, 40.0, rng)
    bright = np.asarray(mr.data) > 300
    assert np.std((np.asarray(noisy.data, float) - mr.data)[bright]) == pytest.approx(40.0, rel=0.03)
    assert noisy.data.dtype == mr.data.dtype


def test_rings_are_even_round_the_middle(ct, rng):
    change = np.asarray(with_rings(ct, 30.0, rng, count=1).data, float) - ct.data
    assert change.max() == pytest.approx(30.0, abs=1.0)
    assert np.allclose(change[0], np.rot90(change[0]), atol=1.0)


def test_metal_is_dense_and_its_streaks_meet_in_it(ct):
    changed = np.asarray(with_metal(ct, (0.5, 0.45), 6.0, pixel=2.56).data, float)
    assert changed[:, 80, 72].min() == 3071
    off = np.abs(changed - ct.data)[0]
    y, x = np.mgrid[:160, :160]
    away = np.hypot(y - 80, x - 72)
    assert off[(away > 5) & (away < 15)].mean() > 2 * off[(away > 40) & (away < 60)].mean()


def test_motion_keeps_the_signal_and_blurs_it_into_ghosts(mr):
    moved = np.asarray(moved_during_scan(mr, 3.0).data, float)
    assert moved.mean() == pytest.approx(np.mean(mr.data), rel=0.15)
    assert moved[:, :8].mean() > 3 * np.mean(mr.data[:, :8])
    assert np.array_equal(moved_during_scan(mr, 0.0).data, mr.data)


def test_a_jump_leaves_the_slices_before_it(mr):
    values = np.asarray(jumped(mr, 5.0, after=1).data)
    assert np.array_equal(values[:2], mr.data[:2])
    assert np.array_equal(values[2:, :, 10:100], np.asarray(mr.data)[2:, :, 5:95])


def test_blur_spreads_along_the_columns_and_keeps_the_mean(rng):
    film = chest_film(rng, shape=(96, 120))
    changed = np.asarray(blurred(film, 9).data, float)
    edges = [np.abs(np.diff(values, axis=1)).mean() for values in (changed, np.asarray(film.data, float))]
    assert edges[0] < 0.8 * edges[1]
    assert changed.mean() == pytest.approx(np.mean(film.data), rel=0.01)


@pytest.mark.parametrize("share", [0.02, 0.1])
def test_the_share_that_was_asked_is_clipped(rng, share):
    values = np.asarray(saturated(chest_film(rng, shape=(200, 240)), share).data)
    assert np.mean(values == values.max()) == pytest.approx(share, abs=0.01)


def test_the_body_that_is_cut_off_stands_on_the_edge(ct):
    values = np.asarray(cut_off(ct, 0.2).data)
    assert (np.asarray(ct.data)[:, :, 0] > -300).sum() == 0
    assert (values[:, :, 0] > -300).sum() > 20


def test_blank_slices_have_one_value_and_must_exist(mr):
    values = np.asarray(blanked(mr, (1, 3), value=7).data)
    assert (values[[1, 3]] == 7).all()
    assert np.array_equal(values[[0, 2]], np.asarray(mr.data)[[0, 2]])
    with pytest.raises(InvalidInput, match="0 to 3"):
        blanked(mr, (4,))


def test_geometry_is_changed_and_pixels_are_not(mr):
    assert spacing_of(with_spacing(mr, (2, 1, 1)).space) == pytest.approx((6.0, 1.0, 1.0))
    assert spacing_of(with_spacing(mr, None).space) is None
    tilted = sheared(mr, 15.0)
    assert np.array_equal(tilted.data, mr.data)
    axes = tilted.space.affine[:3, :3] / np.linalg.norm(tilted.space.affine[:3, :3], axis=0)
    assert np.degrees(np.arcsin(axes[:, 0] @ axes[:, 1])) == pytest.approx(15.0)
