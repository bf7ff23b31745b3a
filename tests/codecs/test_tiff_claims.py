"""What a TIFF claims is held against its file, and honest files of every packing still come through."""

import struct

import imagecodecs
import numpy as np
import PIL.Image
import pytest
import tifffile

from skiagraph.codecs.stated import UNSTATED, j2k_claim, jpeg_claim, xl_claim
from skiagraph.errors import FormatError
from skiagraph.image import pixels
from skiagraph.io import read_image

NUMBERS = np.random.default_rng(0).integers(0, 255, (3, 64, 48), dtype=np.uint8)
SMOOTH = np.add.outer(np.arange(64), np.arange(48)).astype(np.uint8)


@pytest.mark.parametrize("packing", [None, "zlib", "lzw", "packbits", "zstd", "lzma", "jpeg2000", "jpegxl"])
@pytest.mark.parametrize("tile", [None, (16, 32), (128, 128)])
def test_pages_come_through_every_packing(tmp_path, packing, tile):
    options = {"compression": packing, "tile": tile, "photometric": "minisblack"}
    if packing == "jpegxl":
        options["compressionargs"] = {"lossless": True}
    tifffile.imwrite(tmp_path / "a.tif", NUMBERS, **options)
    decoded = read_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(pixels(decoded.image), NUMBERS)
    assert decoded.problems == ("Its 3 pages were taken as frames in their order.",)


@pytest.mark.parametrize("photometric", ["minisblack", "rgb"])
def test_a_jpeg_inside_of_a_tiff_is_read(tmp_path, photometric):
    picture = SMOOTH if photometric == "minisblack" else np.stack([SMOOTH] * 3, axis=-1)
    tifffile.imwrite(
        tmp_path / "a.tif", picture, compression="jpeg", photometric=photometric, rowsperstrip=16
    )
    found = pixels(read_image(tmp_path / "a.tif").image)
    assert np.abs(found.astype(int) - picture).max() < 12


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_both_sizes_and_both_orders_are_walked(tmp_path, big, order):
    tifffile.imwrite(
        tmp_path / "a.tif",
        NUMBERS.astype(np.uint16),
        bigtiff=big,
        byteorder=order,
        photometric="minisblack",
        compression="zlib",
    )
    np.testing.assert_array_equal(pixels(read_image(tmp_path / "a.tif").image), NUMBERS)


def test_the_pages_of_the_first_size_are_read_and_not_those_between(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for n, page in enumerate([NUMBERS[0], NUMBERS[0, :8, :8], NUMBERS[1]]):
            file.write(page, photometric="miniswhite", subfiletype=n % 2, metadata=None)
    np.testing.assert_array_equal(pixels(read_image(tmp_path / "a.tif").image), 255 - NUMBERS[:2])


def test_directories_inside_of_directories_are_walked(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(NUMBERS[0], subifds=1, metadata=None, photometric="minisblack")
        file.write(NUMBERS[0, ::2, ::2], subfiletype=1, metadata=None, photometric="minisblack")
    np.testing.assert_array_equal(pixels(read_image(tmp_path / "a.tif").image), NUMBERS[0])


def _changed(path, code, values):
    """A tag of the first directory gets other values, of as many bytes."""
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages[0].tags[code].overwrite(values)


def test_a_tiff_whose_last_page_is_cut_off_is_refused(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for page in NUMBERS:
            file.write(page, photometric="minisblack", metadata=None, contiguous=False)
    (tmp_path / "b.tif").write_bytes((tmp_path / "a.tif").read_bytes()[:-200])
    with pytest.raises(FormatError, match=r"damaged, cut off.*outside of"):
        read_image(tmp_path / "b.tif")


@pytest.mark.parametrize(
    ("code", "value", "said"),
    [
        ("StripOffsets", (2**31,) * 8, "outside of"),
        ("StripByteCounts", (60_000,) * 8, "outside of"),
        ("ImageWidth", 0, "tag 256"),
        ("SamplesPerPixel", 0, "tag 277"),
    ],
)
def test_sizes_and_places_that_cannot_be_are_refused(tmp_path, code, value, said):
    tifffile.imwrite(
        tmp_path / "a.tif", NUMBERS[0], compression="zlib", rowsperstrip=8, photometric="minisblack"
    )
    _changed(tmp_path / "a.tif", code, value)
    with pytest.raises(FormatError, match=said):
        read_image(tmp_path / "a.tif")


def test_strips_that_no_tag_names_are_missed_and_not_read_as_black(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif", NUMBERS[0], compression="zlib", rowsperstrip=8, photometric="minisblack"
    )
    _changed(tmp_path / "a.tif", "RowsPerStrip", 4)
    with pytest.raises(FormatError, match="8 strips or tiles missing"):
        read_image(tmp_path / "a.tif")


def test_tiles_of_nothing_are_named(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif", NUMBERS[0], compression="zlib", tile=(32, 48), photometric="minisblack"
    )
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        first = file.pages[0].databytecounts[0]
    _changed(tmp_path / "a.tif", "TileByteCounts", (first, 0))
    decoded = read_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(pixels(decoded.image)[:32], NUMBERS[0, :32])
    assert "1 of its strips or tiles hold nothing, and were read as empty." in decoded.problems


def test_metadata_that_name_another_file_do_not_open_it(tmp_path):
    (tmp_path / "in").mkdir()
    tifffile.imwrite(tmp_path / "secret.tif", NUMBERS[1], photometric="minisblack", metadata=None)
    metadata = (
        '<OME><Image ID="i"><Pixels DimensionOrder="XYZCT" SizeX="48" SizeY="64" SizeZ="2" SizeC="1" SizeT="1"'
        ' Type="uint8"><Channel SamplesPerPixel="1"/>'
        '<TiffData IFD="0" PlaneCount="1"/>'
        '<TiffData FirstZ="1" IFD="0" PlaneCount="1"><UUID FileName="../secret.tif">urn:uuid:2</UUID></TiffData>'
        "</Pixels></Image></OME>"
    )
    tifffile.imwrite(
        tmp_path / "in" / "a.tif", NUMBERS[0], photometric="minisblack", description=metadata, metadata=None
    )
    decoded = read_image(tmp_path / "in" / "a.tif")
    np.testing.assert_array_equal(pixels(decoded.image), NUMBERS[0])
    assert decoded.problems == ("Its metadata name planes in other files, which were not read.",)


def test_planes_that_ome_metadata_count_and_nobody_wrote_are_missed(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.ome.tif",
        NUMBERS,
        photometric="minisblack",
        compression="zlib",
        metadata={"axes": "ZYX"},
    )
    data = (tmp_path / "a.ome.tif").read_bytes()
    assert data.count(b'SizeZ="3"') == 1
    (tmp_path / "b.tif").write_bytes(data.replace(b'SizeZ="3"', b'SizeZ="5"'))
    with pytest.raises(FormatError, match="not there"):
        read_image(tmp_path / "b.tif")


@pytest.mark.parametrize(
    ("packed", "claim", "size"),
    [
        (imagecodecs.jpeg8_encode, jpeg_claim, (64, 48, 1, 8)),
        (imagecodecs.jpegls_encode, jpeg_claim, (64, 48, 1, 8)),
        (lambda a: imagecodecs.jpeg2k_encode(a, codecformat="j2k"), j2k_claim, (64, 48, 1, 8)),
        (lambda a: imagecodecs.jpeg2k_encode(a, codecformat="jp2"), j2k_claim, (64, 48, 1, 8)),
        (imagecodecs.jpegxl_encode, xl_claim, (64, 48, 64, 64)),
    ],
)
def test_a_coded_picture_states_its_size(packed, claim, size):
    data = bytes(packed(SMOOTH))
    assert claim(data) == size
    assert claim(data[:1]) == UNSTATED
    assert claim(b"") == UNSTATED


def test_an_empty_picture_of_an_honest_size_is_read_however_tightly_it_is_packed(tmp_path):
    PIL.Image.new("RGBA", (2000, 2000)).save(tmp_path / "a.webp", lossless=True)
    assert (tmp_path / "a.webp").stat().st_size < 2000
    assert pixels(read_image(tmp_path / "a.webp").image).max() == 0


def test_a_number_that_is_cut_off_is_none(tmp_path):
    (tmp_path / "a.tif").write_bytes(b"II*\0" + struct.pack("<L", 8) + b"\1")
    with pytest.raises(FormatError, match="damaged, cut off"):
        read_image(tmp_path / "a.tif")
