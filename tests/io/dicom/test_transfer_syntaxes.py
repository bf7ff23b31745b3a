"""Every transfer syntax: the same picture is the same numbers, frames are found, and what is not decoded is named."""

import io
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID_dictionary

from skiagraph.errors import FormatError, SkiagraphError
from skiagraph.io.dicom.compressed import STILL, VIDEO
from skiagraph.io.dicom.pixels import stored_pixels
from skiagraph.io.dicom.scan import scan
from skiagraph.io.dicom.source import Source

JPEG = "1.2.840.10008.1.2.4."
SHIPPED = sorted((Path(pydicom.__file__).parent / "data" / "test_files").glob("*.dcm"))


def stored(path, frames=None):
    source = Source(path=path)
    return stored_pixels(source, scan(source), frames)


def repacked(path, syntax, data, **elements):
    """The file with its pixels replaced by encapsulated ones."""
    ds = pydicom.dcmread(path)
    ds.file_meta.TransferSyntaxUID = syntax
    ds.PixelData = data
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    ds.save_as(path, enforce_file_format=True)
    return path


def j2k(array):
    return imagecodecs.jpeg2k_encode(array, reversible=True, codecformat="j2k")


LOSSLESS = {
    JPEG + "57": lambda a: imagecodecs.jpeg8_encode(a, lossless=True, predictor=4),
    JPEG + "70": lambda a: imagecodecs.jpeg8_encode(a, lossless=True),
    JPEG + "80": imagecodecs.jpegls_encode,
    JPEG + "90": j2k,
    JPEG + "201": lambda a: imagecodecs.htj2k_encode(a, reversible=True),
}


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("syntax", LOSSLESS)
def test_lossless_codings_give_back_the_numbers(dicom, rng, syntax, bits, signed):
    values = rng.integers(0, 1 << bits, (3, 20, 24)).astype(np.uint8 if bits == 8 else np.uint16)
    try:
        coded = [LOSSLESS[syntax](picture) for picture in values]
    except (RuntimeError, ValueError) as error:
        pytest.skip(f"the encoder refuses {bits} bits: {type(error).__name__}")
    path = dicom(values, BitsStored=bits, HighBit=bits - 1, PixelRepresentation=int(signed))
    repacked(path, syntax, encapsulate(coded))
    expected = values.astype(np.int32)
    if signed:
        expected[expected >= 1 << (bits - 1)] -= 1 << bits
    np.testing.assert_array_equal(stored(path), expected)
    np.testing.assert_array_equal(stored(path, [2]), expected[[2]])


@pytest.mark.parametrize("syntax", [JPEG + "80", JPEG + "90", JPEG + "201"])
def test_lossless_colours_stay_as_they_are(dicom, rng, syntax):
    values = rng.integers(0, 256, (12, 16, 3)).astype(np.uint8)
    path = repacked(dicom(values), syntax, encapsulate([LOSSLESS[syntax](values)]))
    np.testing.assert_array_equal(stored(path)[0], values)


@pytest.mark.parametrize("shape", [(3, 20, 24), (2, 40, 40), (1, 300, 700), (1, 24, 32, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_jpeg_xl_gives_back_the_numbers(dicom, rng, shape, dtype):
    values = rng.integers(0, np.iinfo(dtype).max, shape, endpoint=True).astype(dtype)
    coded = encapsulate([imagecodecs.jpegxl_encode(picture, lossless=True) for picture in values])
    path = repacked(dicom(values), JPEG + "201", coded)
    path.write_bytes(path.read_bytes().replace(b"4.201", b"4.110", 1))  # which pydicom does not know yet
    np.testing.assert_array_equal(stored(path), values)


@pytest.mark.parametrize("photometric", ["YBR_RCT", "RGB", "YBR_ICT"])
def test_mixed_components_of_jpeg_2000_are_parted_once(dicom, rng, photometric):
    values = rng.integers(0, 256, (12, 16, 3)).astype(np.uint8)
    data = imagecodecs.jpeg2k_encode(values, reversible=True, codecformat="j2k", mct=True)
    path = repacked(dicom(values), JPEG + "90", encapsulate([data]), PhotometricInterpretation=photometric)
    np.testing.assert_array_equal(stored(path)[0], values)


@pytest.mark.parametrize(
    ("syntax", "encode", "bits"),
    [
        (JPEG + "50", lambda a: imagecodecs.jpeg8_encode(a, level=98), 8),
        (JPEG + "51", lambda a: imagecodecs.jpeg8_encode(a, level=98, bitspersample=12), 12),
        (JPEG + "81", lambda a: imagecodecs.jpegls_encode(a, level=2), 12),
        (JPEG + "91", lambda a: imagecodecs.jpeg2k_encode(a, level=95, codecformat="j2k"), 12),
    ],
)
def test_lossy_codings_give_nearly_the_numbers(dicom, syntax, encode, bits):
    y, x = np.mgrid[:64, :64]
    values = ((np.sin(x / 9) + np.cos(y / 7) + 2) / 4 * ((1 << bits) - 1)).astype(f"u{1 + (bits > 8)}")
    path = repacked(dicom(values, BitsStored=bits, HighBit=bits - 1), syntax, encapsulate([encode(values)]))
    found = stored(path)[0].astype(int)
    assert np.abs(found - values).max() <= (2 if syntax.endswith("81") else (1 << bits) / 64)


def ways(frames):
    """One compressed object in all ways to part it into fragments."""
    plain = encapsulate(frames, has_bot=False)
    many = encapsulate(frames, fragments_per_frame=3, has_bot=True)
    return {
        "offset table": (encapsulate(frames, has_bot=True), {}),
        "no offset table": (plain, {}),
        "several fragments and an offset table": (many, {}),
        "several fragments and no offset table": (
            encapsulate(frames, fragments_per_frame=3, has_bot=False),
            {},
        ),
        "no delimiter at the end": (plain[:-8] if plain.endswith(b"\xdd\xe0\0\0\0\0") else plain, {}),
        "an offset table that is wrong": (many[:8] + b"\x07\0\0\0" + many[12:], {}),
    }


WAYS = list(ways([b"ab" * 20]))


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("syntax", [JPEG + "80", JPEG + "90"])
def test_frames_are_found_by_offset_tables_and_without(dicom, rng, syntax, name):
    values = rng.integers(0, 256, (4, 20, 24)).astype(np.uint8)
    data, elements = ways([LOSSLESS[syntax](picture) for picture in values])[name]
    path = repacked(dicom(values), syntax, data, **elements)
    np.testing.assert_array_equal(stored(path, [3, 0]), values[[3, 0]])


def test_frames_are_found_by_the_extended_offset_table(dicom, rng):
    values = rng.integers(0, 256, (4, 20, 24)).astype(np.uint8)
    data, offsets, lengths = encapsulate_extended([imagecodecs.jpegls_encode(v) for v in values])
    path = repacked(
        dicom(values),
        JPEG + "80",
        data,
        ExtendedOffsetTable=offsets,
        ExtendedOffsetTableLengths=lengths,
    )
    np.testing.assert_array_equal(stored(path), values)


def test_nine_transfer_syntaxes_of_one_image_are_one_image(data_pack):
    folder = data_pack / "dicom_geometry" / "dcm_qa_ts" / "In"
    found = [stored(folder / f"{number}.dcm") for number in range(1, 10)]
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])
        assert other.dtype == found[0].dtype == np.uint16


REFUSED = {
    "JPEG2000-embedded-sequence-delimiter.dcm": "is the picture that its header describes",
    "MR_truncated.dcm": "cut off",
    "badVR.dcm": "whole numbers",
}


def plain_pydicom(path):
    """Pixels by pydicom and Pillow alone; None where they do not decode them."""
    try:
        return pixel_array(pydicom.dcmread(path, force=True))
    except (AttributeError, NotImplementedError, RuntimeError, TypeError, ValueError):
        return None


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", [p for p in SHIPPED if p.name != "no_meta.dcm"], ids=lambda p: p.name)
def test_the_files_that_pydicom_ships_are_read_as_it_reads_them_or_refused(path):
    try:
        header = scan(Source(path=path))
    except FormatError as error:
        assert "cut off" in str(error)  # noqa: PT017  (most files do not raise)
        return
    if header.pixels is None:
        return
    if path.name in REFUSED:
        with pytest.raises(FormatError, match=REFUSED[path.name]):
            stored(path)
        return
    ours, theirs = stored(path), plain_pydicom(path)
    if theirs is None:
        assert header.syntax in STILL
        return
    lossy = header.syntax in (JPEG + "50", JPEG + "51")
    theirs = theirs.reshape(ours.shape)
    assert np.nanmax(np.abs(ours.astype(float) - theirs.astype(float))) <= (3 if lossy else 0)


def test_every_transfer_syntax_is_decoded_or_refused_by_name(dicom):
    syntaxes = [uid for uid, entry in UID_dictionary.items() if entry[1] == "Transfer Syntax"]
    assert len(STILL) >= 16
    for uid in syntaxes:
        if not uid.startswith(JPEG) or uid in STILL or uid in VIDEO:
            continue
        path = repacked(dicom(np.zeros((4, 4), np.uint8)), uid, encapsulate([b"\xff\xd8\0\0"]))
        with pytest.raises(FormatError, match="packed in a way") as caught:
            stored(path)
        assert UID_dictionary[uid][0][:20] in str(caught.value)


def test_a_frame_that_claims_another_size_is_refused_before_it_is_decoded(dicom):
    data = bytearray(imagecodecs.jpegls_encode(np.zeros((6, 8), np.uint8)))
    at = data.index(b"\xff\xf7")
    data[at + 5 : at + 9] = b"\xff\xff\xff\xff"
    path = repacked(dicom(np.zeros((6, 8), np.uint8)), JPEG + "80", encapsulate([bytes(data)]))
    with pytest.raises(FormatError, match="65535 x 65535"):
        stored(path)


@given(st.data())
def test_damaged_frames_raise_nothing_but_ours(tmp_path_factory, data):
    names = ["MR_small_jp2klossless.dcm", "JPEG-LL.dcm", "MR_small_jpeg_ls_lossless.dcm", "MR_small_RLE.dcm"]
    path = data.draw(st.sampled_from([p for p in SHIPPED if p.name in [*names, "SC_rgb_small_odd_jpeg.dcm"]]))
    header = scan(Source(path=path))
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        raw[data.draw(st.integers(header.pixels.offset, len(raw) - 1))] = data.draw(st.integers(0, 255))
    target = tmp_path_factory.mktemp("damaged") / "x.dcm"
    target.write_bytes(raw)
    try:
        found = stored(target)
    except SkiagraphError:
        return
    assert found.shape[1:3] == (header.Rows, header.Columns)


def film(codec, frames):
    """An MPEG stream of grey frames as DICOM holds it."""
    av = pytest.importorskip("av", reason="PyAV is not installed")
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mpegts") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for value in frames:
            picture = np.full((48, 64, 3), value, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return buffer.getvalue()


@pytest.mark.parametrize(("syntax", "codec"), [("100", "mpeg2video"), ("102", "libx264"), ("107", "libx265")])
def test_video_gives_its_frames(dicom, syntax, codec):
    data = film(codec, range(0, 200, 20))
    path = dicom(np.zeros((10, 48, 64, 3), np.uint8), PhotometricInterpretation="YBR_PARTIAL_420")
    repacked(path, JPEG + syntax, encapsulate([data]))
    found = stored(path, [9, 2])
    assert found.shape == (2, 48, 64, 3)
    assert np.abs(found.astype(int) - np.array([180, 40])[:, None, None, None]).max() <= 6
