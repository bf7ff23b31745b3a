"""Stored values: bits, signs, planes and colours of uncompressed pixels, by hand-made files with known values."""

import tracemalloc

import numpy as np
import pydicom
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian

from skiagraph.errors import FormatError
from skiagraph.io.dicom.parallel import Job, read_into
from skiagraph.io.dicom.pixels import stored_pixels
from skiagraph.io.dicom.scan import scan
from skiagraph.io.dicom.source import Source

GREY = np.arange(48, dtype=np.uint16).reshape(6, 8) * 1365


def stored(path, frames=None):
    source = Source(path=path)
    return stored_pixels(source, scan(source), frames)


def refilled(path, array):
    """The file with the bytes of an array for its pixels."""
    ds = pydicom.dcmread(path)
    ds.PixelData = array.tobytes() + b"\0" * (array.nbytes % 2)
    ds.save_as(path)
    return path


BITS = [
    # BitsAllocated, BitsStored, HighBit, PixelRepresentation, what is written, what it is
    (16, 16, 15, 0, 0xFFFF, 65535),
    (16, 16, 15, 1, 0xFFFF, -1),
    (16, 12, 11, 0, 0xF801, 0x801),
    (16, 12, 11, 1, 0xF801, -2047),
    (16, 12, 11, 1, 0x07FF, 2047),
    (16, 12, 15, 0, 0x8017, 0x801),
    (16, 12, 15, 1, 0x8017, -2047),
    (16, 10, 13, 0, 0xC01F, 0x001),
    (8, 6, 5, 0, 0xC1, 1),
    (8, 6, 5, 1, 0x3F, -1),
    (32, 32, 31, 0, 0xFFFFFFFF, 2**32 - 1),
    (32, 20, 19, 1, 0xFFF80000, -(2**19)),
]


@pytest.mark.parametrize("row", BITS, ids=str)
def test_bits_outside_of_the_value_are_cleared_and_its_sign_extended(dicom, row):
    allocated, bits, high, sign, written, value = row
    array = np.full((2, 2), written, f"u{allocated // 8}")
    path = dicom(array, BitsAllocated=allocated, BitsStored=bits, HighBit=high, PixelRepresentation=sign)
    found = stored(path)
    assert found.dtype == np.dtype(f"{'ui'[sign]}{allocated // 8}")
    assert (found == value).all()


@pytest.mark.parametrize(("bits", "high"), [(17, 16), (12, 16), (12, 10), (12, 40000)])
def test_stored_bits_that_do_not_lie_inside_the_allocated_ones_are_refused(dicom, bits, high):
    with pytest.raises(FormatError, match="stored bits inside"):
        stored(dicom(GREY, BitsStored=bits, HighBit=high))


def test_single_bits_may_begin_inside_a_byte(dicom, rng):
    bits = rng.integers(0, 2, (5, 3, 7)).astype(np.uint8)
    packed = np.packbits(bits.reshape(-1), bitorder="little")
    path = refilled(dicom(bits, BitsAllocated=1, BitsStored=1, HighBit=0), packed)
    np.testing.assert_array_equal(stored(path), bits)
    np.testing.assert_array_equal(stored(path, [3, 1]), bits[[3, 1]])


@pytest.mark.parametrize(
    ("keyword", "dtype"), [("FloatPixelData", np.float32), ("DoubleFloatPixelData", np.float64)]
)
def test_floating_pixels_are_what_is_written(tmp_path, dicom, keyword, dtype):
    values = np.array([[0.5, -1e30], [np.nan, 3]], dtype)
    ds = pydicom.dcmread(dicom(np.zeros((2, 2), np.uint16)))
    del ds.PixelData
    setattr(ds, keyword, values.tobytes())
    ds.BitsAllocated = values.itemsize * 8
    ds.save_as(tmp_path / "float.dcm")
    found = stored(tmp_path / "float.dcm")
    assert found.dtype == dtype
    np.testing.assert_array_equal(found[0], values)


@pytest.mark.parametrize("planar", [0, 1])
def test_samples_come_last_whatever_the_planar_configuration(dicom, rng, planar):
    colours = rng.integers(0, 256, (2, 4, 6, 3)).astype(np.uint8)
    path = refilled(
        dicom(colours, PlanarConfiguration=planar), np.moveaxis(colours, -1, 1) if planar else colours
    )
    np.testing.assert_array_equal(stored(path), colours)


# Of DICOM PS3.3 C.7.6.3.1.2, rounded: (Y, CB, CR) and (R, G, B).
COLOURS = [
    ((0, 128, 128), (0, 0, 0)),
    ((255, 128, 128), (255, 255, 255)),
    ((76, 85, 255), (254, 0, 0)),
    ((150, 44, 21), (0, 255, 1)),
    ((29, 255, 107), (0, 0, 254)),
]


@pytest.mark.parametrize(("ybr", "rgb"), COLOURS)
def test_luma_and_chroma_become_red_green_and_blue(dicom, ybr, rgb):
    full = np.full((2, 4, 3), ybr, np.uint8)
    np.testing.assert_array_equal(
        stored(dicom(full, PhotometricInterpretation="YBR_FULL"))[0], np.full((2, 4, 3), rgb)
    )
    pairs = np.full((2, 2, 4), [ybr[0], ybr[0], ybr[1], ybr[2]], np.uint8)
    path = refilled(dicom(full, "422.dcm", PhotometricInterpretation="YBR_FULL_422"), pairs)
    np.testing.assert_array_equal(stored(path)[0], np.full((2, 4, 3), rgb))


def test_chroma_that_is_whole_although_said_to_be_halved_is_read_as_it_is(dicom):
    full = np.full((2, 4, 3), (76, 85, 255), np.uint8)
    assert stored(dicom(full, PhotometricInterpretation="YBR_FULL_422"))[0, 0, 0].tolist() == [254, 0, 0]


def test_frames_are_chosen_in_any_order_and_only_they_cost_memory(dicom):
    array = np.repeat(np.arange(200, dtype=np.uint16), 128 * 128).reshape(200, 128, 128)
    path = dicom(array)
    tracemalloc.start()
    found = stored(path, [150, 3])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found[:, 0, 0].tolist() == [150, 3]
    assert peak < 4 * found.nbytes + 2**17
    with pytest.raises(FormatError, match="chosen from the 200"):
        stored(path, [200])


BROKEN = [
    ({"Rows": 7}, "cut off"),
    ({"NumberOfFrames": 2**31 - 1}, "claims more|cut off"),
    ({"Rows": 0}, "at least one pixel"),
    ({"BitsAllocated": 12, "BitsStored": 12, "HighBit": 11}, "BitsAllocated 12"),
    ({"SamplesPerPixel": 3}, "cut off"),
]


@pytest.mark.parametrize(("stated", "said"), BROKEN)
def test_headers_that_contradict_their_pixels_are_refused(dicom, stated, said):
    with pytest.raises(FormatError, match=said):
        stored(dicom(GREY, **stated))


def test_an_object_without_pixels_is_refused(dicom, tmp_path):
    ds = pydicom.dcmread(dicom(GREY))
    del ds.PixelData
    ds.save_as(tmp_path / "none.dcm")
    with pytest.raises(FormatError, match="a header alone"):
        stored(tmp_path / "none.dcm")


def test_deflated_pixels_are_inflated(dicom):
    path = dicom(GREY)
    ds = pydicom.dcmread(path)
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    ds.save_as(path, enforce_file_format=True)
    np.testing.assert_array_equal(stored(path)[0], GREY)


@pytest.mark.parametrize(
    ("slope", "intercept", "dtype"),
    [(1, -1024, np.int16), (2, 5, np.int32), (-1, 4095, np.int16), (0.5, 1, np.float32), (1, 0, np.uint16)],
)
@pytest.mark.parametrize("workers", [1, 3])
def test_many_frames_are_rescaled_straight_into_one_array(dicom, rng, slope, intercept, dtype, workers):
    values = rng.integers(0, 4096, (9, 6, 8)).astype(np.uint16)
    jobs = []
    for k, picture in enumerate(values):
        one = Source(path=dicom(picture | 0xA000, f"{k}.dcm", BitsStored=12, HighBit=11))
        jobs.append(Job(source=one, header=scan(one), place=(0, 8 - k), slope=slope, intercept=intercept))
    out = np.zeros((1, 9, 6, 8), dtype)
    read_into(out, jobs, workers=workers)
    np.testing.assert_array_equal(out[0, ::-1], (values * np.float64(slope) + intercept).astype(dtype))


def test_one_broken_file_stops_the_reading_of_many(dicom):
    jobs = []
    for k in range(4):
        one = Source(path=dicom(GREY, f"{k}.dcm"))
        jobs.append(Job(source=one, header=scan(one), place=(k,)))
    jobs[2].source.path.write_bytes(jobs[2].source.path.read_bytes()[:-40])
    with pytest.raises(FormatError, match=r"2\.dcm"):
        read_into(np.zeros((4, 6, 8), np.uint16), jobs, workers=2)
