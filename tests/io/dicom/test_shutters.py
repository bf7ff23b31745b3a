"""Shutters and collimators: rectangles, circles and polygons leave open what the standard says."""

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from skiagraph.errors import FormatError
from skiagraph.geometry import Grid, Plane, derived_frame
from skiagraph.io.dicom.shutters import collimator, shutter, shutter_findings

FRAME = derived_frame("shutters")


def header(rows=5, columns=7, **elements):
    ds = Dataset()
    ds.Rows, ds.Columns = rows, columns
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    return ds


RECTANGLE = {
    "ShutterLeftVerticalEdge": 2,
    "ShutterRightVerticalEdge": 4,
    "ShutterUpperHorizontalEdge": 3,
    "ShutterLowerHorizontalEdge": 5,
}

CIRCLE = {"CenterOfCircularShutter": [3, 4], "RadiusOfCircularShutter": 2}

SHAPES = [
    # what the file states, the picture of what is open
    ({"ShutterShape": "RECTANGULAR", **RECTANGLE}, [".......", ".......", ".###...", ".###...", ".###..."]),
    (
        {"ShutterShape": "CIRCULAR", **CIRCLE},
        ["...#...", "..###..", ".#####.", "..###..", "...#..."],
    ),
    (
        {"ShutterShape": "POLYGONAL", "VerticesOfThePolygonalShutter": [1, 1, 1, 5, 5, 1]},
        ["#####..", "####...", "###....", "##.....", "#......"],
    ),
    (
        {"ShutterShape": ["RECTANGULAR", "CIRCULAR"], **RECTANGLE, **CIRCLE},
        [".......", ".......", ".###...", "..##...", "...#..."],
    ),
    # pixels twice as high as wide: the circle has two columns a row
    (
        {"ShutterShape": "CIRCULAR", **CIRCLE, "PixelSpacing": [2, 1]},
        [".......", "...#...", ".#####.", "...#...", "......."],
    ),
]


@pytest.mark.parametrize(("stated", "picture"), SHAPES)
def test_a_shutter_leaves_open_what_it_says(stated, picture):
    found = shutter(header(**stated))
    assert ["".join("#" if v else "." for v in row) for row in found] == picture


@pytest.mark.parametrize(
    "stated",
    [
        {},
        {"ShutterShape": "RECTANGULAR"},
        {"ShutterShape": "RECTANGULAR", "ShutterLeftVerticalEdge": 2},
        {"ShutterShape": "POLYGONAL", "VerticesOfThePolygonalShutter": [1, 1, 2, 2]},
        {"ShutterShape": "BITMAP"},
        RECTANGLE,
    ],
)
def test_without_a_whole_shape_there_is_no_shutter(stated):
    assert shutter(header(**stated)) is None


def test_the_shutter_of_a_frame_stands_before_that_of_its_object():
    groups, frame = (
        Dataset(),
        header(ShutterShape="CIRCULAR", CenterOfCircularShutter=[1, 1], RadiusOfCircularShutter=0),
    )
    groups.FrameDisplayShutterSequence = Sequence([frame])
    assert np.argwhere(shutter(header(ShutterShape="RECTANGULAR", **RECTANGLE), groups)).tolist() == [[0, 0]]


def test_a_collimator_is_read_as_a_shutter_is():
    edges = {name.replace("Shutter", "Collimator"): value for name, value in RECTANGLE.items()}
    ds = header(CollimatorShape="RECTANGULAR", **edges)
    np.testing.assert_array_equal(collimator(ds), shutter(header(ShutterShape="RECTANGULAR", **RECTANGLE)))
    assert shutter(ds) is None


@pytest.mark.parametrize("volume", [False, True])
def test_what_is_open_is_a_finding_in_the_space_of_the_image(volume):
    space = (
        Grid(shape=(1, 5, 7), affine=np.eye(4), frame=FRAME)
        if volume
        else Plane.upright(shape=(5, 7), spacing=None, frame=FRAME)
    )
    found = shutter_findings(header(ShutterShape="RECTANGULAR", **RECTANGLE), space)
    assert list(found) == ["shutter"]
    assert found["shutter"].mask(1).sum() == 9
    assert found["shutter"].segments[0].code.value == "in-shutter"


def test_a_shutter_of_more_pixels_than_can_be_is_refused():
    with pytest.raises(FormatError, match="fewer pixels"):
        shutter(header(rows=65535, columns=65535, ShutterShape="RECTANGULAR", **RECTANGLE))
