"""What is written comes back: numbers, types, channels, times, and every voxel where it was in the patient."""

import dataclasses

import hypothesis.extra.numpy as arrays
import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from skiagraph.geometry import Grid, Plane, Timeline, cropped, derived_frame, spacing_of, to_world
from skiagraph.image import Image, Quantity, pixels
from skiagraph.io import read_image, write_image

FRAME = derived_frame("test")
RGB = ("red", "green", "blue")
VOLUMES = [".nii", ".nii.gz", ".mha", ".mhd", ".nrrd", ".tif"]
TURN = Rotation.from_euler("xyz", [10, 20, 30], degrees=True).as_matrix()


def grid(shape=(4, 5, 6), *, shear=0.0, timeline=None):
    affine = np.eye(4)
    affine[:3, :3] = TURN @ np.array([[0, shear, 0.5], [0, 0.7, 0], [2.5, 0, 0]])
    affine[:3, 3] = [10.0, -20.0, 300.0]
    return Grid(shape=shape, affine=affine, frame=FRAME, timeline=timeline)


def plane(spacing=(0.25, 0.5), shape=(5, 7)):
    return Plane.upright(shape=shape, spacing=spacing, frame=FRAME)


def numbers(shape, dtype):
    rng = np.random.default_rng(1)
    return rng.integers(0, 100, shape).astype(dtype)


def round_trip(image, folder, suffix):
    write_image(image, folder / f"image{suffix}")
    return read_image(folder / f"image{suffix}").image


def corners(space):
    ends = np.array(np.meshgrid(*[(0, n - 1) for n in space.shape], indexing="ij"), dtype=np.float64)
    return to_world(space, ends.reshape(space.ndim, -1).T)


@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "float32", "float64"]
)
@pytest.mark.parametrize("suffix", VOLUMES)
def test_a_volume_keeps_numbers_type_and_places(tmp_path, suffix, dtype):
    image = Image(data=numbers((4, 5, 6), dtype), space=grid())
    back = round_trip(image, tmp_path, suffix)
    np.testing.assert_array_equal(pixels(back), pixels(image))
    assert back.data.dtype == image.data.dtype
    np.testing.assert_allclose(corners(back.space), corners(image.space), atol=1e-4)


@pytest.mark.parametrize("suffix", [".nii", ".mha", ".nrrd", ".tif"])
def test_a_shear_is_kept_in_the_affine(tmp_path, suffix):
    image = Image(data=numbers((4, 5, 6), "int16"), space=grid(shear=0.2))
    back = round_trip(image, tmp_path, suffix)
    np.testing.assert_allclose(corners(back.space), corners(image.space), atol=1e-4)


@pytest.mark.parametrize("channels", [RGB, ("0", "1")])
@pytest.mark.parametrize("suffix", VOLUMES)
def test_channels_are_kept(tmp_path, suffix, channels):
    dtype = "uint8" if channels == RGB else "float32"
    for space in (grid(), plane()):
        image = Image(data=numbers((*space.shape, len(channels)), dtype), space=space, channels=channels)
        back = round_trip(image, tmp_path, suffix)
        np.testing.assert_array_equal(pixels(back), pixels(image))
        assert (back.channels, type(back.space)) == (channels, type(space))
        np.testing.assert_allclose(back.space.affine, space.affine, atol=1e-4)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".tif"])
def test_times_are_kept(tmp_path, suffix):
    timeline = Timeline(times=np.array([0.5, 0.75, 1.0]), unit="s")
    for space in (grid(), plane()):
        moving = dataclasses.replace(space, timeline=timeline)
        image = Image(data=numbers((3, *space.shape), "uint8"), space=moving)
        back = round_trip(image, tmp_path, suffix)
        np.testing.assert_array_equal(pixels(back), pixels(image))
        assert back.space.timeline == timeline


def test_what_metaimage_cannot_keep_of_a_moving_image_is_named(tmp_path):
    moving = dataclasses.replace(plane(), timeline=Timeline(times=np.array([0.0, 0.1]), unit="s"))
    lost = write_image(Image(data=numbers((2, 5, 7), "uint8"), space=moving), tmp_path / "a.mha")
    assert lost[0] == "MetaImage keeps the order of frames and not their times."
    assert read_image(tmp_path / "a.mha").image.axes == ("time", "row", "column")


@pytest.mark.parametrize("suffix", [*VOLUMES, ".png"])
def test_a_size_that_is_not_known_stays_unknown(tmp_path, suffix):
    image = Image(data=numbers((5, 7), "uint8"), space=plane(spacing=None))
    back = round_trip(image, tmp_path, suffix)
    assert back.space.unit == "pixel"
    assert spacing_of(back.space) is None


@pytest.mark.parametrize("suffix", VOLUMES)
def test_a_cropped_picture_keeps_its_place_beside_the_whole_one(tmp_path, suffix):
    part = cropped(plane(), (1, 2), (3, 4))
    back = round_trip(Image(data=numbers((3, 4), "uint8"), space=part), tmp_path, suffix)
    np.testing.assert_allclose(back.space.affine, part.affine, atol=1e-5)


def test_one_picture_has_one_frame_and_one_set_of_pixels_whatever_its_format(tmp_path):
    image = Image(data=numbers((5, 7), "uint8"), space=plane())
    read = [
        round_trip(image, tmp_path, suffix) for suffix in (".nii", ".nii.gz", ".mha", ".mhd", ".nrrd", ".png")
    ]
    assert len({back.space.frame for back in read}) == 1
    assert all(np.array_equal(pixels(back), pixels(image)) for back in read)


def test_one_volume_has_one_frame_and_one_order_of_axes_whatever_its_format(tmp_path):
    image = Image(data=numbers((4, 5, 6), "int16"), space=grid())
    read = [round_trip(image, tmp_path, suffix) for suffix in (".nii", ".nii.gz", ".mha", ".mhd", ".nrrd")]
    assert len({back.space.frame for back in read}) == 1
    assert all(np.array_equal(pixels(back), pixels(image)) for back in read)


def test_tiff_keeps_everything_and_others_name_what_they_lose(tmp_path):
    image = Image(
        data=numbers((4, 5, 6), "int16"), space=grid(), quantity=Quantity(name="stiffness"), modality="MR"
    )
    assert write_image(image, tmp_path / "a.tif") == ()
    back = read_image(tmp_path / "a.tif").image
    assert (back.space, back.quantity, back.modality) == (image.space, image.quantity, "MR")
    lost = write_image(image, tmp_path / "a.nii")
    assert lost == ("NIfTI keeps no modality, no quantity, no frame of reference.",)


def test_the_same_image_gives_the_same_bytes(tmp_path):
    image = Image(data=numbers((4, 5, 6), "int16"), space=grid())
    for suffix in (".nii.gz", ".mha", ".nrrd"):
        write_image(image, tmp_path / f"a{suffix}")
        write_image(image, tmp_path / f"b{suffix}")
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".mha", ".mhd", ".nrrd"])
def test_simpleitk_sees_the_same_voxels_in_the_same_places(tmp_path, suffix):
    image = Image(data=numbers((4, 5, 6), "int16"), space=grid())
    write_image(image, tmp_path / f"a{suffix}")
    other = sitk.ReadImage(str(tmp_path / f"a{suffix}"))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(other), pixels(image))
    for index in np.ndindex(2, 2, 2):
        k, j, i = (np.array(index) * (np.array(image.space.shape) - 1)).tolist()
        place = to_world(image.space, np.array([k, j, i], dtype=np.float64))
        np.testing.assert_allclose(other.TransformIndexToPhysicalPoint((i, j, k)), place, atol=1e-4)


@pytest.mark.parametrize("suffix", [".nii", ".mha", ".nrrd"])
def test_simpleitk_sees_the_same_picture_with_the_same_size(tmp_path, suffix):
    image = Image(data=numbers((5, 7), "uint8"), space=plane())
    write_image(image, tmp_path / f"a{suffix}")
    other = sitk.ReadImage(str(tmp_path / f"a{suffix}"))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(other), pixels(image))
    np.testing.assert_allclose(other.GetSpacing(), (0.5, 0.25), rtol=1e-6)


def test_nibabel_sees_the_same_voxels_in_the_same_places_in_ras(tmp_path):
    image = Image(data=numbers((4, 5, 6), "int16"), space=grid())
    write_image(image, tmp_path / "a.nii.gz")
    other = nib.load(tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(np.asarray(other.dataobj), pixels(image).T)
    ras = np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.space.affine[:, [2, 1, 0, 3]]
    np.testing.assert_allclose(other.affine, ras, atol=1e-4)
    np.testing.assert_allclose(other.get_qform(), ras, atol=1e-4)


@settings(max_examples=25)
@given(
    array=arrays.arrays(np.int16, arrays.array_shapes(min_dims=3, max_dims=3, max_side=5)),
    spacing=st.tuples(*[st.floats(0.01, 20)] * 3),
    origin=st.tuples(*[st.floats(-500, 500)] * 3),
    angles=st.tuples(*[st.floats(-180, 180)] * 3),
)
@pytest.mark.parametrize("suffix", [".nii", ".mha", ".nrrd"])
def test_any_volume_comes_back_in_its_place(tmp_path_factory, suffix, array, spacing, origin, angles):
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() * spacing
    affine[:3, 3] = origin
    image = Image(data=array, space=Grid(shape=array.shape, affine=affine, frame=FRAME))
    back = round_trip(image, tmp_path_factory.mktemp("any"), suffix)
    if isinstance(back.space, Plane):  # one slice whose affine says no more than sizes is a picture
        assert array.shape[0] == 1
        return
    np.testing.assert_array_equal(pixels(back), array)
    np.testing.assert_allclose(corners(back.space), corners(image.space), atol=1e-4)
