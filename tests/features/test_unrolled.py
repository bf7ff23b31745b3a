"""A picture unrolled around an ellipse, and the motion that leads the ellipse to an edge."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skiagraph.features import Ellipse, rasterised
from skiagraph.features.unrolled import (
    axes_of,
    basis,
    bent,
    directions,
    edge_offsets,
    ellipse_of,
    motion,
    moved,
    unrolled,
)
from skiagraph.task import Refine

HOW = Refine()


def ellipse(centre=(140.0, 210.0), long=90.0, short=70.0, angle=0.4):
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s], [s, c]])
    return Ellipse(centre=np.array(centre), form=turn @ np.diag([long**2, short**2]) @ turn.T)


def test_axes_and_ellipse_are_two_ways_to_say_the_same():
    e = ellipse()
    again = ellipse_of(e.centre, axes_of(e))
    np.testing.assert_allclose(again.form, e.form, rtol=1e-12)


@pytest.mark.parametrize("flip", [(1, 1), (1, -1), (-1, 1), (-1, -1)])
def test_the_ellipse_becomes_the_radius_one(flip):
    e = ellipse()
    picture = rasterised(e, HOW.shape).astype(np.float32)
    around = unrolled(picture, e.centre, axes_of(e) * flip, HOW)
    radii = np.linspace(HOW.low, HOW.high, HOW.radii)
    edge = radii[(around > 0.5).sum(1) - 1]
    assert around.shape == (HOW.angles, HOW.radii)
    np.testing.assert_allclose(edge, 1.0, atol=0.03)


def test_outside_of_the_picture_lies_its_smallest_value():
    picture = np.full((40, 40), 7.0, np.float32)
    picture[0, 0] = 3.0
    around = unrolled(picture, np.array([20.0, 20.0]), np.diag([30.0, 30.0]), HOW)
    assert around.min() == pytest.approx(3.0)
    assert around[:, 0].max() == pytest.approx(7.0)


def test_a_network_is_told_the_directions_of_the_rays_and_the_radius():
    values = np.zeros((HOW.angles, HOW.radii), np.float32)
    seen = bent(values, np.diag([50.0, 25.0]), HOW)
    assert seen.shape == (4, HOW.angles, HOW.radii)
    np.testing.assert_allclose(np.hypot(seen[1], seen[2]), 1.0, rtol=1e-6)
    assert seen[3, 0, 0] < 0 < seen[3, 0, -1]


def test_evidence_at_one_radius_is_an_edge_there():
    middles = np.linspace(HOW.low, HOW.high, HOW.radii).reshape(-1, 2).mean(1)
    answer = np.zeros((HOW.angles // 2, HOW.radii // 2 + 1), np.float32)
    answer[:, 15] = 50.0
    offsets, weights = edge_offsets(answer, HOW)
    np.testing.assert_allclose(offsets, middles[15] - 1, atol=1e-9)
    assert weights.sum() == pytest.approx(1.0)


@given(st.lists(st.floats(-0.05, 0.05), min_size=5, max_size=5))
def test_the_motion_of_offsets_is_the_one_that_made_them(by):
    offsets = basis(80) @ np.array(by)
    found = motion(offsets, np.full(80, 1 / 80))
    np.testing.assert_allclose(found, by, atol=1e-4)


@given(st.lists(st.floats(-0.02, 0.02), min_size=5, max_size=5))
def test_moving_moves_the_edge_by_what_the_basis_says_to_first_order(by):
    e = ellipse()
    axes = axes_of(e)
    centre, after = moved(e.centre, axes, np.array(by))
    points = (centre + directions(80) @ after.T - e.centre) @ np.linalg.inv(axes).T
    radius = np.linalg.norm(points, axis=1)
    angle = np.arctan2(points[:, 1], points[:, 0])
    growth, along, across, stretch, skew = by
    c, s = np.cos(angle), np.sin(angle)
    expected = growth + along * c + across * s + stretch * (c * c - s * s) + skew * 2 * c * s
    np.testing.assert_allclose(radius - 1, expected, atol=0.006)
