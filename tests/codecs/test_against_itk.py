"""NRRD and MetaImage as ITK reads them: their headers are taken apart here, for hostile ones kill ITK."""

import bz2
import gzip

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from skiagraph.codecs import metaimage, nrrd
from skiagraph.image import pixels

GREY = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
COLOUR = np.arange(4 * 5 * 6 * 3, dtype=np.uint8).reshape(4, 5, 6, 3)
SHORT = "type: short\ndimension: 3\nsizes: 6 5 4\nencoding: raw\nendian: little\n"
BYTES = "type: uchar\ndimension: 4\nsizes: 3 6 5 4\nencoding: raw\n"
OBLIQUE = "space directions: (0.5,0.1,0) (-0.1,0.7,0) (0,0,2)\nspace origin: (1,2,3)\n"
COLOURED = "space: RAS\nspace directions: none (0.5,0,0) (0,0.7,0) (0,0,2)\nspace origin: (1,2,3)\n"
COLOURED_LAST = "space: LPS\nspace directions: (0.5,0,0) (0,0.7,0) (0,0,2) none\nspace origin: (1,2,3)\n"
HEADERS = {
    **{
        f"in {space}": (f"{SHORT}space: {space}\n{OBLIQUE}", GREY.tobytes())
        for space in (
            "left-posterior-superior",
            "right-anterior-superior",
            "left-anterior-superior",
            "RAS",
            "LAS",
            "LPS",
        )
    },
    "in the scanner": (f"{SHORT}space: scanner-xyz\n{OBLIQUE}", GREY.tobytes()),
    "space without a name": (f"{SHORT}space dimension: 3\n{OBLIQUE}", GREY.tobytes()),
    "spacings": (f"{SHORT}spacings: 0.5 0.7 2\n", GREY.tobytes()),
    "no place": (SHORT, GREY.tobytes()),
    "big endian": (SHORT.replace("little", "big") + "spacings: 1 1 2\n", GREY.astype(">i2").tobytes()),
    "gzip": (SHORT.replace("raw", "gzip") + "spacings: 1 1 2\n", gzip.compress(GREY.tobytes())),
    "byte skip": (f"{SHORT}byte skip: 7\nspacings: 1 1 2\n", b"1234567" + GREY.tobytes()),
    "bytes at the end": (f"{SHORT}byte skip: -1\nspacings: 1 1 2\n", b"1234567" + GREY.tobytes()),
    "colours": (f"{BYTES}{COLOURED}kinds: RGB-color domain domain domain\n", COLOUR.tobytes()),
    "vectors": (f"{BYTES}{COLOURED}kinds: vector domain domain domain\n", COLOUR.tobytes()),
    "vectors apart": (
        f"{BYTES.replace('3 6 5 4', '6 5 4 3')}{COLOURED_LAST}kinds: domain domain domain list\n",
        np.moveaxis(COLOUR, -1, 0).tobytes(),
    ),
}


def as_itk_reads(path):
    image = sitk.ReadImage(path)
    n = image.GetDimension()
    affine = np.eye(4)
    affine[:n, :n] = np.array(image.GetDirection()).reshape(n, n) * image.GetSpacing()
    affine[:n, 3] = image.GetOrigin()
    return sitk.GetArrayFromImage(image), affine[:, [2, 1, 0, 3]]


@pytest.mark.parametrize("name", HEADERS)
def test_an_nrrd_is_read_as_itk_reads_it(tmp_path, name):
    head, data = HEADERS[name]
    path = tmp_path / "a.nrrd"
    path.write_bytes(b"NRRD0005\n" + head.encode() + b"\n" + data)
    image = nrrd.read(path).image
    array, affine = as_itk_reads(path)
    np.testing.assert_array_equal(pixels(image), array)
    np.testing.assert_allclose(image.space.affine, affine, atol=1e-12)


def test_an_nrrd_packed_by_bzip2_is_read_although_itk_cannot(tmp_path):
    path = tmp_path / "a.nrrd"
    head = SHORT.replace("raw", "bzip2") + "spacings: 1 1 2\n"
    path.write_bytes(b"NRRD0005\n" + head.encode() + b"\n" + bz2.compress(GREY.tobytes()))
    np.testing.assert_array_equal(pixels(nrrd.read(path).image), GREY)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("suffix", [".mha", ".mhd", ".nrrd"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint32, np.int64, np.float32, np.float64])
@pytest.mark.parametrize("vector", [False, True])
def test_what_itk_writes_is_read_as_itk_reads_it(tmp_path, dtype, suffix, packed, vector):
    image = sitk.GetImageFromArray((COLOUR if vector else GREY).astype(dtype), isVector=vector)
    image.SetSpacing((0.5, 0.7, 2))
    image.SetOrigin((1, 2, 3))
    image.SetDirection((0, -1, 0, 1, 0, 0, 0, 0, 1))
    path = tmp_path / f"a{suffix}"
    sitk.WriteImage(image, path, useCompression=packed)
    found = (nrrd if suffix == ".nrrd" else metaimage).read(path).image
    array, affine = as_itk_reads(path)
    np.testing.assert_array_equal(pixels(found), array)
    np.testing.assert_allclose(found.space.affine, affine, atol=1e-12)
