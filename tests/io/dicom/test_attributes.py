"""Elements of a header as plain values: numbers, words, codes and tables, or nothing where they are malformed."""

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian

from skiagraph.codes import Code
from skiagraph.errors import FormatError
from skiagraph.io.dicom.attributes import (
    big_endian,
    code_of,
    group_of,
    item_of,
    lattice_of,
    number,
    numbers,
    private,
    table_of,
    whole,
    word,
    words,
)


def header(*elements):
    ds = Dataset()
    for tag, vr, value in elements:
        ds.add_new(tag, vr, value)
    return ds


NUMBERS = [
    (("PixelSpacing", "DS", ["0.5", "0.25"]), (0.5, 0.25)),
    (("Rows", "US", 7), (7.0,)),
    (("WindowCenter", "DS", ""), ()),
    (("WindowCenter", "DS", None), ()),
    ((0x00091001, "UN", b"1.5\\2 "), (1.5, 2.0)),
    ((0x00091001, "UN", b"\xff\x00"), ()),
    ((0x00091001, "LO", "inf"), ()),
    ((0x00091001, "LO", "words"), ()),
]


@pytest.mark.parametrize(("element", "expected"), NUMBERS)
def test_numbers_are_all_finite_or_none(element, expected):
    tag = element[0] if isinstance(element[0], str) else (element[0] >> 16, element[0] & 0xFFFF)
    ds = header((tag, *element[1:]))
    assert numbers(ds, tag) == expected
    assert number(ds, tag) == (expected[0] if expected else None)


def test_what_is_absent_is_nothing():
    ds = Dataset()
    assert (numbers(ds, "Rows"), number(ds, "Rows"), whole(ds, "Rows")) == ((), None, None)
    assert (word(ds, "Modality"), words(ds, "ImageType"), item_of(ds, "ViewCodeSequence")) == ("", (), None)
    assert (numbers(None, "Rows"), code_of(None, "ViewCodeSequence")) == ((), None)


def test_whole_numbers_are_whole():
    assert whole(header(("WindowCenter", "DS", "3.0")), "WindowCenter") == 3
    assert whole(header(("WindowCenter", "DS", "3.5")), "WindowCenter") is None


def test_words_come_in_capitals_without_blanks():
    ds = header(("ImageType", "CS", ["ORIGINAL ", "PRIMARY"]), ("Modality", "CS", "CT "))
    assert (words(ds, "ImageType"), word(ds, "Modality")) == (("ORIGINAL", "PRIMARY"), "CT")


def test_a_functional_group_stands_before_the_header():
    ds, groups = Dataset(), Dataset()
    inner = header(("WindowCenter", "DS", "1"))
    groups.FrameVOILUTSequence = Sequence([inner])
    assert group_of(ds, groups, "FrameVOILUTSequence") is inner
    assert group_of(ds, None, "FrameVOILUTSequence") is ds


@pytest.mark.parametrize(
    ("value", "scheme", "expected"),
    [
        ("T-1", "SRT", Code(value="T-1", scheme="SRT")),
        ("", "SRT", None),
        ("T-1", "", None),
        ("longer than sixteen", "SRT", None),
    ],
)
def test_a_code_is_whole_or_none(value, scheme, expected):
    item, ds = Dataset(), Dataset()
    item.add_new("CodeValue", "LO", value)
    item.CodingSchemeDesignator = scheme
    ds.ViewCodeSequence = Sequence([item])
    assert code_of(ds, "ViewCodeSequence") == expected


def test_private_elements_are_found_in_the_block_of_their_creator():
    ds = Dataset()
    ds.private_block(0x0009, "OTHER", create=True).add_new(0x0D, "LO", "wrong")
    ds.private_block(0x0009, "MAKER", create=True).add_new(0x0D, "LO", "right")
    assert private(ds, "MAKER", 0x0009, 0x0D) == "right"
    assert private(ds, "NOBODY", 0x0009, 0x0D) is None
    assert private(ds, "MAKER", 0x0009, 0x0E) is None


@pytest.mark.parametrize(
    ("syntax", "order", "swapped"),
    [(ExplicitVRLittleEndian, "<u2", False), (ExplicitVRBigEndian, ">u2", True)],
)
def test_tables_are_read_in_the_byte_order_of_their_file(syntax, order, swapped):
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.LUTDescriptor = [3, 0, 16]
    ds.add_new("LUTData", "OW", np.array([1, 300, 65535], order).tobytes())
    assert big_endian(ds) is swapped
    assert table_of(ds, "LUTData", bits=16, swapped=swapped).tolist() == [1, 300, 65535]


def test_a_table_of_bytes_has_an_entry_a_byte():
    ds = header(("LUTDescriptor", "US", [3, 0, 8]), ("LUTData", "OW", b"\1\2\3\0"))
    assert table_of(ds, "LUTData", bits=8, swapped=False).tolist() == [1, 2, 3]


def test_more_pixels_than_one_object_can_have_are_refused():
    assert lattice_of(header(("Rows", "US", 4), ("Columns", "US", 5))) == (1, 4, 5)
    with pytest.raises(FormatError, match="fewer pixels"):
        lattice_of(header(("Rows", "US", 65535), ("Columns", "US", 65535)))
