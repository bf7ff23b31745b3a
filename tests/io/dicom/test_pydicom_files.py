"""Every file that pydicom ships is read, or refused with a reason that stands here."""

import fnmatch
from collections import Counter
from pathlib import Path

import pydicom.data
import pytest

ROOT = Path(pydicom.data.__file__).parent
FILES = sorted(
    p.relative_to(ROOT).as_posix() for p in ROOT.rglob("*") if p.is_file() and "__pycache__" not in p.parts
)

DISC = (
    "3 of CR 16x16 grey level",
    "1 of CT 5x16x16 attenuation",
    "2 of CT 16x16 unknown",  # localizers, one on each of two orientations
    "17 of MR 1x16x16 signal",  # of which no two have an orientation in common
    "1 of 202.500 mm between slices 1 and 2 of 4",
    "4 of stacks, which differ in orientation",
)

# The first pattern that fits a file says what is read (modality, shape, quantity), or a piece of the sentence that
# refuses it. "None" is a modality that the file does not state.
TABLE = {
    # no images
    "*.py": "none of the formats",
    "*.json": "none of the formats",
    "*.md": "none of the formats",
    "*.txt": "none of the formats",
    "*.dump": "none of the formats",
    "*README": "none of the formats",
    "*.icc": "none of the formats",
    "*.gz": "none of the formats",
    "palettes/*.dcm": "without a picture; got Color Palette Storage",
    "*/reportsi*.dcm": "without a picture; got Basic Text SR Storage",
    "*/test-SR.dcm": "without a picture; got Comprehensive SR Storage",
    "*/rtplan.dcm": "without a picture; got RT Plan Storage",
    "*/rtstruct.dcm": "without a picture; got RT Structure Set Storage",
    "*/waveform_ecg.dcm": "without a picture; got 12-lead ECG Waveform Storage",
    "*/ExplVR_LitEndNoMeta.dcm": "without a picture; got RT Ion Plan Storage",
    # headers whose elements stop before any picture
    "*/ExplVR_BigEndNoMeta.dcm": "none of the formats",  # begins with neither a preamble nor group 2 or 8
    "*/no_meta.dcm": "none of the formats",
    "*/no_meta_group_length.dcm": "the beginning of a DICOM file",
    "*/meta_missing_tsyntax.dcm": "the beginning of a DICOM file",
    "*/empty_charset_LEI.dcm": "the beginning of a DICOM file",
    "*/*priv_SQ.dcm": "the beginning of a DICOM file",
    "*/UN_sequence.dcm": "the beginning of a DICOM file",
    "charset_files/chrSQEncoding*.dcm": "the beginning of a DICOM file",
    "charset_files/chrJapMulti*.dcm": "header of a picture without its pixels",
    "charset_files/chrKoreanMulti.dcm": "header of a picture without its pixels",
    # damaged
    "*/rtplan_truncated.dcm": "is cut off",
    "*/MR_truncated.dcm": "got 8130 of 8192 bytes",
    "*/JPEG2000-embedded-sequence-delimiter.dcm": "the picture that its header describes",  # its width was lost
    "*/badVR.dcm": "got 15 offsets for 1 planes",
    "*/rtdose*_1frame.dcm": "got 15 offsets for 1 planes",
    # discs
    "*/TINY_ALPHA/DICOMDIR": ("50 of without a picture; got CT Image Storage",),
    "*/TINY_ALPHA/PT*": "without a picture; got CT Image Storage",
    "*/DICOMDIR-empty.dcm": "holds files; got none",
    "*/DICOMDIR*": DISC,
    "*/CR?/*": "CR 16x16 grey level",
    "*/CT2N/*": "CT 16x16 unknown",
    "*/CT??/*": "CT 1x16x16 attenuation",
    "*/CT2/*": "CT 1x16x16 attenuation",
    "*/MR*/*": "MR 1x16x16 signal",
    # volumes
    "*/CT_small.dcm": "CT 1x128x128 attenuation",
    "*/693_J2KI.dcm": "CT 1x512x512 attenuation",
    "*/J2K_pixelrep_mismatch.dcm": "CT 1x512x512 attenuation",
    "*/MR_small*.dcm": "MR 1x64x64 signal",
    "*/examples_overlay.dcm": "MR 1x300x484 signal",
    "*/rtdose*.dcm": "RTDOSE 15x10x10 relative dose",
    "*/liver*_1frame.dcm": "SEG 1x512x512 label",
    # pictures
    "charset_files/*.dcm": "OT 32x32 unknown",
    "*/JPEG-lossy.dcm": "NM 1024x256 unknown",
    "*/JPGExtended.dcm": "NM 1024x256 unknown",
    "*/JPEG2000.dcm": "NM 1024x256 unknown",
    "*/JPEGLSNearLossless_08.dcm": "None 45x10 unknown",
    "*/JPEGLSNearLossless_16.dcm": "None 50x10 unknown",
    "*/image_dfl.dcm": "OT 512x512 unknown",
    "*/ExplVR_BigEnd.dcm": "US 60x80x3 colour",
    "*/GDCMJ2K_TextGBR.dcm": "None 400x400x3 colour",
    "*/SC_jpeg_no_color_transform*.dcm": "None 256x256x3 colour",
    "*/SC_rgb_jpeg_app14_dcmd.dcm": "None 256x256x3 colour",
    "*/SC_rgb_jpeg.dcm": "OT 256x256x3 colour",
    "*/SC_rgb_jpeg_dcmd.dcm": "OT 256x256x3 colour",
    "*/SC_rgb_jls_lossy_*.dcm": "None 100x100x3 colour",
    "*/SC_rgb_rle*_2frame.dcm": "OT 2x100x100x3 colour",
    "*/SC_rgb_small_odd*.dcm": "OT 3x3x3 colour",
    "*/SC_rgb_*.dcm": "OT 100x100x3 colour",
    "*/SC_ybr_full_422_uncompressed.dcm": "OT 100x100x3 colour",
    "*/examples_jpeg2k.dcm": "US 480x640x3 colour",
    "*/examples_palette.dcm": "US 350x800x3 colour",
    "*/examples_rgb_color.dcm": "US 240x320x3 colour",
    "*/examples_ybr_color.dcm": "US 30x240x320x3 colour",
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_pydicom_ships_is_read_or_refused_for_its_reason(name, told):
    expected = next((e for pattern, e in TABLE.items() if fnmatch.fnmatchcase(name, pattern)), None)
    assert expected is not None, "a file that the table does not know"
    rows = ("1 of " + expected,) if isinstance(expected, str) else expected
    found = told(ROOT / name)
    pieces = [row.partition(" of ")[2] for row in rows]
    counted = Counter(next((p for p in pieces if p in said), said) for said in found)
    assert counted == {piece: int(row.partition(" of ")[0]) for row, piece in zip(rows, pieces, strict=True)}
