"""Overlays and padding of pictures, films and volumes as findings that are made when they are asked for."""

import numpy as np
import pydicom
import pytest
from pydicom.uid import CTImageStorage, RLELossless

from skiagraph.errors import FormatError
from skiagraph.findings import Segmentation
from skiagraph.image import pixels
from skiagraph.io import read_case, read_study

FRAME = "1.2.3.4.5"


@pytest.fixture
def drawings(rng):
    return rng.random((4, 6, 8)) > 0.6


@pytest.fixture
def values(rng):
    return rng.integers(0, 2**12, (4, 6, 8)).astype(np.uint16)


def drawn(path, mask, *, bit=None, kind="G"):
    """Lays an overlay over a file: in a plane of its own, or in a bit of its pixel cells."""
    ds = pydicom.dcmread(path)
    ds.add_new((0x6000, 0x0010), "US", mask.shape[-2])
    ds.add_new((0x6000, 0x0011), "US", mask.shape[-1])
    ds.add_new((0x6000, 0x0040), "CS", kind)
    ds.add_new((0x6000, 0x0050), "SS", [1, 1])
    ds.add_new((0x6000, 0x0100), "US", 1 if bit is None else 16)
    ds.add_new((0x6000, 0x0102), "US", bit or 0)
    if bit is None:
        octets = np.packbits(mask.ravel(), bitorder="little").tobytes()
        ds.add_new((0x6000, 0x3000), "OW", octets + b"\0" * (len(octets) % 2))
        if mask.ndim == 3:
            ds.add_new((0x6000, 0x0015), "IS", len(mask))
    else:
        cells = np.frombuffer(ds.PixelData, np.uint16).reshape(mask.shape) | mask.astype(np.uint16) << bit
        ds.PixelData = cells.tobytes()
    ds.save_as(path)
    return path


def series(dicom, values, *, places=(0, 1, 2, 3), **elements):
    return [
        dicom(
            values[k],
            f"ct/{k}.dcm",
            modality="CT",
            sop_class=CTImageStorage,
            BitsStored=12,
            HighBit=11,
            FrameOfReferenceUID=FRAME,
            ImagePositionPatient=[0, 0, float(places[k])],
            ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            PixelSpacing=[1, 1],
            SliceThickness=1,
            InstanceNumber=k + 1,
            **elements,
        )
        for k in range(len(values))
    ]


BITS = [None, 12, 15]


@pytest.mark.parametrize("bit", BITS)
def test_overlays_of_slices_are_one_segmentation_of_the_volume(dicom, values, drawings, bit):
    for k, path in enumerate(series(dicom, values)):
        if k != 2:
            drawn(path, drawings[k], bit=bit, kind="R")
    case = read_case(dicom.folder / "ct")
    np.testing.assert_array_equal(pixels(case.image), values)
    found = case.known["overlay_1"]
    assert isinstance(found, Segmentation)
    assert found.space is case.image.space
    assert found.segments[0].code.value == "overlay-region"
    drawings[2] = False
    np.testing.assert_array_equal(found.mask(1), drawings)
    assert case.problems == ()


@pytest.mark.parametrize("bit", BITS)
@pytest.mark.parametrize("count", [1, 4])
def test_overlays_of_a_picture_and_of_a_film_lie_on_their_frames(dicom, values, drawings, bit, count):
    array, mask = (values[0], drawings[0]) if count == 1 else (values, drawings)
    path = dicom(array, modality="OT", BitsStored=12, HighBit=11)
    case = read_case(drawn(path, mask, bit=bit))
    np.testing.assert_array_equal(case.known["overlay_1"].mask(1), mask)
    np.testing.assert_array_equal(pixels(case.image), array)


def test_bits_of_signed_and_of_packed_cells_are_kept(dicom, drawings):
    values = np.arange(-24, 24, dtype=np.int16).reshape(6, 8)
    path = dicom((values & 0xFFF).astype(np.int16), modality="OT", BitsStored=12, HighBit=11)
    ds = pydicom.dcmread(drawn(path, drawings[0], bit=14))
    ds.compress(RLELossless, encoding_plugin="pydicom")
    ds.save_as(path)
    case = read_case(path)
    np.testing.assert_array_equal(case.known["overlay_1"].mask(1), drawings[0])
    np.testing.assert_array_equal(pixels(case.image), values)


def test_an_interpolated_slice_has_what_one_of_its_two_has(dicom, values, drawings):
    for k, path in enumerate(series(dicom, values, places=(0, 1, 2, 3.5))):
        drawn(path, drawings[k])
    case = read_case(dicom.folder / "ct")
    found = case.known["overlay_1"].mask(1)
    assert found.shape == tuple(case.image.space.shape)
    np.testing.assert_array_equal(found[0], drawings[0])
    assert found[-1].sum() >= drawings[3].sum()


def test_padding_is_known_where_a_value_is_stated(dicom, values):
    values[:, :, :2] = 7
    series(dicom, values, PixelPaddingValue=7, RescaleSlope=1, RescaleIntercept=-1024)
    case = read_case(dicom.folder / "ct")
    np.testing.assert_array_equal(case.known["padding"].mask(1), values == 7)


def test_padding_that_no_pixel_has_is_an_empty_mask(dicom, values):
    values[values == 9] = 8
    case = read_case(dicom(values[0], PixelPaddingValue=9))
    assert not case.known["padding"].labels.any()


def test_nothing_is_decoded_before_it_is_asked_for(dicom, values):
    path = dicom(values[0], PixelPaddingValue=9)
    study = read_study(path)
    path.write_bytes(path.read_bytes()[:-4])
    assert set(study.cases[0].known) == {"padding"}
    with pytest.raises(FormatError, match="cut off"):
        study.cases[0].known["padding"]


def test_an_overlay_that_is_not_whole_is_said_once(dicom, values, drawings):
    for path in series(dicom, values):
        drawn(path, drawings[0])
        ds = pydicom.dcmread(path)
        ds.add_new((0x6000, 0x3000), "OW", b"\1\0")
        ds.save_as(path)
    case = read_case(dicom.folder / "ct")
    assert not case.known
    assert case.problems == ("Its overlay 1 is not whole and was left aside.",)
