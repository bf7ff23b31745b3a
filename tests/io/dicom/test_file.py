"""Single DICOM files: sizes only where they are stated, values as they are meant, no patient in any message."""

from pathlib import Path

import numpy as np
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.pixels import pixel_array

from skiagraph.errors import FormatError
from skiagraph.geometry import Grid, Plane, spacing_of, to_world
from skiagraph.image import pixels
from skiagraph.image.quantity import COLOUR, GREY, HU, SIGNAL
from skiagraph.io import read_case, read_image

PICTURE = np.arange(60, dtype=np.uint8).reshape(6, 10)


def region(dx=0.02, dy=0.03, *, form=1, units=(3, 3), box=(0, 0, 9, 5)):
    ds = Dataset()
    ds.RegionSpatialFormat, ds.RegionDataType, ds.RegionFlags = form, 1, 0
    ds.PhysicalUnitsXDirection, ds.PhysicalUnitsYDirection = units
    ds.PhysicalDeltaX, ds.PhysicalDeltaY = dx, dy
    ds.RegionLocationMinX0, ds.RegionLocationMinY0, ds.RegionLocationMaxX1, ds.RegionLocationMaxY1 = box
    return ds


SIZES = [
    # what the file states, the size in mm, what is noticed
    ({}, None, "states no size"),
    ({"PixelSpacing": [0.4, 0.3]}, (0.4, 0.3), None),
    ({"PixelSpacing": [0.4, 0]}, None, "states no size"),
    ({"ImagerPixelSpacing": [0.4, 0.3]}, (0.4, 0.3), "at the detector"),
    ({"PixelSpacing": [0.2, 0.2], "ImagerPixelSpacing": [0.4, 0.3]}, (0.2, 0.2), None),
    ({"NominalScannedPixelSpacing": [0.4, 0.3]}, (0.4, 0.3), "film"),
    ({"SequenceOfUltrasoundRegions": [region()]}, (0.3, 0.2), None),
    ({"SequenceOfUltrasoundRegions": [region(dy=-0.03)]}, (0.3, 0.2), None),
    ({"SequenceOfUltrasoundRegions": [region()], "PixelSpacing": [9, 9]}, (0.3, 0.2), None),
    ({"SequenceOfUltrasoundRegions": [region(box=(0, 0, 4, 5)), region(box=(5, 0, 9, 5))]}, (0.3, 0.2), None),
    ({"SequenceOfUltrasoundRegions": [region(box=(0, 0, 3, 3))]}, (0.3, 0.2), "27% of the picture"),
    ({"SequenceOfUltrasoundRegions": [region(), region(dx=0.05)]}, None, "different pixel sizes"),
    ({"SequenceOfUltrasoundRegions": [region(), region(form=3, units=(4, 7))]}, None, "Only a part"),
    ({"SequenceOfUltrasoundRegions": [region(form=2, units=(4, 3))]}, None, "None of its ultrasound regions"),
    ({"SequenceOfUltrasoundRegions": [region(units=(0, 0))]}, None, "None of its ultrasound regions"),
    ({"SequenceOfUltrasoundRegions": [region(dx=0)]}, None, "None of its ultrasound regions"),
]


@pytest.mark.parametrize(("stated", "size", "noticed"), SIZES)
def test_a_picture_has_the_size_that_its_file_states(dicom, stated, size, noticed):
    case = read_case(dicom(PICTURE, modality="US", **stated))
    assert isinstance(case.image.space, Plane)
    assert (
        spacing_of(case.image.space) == pytest.approx(size) if size else spacing_of(case.image.space) is None
    )
    assert (noticed is None) == (case.problems == ())
    assert noticed is None or noticed in case.problems[0]
    np.testing.assert_array_equal(pixels(case.image), PICTURE)


def test_the_uid_stands_in_the_case_and_no_patient_does(dicom):
    case = read_case(dicom(PICTURE, SOPInstanceUID="1.2.3.4"))
    assert dict(case.uids) == {"image": "1.2.3.4"}
    assert case.identifier == "image"
    assert "ecret" not in repr(case).lower()


VALUES = [
    # what the file states, what the values become
    ({}, lambda a: a),
    ({"PhotometricInterpretation": "MONOCHROME1"}, lambda a: 255 - a),
    ({"PhotometricInterpretation": "MONOCHROME1", "BitsStored": 6, "HighBit": 5}, lambda a: 63 - a),
    ({"RescaleSlope": 2, "RescaleIntercept": -5}, lambda a: a.astype(np.int16) * 2 - 5),
    ({"RescaleSlope": 0.5, "RescaleIntercept": 0}, lambda a: a.astype(np.float32) / 2),
    ({"BitsStored": 5, "HighBit": 4}, lambda a: a & 31),
]


@pytest.mark.parametrize(("stated", "expected"), VALUES)
def test_values_are_what_the_file_means(dicom, stated, expected):
    image = read_image(dicom(PICTURE, **stated)).image
    np.testing.assert_array_equal(pixels(image), expected(PICTURE))
    assert image.data.dtype == expected(PICTURE).dtype


def test_colour_has_three_channels(dicom):
    image = read_image(dicom(np.stack([PICTURE] * 3, -1), modality="US")).image
    assert (image.channels, image.quantity) == (("red", "green", "blue"), COLOUR)


@pytest.mark.parametrize(
    ("stated", "times", "unit"),
    [
        ({}, [0, 1, 2], "frame"),
        ({"FrameTime": 40}, [0, 0.04, 0.08], "s"),
        ({"FrameTimeVector": [0, 30, 50]}, [0, 0.03, 0.08], "s"),
    ],
)
def test_a_cine_has_a_timeline(dicom, stated, times, unit):
    image = read_image(dicom(np.stack([PICTURE, PICTURE + 1, PICTURE + 2]), modality="US", **stated)).image
    assert image.axes == ("time", "row", "column")
    assert image.space.timeline.unit == unit
    np.testing.assert_allclose(image.space.timeline.times, times)


def test_one_slice_with_a_place_is_a_volume_of_one_slice():
    image = read_image(path_of("CT_small.dcm")).image
    assert isinstance(image.space, Grid)
    assert (image.data.shape, image.quantity, image.modality) == ((1, 128, 128), HU, "CT")
    np.testing.assert_allclose(spacing_of(image.space), (5, 0.661468, 0.661468))
    np.testing.assert_allclose(to_world(image.space, np.zeros(3)), (-158.135803, -179.035797, -75.699997))


def path_of(name):

    return Path(get_testdata_file(name))


@pytest.mark.parametrize(
    "name",
    ["MR_small_RLE.dcm", "MR_small_bigendian.dcm", "MR_small_jp2klossless.dcm", "MR_small_implicit.dcm"],
)
def test_one_image_in_several_transfer_syntaxes_is_one_image(name):
    plain, other = read_image(path_of("MR_small.dcm")).image, read_image(path_of(name)).image
    np.testing.assert_array_equal(pixels(plain), pixels(other))
    assert (other.quantity, other.space) == (SIGNAL, plain.space)


@pytest.mark.parametrize(
    "name", ["examples_ybr_color.dcm", "SC_rgb_jpeg_dcmtk.dcm", "SC_ybr_full_422_uncompressed.dcm"]
)
def test_colours_are_rgb_as_pydicom_makes_them(name):
    image = read_image(path_of(name)).image
    np.testing.assert_array_equal(pixels(image), pixel_array(path_of(name)))


KINDS = [
    ("reportsi.dcm", "without a picture; got Basic Text SR Storage"),
    ("MR_truncated.dcm", "cut off"),
    ("rtplan.dcm", "without a picture"),
    ("waveform_ecg.dcm", "without a picture"),
]


@pytest.mark.parametrize(("name", "said"), KINDS)
def test_what_is_not_read_is_refused_with_its_kind_and_without_its_patient(name, said):
    with pytest.raises(FormatError, match=said) as caught:
        read_image(path_of(name))
    assert "^" not in str(caught.value)


def test_a_file_without_preamble_is_known_by_its_first_elements(dicom):
    path = dicom(PICTURE)
    path.write_bytes(path.read_bytes()[132:])
    np.testing.assert_array_equal(pixels(read_image(path).image), PICTURE)


def test_grey_is_grey(dicom):
    assert read_image(dicom(PICTURE, modality="US")).image.quantity == GREY
