"""Palette colours as pydicom makes them: plain, segmented, of 8 and of 16 bits, and above the greys of a picture."""

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels.processing import apply_color_lut
from pydicom.uid import ExplicitVRLittleEndian

from skiagraph.errors import FormatError
from skiagraph.image.quantity import COLOUR
from skiagraph.io.dicom.meaning import meant
from skiagraph.io.dicom.palette import expanded, from_palette


def header(red, green, blue, *, bits=8, first=0, **elements):
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelRepresentation = 1, "PALETTE COLOR", 0
    for name, entries in (("Red", red), ("Green", green), ("Blue", blue)):
        setattr(ds, f"{name}PaletteColorLookupTableDescriptor", [len(entries), first, bits])
        kind = np.uint8 if bits == 8 else "<u2"
        setattr(ds, f"{name}PaletteColorLookupTableData", np.asarray(entries, kind).tobytes())
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    return ds


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("first", [0, 5])
def test_a_palette_gives_the_colours_of_pydicom(bits, first, rng):
    red, green, blue = (rng.integers(0, 1 << bits, 40) for _ in range(3))
    ds = header(red, green, blue, bits=bits, first=first)
    stored = rng.integers(0, 60, (6, 7)).astype(np.uint8)
    expected = apply_color_lut(stored, ds) >> (bits - 8)
    np.testing.assert_array_equal(from_palette(stored, ds)[0], expected)


def test_a_palette_of_16_bits_that_holds_8_is_taken_as_it_is():
    found = meant(np.array([0, 1], np.uint8), header([0, 255], [0, 128], [0, 1], bits=16))
    assert (found.values.tolist(), found.quantity) == ([[0, 0, 0], [255, 128, 1]], COLOUR)
    assert "holds 8" in found.problems[0]


SEGMENTS = [
    # segments, entries
    ([0, 3, 1, 2, 3], [1, 2, 3]),
    ([0, 1, 0, 1, 4, 8], [0, 2, 4, 6, 8]),
    ([0, 1, 8, 1, 4, 0], [8, 6, 4, 2, 0]),
    ([0, 2, 5, 6, 0, 1, 9, 2, 1, 0, 0], [5, 6, 9, 5, 6]),
    ([0, 1, 0, 1, 2, 10, 2, 2, 0, 0], [0, 5, 10, 0, 5, 10]),
]


@pytest.mark.parametrize(("segments", "entries"), SEGMENTS)
def test_segments_are_expanded(segments, entries):
    np.testing.assert_array_equal(expanded(np.asarray(segments, np.uint16), 256), entries)


def test_an_indirect_segment_of_bytes_has_an_offset_of_four():
    segments = np.array([0, 2, 5, 6, 2, 1, 0, 0, 0, 0], np.uint8)
    np.testing.assert_array_equal(expanded(segments, 256), [5, 6, 5, 6])


def test_a_palette_never_grows_beyond_its_descriptor():
    bomb = np.asarray([0, 1, 0, *([1, 60000, 5] * 100)], np.uint16)
    assert len(expanded(bomb, 256)) == 256


@pytest.mark.parametrize("segments", [[1, 3, 7], [2, 1, 0, 0], [9, 1, 1], [0, 1, 5, 1, 4]])
def test_segments_that_break_the_rules_are_refused(segments):
    with pytest.raises(FormatError, match="discrete, linear or indirect"):
        expanded(np.asarray(segments, np.uint16), 256)


@pytest.mark.parametrize("name", ["examples_palette.dcm"])
def test_palettes_of_real_scanners_are_those_of_pydicom(name):
    ds = dcmread(get_testdata_file(name))
    ours = from_palette(ds.pixel_array, ds)[0]
    theirs = apply_color_lut(ds.pixel_array, ds)[..., :3]
    np.testing.assert_array_equal(ours, theirs if theirs.dtype == np.uint8 else theirs >> 8)


def test_colours_above_the_greys_are_colours_and_the_rest_is_grey():
    ds = header(
        [9, 8], [7, 6], [5, 4], first=256, PixelPresentation="MIXED", PhotometricInterpretation="MONOCHROME2"
    )
    found = meant(np.array([0, 255, 256, 257], np.uint16), ds)
    assert found.values.tolist() == [[0, 0, 0], [255, 255, 255], [9, 7, 5], [8, 6, 4]]
    assert found.quantity == COLOUR


def test_a_palette_that_is_not_whole_is_refused():
    ds = header([1, 2], [1, 2], [1, 2])
    del ds.GreenPaletteColorLookupTableData
    with pytest.raises(FormatError, match="whole palette"):
        meant(np.zeros(3, np.uint8), ds)
