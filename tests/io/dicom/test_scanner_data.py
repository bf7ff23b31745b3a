"""Files of real scanners: every voxel where dcm2niix puts it, and the boxes of a chest CT where their slices lie."""

import xml.etree.ElementTree as ET
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest

from skiagraph.geometry import index_map, to_world
from skiagraph.geometry.grid import Grid
from skiagraph.image import pixels
from skiagraph.io import read_case, read_study

GE, SIEMENS = "dcm_qa_nih/In/20180918GE", "dcm_qa_nih/In/20180918Si"
REFERENCES = [
    *((f"{GE}/mr_000{n}", f"dcm_qa_nih/Ref/DCM2NIIX_regression_test_{n}.nii") for n in (4, 5, 6, 7)),
    (f"{SIEMENS}/mr_0003", "dcm_qa_nih/Ref/EPI_PE=AP_3.nii"),
    (f"{SIEMENS}/mr_0004", "dcm_qa_nih/Ref/EPI_PE=PA_4.nii"),
    (f"{SIEMENS}/mr_0005", "dcm_qa_nih/Ref/EPI_PE=RL_5.nii"),
    (f"{SIEMENS}/mr_0006", "dcm_qa_nih/Ref/EPI_PE=LR_6.nii"),
    *((f"dcm_qa_ts/In/{n}.dcm", f"dcm_qa_ts/Ref/{n}.nii") for n in range(1, 10)),
]
# What dcm2niix does otherwise, and why the comparison is made in the world:
CONVENTIONS = {
    "RAS+": "NIfTI counts x and y the other way (-x, -y of LPS); both affines are brought to LPS",
    "rows upward": "dcm2niix flips the rows of the picture; the voxels are compared where they lie, not by index",
    "axes (i, j, k, t)": "NIfTI counts columns first and time last; ours are (time, slice, row, column)",
    "float32 affine": "the NIfTI header holds its affine in 32 bits: a part in 10 million, 3e-5 mm at 300 mm",
}


def reference(path):
    """The volume of a NIfTI file as (time, i, j, k), and its grid in LPS."""
    image = nib.load(path)
    data = np.asarray(image.dataobj)
    data = data[..., None] if data.ndim == 3 else data
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine
    return np.moveaxis(data, -1, 0), affine, image.header


@pytest.mark.parametrize(("folder", "name"), REFERENCES)
def test_every_voxel_and_every_place_is_that_of_the_reference(data_pack, folder, name):
    root = data_pack / "dicom_geometry"
    image = read_case(root / folder).image
    theirs, affine, header = reference(root / name)
    ours = pixels(image)
    ours = ours if image.space.timeline else ours[None]
    assert len(ours) == len(theirs)
    grid = Grid(shape=theirs.shape[1:], affine=affine, frame=image.space.frame)
    way = index_map(grid, image.space)
    assert way.exact
    corners = np.array(list(np.ndindex(2, 2, 2))) * (np.array(theirs.shape[1:]) - 1.0)
    np.testing.assert_allclose(to_world(image.space, way(corners)), to_world(grid, corners), atol=1e-4)
    index = np.rint(way(np.moveaxis(np.indices(theirs.shape[1:]), 0, -1))).astype(int)
    np.testing.assert_array_equal(ours[:, index[..., 0], index[..., 1], index[..., 2]], theirs)
    if image.space.timeline is not None:
        assert image.space.timeline.unit == "s"
        steps = np.diff(image.space.timeline.times)
        np.testing.assert_allclose(steps, header.get_zooms()[3], rtol=1e-3)


def test_nine_transfer_syntaxes_are_one_image(data_pack):
    folder = data_pack / "dicom_geometry" / "dcm_qa_ts" / "In"
    images = [read_case(folder / f"{n}.dcm").image for n in range(1, 10)]
    for other in images[1:]:
        assert other.space == images[0].space
        np.testing.assert_array_equal(pixels(other), pixels(images[0]))


def test_nine_copies_under_one_series_are_read_once_and_the_others_named(data_pack):
    folder = data_pack / "dicom_geometry" / "dcm_qa_ts" / "In"
    case = read_case(folder)
    np.testing.assert_array_equal(pixels(case.image), pixels(read_case(folder / "1.dcm").image))
    names = ", ".join(f"{n}.dcm" for n in range(2, 10))
    assert case.problems[0].endswith(f"came a second time and were left out: {names}.")


def test_a_tree_of_two_scanners_and_eight_series_becomes_eight_cases(data_pack):
    study = read_study(data_pack / "dicom_geometry" / "dcm_qa_nih" / "In")
    assert (
        sorted(case.image.data.shape for case in study.cases) == [(2, 5, 72, 72)] * 4 + [(10, 15, 64, 64)] * 4
    )
    assert all("hold no image" in problem for problem in study.problems)


def test_the_boxes_of_a_chest_ct_lie_on_the_slices_that_their_names_say(data_pack):
    folder = data_pack / "chest_ct"
    image = read_case(folder / "series").image
    headers = {
        header.SOPInstanceUID: header
        for header in (pydicom.dcmread(p) for p in sorted((folder / "series").iterdir()))
    }
    boxes = sorted((folder / "boxes").glob("*.xml"))
    assert boxes
    for path in boxes:
        header = headers[path.stem]
        for left, top, right, bottom in corners_of(path):
            place = world_of(header, (top + bottom) / 2, (left + right) / 2)
            at = np.linalg.solve(image.space.affine, [*place, 1.0])[:3]
            k, row, column = np.rint(at).astype(int)
            np.testing.assert_allclose(at[0], k, atol=0.01 / 8)
            np.testing.assert_allclose(at[1:], [(top + bottom) / 2, (left + right) / 2], atol=1e-4)
            stored = header.pixel_array[top:bottom, left:right].astype(int)
            meant = stored * int(header.RescaleSlope) + int(header.RescaleIntercept)
            np.testing.assert_array_equal(pixels(image)[k, top:bottom, left:right], meant)
            assert 0 <= row < 512
            assert 0 <= column < 512


def corners_of(path: Path):
    root = ET.parse(path).getroot()
    for box in root.iter("bndbox"):
        yield tuple(int(float(box.findtext(word))) for word in ("xmin", "ymin", "xmax", "ymax"))


def world_of(header, row, column):
    """DICOM PS3.3 C.7.6.2.1.1, equation 1, written out."""
    right, down = np.reshape([float(v) for v in header.ImageOrientationPatient], (2, 3))
    rows, columns = (float(v) for v in header.PixelSpacing)
    return np.array(header.ImagePositionPatient, float) + right * columns * column + down * rows * row
