"""Attenuation in 16 signed bits stays in 16 bits; what an intercept leads below their end becomes the end."""

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import CTImageStorage, RLELossless

from skiagraph.image import pixels
from skiagraph.io import read_case

FRAME = "1.2.3.4.5"


@pytest.fixture
def scan(dicom):
    """Writes a CT slice each for some stored values; gives the folder."""

    def write(values, *, intercepts=(-1024,), syntax=None, **elements):
        for old in dicom.folder.glob("ct/*.dcm"):
            old.unlink()
        for k, intercept in enumerate(intercepts):
            path = dicom(
                values[k],
                f"ct/{k}.dcm",
                modality="CT",
                sop_class=CTImageStorage,
                FrameOfReferenceUID=FRAME,
                ImagePositionPatient=[0, 0, float(k)],
                ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
                PixelSpacing=[1, 1],
                SliceThickness=1,
                InstanceNumber=k + 1,
                RescaleIntercept=intercept,
                **({"RescaleSlope": 1} | elements),
            )
            if syntax is not None:
                ds = pydicom.dcmread(path)
                ds.compress(syntax, encoding_plugin="pydicom")
                ds.save_as(path)
        return dicom.folder / "ct"

    return write


TYPES = [
    # type of stored values, what the file states, type of the attenuation
    (np.int16, {}, np.int16),
    (np.int16, {"BitsStored": 12, "HighBit": 11}, np.int16),
    (np.uint16, {"BitsStored": 12, "HighBit": 11}, np.int16),
    (np.uint16, {}, np.int32),
    (np.int16, {"RescaleSlope": 2}, np.int32),
    (np.int16, {"RescaleSlope": 0.5}, np.float32),
    (np.int16, {"RescaleType": "US"}, np.int32),
]


@pytest.mark.parametrize(("stored", "stated", "expected"), TYPES)
def test_the_type_of_a_scan_is_known_from_its_headers(scan, stored, stated, expected):
    image = read_case(scan(np.ones((1, 4, 6), stored), **stated)).image
    assert image.data.dtype == pixels(image).dtype == expected


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(st.integers(-(2**15), 2**15 - 1), min_size=12, max_size=12),
    intercepts=st.tuples(st.integers(-(2**15), 0), st.integers(-2000, 0)),
    packed=st.booleans(),
)
def test_attenuation_is_exact_and_ends_at_the_lowest_number(scan, values, intercepts, packed):
    array = np.array(values, np.int16).reshape(2, 2, 3)
    image = read_case(scan(array, intercepts=intercepts, syntax=RLELossless if packed else None)).image
    sums = array.astype(np.int64) + np.array(intercepts)[:, None, None]
    np.testing.assert_array_equal(pixels(image), np.maximum(sums, -(2**15)))
