"""Ellipses: what they are under affine maps, how they are measured, and how they are found in masks."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from skiagraph.errors import InvalidInput
from skiagraph.features import Ellipse, circumference, fitted_ellipse, moment_ellipse, outline, rasterised

SHAPE = (96, 144)
LATTICES = [
    # row, column, long, short, degrees from the row axis towards the column axis
    (48.0, 72.0, 40.0, 31.0, 90.0),
    (45.3, 70.8, 38.4, 30.1, 60.0),
    (50.2, 66.6, 30.0, 24.0, 0.0),
    (47.5, 75.25, 43.0, 40.0, 130.0),
    (48.1, 71.7, 36.0, 27.0, 17.0),
]


def ellipse(row, column, long, short, degrees):
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turn = np.array([[c, -s], [s, c]])
    form = turn @ np.diag([long**2, short**2]) @ turn.T
    return Ellipse(centre=np.array([row, column]), form=(form + form.T) / 2)


def distance(a, b):
    """The largest distance, in pixels, between the outlines of two ellipses that nearly coincide."""
    return np.linalg.norm(outline(a, 720)[:, None] - outline(b, 720)[None], axis=-1).min(1).max()


def soft(truth, width=3.0):
    """A map of probability whose edge is as wide as a network's."""
    rows, columns = np.indices(SHAPE)
    points = np.stack([rows, columns], -1) - truth.centre
    radius = np.sqrt(np.einsum("rci,ij,rcj->rc", points, np.linalg.inv(truth.form), points))
    return 1 / (1 + np.exp((radius - 1) * math.sqrt(math.prod(truth.semi_axes)) / width))


ellipses = st.builds(
    lambda centre, long, ratio, degrees: ellipse(*centre, long, long * ratio, degrees),
    st.tuples(st.floats(-100, 100), st.floats(-100, 100)),
    st.floats(0.5, 200),
    st.floats(0.1, 1.0),
    st.floats(0, 180),
)


@given(found=ellipses, entries=st.lists(st.floats(-2, 2), min_size=6, max_size=6))
def test_the_image_of_an_ellipse_goes_through_the_images_of_its_points(found, entries):
    linear, offset = np.array(entries[:4]).reshape(2, 2) + 3 * np.eye(2), np.array(entries[4:])
    if abs(np.linalg.det(linear)) < 0.3:
        return
    mapped = found.mapped(linear, offset)
    points = outline(found) @ linear.T + offset - mapped.centre
    radius = np.einsum("ni,ij,nj->n", points, np.linalg.inv(mapped.form), points)
    np.testing.assert_allclose(radius, 1.0, atol=1e-5)


@given(found=ellipses)
def test_the_way_there_and_back_gives_the_same_ellipse(found):
    linear, offset = np.array([[1.5, 0.4], [-0.3, 0.8]]), np.array([3.0, -7.0])
    back = np.linalg.inv(linear)
    same = found.mapped(linear, offset).mapped(back, -back @ offset)
    np.testing.assert_allclose(same.centre, found.centre, atol=1e-9 * 200)
    np.testing.assert_allclose(same.form, found.form, rtol=1e-9, atol=1e-9 * found.form.max())


@pytest.mark.parametrize("numbers", LATTICES, ids=str)
def test_semi_axes_and_directions_are_those_it_was_made_of(numbers):
    _, _, long, short, degrees = numbers
    found = ellipse(*numbers)
    assert found.semi_axes == pytest.approx((long, short))
    along = np.array([math.cos(math.radians(degrees)), math.sin(math.radians(degrees))])
    assert abs(found.directions[0] @ along) == pytest.approx(1.0)
    np.testing.assert_allclose(found.directions @ found.directions.T, np.eye(2), atol=1e-12)
    ends = outline(found, 4)
    np.testing.assert_allclose(np.linalg.norm(ends - found.centre, axis=1), [long, short, long, short])


@pytest.mark.parametrize("ratio", [1.0, 0.9, 0.78, 0.7, 0.5])
def test_circumference_equals_the_elliptic_integral(ratio):
    """Oracle: 4 a E(e^2), the complete elliptic integral of the second kind."""
    exact = 4 * 50.0 * special.ellipe(1 - ratio**2)
    assert circumference(50.0, 50.0 * ratio) == pytest.approx(exact, rel=1e-5)
    points = outline(ellipse(0, 0, 50.0, 50.0 * ratio, 33.0), 4000)
    walked = np.linalg.norm(points - np.roll(points, 1, axis=0), axis=1).sum()
    assert circumference(50.0, 50.0 * ratio) == pytest.approx(walked, rel=1e-5)


@pytest.mark.parametrize("numbers", LATTICES, ids=str)
def test_moments_find_a_drawn_ellipse_to_a_tenth_of_a_pixel(numbers):
    truth = ellipse(*numbers)
    found = moment_ellipse(rasterised(truth, SHAPE))
    np.testing.assert_allclose(found.centre, truth.centre, atol=0.1)
    np.testing.assert_allclose(found.semi_axes, truth.semi_axes, atol=0.1)


def test_moments_weigh_partial_pixels():
    half = np.zeros((9, 9))
    half[4, 3:6] = [0.5, 1.0, 0.5]
    assert moment_ellipse(half).centre.tolist() == [4.0, 4.0]


@pytest.mark.parametrize("find", [moment_ellipse, fitted_ellipse])
def test_an_empty_mask_has_no_ellipse(find):
    assert find(np.zeros(SHAPE)) is None


def test_a_single_pixel_has_a_size():
    dot = np.zeros((5, 5))
    dot[2, 3] = 1
    assert moment_ellipse(dot).centre.tolist() == [2, 3]
    assert moment_ellipse(dot).semi_axes == pytest.approx((1 / math.sqrt(3),) * 2)


@pytest.mark.parametrize("numbers", LATTICES, ids=str)
def test_the_fit_finds_a_soft_mask_to_three_tenths_of_a_pixel(numbers):
    truth = ellipse(*numbers)
    assert distance(fitted_ellipse(soft(truth)), truth) < 0.3


@pytest.mark.parametrize("numbers", LATTICES, ids=str)
def test_the_fit_finds_a_hard_mask_to_three_tenths_of_a_pixel(numbers):
    truth = ellipse(*numbers)
    assert distance(fitted_ellipse(rasterised(truth, SHAPE).astype(np.float32)), truth) < 0.3


def leak(p):
    p[44:52, 100:143] = 0.95
    return p


def second_blob(p):
    return np.maximum(p, soft(ellipse(84.0, 130.0, 10.0, 8.0, 0.0)))


@pytest.mark.parametrize("damage", [leak, second_blob])
def test_the_fit_holds_where_moments_are_drawn_away(damage):
    truth = ellipse(48.0, 70.0, 40.0, 32.0, 75.0)
    p = damage(soft(truth))
    by_moments, by_fit = distance(moment_ellipse(p >= 0.5), truth), distance(fitted_ellipse(p), truth)
    assert by_moments > 10.0
    assert by_fit < 1.5


def test_odd_sides_are_fitted_as_well():
    truth = ellipse(48.0, 72.0, 40.0, 31.0, 80.0)
    assert distance(fitted_ellipse(soft(truth)[:95, :143]), truth) < 0.3


def test_rasterised_holds_the_pixels_whose_centre_lies_inside():
    found = ellipse(2.0, 3.0, 2.0, 1.0, 90.0)
    expected = ["0000000", "0001000", "0111110", "0001000", "0000000"]
    assert rasterised(found, (5, 7)).astype(int).tolist() == [[int(c) for c in row] for row in expected]


@pytest.mark.parametrize("numbers", LATTICES, ids=str)
def test_the_area_of_the_raster_is_that_of_the_ellipse(numbers):
    area = math.pi * numbers[2] * numbers[3]
    assert rasterised(ellipse(*numbers), SHAPE).sum() == pytest.approx(area, rel=0.005)


@given(found=ellipses, by=st.floats(0.1, 20))
def test_growing_and_shrinking_undo_each_other(found, by):
    grown = found.grown(by)
    assert grown.semi_axes == pytest.approx([n + by for n in found.semi_axes])
    np.testing.assert_allclose(grown.grown(-by).form, found.form, atol=1e-6 * grown.form.max())


def test_nothing_shrinks_below_nothing():
    with pytest.raises(InvalidInput, match="short semi-axis"):
        ellipse(0, 0, 5.0, 3.0, 0.0).grown(-3.0)


@pytest.mark.parametrize(
    ("centre", "form"),
    [
        ([0, 0, 0], np.eye(2)),
        ([0, math.nan], np.eye(2)),
        ([0, 0], [[1, 2], [2, 1]]),
        ([0, 0], [[-1, 0], [0, -1]]),
        ([0, 0], [[1, 0.5], [0, 1]]),
        ([0, 0], np.zeros((2, 2))),
    ],
    ids=["three numbers", "not a number", "a hyperbola", "negative", "not symmetric", "a point"],
)
def test_what_is_no_ellipse_is_refused(centre, form):
    with pytest.raises(InvalidInput, match="positive definite"):
        Ellipse(centre=np.array(centre, dtype=float), form=np.array(form, dtype=float))
