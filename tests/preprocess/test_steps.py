"""The steps of augmentation: what is sampled decides everything, and each step does what its name says."""

import math

import numpy as np
import pytest
from scipy import ndimage

from skiagraph.preprocess import Affine, Blur, Erase, Gain, Gamma, Speckle, augmented

SHAPE = (33, 48)
STEPS = [
    Affine(),
    Gamma(),
    Gain(),
    Speckle(),
    Blur(share=1.0),
    Erase(share=1.0),
]
by_name = pytest.mark.parametrize("step", STEPS, ids=lambda s: type(s).__name__)


@pytest.fixture
def picture(rng):
    smooth = ndimage.gaussian_filter(rng.random(SHAPE), 2.0)
    result = ((smooth - smooth.min()) / np.ptp(smooth)).astype(np.float32)
    result.flags.writeable = False
    return result


@by_name
@pytest.mark.parametrize("seed", [0, 7, 2026])
def test_equal_generators_give_equal_samples(step, seed):
    first, second = (step.sample(np.random.default_rng(seed), SHAPE) for _ in range(2))
    np.testing.assert_equal(first, second)


@by_name
def test_no_chance_is_left_after_sampling(step, picture, rng):
    sampled = step.sample(rng, SHAPE)
    once, twice = step.apply(sampled, picture), step.apply(sampled, picture)
    assert np.array_equal(once, twice)
    assert once.shape == SHAPE
    assert once.dtype == np.float32
    assert not np.array_equal(once, picture)


@by_name
def test_the_mask_moves_exactly_where_the_picture_moves(step, picture, rng):
    sampled = step.sample(rng, SHAPE)
    mask = (picture > 0.5).astype(np.float32)
    moved = step.apply_to_mask(sampled, mask)
    expected = step.apply(sampled, mask) if isinstance(step, Affine) else mask
    assert np.array_equal(moved, expected)


@pytest.mark.parametrize("step", [Blur(share=0.0), Erase(share=0.0)], ids=["Blur", "Erase"])
def test_a_step_with_share_zero_leaves_every_picture_alone(step, rng):
    assert [step.sample(rng, SHAPE) for _ in range(20)] == [None] * 20


@pytest.mark.parametrize("seed", range(8))
def test_affine_agrees_with_scipy(seed, picture):
    """Oracle: ndimage.affine_transform, where the old picture is known on all sides."""
    linear, offset = Affine().sample(np.random.default_rng(seed), SHAPE)
    expected = ndimage.affine_transform(picture, linear, offset, order=1, mode="constant")
    found = Affine().apply((linear, offset), picture)
    place = np.einsum("ij,jrc->irc", linear, np.indices(SHAPE)) + offset[:, None, None]
    inside = np.all([(p >= 0.01) & (p <= n - 1.01) for p, n in zip(place, SHAPE, strict=True)], axis=0)
    outside = np.any([(p < -0.6) | (p > n - 0.4) for p, n in zip(place, SHAPE, strict=True)], axis=0)
    assert inside.mean() > 0.1
    assert np.abs(found - expected)[inside].max() < 1e-3
    assert (found[outside] == 0).all()


@pytest.mark.parametrize(
    ("linear", "offset", "expected"),
    [
        (np.eye(2), (0, 0), lambda p: p),
        (np.diag([1.0, -1.0]), (0, SHAPE[1] - 1), lambda p: p[:, ::-1]),
        (np.diag([-1.0, -1.0]), (SHAPE[0] - 1, SHAPE[1] - 1), lambda p: p[::-1, ::-1]),
        (np.eye(2), (0, -3), lambda p: np.pad(p, ((0, 0), (3, 0)))[:, :-3]),
    ],
    ids=["nothing", "mirror", "half a turn", "shift"],
)
def test_affine_moves_whole_pixels_without_a_trace(linear, offset, expected, picture):
    found = Affine().apply((linear, np.array(offset, dtype=np.float64)), picture)
    np.testing.assert_allclose(found, expected(picture), atol=1e-6)


def test_affine_keeps_to_its_limits():
    step = Affine(turn=20.0, any_turn=0.0, shear=0.0, stretch=1.0, flip=False)
    for seed in range(50):
        linear, offset = step.sample(np.random.default_rng(seed), SHAPE)
        scale = math.sqrt(np.linalg.det(linear))
        assert 1 / step.grow - 1e-9 <= scale <= step.shrink + 1e-9
        assert abs(math.degrees(math.atan2(linear[1, 0], linear[0, 0]))) <= 20.0 + 1e-9
        middle = (np.array(SHAPE) - 1) / 2
        shift = (linear @ middle + offset - middle) / np.array(SHAPE)
        assert np.abs(shift).max() <= step.shift + 1e-9


def test_half_of_the_pictures_are_mirrored_when_flip_is_on():
    signs = [np.linalg.det(Affine().sample(np.random.default_rng(s), SHAPE)[0]) > 0 for s in range(400)]
    assert 0.42 < np.mean(signs) < 0.58


def test_gamma_is_a_power_times_a_factor_clipped_to_white(picture):
    np.testing.assert_allclose(
        Gamma().apply((2.0, 1.25), picture), np.minimum(picture**2 * 1.25, 1.0), atol=1e-6
    )


def test_gain_multiplies_by_the_exponential_of_its_knots(picture):
    knots = np.log(np.array([[1.0, 2.0], [3.0, 4.0]], dtype=np.float32))
    corners = Gain(knots=(2, 2)).apply(knots, np.ones(SHAPE, np.float32))[[0, 0, -1, -1], [0, -1, 0, -1]]
    np.testing.assert_allclose(corners, [1, 2, 3, 4], rtol=1e-5)
    middle = Gain(knots=(2, 2)).apply(knots, np.ones((33, 49), np.float32))[16, 24]
    assert middle == pytest.approx(math.exp(knots.mean()), rel=1e-5)


def test_speckle_without_noise_changes_nothing(picture, rng):
    step = Speckle(grain=0.0, noise=0.0)
    assert np.array_equal(step.apply(step.sample(rng, SHAPE), picture), picture)


def test_the_grain_of_speckle_is_two_pixels_wide(rng):
    step = Speckle(noise=0.0)
    grain = step.apply(step.sample(rng, (32, 48)), np.ones((32, 48), np.float32))
    assert np.array_equal(grain[::2], grain[1::2])
    assert np.array_equal(grain[:, ::2], grain[:, 1::2])
    assert len(np.unique(grain)) > 300


def test_blur_is_the_mean_over_its_square(picture):
    blurred = Blur(share=1.0).apply(3, picture)
    assert blurred[10, 20] == pytest.approx(picture[9:12, 19:22].mean(), rel=1e-5)


def test_erase_blackens_its_rectangle_and_nothing_else(picture, rng):
    step = Erase(share=1.0, largest=0.33)
    for _ in range(20):
        where = step.sample(rng, SHAPE)
        assert all(1 <= s.stop - s.start <= 0.33 * n for s, n in zip(where, SHAPE, strict=True))
        hole = np.zeros(SHAPE, bool)
        hole[where] = True
        erased = step.apply(where, picture)
        assert (erased[hole] == 0).all()
        assert np.array_equal(erased[~hole], picture[~hole])


def test_augmented_applies_the_steps_in_order_and_keeps_grey_between_black_and_white(picture):
    mask = (picture > 0.5).astype(np.float32)
    results = [augmented(STEPS, np.random.default_rng(5), picture, mask) for _ in range(2)]
    assert np.array_equal(results[0][0], results[1][0])
    assert np.array_equal(results[0][1], results[1][1])
    assert results[0][0].min() >= 0.0
    assert results[0][0].max() <= 1.0
    rng = np.random.default_rng(5)
    by_hand = picture
    for step in STEPS:
        by_hand = step.apply(step.sample(rng, SHAPE), by_hand)
    assert np.array_equal(results[0][0], np.clip(by_hand, 0, 1))


def test_without_a_step_picture_and_mask_come_back_as_they_are(picture, rng):
    mask = (picture > 0.5).astype(np.float32)
    same_picture, same_mask = augmented([], rng, picture, mask)
    assert np.array_equal(same_picture, picture)
    assert np.array_equal(same_mask, mask)
