"""Intensity normalisation: the numbers that a network sees do not depend on the scale of the file."""

import numpy as np
import pytest

from skiagraph.errors import InvalidInput, UnknownName
from skiagraph.geometry import Plane, derived_frame
from skiagraph.image import Image, pixels
from skiagraph.image.quantity import COLOUR, GREY
from skiagraph.preprocess import NORMALISATIONS, normalised
from skiagraph.preprocess.grey import grey

by_name = pytest.mark.parametrize("name", sorted(NORMALISATIONS))


@pytest.fixture
def picture(rng):
    return rng.integers(0, 200, (20, 30)).astype(np.uint8)


@by_name
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32, np.float64])
def test_mean_is_zero_and_standard_deviation_one(name, dtype, picture):
    result = normalised(picture.astype(dtype), name)
    assert result.dtype == np.float32
    assert result.shape == picture.shape
    assert result.mean() == pytest.approx(0.0, abs=1e-5)
    assert result.std() == pytest.approx(1.0, abs=1e-4)


@by_name
@pytest.mark.parametrize("factor", [257.0, 1 / 255, 3.7])
def test_the_scale_of_the_input_does_not_matter(name, factor, picture):
    """8 and 16 bit files of one picture (257 = 65535 / 255), and the picture from 0 to 1."""
    scaled = normalised(picture.astype(np.float64) * factor, name)
    np.testing.assert_allclose(scaled, normalised(picture, name), atol=1e-4)


@by_name
def test_an_offset_does_not_matter(name, picture):
    np.testing.assert_allclose(
        normalised(picture.astype(np.float32) - 1024.0, name), normalised(picture, name), atol=1e-4
    )


def test_root_gives_more_room_to_the_dark():
    steps = np.diff(normalised(np.arange(0.0, 100.0, 25.0), "root-zscore"))
    assert steps[0] > steps[1] > steps[2] > 0


@by_name
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_counts_as_the_smallest_value(name, bad, picture):
    values = picture.astype(np.float32)
    holes, filled = values.copy(), values.copy()
    holes[3:6, 4:9], filled[3:6, 4:9] = bad, values.min()
    np.testing.assert_array_equal(normalised(holes, name), normalised(filled, name))


@by_name
@pytest.mark.parametrize("value", [0.0, 42.0, np.nan, np.inf])
def test_an_empty_frame_becomes_zeros(name, value):
    assert (normalised(np.full((5, 6), value), name) == 0).all()


def test_an_unknown_name_is_refused_and_the_known_ones_are_listed(picture):
    with pytest.raises(UnknownName, match=r"minmax.*root-zscore.*zscore"):
        normalised(picture, "minmax")


def _coloured(array, channels):
    space = Plane.upright(shape=array.shape[:2], spacing=None, frame=derived_frame("colours"))
    return Image(data=array, space=space, channels=channels, quantity=COLOUR, modality="US")


def test_grey_is_the_luma_of_the_colours():
    corners = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]]], dtype=np.uint8)
    result = grey(_coloured(corners, ("red", "green", "blue")))
    assert pixels(result).tolist() == [[76, 150], [29, 255]]
    assert pixels(result).dtype == np.uint8
    assert (result.channels, result.quantity, result.modality) == ((), GREY, "US")


def test_a_grey_picture_saved_with_colours_is_the_grey_picture(picture):
    three = np.repeat(picture[..., None], 3, axis=-1)
    assert np.array_equal(pixels(grey(_coloured(three, ("red", "green", "blue")))), picture)


def test_grey_leaves_an_image_with_one_number_a_place_alone(picture):
    image = _coloured(picture, ())
    assert grey(image) is image


def test_grey_refuses_other_channels(picture):
    two = np.stack([picture, picture], axis=-1)
    with pytest.raises(InvalidInput, match="velocity, power"):
        grey(_coloured(two, ("velocity", "power")))
