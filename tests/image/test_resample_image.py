"""Images on other lattices: copied where lattices coincide, as SimpleITK interpolates where they do not."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skiagraph.errors import FrameMismatch, GeometryError
from skiagraph.geometry import (
    Grid,
    Plane,
    Timeline,
    Transform,
    cropped,
    derived_frame,
    flipped,
    padded,
    permuted,
    resized,
    respaced,
)
from skiagraph.image import Image, image_digest, pixels, resample_image
from skiagraph.testing.strategies import images, lattices_of

FRAME = derived_frame("here")
PLANE = Plane.upright(shape=(4, 6), spacing=(1.0, 1.0), frame=FRAME)


def oblique(rng, shape=(9, 12, 10)):
    axes, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = axes * rng.uniform(0.5, 3.0, 3), rng.normal(size=3) * 60
    return Grid(shape=shape, affine=affine, frame=FRAME)


@given(st.data())
def test_a_copy_to_a_larger_lattice_and_back_gives_the_same_bits(data):
    image = data.draw(images())
    onto = data.draw(lattices_of(image.space, whole=True))
    there = resample_image(image, onto)
    assert pixels(there).dtype == pixels(image).dtype
    assert image_digest(resample_image(there, image.space)) == image_digest(image)


def test_a_copy_is_what_numpy_slices_flips_and_transposes():
    array = np.arange(24, dtype=np.uint8).reshape(4, 6)
    image = Image(data=array, space=PLANE)

    def on(space, **options):
        return pixels(resample_image(image, space, **options))

    assert np.array_equal(on(cropped(PLANE, (1, 2), (2, 3))), array[1:3, 2:5])
    assert np.array_equal(on(flipped(PLANE, 1)), array[:, ::-1])
    assert np.array_equal(on(permuted(PLANE, (1, 0))), array.T)
    ends = ((1, 0), (2, 3))
    larger = padded(PLANE, [before for before, _ in ends], [after for _, after in ends])
    assert np.array_equal(on(larger, fill=7), np.pad(array, ends, constant_values=7))
    assert np.array_equal(on(larger, fill=None), np.pad(array, ends, mode="edge"))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("nearest", [False, True], ids=["linear", "nearest"])
def test_interpolation_is_that_of_simpleitk(seed, nearest, itk):
    rng = np.random.default_rng(seed)
    grid = oblique(rng)
    array = rng.normal(size=grid.shape).astype(np.float32)
    if seed % 2:
        # moved a little: halfway between two voxels either one is the nearest
        onto = respaced(grid, rng.uniform(0.4, 3.0, 3))
        onto = dataclasses.replace(onto, affine=onto.affine + np.diag([0.01], 3))
    else:
        onto = oblique(rng, (14, 13, 15))
        middle = (grid.affine @ [4, 6, 5, 1]) - (onto.affine @ [7, 6, 7, 0])
        onto = dataclasses.replace(onto, affine=np.column_stack([onto.affine[:, :3], middle]))
    how = "nearest" if nearest else "linear"
    mine = pixels(resample_image(Image(data=array, space=grid), onto, interpolation=how, fill=-9.0))
    theirs = itk.resampled(array, grid, onto, fill=-9.0, nearest=nearest)
    assert np.mean(theirs != -9.0) > 0.05
    assert np.mean(np.abs(mine - theirs) < 1e-3) > 0.999
    if not nearest:
        assert mine == pytest.approx(theirs, abs=1e-3)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "int64", "float32", "float64"])
@pytest.mark.parametrize("interpolation", ["nearest", "linear", "cubic"])
def test_numbers_of_every_type_are_interpolated(dtype, interpolation):
    image = Image(data=np.ones((4, 6), dtype=dtype), space=PLANE)
    result = pixels(resample_image(image, resized(PLANE, (8, 9)), interpolation=interpolation))
    assert result == pytest.approx(1.0)
    assert result.dtype.kind == (np.dtype(dtype).kind if interpolation == "nearest" else "f")


def test_time_and_channels_are_carried_along(rng):
    moving = dataclasses.replace(PLANE, timeline=Timeline(times=np.arange(3.0)))
    array = rng.random((3, 4, 6, 2))
    image = Image(data=array, space=moving, channels=("a", "b"))
    onto = resized(PLANE, (7, 5))
    result = resample_image(image, onto)
    assert (result.axes, result.space.timeline) == (image.axes, moving.timeline)
    one = resample_image(Image(data=array[1, :, :, 1], space=PLANE), onto)
    assert np.array_equal(pixels(result)[1, :, :, 1], pixels(one))


def test_the_field_of_view_ends_half_a_voxel_beyond_the_centres():
    image = Image(data=np.ones((4, 6)), space=PLANE)
    onto = resized(padded(PLANE, (0, 1), (0, 1)), (4, 80))
    row = pixels(resample_image(image, onto, fill=np.nan))[0]
    assert np.array_equal(np.isfinite(row), (np.arange(80) >= 10) & (np.arange(80) < 70))


def test_another_time_another_frame_and_another_unit_are_refused():
    image = Image(
        data=np.ones((2, 4, 6)), space=dataclasses.replace(PLANE, timeline=Timeline(times=np.arange(2.0)))
    )
    with pytest.raises(GeometryError, match="not in time"):
        resample_image(image, dataclasses.replace(PLANE, timeline=Timeline(times=np.arange(2.0) + 1)))
    with pytest.raises(FrameMismatch):
        resample_image(image, dataclasses.replace(PLANE, frame=derived_frame("there")))
    with pytest.raises(GeometryError, match="one unit"):
        resample_image(image, dataclasses.replace(PLANE, unit="pixel"))


def test_a_transform_brings_an_image_to_another_frame():
    there = derived_frame("there")
    via = Transform(matrix=np.array([[1.0, 0, 2], [0, 1, 0], [0, 0, 1]]), source=FRAME, target=there)
    array = np.arange(24.0).reshape(4, 6)
    result = resample_image(Image(data=array, space=PLANE), dataclasses.replace(PLANE, frame=there), via=via)
    assert np.array_equal(pixels(result)[:, 2:], array[:, :-2])
    assert result.space.frame == there
