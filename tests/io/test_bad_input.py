"""Bad input: each gives one clear sentence of the right kind, and nothing is lost or half written."""

import errno
import io
import os
import struct
import zlib
from pathlib import Path

import nibabel as nib
import numpy as np
import PIL.Image
import pytest
import SimpleITK as sitk  # noqa: N813
import tifffile

from skiagraph.errors import (
    FormatError,
    InvalidInput,
    MissingInput,
    NotPermitted,
    SkiagraphError,
    WriteFailed,
)
from skiagraph.geometry import Plane, derived_frame, spacing_of
from skiagraph.image import Image, pixels
from skiagraph.io import read_case, read_image, read_study, write_image

GREY = np.arange(5 * 7, dtype=np.uint8).reshape(5, 7)


def packed(picture, **options):
    stream = io.BytesIO()
    picture.save(stream, **options)
    return stream.getvalue()


def png(array=GREY):
    return packed(PIL.Image.fromarray(array), format="PNG")


def nifti(array, path, **header):
    image = nib.Nifti1Image(array, np.diag([2.0, 2.0, 2.0, 1.0]), dtype=array.dtype)
    for key, value in header.items():
        image.header[key] = value
    image.to_filename(path)
    return path.read_bytes()


def huge_png():
    """A header that claims 60,000 x 60,000 pixels."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


def huge_nifti():
    header = nib.Nifti1Header()
    header.set_data_dtype(np.float64)
    header.set_data_shape((30_000, 30_000, 30_000))
    header["magic"], header["vox_offset"] = b"n+1", 352
    return header.binaryblock + bytes(100)


def volume(path):
    sitk.WriteImage(sitk.GetImageFromArray(np.ones((4, 5, 6), np.int16)), path)
    return path.read_bytes()


def dicom(tmp_path):
    from pydicom.data import get_testdata_file

    return Path(get_testdata_file("CT_small.dcm")).read_bytes()


def tiff(tmp_path):
    tifffile.imwrite(tmp_path / "made.tif", np.ones((50, 50), np.uint8))
    return (tmp_path / "made.tif").read_bytes()


BROKEN = [
    # name of the file, its content, what the sentence says
    ("empty.png", lambda tmp: b"", "empty.png is empty"),
    ("empty.dcm", lambda tmp: b"", "empty.dcm is empty"),
    ("text.dcm", lambda tmp: b"Dear colleague,\nthe scan was fine.\n", "none of the formats"),
    ("noise.nii", lambda tmp: bytes(range(256)) * 8, "none of the formats"),
    ("zip.nii.gz", lambda tmp: zlib.compress(b"x" * 999, wbits=31), "none of the formats"),
    (
        "cut.png",
        lambda tmp: png(np.random.default_rng(0).integers(0, 255, (90, 90), np.uint8))[:-600],
        "damaged or cut",
    ),
    (
        "cut.jpg",
        lambda tmp: packed(PIL.Image.fromarray(np.tile(GREY, (20, 20))), format="JPEG")[:-300],
        "damaged or cut",
    ),
    ("head.jpg", lambda tmp: b"\xff\xd8\xff\xe0", "damaged or cut"),
    ("cut.gif", lambda tmp: packed(PIL.Image.fromarray(GREY), format="GIF")[:20], "damaged or cut"),
    ("cut.nii", lambda tmp: nifti(np.ones((4, 5, 6), np.int16), tmp / "a.nii")[:-9], "damaged or cut"),
    ("head.nii", lambda tmp: nifti(np.ones((4, 5, 6), np.int16), tmp / "a.nii")[:349], "damaged or cut"),
    (
        "cut.nii.gz",
        lambda tmp: nifti(np.random.default_rng(0).random((9, 9, 9)), tmp / "a.nii.gz")[:-900],
        "damaged or cut",
    ),
    ("complex.nii", lambda tmp: nifti(np.ones((4, 5, 6), np.complex64), tmp / "a.nii"), "real numbers"),
    ("cut.mha", lambda tmp: volume(tmp / "a.mha")[:-9], "cut off"),
    ("head.mha", lambda tmp: b"ObjectType = Image\nNDims = 3\n", "no ElementDataFile"),
    (
        "lone.mhd",
        lambda tmp: b"NDims = 2\nDimSize = 2 2\nElementType = MET_UCHAR\nElementDataFile = a.raw\n",
        "missing",
    ),
    (
        "outside.mhd",
        lambda tmp: (
            b"NDims = 2\nDimSize = 2 2\nElementType = MET_UCHAR\nElementDataFile = ../../../etc/passwd\n"
        ),
        "leads elsewhere",
    ),
    ("cut.nrrd", lambda tmp: volume(tmp / "a.nrrd")[:-9], "cut off"),
    ("head.nrrd", lambda tmp: b"NRRD0004\ntype: short\n", "sizes and type"),
    (
        "outside.nhdr",
        lambda tmp: b"NRRD0004\ntype: uchar\nsizes: 2 2\ndata file: /etc/passwd\n\n",
        "leads elsewhere",
    ),
    ("cut.tif", lambda tmp: tiff(tmp)[:300], "damaged, cut off"),
    ("head.tif", lambda tmp: b"II*\x00\x08\x00\x00\x00", "damaged, cut off"),
    ("cut.dcm", lambda tmp: dicom(tmp)[:-900], "cut off, damaged"),
    ("head.dcm", lambda tmp: dicom(tmp)[:140], "cut off"),
    ("bomb.png", lambda tmp: huge_png(), "decompression bomb"),
    ("bomb.nii", lambda tmp: huge_nifti(), "claims more pixels"),
    ("bomb.nii.gz", lambda tmp: zlib.compress(huge_nifti(), wbits=31), "claims more pixels"),
    (
        "bomb.nrrd",
        lambda tmp: b"NRRD0004\ntype: double\ndimension: 3\nsizes: 30000 30000 30000\nencoding: gzip\n\nxx",
        "claims more pixels",
    ),
    (
        "bomb.mha",
        lambda tmp: (
            b"NDims = 3\nDimSize = 30000 30000 30000\nElementType = MET_DOUBLE\nElementDataFile = LOCAL\nxx"
        ),
        "claims more pixels",
    ),
]


@pytest.mark.parametrize(("name", "content", "said"), BROKEN, ids=[row[0] for row in BROKEN])
def test_a_broken_file_is_refused_with_one_sentence(tmp_path, name, content, said, capfd):
    path = tmp_path / "case" / name
    path.parent.mkdir()
    path.write_bytes(content(tmp_path))
    with pytest.raises(FormatError) as caught:
        read_study(path)
    sentence = str(caught.value)
    assert said in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(("name", "content", "said"), BROKEN, ids=[row[0] for row in BROKEN])
def test_one_broken_file_among_good_ones_is_named_and_the_good_ones_are_read(tmp_path, name, content, said):
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / name).write_bytes(content(tmp_path))
    (folder / "good-1.png").write_bytes(png())
    (folder / "good-2.png").write_bytes(png(GREY + 1))
    study = read_study(folder)
    assert [case.identifier for case in study.cases] == ["good-1", "good-2"]
    assert len(study.problems) == 1
    assert said in study.problems[0]


def rgba():
    array = np.zeros((5, 7, 4), np.uint8)
    array[..., 0], array[..., 3] = GREY, 128
    return PIL.Image.fromarray(array)


def palette():
    picture = PIL.Image.fromarray(GREY % 3)
    picture = picture.convert("P")
    picture.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255] + [0] * 759)
    return picture


def turned():
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # orientation: the camera was turned by a quarter
    return packed(PIL.Image.fromarray(GREY), format="PNG", exif=exif)


STRANGE = [
    # name, content, what the pixels are, what was noticed
    (
        "deep.png",
        packed(PIL.Image.fromarray(GREY.astype(np.uint16) * 1000), format="PNG"),
        GREY * np.uint16(1000),
        None,
    ),
    ("one-bit.png", packed(PIL.Image.fromarray(GREY > 9), format="PNG"), (GREY > 9) * np.uint8(255), None),
    ("alpha.png", packed(rgba(), format="PNG"), np.stack([GREY, GREY * 0, GREY * 0], -1), "alpha channel"),
    (
        "palette.png",
        packed(palette(), format="PNG"),
        np.eye(3, dtype=np.uint8)[GREY % 3] * np.uint8(255),
        None,
    ),
    ("turned.png", turned(), np.rot90(GREY, -1), None),
    ("dpi.png", packed(PIL.Image.fromarray(GREY), format="PNG", dpi=(254, 254)), GREY, None),
    (
        "moving.gif",
        packed(
            PIL.Image.fromarray(GREY),
            format="GIF",
            save_all=True,
            append_images=[PIL.Image.fromarray(GREY[::-1]), PIL.Image.fromarray(GREY * 2)],
        ),
        GREY,
        "3 pictures",
    ),
    ("renamed.dcm", png(), GREY, "called .dcm and is PNG"),
    ("renamed.nii.gz", png(), GREY, "is PNG"),
]


@pytest.mark.parametrize(("name", "content", "expected", "noticed"), STRANGE, ids=[row[0] for row in STRANGE])
def test_a_strange_picture_is_read_as_an_eye_would_see_it_and_its_size_stays_unknown(
    tmp_path, name, content, expected, noticed
):
    path = tmp_path / name
    path.write_bytes(content)
    case = read_case(path)
    np.testing.assert_array_equal(pixels(case.image), expected)
    assert case.image.data.dtype == expected.dtype
    assert spacing_of(case.image.space) is None
    assert (noticed is None) == (case.problems == ())
    assert noticed is None or noticed in " ".join(case.problems)


def test_inks_of_a_cmyk_jpeg_become_the_colours_that_an_eye_would_see(tmp_path):
    red = PIL.Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    red.save(tmp_path / "ink.jpg", quality=100)
    case = read_case(tmp_path / "ink.jpg")
    assert np.abs(pixels(case.image).astype(int) - [255, 0, 0]).max() < 12
    assert "CMYK" in case.problems[0]


@pytest.mark.parametrize("suffix", [".nii", ".mha", ".nrrd", ".tif"])
def test_pixels_that_are_no_numbers_are_counted_and_the_rest_is_read(tmp_path, suffix):
    array = np.ones((5, 7), np.float32)
    array[0, 0], array[1, 1], array[2, 2] = np.nan, np.inf, -np.inf
    write_image(Image(data=array, space=plane()), tmp_path / f"a{suffix}")
    case = read_case(tmp_path / f"a{suffix}")
    assert "1 pixels are not a number and 2 are infinite, of 35." in case.problems
    np.testing.assert_array_equal(pixels(case.image), array)


@pytest.mark.parametrize("suffix", [".nii", ".mha", ".nrrd", ".tif"])
def test_a_nan_that_signals_warns_nowhere_after_it_was_read(tmp_path, suffix):
    array = np.ones((5, 7), np.float32)
    array.view(np.uint32)[0, 0] = 0x7FA00000  # bit 22 of a quiet one is set (IEEE 754-2008, 6.2.1)
    write_image(Image(data=array, space=plane()), tmp_path / f"a{suffix}")
    assert np.isnan(pixels(read_case(tmp_path / f"a{suffix}").image).astype(np.float64)[0, 0])


def test_what_is_not_there_is_missing(tmp_path):
    with pytest.raises(MissingInput, match=r"gone\.png does not exist"):
        read_study(tmp_path / "gone.png")


def test_an_empty_folder_is_missing_input(tmp_path):
    with pytest.raises(MissingInput, match="empty folder"):
        read_study(tmp_path)


def test_a_folder_without_any_image_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(FormatError, match=r"notes\.txt"):
        read_study(tmp_path)


def test_a_file_that_may_not_be_read_says_so(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(png())
    forbid(monkeypatch, "open", path.name)
    with pytest.raises(NotPermitted, match=r"a\.png may not be read"):
        read_study(path)


def test_a_file_that_may_not_be_read_does_not_hide_the_others(tmp_path, monkeypatch):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(png())
    forbid(monkeypatch, "open", "a.png")
    study = read_study(tmp_path)
    assert [case.identifier for case in study.cases] == ["b"]
    assert "a.png may not be read" in study.problems[0]


def forbid(monkeypatch, function, name):
    """Root may read everything, so the refusal is played."""
    real = io.open

    def refuse(file, *args, **kwargs):
        if str(file).endswith(name):
            raise PermissionError(errno.EACCES, "Permission denied", str(file))
        return real(file, *args, **kwargs)

    monkeypatch.setattr(io, function, refuse)


def plane(shape=(5, 7)):
    return Plane.upright(shape=shape, spacing=(0.2, 0.3), frame=derived_frame("test"))


SUFFIXES = [".nii", ".nii.gz", ".mha", ".mhd", ".nrrd", ".png", ".tif"]
FAILURES = [
    (errno.ENOSPC, WriteFailed, "room on the disk"),
    (errno.EDQUOT, WriteFailed, "room on the disk"),
    (errno.EIO, WriteFailed, "could not be written"),
    (errno.EACCES, NotPermitted, "may write"),
    (errno.EROFS, NotPermitted, "may write"),
]


@pytest.mark.parametrize(
    ("code", "kind", "said"), FAILURES, ids=[errno.errorcode[row[0]] for row in FAILURES]
)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(
    tmp_path, monkeypatch, suffix, code, kind, said
):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"old")

    def fail(descriptor):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(kind, match=said):
        write_image(Image(data=GREY, space=plane()), path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {path.name: b"old"}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_disk_that_is_full_while_writing_leaves_nothing_behind(tmp_path, suffix):
    resource = pytest.importorskip("resource", reason="the limit on the size of a file is one of POSIX")
    noise = np.random.default_rng(0).integers(0, 256, (400, 500), np.uint8)
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, old[1]))
    try:
        with pytest.raises(WriteFailed, match="room on the disk"):
            write_image(Image(data=noise, space=plane(noise.shape)), tmp_path / f"a{suffix}")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_writing_into_a_folder_that_is_not_there_says_so(tmp_path, suffix):
    with pytest.raises(MissingInput, match="a folder that exists"):
        write_image(Image(data=GREY, space=plane()), tmp_path / "gone" / f"a{suffix}")


@pytest.mark.parametrize("name", ["a.jpg", "a", "a.dcm", "a.docx"])
def test_a_format_that_is_not_written_is_refused_before_anything_is_touched(tmp_path, name):
    with pytest.raises(InvalidInput, match=r"ends in \.nii"):
        write_image(Image(data=GREY, space=plane()), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cut", range(0, 1400, 37))
def test_a_dicom_file_cut_anywhere_gives_an_error_of_ours(tmp_path, cut):
    path = tmp_path / "cut.dcm"
    path.write_bytes(dicom(tmp_path)[:cut])
    with pytest.raises(SkiagraphError):
        read_image(path)
