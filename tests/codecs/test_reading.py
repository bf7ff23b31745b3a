"""How files of others are read: places in LPS, sizes only where they are stated, numbers as they are meant."""

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import PIL.Image
import pytest
import SimpleITK as sitk  # noqa: N813
import tifffile

from skiagraph.codecs import with_pixel_size
from skiagraph.errors import GeometryError, InvalidInput
from skiagraph.geometry import Grid, Plane, axis_codes, spacing_of, to_world
from skiagraph.image import image_digest, pixels
from skiagraph.io import read_image

NIBABEL = Path(nib.__file__).parent / "tests" / "data"
GREY = np.arange(35, dtype=np.uint8).reshape(5, 7)


def save(path, array, affine=None, **header):
    file = nib.Nifti1Image(array, affine)
    for key, value in header.items():
        file.header[key] = value
    file.to_filename(path)
    return read_image(path)


@pytest.mark.parametrize(
    "name",
    [
        "anatomical.nii",
        "functional.nii",
        "example4d.nii.gz",
        "example_nifti2.nii.gz",
        "reoriented_anat_moved.nii",
    ],
)
def test_the_test_files_of_nibabel_have_its_values_in_its_places(name):
    ours, theirs = read_image(NIBABEL / name).image, nib.load(NIBABEL / name)
    np.testing.assert_allclose(pixels(ours), np.asarray(theirs.dataobj).T, rtol=1e-6)
    index = np.array([[0, 0, 0], [1, 2, 2], np.array(theirs.shape[:3]) - 1])
    ras = nib.affines.apply_affine(theirs.affine, index)
    np.testing.assert_allclose(to_world(ours.space, index[:, ::-1]), ras * [-1, -1, 1], atol=1e-4)


def test_times_of_a_nifti_are_in_seconds():
    timeline = read_image(NIBABEL / "functional.nii").image.space.timeline
    assert timeline.unit == "s"
    np.testing.assert_allclose(timeline.times[:3], [0, 2, 4])


def test_a_nifti_and_a_metaimage_of_one_volume_are_one_image(data_pack, tmp_path):
    path = min((data_pack / "brain_tissue").glob("*_SS.nii.gz"))
    sitk.WriteImage(sitk.ReadImage(str(path)), tmp_path / "a.mha")
    nifti, meta = read_image(path).image, read_image(tmp_path / "a.mha").image
    assert nifti.space.frame == meta.space.frame
    np.testing.assert_allclose(nifti.space.affine, meta.space.affine, atol=1e-4)
    assert axis_codes(nifti.space) == axis_codes(meta.space)
    np.testing.assert_array_equal(pixels(nifti), pixels(meta))


def test_simpleitk_sees_a_real_nifti_as_we_do(data_pack):
    path = min((data_pack / "hippocampus" / "images").glob("*.nii.gz"))
    ours, theirs = read_image(path).image, sitk.ReadImage(str(path))
    np.testing.assert_array_equal(pixels(ours), sitk.GetArrayFromImage(theirs))
    np.testing.assert_allclose(
        to_world(ours.space, np.array([[3, 2, 1]])), [theirs.TransformIndexToPhysicalPoint((1, 2, 3))]
    )


def test_slopes_are_applied(tmp_path):
    file = nib.Nifti1Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.diag([2, 2, 2, 1]))
    file.header.set_slope_inter(0.5, -3)
    file.to_filename(tmp_path / "a.nii")
    image = read_image(tmp_path / "a.nii").image
    np.testing.assert_allclose(pixels(image), nib.load(tmp_path / "a.nii").get_fdata().T)
    assert image.data.dtype == np.float32


def test_whole_slopes_keep_whole_numbers(tmp_path):
    file = nib.Nifti1Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.diag([2, 2, 2, 1]))
    file.header.set_slope_inter(1, -1024)
    file.to_filename(tmp_path / "a.nii")
    image = read_image(tmp_path / "a.nii").image
    assert image.data.dtype == np.int16
    assert pixels(image).min() == -1024


NO_PLACE = np.diag([0.3, 0.2, 1.0, 1.0])


@pytest.mark.parametrize("shape", [(7, 5), (7, 5, 1)])
@pytest.mark.parametrize("flip", [1, -1])
def test_a_picture_in_a_nifti_is_the_picture_in_a_png(tmp_path, shape, flip):
    PIL.Image.fromarray(GREY).save(tmp_path / "a.png")
    affine = NO_PLACE * [flip, flip, 1, 1]
    nifti = save(tmp_path / "a.nii", GREY.T.reshape(shape), affine)
    png = with_pixel_size(read_image(tmp_path / "a.png").image, (0.2, 0.3))
    assert nifti.image.axes == ("row", "column")
    assert nifti.image.space.frame == png.space.frame
    np.testing.assert_allclose(nifti.image.space.affine, png.space.affine, atol=1e-6)
    np.testing.assert_array_equal(pixels(nifti.image), pixels(png))


def test_one_slice_with_a_place_in_the_patient_stays_a_slice(tmp_path):
    affine = NO_PLACE.copy()
    affine[:3, 3] = [10, 20, 30]
    decoded = save(tmp_path / "a.nii", GREY.T[..., None], affine)
    assert isinstance(decoded.image.space, Grid)
    np.testing.assert_allclose(to_world(decoded.image.space, np.array([0, 0, 0])), [-10, -20, 30])


def test_a_nifti_without_unit_and_place_has_no_size(tmp_path):
    decoded = save(tmp_path / "a.nii", np.ones((2, 3, 4), np.uint8), None, sform_code=0, qform_code=0)
    assert decoded.image.space.unit == "pixel"
    assert decoded.problems == ("It states no size in millimetres.",)


def test_a_nifti_with_a_unit_and_no_place_says_that_sides_are_not_known(tmp_path):
    decoded = save(tmp_path / "a.nii", np.ones((2, 3, 4), np.uint8), None, xyzt_units=2)
    assert spacing_of(decoded.image.space) == (1.0, 1.0, 1.0)
    assert "left and right are not known" in decoded.problems[0]


@pytest.mark.parametrize(("unit", "mm"), [(1, 1000.0), (2, 1.0), (3, 0.001)])
def test_units_of_a_nifti_become_millimetres(tmp_path, unit, mm):
    decoded = save(
        tmp_path / "a.nii", np.ones((2, 3, 4), np.uint8), np.diag([2.0, 3.0, 4.0, 1.0]), xyzt_units=unit
    )
    np.testing.assert_allclose(spacing_of(decoded.image.space), np.array([4, 3, 2]) * mm)


def test_a_nifti_whose_affines_differ_says_so(tmp_path):
    file = nib.Nifti1Image(np.ones((2, 3, 4), np.uint8), np.eye(4))
    file.set_sform(np.diag([2, 2, 2, 1]), code=1)
    file.set_qform(np.eye(4), code=1)
    file.to_filename(tmp_path / "a.nii")
    decoded = read_image(tmp_path / "a.nii")
    assert spacing_of(decoded.image.space) == (2.0, 2.0, 2.0)
    assert "differ" in " ".join(decoded.problems)


def test_a_packed_nifti_is_known_by_its_content(tmp_path):
    save(tmp_path / "a.nii", np.ones((2, 3, 4), np.uint8), np.eye(4))
    (tmp_path / "b.nii").write_bytes(gzip.compress((tmp_path / "a.nii").read_bytes()))
    assert read_image(tmp_path / "b.nii").image.data.shape == (4, 3, 2)


def test_a_metaimage_without_spacing_has_no_size(tmp_path):
    (tmp_path / "a.raw").write_bytes(GREY.tobytes())
    head = "ObjectType = Image\nNDims = 2\nDimSize = 7 5\nElementType = MET_UCHAR\nElementDataFile = a.raw\n"
    (tmp_path / "a.mhd").write_text(head)
    decoded = read_image(tmp_path / "a.mhd")
    assert spacing_of(decoded.image.space) is None
    np.testing.assert_array_equal(pixels(decoded.image), GREY)


def test_an_nrrd_in_ras_is_brought_to_lps(tmp_path):
    head = (
        "NRRD0004\ntype: uint8\ndimension: 3\nspace: right-anterior-superior\nsizes: 7 5 1\n"
        "space directions: (2,0,0) (0,3,0) (0,0,4)\nspace origin: (10,20,30)\nencoding: raw\n\n"
    )
    (tmp_path / "a.nrrd").write_bytes(head.encode() + GREY.tobytes())
    image = read_image(tmp_path / "a.nrrd").image
    np.testing.assert_allclose(
        to_world(image.space, np.array([[0, 0, 0], [0, 1, 1]])), [[-10, -20, 30], [-12, -23, 30]]
    )


@pytest.mark.parametrize(
    ("options", "spacing", "said"),
    [
        ({"resolution": (50, 20), "resolutionunit": "CENTIMETER"}, (0.5, 0.2), ""),
        ({"resolution": (72, 72), "resolutionunit": "INCH"}, None, "speak of paper"),
        ({"resolution": (1, 1), "resolutionunit": "NONE"}, None, ""),
        ({"resolution": (5, 2), "imagej": True, "metadata": {"unit": "mm"}}, (0.5, 0.2), ""),
    ],
)
def test_a_tiff_has_a_size_where_it_states_one_that_is_no_print_size(tmp_path, options, spacing, said):
    tifffile.imwrite(tmp_path / "a.tif", GREY, **options)
    decoded = read_image(tmp_path / "a.tif")
    found = spacing_of(decoded.image.space)
    assert (found is None) == (spacing is None)
    assert found is None or np.allclose(found, spacing)
    assert said in " ".join(decoded.problems)


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_deflate", "packbits"])
@pytest.mark.parametrize("mode", ["L", "RGB", "P", "1"])
def test_a_tiff_by_pillow_is_read_whatever_its_packing(tmp_path, compression, mode):
    picture = PIL.Image.fromarray(np.tile(GREY, (8, 8))).convert(mode)
    picture.save(tmp_path / "a.tif", compression=compression)
    expected = picture.convert("RGB" if mode == "RGB" else "L")
    np.testing.assert_array_equal(pixels(read_image(tmp_path / "a.tif").image), np.asarray(expected))


def test_white_at_zero_in_a_tiff_is_inverted(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", GREY, photometric="miniswhite")
    np.testing.assert_array_equal(pixels(read_image(tmp_path / "a.tif").image), 255 - GREY)


def test_pages_of_a_tiff_are_frames_and_this_is_said(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.stack([GREY, GREY + 1]), photometric="minisblack")
    decoded = read_image(tmp_path / "a.tif")
    assert decoded.image.axes == ("time", "row", "column")
    assert "2 pages" in decoded.problems[0]


def test_a_pixel_size_changes_the_geometry_and_not_the_pixels(tmp_path):
    PIL.Image.fromarray(GREY).save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png").image
    sized = with_pixel_size(image, (0.2, 0.3))
    assert spacing_of(sized.space) == (0.2, 0.3)
    assert sized.space.frame == image.space.frame
    np.testing.assert_allclose(to_world(sized.space, np.array([2, 3])), [0.9, 0.4])
    assert image_digest(sized) != image_digest(image)


@pytest.mark.parametrize("size", [(0, 1), (1, -1), (float("nan"), 1), (1, 2, 3)])
def test_a_pixel_size_is_two_positive_numbers(tmp_path, size):
    PIL.Image.fromarray(GREY).save(tmp_path / "a.png")
    with pytest.raises(InvalidInput, match="two positive numbers"):
        with_pixel_size(read_image(tmp_path / "a.png").image, size)


def test_a_volume_takes_no_pixel_size():
    with pytest.raises(GeometryError, match="a volume"):
        with_pixel_size(read_image(NIBABEL / "anatomical.nii").image, (1, 1))


def test_a_picture_lies_in_a_plane(tmp_path):
    PIL.Image.fromarray(GREY).save(tmp_path / "a.png")
    assert isinstance(read_image(tmp_path / "a.png").image.space, Plane)
