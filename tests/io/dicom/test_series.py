"""DICOM series: slices in their places, a gap named, and nothing guessed."""

import shutil

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from pydicom.uid import generate_uid

from skiagraph.errors import FormatError
from skiagraph.geometry import axis_codes, to_world
from skiagraph.image import pixels
from skiagraph.image.quantity import HU
from skiagraph.io import read_case, read_study

FRAME, SERIES = (
    generate_uid(entropy_srcs=["frame"]),
    generate_uid(entropy_srcs=["series"]),
)  # as conftest.py makes them


def test_shuffled_files_become_one_volume_in_the_order_of_their_places(ct_series):
    folder, values = ct_series()
    case = read_case(folder)
    image = case.image
    np.testing.assert_array_equal(pixels(image), values - 1024)
    assert (image.quantity, image.modality, image.space.frame) == (HU, "CT", FRAME)
    assert axis_codes(image.space) == "SPL"
    np.testing.assert_allclose(
        to_world(image.space, np.array([11, 2, 3])), [-10 + 3 * 0.5, -20 + 2 * 0.7, 155]
    )
    assert case.identifier == SERIES
    assert dict(case.uids) == {"image": SERIES}


def test_simpleitk_sees_the_series_as_we_do(ct_series):
    folder, _ = ct_series()
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    theirs, ours = reader.Execute(), read_case(folder).image
    np.testing.assert_array_equal(pixels(ours), sitk.GetArrayFromImage(theirs))
    np.testing.assert_allclose(
        to_world(ours.space, np.array([7, 4, 2])), theirs.TransformIndexToPhysicalPoint((2, 4, 7))
    )


def test_a_gantry_tilt_is_kept_as_a_shear(ct_series):
    folder, _ = ct_series(tilt=np.deg2rad(20))
    space = read_case(folder).image.space
    np.testing.assert_allclose(to_world(space, np.array([11, 0, 0])), [-10, -20, 155], atol=1e-6)
    down = to_world(space, np.array([11, 5, 0])) - [-10, -20, 155]
    np.testing.assert_allclose(
        down, np.array([0, np.cos(np.deg2rad(20)), -np.sin(np.deg2rad(20))]) * 3.5, atol=1e-6
    )


WRONG = [
    # how the series is written, what is said
    (
        {"keep": [0, 1, 2, 3, 6, 7, 8, 9, 10, 11]},
        "5.000 mm apart; got 15.000 mm between slices 4 and 5 of 10 (115.00 to 130.00 mm along their normal)",
    ),
    ({"places": [0.0, 0.0, *(5.0 * k for k in range(2, 12))]}, "one image at each place"),
]


@pytest.mark.parametrize(("how", "said"), WRONG)
def test_a_series_that_is_not_regular_is_refused_and_the_place_is_named(ct_series, how, said):
    folder, _ = ct_series(**how)
    with pytest.raises(FormatError) as caught:
        read_case(folder)
    assert said in str(caught.value)
    assert SERIES in str(caught.value)


def test_a_slice_that_is_cut_off_is_named_and_so_is_the_gap_that_it_leaves(ct_series):
    folder, _ = ct_series()
    broken = folder / "03.dcm"
    broken.write_bytes(broken.read_bytes()[:-50])
    with pytest.raises(FormatError) as caught:
        read_case(folder)
    assert "03.dcm" in str(caught.value)
    assert "10.000 mm between" in str(caught.value)


def test_a_slice_of_another_size_is_an_image_of_its_own_and_is_named(ct_series, dicom):
    folder, _ = ct_series()
    place = {"ImagePositionPatient": [-10, -20, 160], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
    dicom(
        np.ones((3, 3), np.int16),
        "ct/strange.dcm",
        modality="CT",
        PixelSpacing=[0.7, 0.5],
        SliceThickness=5,
        FrameOfReferenceUID=FRAME,
        **place,
    )
    study = read_study(folder)
    assert [case.image.data.shape for case in study.cases] == [(12, 6, 8), (1, 3, 3)]
    assert "2 stacks, which differ in size" in study.problems[0]


def test_a_series_and_pictures_in_one_folder_are_all_read(ct_series, dicom):
    folder, _ = ct_series()
    dicom(np.ones((3, 3), np.uint8), "ct/picture.dcm", modality="SC")
    study = read_study(folder)
    assert sorted(case.identifier for case in study.cases) == sorted([SERIES, "picture"])
    assert study.problems == ()


def test_a_real_series_is_what_simpleitk_reads(data_pack):
    folder = data_pack / "chest_ct" / "series"
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    theirs, ours = reader.Execute(), read_case(folder).image
    np.testing.assert_array_equal(pixels(ours), sitk.GetArrayFromImage(theirs))
    np.testing.assert_allclose(to_world(ours.space, np.zeros(3)), theirs.GetOrigin(), atol=1e-4)


@pytest.mark.parametrize("number", [4, 5, 6, 7])
def test_the_first_time_of_a_real_series_is_the_reference_by_dcm2niix(data_pack, tmp_path, number):
    root = data_pack / "dicom_geometry" / "dcm_qa_nih"
    for path in sorted((root / "In" / "20180918GE" / f"mr_{number:04d}").glob("*.dcm"))[:15]:
        shutil.copy(path, tmp_path / path.name)
    ours = read_case(tmp_path).image
    theirs = nib.load(root / "Ref" / f"DCM2NIIX_regression_test_{number}.nii")
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ theirs.affine
    values = np.asarray(theirs.dataobj)[..., 0]
    for k, j, i in np.ndindex(3, 3, 3):
        index = np.array([k * 7, j * 30, i * 30])
        place = to_world(ours.space, index.astype(float))
        there = np.linalg.solve(lps, [*place, 1.0])[:3]
        np.testing.assert_allclose(there, np.rint(there), atol=1e-4)
        assert pixels(ours)[tuple(index)] == values[tuple(np.rint(there).astype(int))]
