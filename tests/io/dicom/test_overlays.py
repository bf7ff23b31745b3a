"""Overlay planes as masks: their own data, spare bits, origins beyond the image, frames; against pydicom."""

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian

from skiagraph.io.dicom.overlays import overlays


def header(rows=4, columns=6, frames=1):
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.Rows, ds.Columns, ds.NumberOfFrames = rows, columns, frames
    return ds


def laid(ds, mask, *, group=0x6000, origin=(1, 1), kind="G", **more):
    ds.add_new((group, 0x0010), "US", mask.shape[-2])
    ds.add_new((group, 0x0011), "US", mask.shape[-1])
    ds.add_new((group, 0x0040), "CS", kind)
    ds.add_new((group, 0x0050), "SS", list(origin))
    ds.add_new((group, 0x0100), "US", 1)
    ds.add_new((group, 0x0102), "US", 0)
    octets = np.packbits(mask.astype(np.uint8).ravel(), bitorder="little").tobytes()
    ds.add_new((group, 0x3000), "OW", octets + b"\0" * (len(octets) % 2))
    if mask.ndim == 3:
        ds.add_new((group, 0x0015), "IS", len(mask))
    for element, value in more.items():
        ds.add_new(
            (group, {"label": 0x1500, "first": 0x0051}[element]),
            {"label": "LO", "first": "US"}[element],
            value,
        )
    return ds


@pytest.fixture
def drawing(rng):
    return rng.random((4, 6)) > 0.5


def test_a_plane_is_unpacked_as_pydicom_does(drawing):
    ds = laid(header(), drawing, label="ARROW")
    (found,), said = overlays(ds)
    np.testing.assert_array_equal(found.mask, drawing)
    np.testing.assert_array_equal(found.mask, ds.overlay_array(0x6000))
    assert (found.kind, found.label, said) == ("graphics", "ARROW", ())


def test_the_overlay_of_a_real_file_is_that_of_pydicom():
    ds = dcmread(
        get_testdata_file("MR-SIEMENS-DICOM-WithOverlays.dcm", download=False)
        or get_testdata_file("examples_overlay.dcm")
    )
    (found, *_), _ = overlays(ds)
    np.testing.assert_array_equal(found.mask, ds.overlay_array(found.group))
    assert found.mask.any()


ORIGINS = [
    # where the first pixel of a 2 by 2 plane lies (from 1), the pixels that it covers (from 0)
    ((1, 1), {(0, 0), (0, 1), (1, 0), (1, 1)}),
    ((3, 5), {(2, 4), (2, 5), (3, 4), (3, 5)}),
    ((4, 6), {(3, 5)}),
    ((0, 0), {(0, 0)}),
    ((-5, 2), set()),
    ((9, 9), set()),
]


@pytest.mark.parametrize(("origin", "covered"), ORIGINS)
def test_a_plane_lies_where_its_origin_says(origin, covered):
    (found,), _ = overlays(laid(header(), np.ones((2, 2), bool), origin=origin))
    assert {tuple(place) for place in np.argwhere(found.mask).tolist()} == covered


def test_a_plane_without_a_frame_lies_on_all_and_one_with_a_frame_on_that(drawing):
    (all_of_them,), _ = overlays(laid(header(frames=3), drawing))
    (second,), _ = overlays(laid(header(frames=3), drawing, first=2))
    assert all_of_them.mask.shape == second.mask.shape == (3, 4, 6)
    assert [bool(m.any()) for m in second.mask] == [False, True, False]
    np.testing.assert_array_equal(all_of_them.mask[2], drawing)


def test_several_planes_lie_on_frames_from_the_first_named(rng):
    planes = rng.random((2, 4, 6)) > 0.5
    (found,), _ = overlays(laid(header(frames=3), planes, first=2))
    np.testing.assert_array_equal(found.mask, np.concatenate([np.zeros((1, 4, 6), bool), planes]))


@pytest.mark.parametrize("bit", [0, 12, 15])
def test_a_plane_in_spare_bits_needs_the_cells(bit, drawing):
    ds = header()
    ds.add_new((0x6000, 0x0010), "US", 4)
    ds.add_new((0x6000, 0x0011), "US", 6)
    ds.add_new((0x6000, 0x0102), "US", bit)
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 12, 15 if bit == 0 else 11
    cells = (drawing.astype(np.uint16) << bit) | (0x0FFF ^ (1 << bit) if bit < 12 else 0x0FFF)
    (found,), _ = overlays(ds, cells[None].astype(np.uint16))
    np.testing.assert_array_equal(found.mask, drawing)
    assert overlays(ds) == ((), ("Its overlay 1 is not whole and was left aside.",))


def test_a_bit_of_the_pixels_is_no_spare_bit():
    ds = header()
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 12, 11
    ds.add_new((0x6000, 0x0010), "US", 4)
    ds.add_new((0x6000, 0x0102), "US", 11)
    assert overlays(ds, np.ones((1, 4, 6), np.uint16))[0] == ()


def test_words_of_a_big_endian_file_are_turned(drawing):
    ds = laid(header(), drawing)
    data = np.frombuffer(ds[0x6000, 0x3000].value, "<u2").astype(">u2").tobytes()
    ds.add_new((0x6000, 0x3000), "OW", data)
    ds.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    np.testing.assert_array_equal(overlays(ds)[0][0].mask, drawing)


def test_a_plane_that_is_cut_off_is_left_aside_and_said(drawing):
    ds = laid(header(), drawing)
    ds.add_new((0x6000, 0x3000), "OW", b"\1\0")
    assert overlays(ds)[1] == ("Its overlay 1 is not whole and was left aside.",)
