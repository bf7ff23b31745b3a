"""Mosaics: the tiles become slices, at the place and in the order that the scanner's private elements say."""

import struct

import numpy as np
import pydicom
import pytest
from pydicom.uid import MRImageStorage

from skiagraph.errors import FormatError
from skiagraph.geometry import to_world
from skiagraph.image import pixels
from skiagraph.io import read_case
from skiagraph.io.dicom.mosaic import csa_elements

ROWS, COLUMNS, COUNT, STEP = 4, 6, 7, 2.5
RIGHT, DOWN = np.array([1.0, 0, 0]), np.array([0, 0.8, -0.6])
NORMAL = np.cross(RIGHT, DOWN)
FIRST = np.array([-11.0, 5.0, 40.0])  # of slice 0, pixel (0, 0)
SPACING = np.array([3.0, 2.0])


def csa(elements, *, second=True):
    """A CSA header of the first or the second kind, as the scanner writes it."""
    body = b"SV10\x04\x03\x02\x01" if second else b""
    body += struct.pack("<II", len(elements), 77)
    base = len(next(iter(elements.values())))
    for name, values in elements.items():
        body += struct.pack("<64si4siii", name.encode(), len(values), b"FD", 4, len(values), 77)
        for value in values:
            data = value.encode() + b"\0"
            length = len(data) if second else len(data) + base
            body += struct.pack("<4i", length, len(data), 77, 0) + data + b"\0" * (-len(data) % 4)
    return body


def written(dicom, *, normal=None, count="element", second=True):
    side = 3
    tiles = np.zeros((side * ROWS, side * COLUMNS), np.int16)
    for n in range(COUNT):
        row, column = n // side * ROWS, n % side * COLUMNS
        tiles[row : row + ROWS, column : column + COLUMNS] = n + 1
    whole = (side - 1) / 2
    position = FIRST - DOWN * SPACING[0] * ROWS * whole - RIGHT * SPACING[1] * COLUMNS * whole
    path = dicom(
        tiles,
        "mosaic.dcm",
        modality="MR",
        sop_class=MRImageStorage,
        ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"],
        ImagePositionPatient=position.tolist(),
        ImageOrientationPatient=[*RIGHT.tolist(), *DOWN.tolist()],
        PixelSpacing=SPACING.tolist(),
        SpacingBetweenSlices=STEP,
        SliceThickness=2,
        Manufacturer="SIEMENS",
    )
    header = pydicom.dcmread(path)
    elements = {"EchoLinePosition": ["12", "13"]}
    if count == "element":
        header.add_new((0x0019, 0x0010), "LO", "SIEMENS MR HEADER")
        header.add_new((0x0019, 0x100A), "US", COUNT)
    elif count == "CSA":
        elements["NumberOfImagesInMosaic"] = [str(COUNT)]
    if normal is not None:
        elements["SliceNormalVector"] = [f"{v:.8f}" for v in normal]
    header.add_new((0x0029, 0x0010), "LO", "SIEMENS CSA HEADER")
    header.add_new((0x0029, 0x1010), "OB", csa(elements, second=second))
    header.save_as(path)
    return path


@pytest.mark.parametrize("second", [True, False], ids=["CSA2", "CSA1"])
@pytest.mark.parametrize("count", ["element", "CSA"])
@pytest.mark.parametrize("sign", [1, -1])
def test_each_tile_lies_in_its_place(dicom, sign, count, second):
    image = read_case(written(dicom, normal=sign * NORMAL, count=count, second=second)).image
    assert image.data.shape == (COUNT, ROWS, COLUMNS)
    for n in range(COUNT):
        k = n if sign > 0 else COUNT - 1 - n
        assert (pixels(image)[k] == n + 1).all()
        place = FIRST + sign * STEP * n * NORMAL + DOWN * SPACING[0] * 2 + RIGHT * SPACING[1] * 3
        np.testing.assert_allclose(to_world(image.space, np.array([k, 2.0, 3.0])), place, atol=1e-6)


def test_without_a_stated_normal_slices_follow_that_of_the_picture(dicom):
    image = read_case(written(dicom)).image
    assert pixels(image)[:, 0, 0].tolist() == list(range(1, COUNT + 1))


def test_a_mosaic_that_does_not_say_how_many_slices_it_holds_is_refused(dicom):
    with pytest.raises(FormatError, match="how many slices it holds"):
        read_case(written(dicom, count="nowhere"))


def test_a_normal_that_does_not_stand_on_the_slices_is_refused(dicom):
    with pytest.raises(FormatError, match="stands on its slices"):
        read_case(written(dicom, normal=RIGHT))


@pytest.mark.parametrize("cut", [0, 3, 8, 15, 40, 99, 110, 180])
def test_a_private_header_that_is_cut_off_gives_what_was_before_the_cut(cut):
    whole = csa({"EchoLinePosition": ["12", "13"], "SliceNormalVector": ["0", "0", "1"]})
    found = csa_elements(whole[:cut])
    assert all(
        csa_elements(whole)[name][: len(values)] == values or not values for name, values in found.items()
    )
