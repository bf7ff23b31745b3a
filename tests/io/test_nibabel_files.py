"""Every file that nibabel ships is read, or refused with a reason that stands here."""

import fnmatch
import gzip
from pathlib import Path

import nibabel
import pytest

ROOT = Path(nibabel.__file__).parent
FILES = sorted(
    p.relative_to(ROOT).as_posix() for p in ROOT.glob("**/tests/data/*") if p.is_file() and p.suffix != ".py"
)

# The first pattern that fits; the rest is in formats that are not read.
TABLE = {
    "tests/data/anatomical.nii": "None 25x41x33 unknown",
    "tests/data/functional.nii": "None 20x3x21x17 unknown",
    "tests/data/example4d.nii.gz": "None 2x24x96x128 unknown",
    "tests/data/example_nifti2.nii.gz": "None 2x12x20x32 unknown",
    "tests/data/reoriented_anat_moved.nii": "None 22x26x21 unknown",
    "tests/data/resampled_anat_moved.nii": "None 3x21x17 unknown",
    "tests/data/standard.nii.gz": "None 7x5x4 unknown",
    "tests/data/row_major.dconn.nii": "NIfTI of 6 axes",
    "tests/data/nifti?.hdr": "got a header alone",
    "nicom/tests/data/decimal_rescale.dcm": "MR 1x96x128 signal",
    "nicom/tests/data/slicethickness_empty_string.dcm": "MR 384x384 signal",
    "nicom/tests/data/csa_slice_norm.dcm": "without its pixels",
    "*/?.dcm": "7 x 7 tiles of one size",  # a mosaic that somebody cut to 256 x 256 pixels
    "*": "none of the formats",
}
PACKED = {
    "siemens_dwi_0.dcm.gz": "MR 48x128x128 signal",
    "siemens_dwi_1000.dcm.gz": "MR 48x128x128 signal",
    "philips_mprage.dcm.gz": "MR 176x256x256 signal",
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_nibabel_ships_is_read_or_refused_for_its_reason(name, told):
    expected = next(e for pattern, e in TABLE.items() if fnmatch.fnmatchcase(name, pattern))
    (said,) = told(ROOT / name)
    assert expected in said


@pytest.mark.parametrize("name", PACKED)
def test_dicom_that_nibabel_ships_packed_is_read_once_it_is_unpacked(name, told, tmp_path):
    (tmp_path / "a.dcm").write_bytes(gzip.decompress((ROOT / "nicom/tests/data" / name).read_bytes()))
    assert told(tmp_path / "a.dcm") == [PACKED[name]]
