"""Images: axes follow the space, numbers are real, decoding waits until it is asked for."""

import dataclasses
import pickle

import numpy as np
import pytest
from hypothesis import given

from skiagraph import codes
from skiagraph.errors import GeometryError, InvalidInput
from skiagraph.geometry import Grid, Plane, Timeline, cropped, derived_frame
from skiagraph.image import Image, Lazy, Quantity, Window, image_digest, pixels, to_display
from skiagraph.testing.strategies import images

PLANE = Plane.upright(shape=(2, 3), spacing=(1.0, 1.0), frame=derived_frame("plane"))
GRID = Grid(shape=(2, 3, 4), affine=np.eye(4), frame=derived_frame("grid"))
MOVING = dataclasses.replace(PLANE, timeline=Timeline(times=np.arange(5.0)))


@pytest.mark.parametrize(
    ("space", "channels", "shape", "axes"),
    [
        (PLANE, (), (2, 3), ("row", "column")),
        (PLANE, ("r", "g", "b"), (2, 3, 3), ("row", "column", "channel")),
        (MOVING, (), (5, 2, 3), ("time", "row", "column")),
        (MOVING, ("x",), (5, 2, 3, 1), ("time", "row", "column", "channel")),
        (GRID, (), (2, 3, 4), ("i", "j", "k")),
    ],
)
def test_the_axes_of_an_image_are_time_space_and_channel(space, channels, shape, axes):
    image = Image(data=np.zeros(shape), space=space, channels=channels)
    assert image.axes == axes
    for wrong in (shape[1:], (*shape, 2), shape[::-1]):
        if wrong != shape:
            with pytest.raises(GeometryError, match="has shape"):
                Image(data=np.zeros(wrong), space=space, channels=channels)


@pytest.mark.parametrize("dtype", ["complex64", "U1", "O", "M8[s]"])
def test_pixels_are_real_numbers(dtype):
    with pytest.raises(InvalidInput, match="real numbers"):
        Image(data=np.zeros((2, 3), dtype=dtype), space=PLANE)


@given(images())
def test_an_image_is_the_same_after_pickle_and_read_only(image):
    again = pickle.loads(pickle.dumps(image))
    assert image_digest(again) == image_digest(image)
    assert (again.space, again.quantity, again.channels, again.modality) == (
        image.space,
        image.quantity,
        image.channels,
        image.modality,
    )
    assert not pixels(image).flags.writeable
    assert not pixels(again).flags.writeable


# Lazy -----------------------------------------------------------------------------------------------------------


def test_pixels_are_decoded_once_and_only_when_they_are_needed():
    calls = []
    lazy = Lazy(lambda: calls.append(1) or np.ones((2, 3)), shape=(2, 3), dtype=np.float64)
    image = Image(data=lazy, space=PLANE)
    assert calls == []
    assert np.array_equal(pixels(image), pixels(image))
    assert calls == [1]
    assert not pixels(image).flags.writeable
    assert (lazy.ndim, image.axes) == (2, ("row", "column"))


def test_a_lazy_image_is_checked_before_and_after_decoding():
    with pytest.raises(GeometryError):
        Image(data=Lazy(lambda: np.ones((3, 3)), shape=(3, 3), dtype=np.uint8), space=PLANE)
    lying = Image(data=Lazy(lambda: np.ones((3, 3)), shape=(2, 3), dtype=np.uint8), space=PLANE)
    with pytest.raises(GeometryError, match="the header states"):
        pixels(lying)


def test_a_lazy_image_travels_decoded():
    image = Image(data=Lazy(lambda: np.ones((2, 3)), shape=(2, 3), dtype=np.uint8), space=PLANE)
    again = pickle.loads(pickle.dumps(image))
    assert image_digest(again) == image_digest(image)


# Digests --------------------------------------------------------------------------------------------------------


def test_the_digest_is_of_pixels_and_place_not_of_the_file():
    array = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    image = Image(data=array, space=GRID)
    same = [
        dataclasses.replace(image, modality="CT"),
        dataclasses.replace(image, space=dataclasses.replace(GRID, frame=derived_frame("other"))),
        dataclasses.replace(
            image, space=dataclasses.replace(GRID, affine=np.where(GRID.affine, GRID.affine, -0.0))
        ),
        dataclasses.replace(image, data=Lazy(lambda: array, shape=array.shape, dtype=array.dtype)),
        dataclasses.replace(image, data=np.asfortranarray(array)),
    ]
    other = [
        dataclasses.replace(image, data=array + 1),
        dataclasses.replace(image, data=array.astype(np.int32)),
        dataclasses.replace(image, space=dataclasses.replace(GRID, affine=np.diag([2.0, 1, 1, 1]))),
        dataclasses.replace(image, space=dataclasses.replace(GRID, unit="pixel")),
        Image(data=array, space=cropped(GRID, (0, 0, 1), GRID.shape)),
    ]
    assert {image_digest(i) for i in same} == {image_digest(image)}
    assert len({image_digest(i) for i in [image, *other]}) == 6


# Quantities and windows -----------------------------------------------------------------------------------------


def test_a_quantity_has_a_name_and_a_ucum_unit():
    assert Quantity(name="length", unit=codes.MM).unit == codes.MM
    with pytest.raises(InvalidInput, match="UCUM"):
        Quantity(name="length", unit=codes.HEAD)
    with pytest.raises(InvalidInput, match="name"):
        Quantity(name="")


@pytest.mark.parametrize(("low", "high"), [(1, 1), (2, 1), (float("nan"), 1), (0, float("inf"))])
def test_a_window_rises(low, high):
    with pytest.raises(InvalidInput, match="rises"):
        Window(low=low, high=high)


def test_a_window_maps_low_to_black_and_high_to_white():
    values = np.array([-200.0, -100.0, 0.0, 100.0, 500.0, np.nan, np.inf])
    assert to_display(values, Window(low=-100, high=100)).tolist() == [0, 0, 128, 255, 255, 0, 0]


@pytest.mark.parametrize("array", [np.full((3, 3), 7.0), np.full((3, 3), np.nan), np.zeros((3, 3), np.int16)])
def test_what_has_no_contrast_is_shown_without_a_warning(array):
    assert to_display(array).dtype == np.uint8


def test_grey_levels_of_eight_bits_are_shown_as_they_are():
    array = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert np.array_equal(to_display(array), array)


def test_one_value_beyond_all_whole_floats_is_black():
    assert not to_display(np.full((2, 3), 2.0**60, np.float32)).any()
