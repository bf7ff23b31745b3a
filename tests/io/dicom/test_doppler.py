"""Colours to velocities: by table, by range, by bits; only where the file calibrates them, and None elsewhere."""

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from skiagraph.io.dicom.doppler import composite, velocity

RED, BLUE, BLACK = (255, 0, 0), (0, 0, 255), (0, 0, 0)
CODE = {RED: 0xFF0000, BLUE: 0x0000FF, BLACK: 0}


def region(box=(0, 0, 2, 0), **elements):
    ds = Dataset()
    ds.RegionSpatialFormat, ds.RegionDataType, ds.RegionFlags = 1, 2, 0
    ds.RegionLocationMinX0, ds.RegionLocationMinY0, ds.RegionLocationMaxX1, ds.RegionLocationMaxY1 = box
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    return ds


def header(*regions, samples=3, photometric="RGB", bits=8):
    ds = Dataset()
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.BitsAllocated = samples, photometric, bits
    ds.SequenceOfUltrasoundRegions = Sequence(regions)
    return ds


TABLE = {
    "PixelComponentOrganization": 2,
    "PixelComponentPhysicalUnits": 7,
    "NumberOfTableEntries": 2,
    "TableOfPixelValues": [CODE[RED], CODE[BLUE]],
    "TableOfParameterValues": [30.0, -30.0],
}
PICTURE = np.array([[RED, BLUE, BLACK]], np.uint8)


def test_a_colour_of_the_table_has_its_velocity_and_no_other_has_one():
    found, said = velocity(PICTURE, header(region(**TABLE)))
    np.testing.assert_array_equal(found, np.array([[30, -30, np.nan]], np.float32))
    assert said == ()


def test_red_stands_in_the_highest_bits():
    assert composite(np.array([[[1, 2, 3]]], np.uint8), header()).tolist() == [[0x010203]]


def test_pixels_outside_of_the_region_have_no_velocity():
    found, _ = velocity(PICTURE, header(region((0, 0, 0, 0), **TABLE)))
    assert np.isnan(found).tolist() == [[False, True, True]]


def test_every_frame_is_mapped():
    found, _ = velocity(np.stack([PICTURE, PICTURE[:, ::-1]]), header(region(**TABLE)))
    assert found.shape == (2, 1, 3)
    assert found[1, 0, 2] == 30


CURVE = {
    "PixelComponentPhysicalUnits": 7,
    "TableOfXBreakPoints": [10, 20],
    "TableOfYBreakPoints": [-40.0, 40.0],
}

CURVES = [
    # organisation, codes, velocities
    (
        {"PixelComponentOrganization": 1, "PixelComponentRangeStart": 0, "PixelComponentRangeStop": 255},
        [10, 15, 20, 21],
        [-40, 0, 40, None],
    ),
    (
        {"PixelComponentOrganization": 1, "PixelComponentRangeStart": 12, "PixelComponentRangeStop": 18},
        [10, 15, 18, 20],
        [None, 0, 24, None],
    ),
    (
        {"PixelComponentOrganization": 0, "PixelComponentMask": 0xFF00},
        [10 << 8, (15 << 8) + 7, 20 << 8, 9 << 8],
        [-40, 0, 40, None],
    ),
]


@pytest.mark.parametrize(("stated", "codes", "expected"), CURVES)
def test_a_curve_through_break_points_gives_the_velocity(stated, codes, expected):
    ds = header(region((0, 0, 3, 0), **CURVE, **stated), samples=1, photometric="PALETTE COLOR", bits=16)
    found, _ = velocity(np.array([codes], np.uint16), ds)
    np.testing.assert_allclose(found[0], [np.nan if v is None else v for v in expected])


def test_a_region_of_high_priority_takes_the_pixels_of_a_low_one():
    low = region(**{**TABLE, "RegionFlags": 1})
    tissue = region((0, 0, 0, 0), RegionDataType=1)
    found, _ = velocity(PICTURE, header(low, tissue))
    np.testing.assert_array_equal(found, np.array([[np.nan, -30, np.nan]], np.float32))


NOT = [
    ({}, "not calibrated"),
    ({**TABLE, "PixelComponentPhysicalUnits": 5}, "not calibrated"),
    ({**TABLE, "TableOfParameterValues": [30.0]}, "not calibrated"),
    ({**CURVE, "PixelComponentOrganization": 1}, "not calibrated"),
    ({**CURVE, "PixelComponentOrganization": 0}, "not calibrated"),
    ({**TABLE, "PixelComponentOrganization": 3}, "not calibrated"),
    ({**TABLE, "RegionSpatialFormat": 3}, "not calibrated"),
]


@pytest.mark.parametrize(("stated", "said"), NOT)
def test_without_a_whole_calibration_there_is_no_velocity_and_it_is_said(stated, said):
    found, why = velocity(PICTURE, header(region(**stated)))
    assert found is None
    assert said in why[0]


def test_a_grey_picture_is_not_asked_for_velocities():
    assert velocity(PICTURE, header(region(RegionDataType=1))) == (None, ())


def test_codes_that_decoding_changed_give_no_velocities():
    found, why = velocity(PICTURE, header(region(**TABLE), photometric="YBR_FULL_422"))
    assert (found, "lost in decoding" in why[0]) == (None, True)
