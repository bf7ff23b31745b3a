"""The best ring: a known ellipse is found in noise, whatever its place, its tilt and its brightness."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from skiagraph.features.ring import around, best_ring, bright_lines, polar

SHAPE = (64, 96)
RINGS = [
    # row, column, long, short, tilt in degrees from the columns towards the rows
    (32.0, 48.0, 26.0, 20.0, 0.0),
    (30.0, 52.0, 30.0, 22.0, 20.0),
    (33.5, 41.0, 24.0, 19.0, 90.0),
    (28.0, 50.5, 28.0, 21.0, 150.0),
    (36.0, 60.0, 18.0, 14.0, 60.0),
]


def drawn(row, column, long, short, degrees, *, noise=0.1, width=1.5, shape=SHAPE):
    """A bright ring on dark ground in noise that never changes."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    y, x = np.arange(shape[0])[:, None] - row, np.arange(shape[1]) - column
    u, v = (c * x + s * y) / long, (c * y - s * x) / short
    off = (np.hypot(u, v) - 1) * short
    grains = ndimage.gaussian_filter(np.random.default_rng(3).normal(size=shape), 0.7)
    return 0.2 + 0.6 * np.exp(-0.5 * (off / width) ** 2) + noise * grains / grains.std()


def ring_of(picture):
    strength, direction = bright_lines(picture)
    return best_ring(strength * direction)


@pytest.mark.parametrize(("row", "column", "long", "short", "degrees"), RINGS)
def test_a_known_ellipse_is_found_in_noise(row, column, long, short, degrees):
    found = ring_of(drawn(row, column, long, short, degrees))
    assert found.centre == pytest.approx((row, column), abs=0.06 * short)
    assert found.semi_axes == pytest.approx((long, short), rel=0.05)
    turned = (math.degrees(found.tilt) - degrees + 90) % 180 - 90
    assert abs(turned) < 8
    assert found.score > 0.4
    assert found.rival < found.score


@given(
    row=st.floats(28, 36),
    column=st.floats(40, 56),
    short=st.floats(14, 24),
    ratio=st.floats(1.1, 1.5),
    degrees=st.floats(0, 180),
)
@settings(max_examples=20)
def test_any_ring_that_lies_in_the_picture_is_found(row, column, short, ratio, degrees):
    found = ring_of(drawn(row, column, short * ratio, short, degrees, noise=0.02))
    assert math.dist(found.centre, (row, column)) < 0.15 * short
    assert found.semi_axes == pytest.approx((short * ratio, short), rel=0.12)


def test_brightness_and_contrast_hardly_change_what_is_found():
    picture = drawn(*RINGS[1])
    plain, faint = ring_of(picture), ring_of(0.3 * picture + 0.4)
    assert faint.semi_axes == pytest.approx(plain.semi_axes, rel=0.02)
    assert faint.score == pytest.approx(plain.score, abs=0.05)


@pytest.mark.parametrize("axis", [0, 1])
def test_the_mirror_image_has_the_mirrored_ring(axis):
    picture = drawn(*RINGS[1])
    there, back = ring_of(picture), ring_of(np.flip(picture, axis))
    expected = list(there.centre)
    expected[axis] = SHAPE[axis] - 1 - expected[axis]
    assert back.centre == pytest.approx(expected, abs=1.0)
    assert back.semi_axes == pytest.approx(there.semi_axes, rel=0.04)


def test_lines_without_a_ring_score_less_than_a_ring():
    stripes = 0.5 + 0.3 * np.sin(np.arange(SHAPE[1]) / 2) + np.zeros(SHAPE)
    assert ring_of(stripes).score < 0.6 * ring_of(drawn(*RINGS[0])).score


@pytest.mark.parametrize("shape", [(24, 24), (24, 128), (96, 24), (96, 128), (33, 47)])
def test_an_empty_field_of_any_shape_gives_a_ring_that_nothing_speaks_for(shape):
    found = best_ring(np.zeros((2, *shape)))
    assert found.score == 0.0
    assert found.rival == 0.0
    assert found.semi_axes[0] >= found.semi_axes[1] > 0


def test_lines_know_how_bright_they_are_and_which_way_they_run():
    picture = np.zeros(SHAPE)
    picture[:, 48] = 1.0
    strength, (cosine, _) = bright_lines(ndimage.gaussian_filter(picture, 1.0))
    assert strength[32, 48] > 0.6 > 10 * strength[32, 20]
    assert cosine[32, 48] == pytest.approx(1.0)  # across an upright line lies the direction of the columns
    assert (strength >= 0).all()
    assert (strength < 1).all()
    _, (cosine, _) = bright_lines(ndimage.gaussian_filter(picture, 1.0)[:, 16:80].T)
    assert cosine[32, 32] == pytest.approx(-1.0)


def test_a_complete_ring_is_seen_all_around_and_half_a_ring_on_half():
    picture = drawn(*RINGS[0], noise=0.0)
    strength, direction = bright_lines(picture)
    ring = best_ring(strength * direction)
    whole = around(strength * direction, ring)
    assert whole.shape == (48,)
    assert whole.min() > 0.3
    half = around(strength * direction * (np.arange(SHAPE[1]) > 48), ring)
    assert (half > 0.2).mean() == pytest.approx(0.5, abs=0.06)


def test_the_polar_picture_is_brightest_on_the_ring():
    picture = drawn(*RINGS[1], noise=0.0)
    radii = np.linspace(0.5, 1.5, 21)
    seen = polar(picture, ring_of(picture), radii)
    assert seen.shape == (48, 21)
    assert radii[seen.mean(0).argmax()] == pytest.approx(1.0, abs=0.051)
