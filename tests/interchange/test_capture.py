"""Pictures with the overlay burned in: what is drawn is where it was found, and the object says what it is."""

import numpy as np
import pydicom
import pytest
import SimpleITK
from battery import LESION, LIVER, PROVENANCE, SPLEEN, fields, segmentations, spatial_marks
from hypothesis import given, settings
from sources import marks

from skiagraph import codes
from skiagraph.errors import InvalidInput
from skiagraph.findings import Heatmap, Landmark, Landmarks, Segment, Segmentation
from skiagraph.geometry import Grid, Plane, derived_frame
from skiagraph.image import Image
from skiagraph.interchange.capture import capture, overlaid
from skiagraph.interchange.identity import SKIAGRAPH, Series, content_of
from skiagraph.interchange.object import encoded, save
from skiagraph.interchange.places import origin_of
from skiagraph.testing.strategies import images, spatial_findings

SERIES = Series(number=8108, description="Overlay burned in")
CONTENT = content_of(PROVENANCE, "Overlay burned in")
ORANGE, BLUE = (230, 159, 0), (86, 180, 233)
PLANE = Plane.upright(shape=(40, 30), spacing=(1.0, 1.0), frame=derived_frame("plane"))
GREY = Image(data=np.full((40, 30), 90, np.uint8), space=PLANE)


def drawn(case):
    found = [*segmentations(case).values(), *fields(case).values(), *spatial_marks(case).values()]
    return [f for f in found if hasattr(f, "space")]


def near(picture, colour):
    """Where a colour is, apart from the legend."""
    return (np.abs(picture[26:].astype(int) - colour).max(axis=-1) < 12) & (np.arange(picture.shape[1]) > 60)


def test_over_each_source_it_is_valid_and_the_same_at_each_writing(source, validator, tmp_path):
    pictures, origin = overlaid(source.image, drawn(source)), origin_of(source, next(iter(source.images)))
    made = capture(pictures, origin, SKIAGRAPH, SERIES, CONTENT)
    save(made, tmp_path / "capture.dcm")
    assert validator(tmp_path / "capture.dcm") == []
    again = capture(
        overlaid(source.image, drawn(source)),
        origin_of(source, next(iter(source.images))),
        SKIAGRAPH,
        SERIES,
        CONTENT,
    )
    assert encoded(again) == (tmp_path / "capture.dcm").read_bytes()
    several = len(pictures) > 1
    stored = pydicom.dcmread(tmp_path / "capture.dcm").pixel_array
    np.testing.assert_array_equal(stored, np.stack(pictures) if several else pictures[0])
    read = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(tmp_path / "capture.dcm")))
    np.testing.assert_array_equal(read.reshape(stored.shape), stored)


def test_it_says_that_it_is_no_source_image(drawn_source):
    case = drawn_source("axial CT").case
    ds = capture(overlaid(case.image, drawn(case)), case.origins["image"], SKIAGRAPH, SERIES, CONTENT).header
    assert ds.BurnedInAnnotation == "YES"
    assert ds.ImageType[:2] == ["DERIVED", "SECONDARY"]
    assert ds.ConversionType == "WSD"
    assert "Not a source image" in ds.DerivationDescription
    assert "software" in ds.ImageComments
    assert len(ds.SourceImageSequence) == len(case.origins["image"].instances)
    assert "FrameOfReferenceUID" not in ds


@pytest.mark.parametrize("picture", [
    np.zeros((4, 5), np.uint8), np.zeros((4, 5, 3), np.float32),
    np.zeros((4, 5, 4), np.uint8), np.zeros((0, 5, 3), np.uint8),
])  # fmt: skip
def test_only_colour_pictures_are_captured(picture, drawn_source):
    with pytest.raises(InvalidInput, match="red, green and blue"):
        capture([picture], origin_of(drawn_source("PNG").case, "image"), SKIAGRAPH, SERIES, CONTENT)
    with pytest.raises(InvalidInput, match="red, green and blue"):
        capture([], origin_of(drawn_source("PNG").case, "image"), SKIAGRAPH, SERIES, CONTENT)


def test_smaller_pictures_get_a_dark_edge(drawn_source):
    pictures = [np.full((4, 6, 3), 200, np.uint8), np.full((5, 3, 3), 100, np.uint8)]
    made = capture(pictures, origin_of(drawn_source("PNG").case, "image"), SKIAGRAPH, SERIES, CONTENT)
    assert (made.header.Rows, made.header.Columns, made.header.NumberOfFrames) == (5, 6, 2)


def test_a_mask_is_drawn_where_it_is_and_nowhere_else():
    labels = np.zeros((40, 30), np.uint8)
    labels[10:20, 5:25] = 1
    found = Segmentation(space=PLANE, labels=labels, segments=(Segment(number=1, code=LIVER),))
    (picture,) = overlaid(GREY, [found])
    rows, columns = np.nonzero(near(picture, ORANGE)[:640])
    scale = 640 / 40
    left = (picture.shape[1] - 30 * scale) / 2
    assert np.abs(np.array([rows.min(), rows.max()]) / scale - (10, 20)).max() < 0.3
    assert np.abs((np.array([columns.min(), columns.max()]) - left) / scale - (5, 25)).max() < 0.3
    middle = picture[26 + int(15 * scale), picture.shape[1] // 2].astype(int)
    assert middle[0] > middle[2]
    outside = picture[26 + int(30 * scale), picture.shape[1] // 2]
    assert tuple(outside) == (90, 90, 90)


def test_every_code_has_a_colour_of_its_own_and_a_line_of_the_legend():
    labels = np.zeros((40, 30), np.uint8)
    labels[2:12, 5:25], labels[20:30, 5:25] = 1, 2
    segments = (Segment(number=1, code=LIVER), Segment(number=2, code=SPLEEN))
    both = Segmentation(space=PLANE, labels=labels, segments=segments)
    one = Segmentation(space=PLANE, labels=(labels == 1).astype(np.uint8), segments=segments[:1])
    (two_lines,), (one_line,) = overlaid(GREY, [both]), overlaid(GREY, [one])
    assert near(two_lines, ORANGE).any()
    assert near(two_lines, BLUE).any()
    assert two_lines.shape[0] > one_line.shape[0]


def test_pixels_that_are_not_square_are_shown_in_true_proportions():
    space = Plane.upright(shape=(40, 30), spacing=(1.0, 4.0), frame=derived_frame("flat"))
    (picture,) = overlaid(Image(data=np.full((40, 30), 90, np.uint8), space=space), [])
    shown = (picture == 90).all(axis=-1)
    height, width = np.ptp(np.nonzero(shown.any(axis=1))[0]) + 1, np.ptp(np.nonzero(shown.any(axis=0))[0]) + 1
    assert width / height == pytest.approx(30 * 4 / 40, rel=0.01)


@pytest.mark.parametrize(
    "name", ["axial CT", "NIfTI LAS", "NIfTI RAS", "NIfTI oblique", "cardiac cine", "ultrasound cine"]
)
def test_each_slice_that_holds_something_is_one_picture(name, drawn_source):
    case = drawn_source(name).case
    found = segmentations(case)
    holding = int((marks(case) == 1).reshape(-1, *case.image.space.shape[-2:]).any(axis=(1, 2)).sum())
    assert len(overlaid(case.image, [found["letter"]])) == holding
    with_pole = marks(case) > 0
    every = with_pole.reshape(-1, *case.image.space.shape[-2:]).any(axis=(1, 2)).sum()
    assert len(overlaid(case.image, [found["exclusive"]])) == min(int(every), 12)


def test_of_many_slices_twelve_are_chosen_evenly():
    space = Grid(shape=(60, 8, 8), affine=np.diag([2.0, 1, 1, 1]), frame=derived_frame("long"))
    image = Image(data=np.zeros(space.shape, np.int16), space=space)
    whole = Segmentation(
        space=space, labels=np.ones(space.shape, np.uint8), segments=(Segment(number=1, code=LIVER),)
    )
    pictures = overlaid(image, [whole])
    assert len(pictures) == 12
    assert len({p.shape for p in pictures}) == 1


def test_where_nothing_is_found_the_middle_is_shown():
    assert len(overlaid(GREY, [])) == 1


def test_heat_is_coloured_where_it_is_high():
    values = np.zeros((40, 30), np.float32)
    values[5:15, 5:15] = 1.0
    values[30:] = np.nan
    heat = Heatmap(space=PLANE, values=values, concept=LESION, unit=codes.ONE)
    (picture,) = overlaid(GREY, [heat])
    left = (picture.shape[1] - 480) // 2
    hot = picture[26 + 160, left + 160].astype(int)
    cold, none = picture[26 + 400, left + 400], picture[26 + 600, left + 400]
    assert hot[0] - hot[2] > 40
    assert tuple(cold) == tuple(none) == (90, 90, 90)


def test_a_finding_of_another_frame_is_named_and_not_drawn():
    other = Plane.upright(shape=(40, 30), spacing=(1.0, 1.0), frame=derived_frame("elsewhere"))
    there = Landmarks(space=other, items=(Landmark(code=LIVER, point=np.array([9.0, 9.0])),))
    (with_words,), (without,) = overlaid(GREY, [there]), overlaid(GREY, [])
    assert with_words.shape[0] > without.shape[0]
    assert not near(with_words, ORANGE).any()


@given(images(), spatial_findings())
@settings(max_examples=25)
def test_any_finding_is_drawn_over_any_image(image, finding):
    for pictures in (overlaid(image, [finding]), overlaid(image, [])):
        assert 1 <= len(pictures) <= 12
        assert {(p.dtype, p.ndim, p.shape[2]) for p in pictures} == {(np.dtype(np.uint8), 3, 3)}


@given(images().flatmap(lambda i: spatial_findings(space=i.space).map(lambda f: (i, f))))
@settings(max_examples=40)
def test_any_finding_is_drawn_over_its_own_image(both):
    image, finding = both
    assert 1 <= len(overlaid(image, [finding])) <= 12
