"""The lattice of the network: circles stay circles, nothing is cut off, and the way back is exact."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from skiagraph import codes
from skiagraph.errors import GeometryError, UnknownSize
from skiagraph.geometry import Grid, Plane, Timeline, derived_frame, flipped, index_map, permuted, spacing_of
from skiagraph.image import Image
from skiagraph.preprocess import linear_weights, network_pixels, network_space
from skiagraph.task import Recipe

FRAME = derived_frame("lattice")


def recipe(shape, **more):
    return Recipe(labels=(codes.HEAD,), shape=shape, normalise="zscore", **more)


def plane(shape, spacing=None, timeline=None):
    return Plane.upright(shape=shape, spacing=spacing, frame=FRAME, timeline=timeline)


ASPECTS = [(540, 800), (800, 540), (64, 64), (100, 901), (333, 91), (31, 47)]
WANTED = [(192, 288), (64, 64), (96, 32)]


@pytest.mark.parametrize("wanted", WANTED, ids=str)
@pytest.mark.parametrize("shape", ASPECTS, ids=str)
@pytest.mark.parametrize("spacing", [None, (0.2, 0.2), (0.3, 0.2)], ids=["pixels", "square", "oblong"])
def test_circles_stay_circles_in_pictures_of_every_proportion(shape, wanted, spacing):
    lattice = network_space(plane(shape, spacing), recipe(wanted))
    rows, columns = np.linalg.norm(lattice.affine[:2, :2], axis=0)
    assert lattice.shape == wanted
    assert rows / columns == pytest.approx(1.0, abs=0.5 / min(shape) + 1e-9), "one pixel of rounding at most"


@pytest.mark.parametrize("wanted", WANTED, ids=str)
@pytest.mark.parametrize("shape", ASPECTS, ids=str)
def test_the_whole_picture_lies_in_the_lattice_and_fills_one_side(shape, wanted):
    space = plane(shape)
    there = index_map(space, network_space(space, recipe(wanted)))
    low, high = there(np.array([-0.5, -0.5])), there(np.array(shape) - 0.5)
    assert (low >= -0.5 - 1e-9).all()
    assert (high <= np.array(wanted) - 0.5 + 1e-9).all()
    assert ((high - low) / wanted).max() == pytest.approx(1.0, abs=1e-9)
    margins = low + 0.5, np.array(wanted) - 0.5 - high
    assert np.abs(margins[0] - margins[1]).max() <= max(wanted) / min(shape), (
        "padded evenly, to one old pixel"
    )


@pytest.mark.parametrize("shape", ASPECTS, ids=str)
def test_the_way_back_is_right_to_a_millionth_of_a_pixel(shape):
    """By hand: corners of both fields of view coincide, n pixels of the padded picture on m samples."""
    space, wanted = plane(shape), (192, 288)
    before = [
        max(0, round(shape[1] * 192 / 288) - shape[0]) // 2,
        max(0, round(shape[0] * 288 / 192) - shape[1]) // 2,
    ]
    whole = [max(shape[0], round(shape[1] * 192 / 288)), max(shape[1], round(shape[0] * 288 / 192))]
    places = np.array([[0.0, 0.0], [191.0, 287.0], [17.25, 200.5]])
    expected = (places + 0.5) * np.array(whole) / wanted - 0.5 - before
    back = index_map(network_space(space, recipe(wanted)), space)
    np.testing.assert_allclose(back(places), expected, atol=1e-6)
    np.testing.assert_allclose(back.inverse()(back(places)), places, atol=1e-6)


@pytest.mark.parametrize(
    ("before", "after"), [(100, 40), (40, 100), (37, 37), (97, 31), (540, 192), (31, 97)]
)
def test_weights_equal_those_of_pillow_away_from_the_edge(before, after, rng):
    """Oracle: Pillow's antialiased bilinear resize."""
    step = before / after
    place, width = (np.arange(after) + 0.5) * step - 0.5, max(step, 1.0)
    values = rng.random(before, dtype=np.float32)
    expected = np.asarray(Pillow.fromarray(values[None]).resize((after, 1), Pillow.Resampling.BILINEAR))[0]
    found = linear_weights(before, after, step, (step - 1) / 2) @ values
    inside = (place >= width - 1) & (place <= before - width)
    assert inside.mean() > 0.8
    np.testing.assert_allclose(found[inside], expected[inside], atol=1e-5)


@given(
    before=st.integers(2, 60),
    after=st.integers(1, 60),
    step=st.floats(0.05, 8.0),
    start=st.floats(-70.0, 70.0),
)
def test_a_row_of_weights_sums_to_one_inside_and_to_nothing_outside(before, after, step, start):
    weights = linear_weights(before, after, step, start)
    place, width = start + step * np.arange(after), max(step, 1.0)
    assert weights.shape == (after, before)
    assert (weights >= 0).all()
    assert (weights.sum(1) <= 1 + 1e-5).all()
    inside = (place >= width - 1) & (place <= before - width)
    np.testing.assert_allclose(weights[inside].sum(1), 1.0, atol=1e-5)
    outside = (place <= -width - 1e-6) | (place >= before - 1 + width + 1e-6)
    assert (weights[outside] == 0).all()


def test_a_slope_is_kept_when_it_is_sampled_coarsely():
    rows = np.repeat(np.arange(60.0, dtype=np.float32)[:, None], 60, axis=1)
    image = Image(data=rows, space=plane((60, 60)))
    found = network_pixels(image, network_space(image.space, recipe((20, 20))))
    expected = (np.arange(20) + 0.5) * 3 - 0.5
    np.testing.assert_allclose(found[1:-1, 10], expected[1:-1], atol=1e-4)


def test_beyond_the_edge_lies_the_smallest_value(rng):
    data = rng.integers(7, 200, (30, 90)).astype(np.uint8)
    image = Image(data=data, space=plane(data.shape))
    found = network_pixels(image, network_space(image.space, recipe((48, 48))))
    assert (found[:14] == data.min()).all()
    assert (found[-14:] == data.min()).all()
    assert found[24].min() > data.min()


def test_pixels_that_are_not_finite_do_not_spread(rng):
    data = rng.random((40, 60), dtype=np.float32)
    holes, filled = data.copy(), data.copy()
    holes[0, 0], holes[5, 5], holes[6, 6] = np.nan, np.inf, -np.inf
    filled[[0, 5, 6], [0, 5, 6]] = np.delete(data.ravel(), [0, 5 * 60 + 5, 6 * 60 + 6]).min()
    found, expected = (
        network_pixels(
            Image(data=d, space=plane(data.shape)), network_space(plane(data.shape), recipe((32, 48)))
        )
        for d in (holes, filled)
    )
    np.testing.assert_array_equal(found, expected)


def test_a_recipe_of_the_same_shape_copies_the_pixels(rng):
    data = rng.integers(0, 255, (32, 48)).astype(np.uint8)
    image = Image(data=data, space=plane(data.shape))
    assert np.array_equal(network_pixels(image, network_space(image.space, recipe((32, 48)))), data)


def volume_grid():
    affine = np.array([[0, 0, 1.25, -25], [0, 1.5, 0, -20], [3.0, 0, 0, 100], [0, 0, 0, 1]])
    return Grid(shape=(10, 16, 20), affine=affine, frame=FRAME)


TURNS = {
    "as it is": lambda g: g,
    "two axes flipped": lambda g: flipped(flipped(g, 0), 2),
    "column, row, slice": lambda g: permuted(g, (2, 1, 0)),
    "like NIfTI": lambda g: flipped(flipped(permuted(g, (2, 1, 0)), 0), 1),
}


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("spacing", [(2.0, 2.0, 2.0), (6.0, 3.0, 3.0), (3.0, 1.5, 1.25)], ids=str)
def test_a_volume_gives_the_same_samples_whichever_way_its_axes_run(turn, spacing, rng):
    grid, wanted = volume_grid(), recipe((1, 1, 1), orientation="SPL", spacing=spacing)
    data = rng.normal(size=grid.shape).astype(np.float32)
    expected_space = network_space(grid, wanted)
    expected = network_pixels(Image(data=data, space=grid), expected_space)
    turned = TURNS[turn](grid)
    way = index_map(turned, grid)
    index = way(np.moveaxis(np.indices(turned.shape), 0, -1)).astype(int)
    other = Image(data=data[tuple(np.moveaxis(index, -1, 0))], space=turned)
    space = network_space(other.space, wanted)
    assert space.shape == expected_space.shape
    np.testing.assert_allclose(space.affine, expected_space.affine, atol=1e-9)
    np.testing.assert_allclose(network_pixels(other, space), expected, atol=1e-5)


def test_a_volume_gets_the_spacing_or_the_shape_of_the_recipe():
    grid = volume_grid()
    assert spacing_of(network_space(grid, recipe((1, 1, 1), spacing=(6.0, 3.0, 2.5)))) == pytest.approx(
        (6, 3, 2.5)
    )
    assert network_space(grid, recipe((8, 9, 10), orientation="LPS")).shape == (8, 9, 10)


def test_a_recipe_for_another_number_of_axes_is_refused():
    with pytest.raises(GeometryError, match="3 spatial axes"):
        network_space(plane((20, 20)), recipe((8, 8, 8)))
    with pytest.raises(GeometryError, match="2 spatial axes"):
        network_space(volume_grid(), recipe((8, 8)))


def test_a_spacing_in_millimetres_needs_a_size():
    unknown = dataclasses.replace(volume_grid(), unit="pixel")
    with pytest.raises(UnknownSize):
        network_space(unknown, recipe((1, 1, 1), spacing=(2.0, 2.0, 2.0)))


@pytest.mark.parametrize("what", ["time", "channel"])
def test_moving_and_coloured_pictures_are_refused(what):
    timeline = Timeline(times=np.arange(2.0)) if what == "time" else None
    shape, channels = ((2, 8, 8), ()) if what == "time" else ((8, 8, 2), ("a", "b"))
    image = Image(data=np.zeros(shape), space=plane((8, 8), timeline=timeline), channels=channels)
    with pytest.raises(GeometryError, match=what):
        network_pixels(image, plane((8, 8)))
