"""Findings come back from a structured report as they went in, places to the 32 bits that coordinates have there."""

import dataclasses
from datetime import UTC, datetime

import numpy as np
import pytest
from battery import PROVENANCE
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from skiagraph import codes
from skiagraph.case import Case
from skiagraph.codes import Code
from skiagraph.errors import NoDicomHome
from skiagraph.findings import (
    Box,
    Boxes,
    Classification,
    Contour,
    Contours,
    Interval,
    Landmark,
    Landmarks,
    Measurement,
    NotApplicable,
    Text,
)
from skiagraph.geometry import Grid, Plane, Timeline, derived_frame
from skiagraph.image import Image
from skiagraph.interchange.identity import SKIAGRAPH, Content, Series, content_of
from skiagraph.interchange.object import dataset_of, encoded
from skiagraph.interchange.sr import report_object, understood
from skiagraph.testing.strategies import findings, images, spaces, spatial_findings

SERIES = Series(number=5, description="Measurements")
CONTENT = content_of(PROVENANCE, "Measurements")
FACTS = Measurement | Classification | Text | NotApplicable
MARKS = Landmarks | Boxes | Contours
SIZE = 23, 31
RARE = [HealthCheck.filter_too_much, HealthCheck.too_slow]  # of all kinds only some are asked for here


def picture(*, spacing=(0.5, 0.25), moments=None, affine=None):
    timeline = None if moments is None else Timeline(times=np.arange(moments, dtype=float))
    space = Plane.upright(shape=SIZE, spacing=spacing, frame=derived_frame("picture"), timeline=timeline)
    if affine is not None:
        space = dataclasses.replace(space, affine=affine)
    return case_of(space)


def case_of(space):
    time = () if space.timeline is None else (len(space.timeline),)
    return Case(
        identifier="case",
        images={"image": Image(data=np.zeros((*time, *space.shape), np.uint8), space=space)},
    )


def back(found, case):
    return understood(dataset_of(report_object(found, case, SKIAGRAPH, SERIES, CONTENT)))


def assert_same(before, after):
    assert type(after) is type(before)
    if isinstance(before, FACTS):
        assert after == before
        return
    assert after.space == before.space
    assert len(after.items) == len(before.items)
    for one, other in zip(before.items, after.items, strict=True):
        assert (one.code, one.confidence, one.moment) == (other.code, other.confidence, other.moment)
        assert getattr(one, "closed", None) == getattr(other, "closed", None)
        for name in {"point", "points", "low", "high"} & {f.name for f in dataclasses.fields(one)}:
            near(getattr(one, name), getattr(other, name), before.space, world=name.startswith("point"))


def near(one, other, space, *, world):
    """Twice the rounding of 32 bits, of mm in the patient or of pixels."""
    assert other.shape == one.shape
    axes = np.abs(space.affine[:-1, :-1])
    inverse = np.abs(np.linalg.inv(space.affine[:-1, :-1]))
    far = np.abs(space.affine[:-1, -1])
    index = np.abs(one) if not world else inverse @ (np.abs(np.atleast_2d(one)).max(axis=0) + far)
    places = (
        axes @ (np.atleast_2d(index).max(axis=0) + 0.5) + far
    )  # pixels are counted from the corner of the first
    tolerance = (axes @ inverse @ places if world else inverse @ places).max() * 2.0**-22 + 1e-9
    np.testing.assert_allclose(other, one, rtol=0, atol=tolerance)


@settings(max_examples=30, suppress_health_check=RARE)
@given(found=st.lists(findings().filter(lambda f: isinstance(f, FACTS)), max_size=4))
def test_facts_come_back_exactly(found):
    read = back(found, picture())
    assert list(read.findings) == found
    assert read.problems == ()


@st.composite
def marked(draw):
    space = draw(spaces())
    kinds = spatial_findings(space=space).filter(lambda f: isinstance(f, MARKS))
    case = Case(identifier="case", images={"image": draw(images(space=space))})
    return case, draw(st.lists(kinds, min_size=1, max_size=3))


@settings(max_examples=40, suppress_health_check=RARE)
@given(marked())
def test_marks_come_back_to_the_bits_that_coordinates_have(drawn):
    case, found = drawn
    try:
        read = back(found, case)
    except NoDicomHome:  # rows and columns of an image that is no DICOM do not stand at right angles
        assume(False)  # noqa: FBT003
    assert read.problems == ()
    assert len(read.findings) == len(found)
    for before, after in zip(found, read.findings, strict=True):
        assert_same(before, after)


@settings(max_examples=10, suppress_health_check=RARE)
@given(marked())
def test_the_same_findings_give_the_same_bytes(drawn):
    case, found = drawn
    try:
        first = report_object(found, case, SKIAGRAPH, SERIES, CONTENT)
    except NoDicomHome:
        assume(False)  # noqa: FBT003
    again = report_object(found, case, SKIAGRAPH, SERIES, CONTENT)
    assert encoded(again) == encoded(first)
    assert again.sop_instance_uid == first.sop_instance_uid


@pytest.mark.parametrize(
    "words",
    [
        "左肺上叶见结节，大小约 12 mm。\n建议随访。",
        "line\r\nline\ttab",
        "backslash \\ and ^ and = and {}",
        "ends with blanks   ",
        "  begins with blanks",
        "\x00zero inside\x00",
        "bell \x07, escape \x1b, delete \x7f, next line \x85",
        "🫁 beyond the first plane",
        "x" * 100_000,
    ],
    ids=["Chinese", "layout", "delimiters", "end", "begin", "zero", "controls", "emoji", "long"],
)
def test_words_of_any_kind_come_back(words):
    told = Measurement(concept=codes.HEAD_CIRCUMFERENCE, value=1.0, unit=codes.MM, method=words)
    refused = NotApplicable(reason="poor-quality", explanation=words)
    found = [Text(text=words, language="zh-Hans"), told, refused]
    assert list(back(found, picture()).findings) == found


def test_a_language_that_is_none_comes_back():
    found = [Text(text="words", language=language) for language in ("", "de_CH", "a" * 40)]
    assert list(back(found, picture()).findings) == found


@pytest.mark.parametrize(
    "value", [0.1, 1 / 3, -0.0, 5e-324, 1.7976931348623157e308, 123456789.123456789, 1e-17]
)
def test_numbers_come_back_bit_by_bit(value):
    found = Measurement(concept=codes.HEAD_CIRCUMFERENCE, value=value, unit=codes.MM)
    [read] = back([found], picture()).findings
    assert np.float64(read.value).tobytes() == np.float64(value).tobytes()


@pytest.mark.parametrize(("low", "high"), [(1.1, 3.3), (2.9, 3.0), (-1e9, 1e-9), (2.3, 2.3)])
def test_intervals_come_back_also_where_they_do_not_hold_the_value(low, high):
    interval = Interval(low=low, high=high, level=0.9)
    found = Measurement(concept=codes.HEAD_CIRCUMFERENCE, value=2.2, unit=codes.MM, interval=interval)
    assert list(back([found], picture()).findings) == [found]


def test_every_certainty_in_thousandths_comes_back_exactly():
    items = [Landmark(code=codes.HEAD, point=np.zeros(2), confidence=n / 1000) for n in range(0, 1001, 19)]
    [read] = back([Landmarks(space=picture().image.space, items=tuple(items))], picture()).findings
    assert [item.confidence for item in read.items] == [item.confidence for item in items]


LINES = {
    "ends where it begins": [[0, 0], [4, 0], [4, 4], [0, 0]],
    "goes back on itself": [[0, 0], [4, 0]],
    "stays": [[1, 1], [1, 1]],
    "triangle": [[0, 0], [4, 0], [4, 4]],
}


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("points", LINES.values(), ids=LINES)
@pytest.mark.parametrize("ndim", [2, 3])
def test_lines_stay_closed_or_open(points, closed, ndim):
    flat = np.array(points, float)
    where = (
        picture() if ndim == 2 else case_of(Grid(shape=(3, 4, 5), affine=np.eye(4), frame=derived_frame("g")))
    )
    points = flat if ndim == 2 else np.concatenate([flat, flat[:, :1] ** 2], axis=1)
    found = Contours(space=where.image.space, items=(Contour(code=codes.HEAD, points=points, closed=closed),))
    [read] = back([found], where).findings
    assert read.items[0].closed is closed
    np.testing.assert_allclose(read.items[0].points, points, atol=1e-5)


def test_a_box_thinner_than_32_bits_tell_is_still_a_box():
    grid = Grid(shape=(4, 4, 4), affine=np.eye(4), frame=derived_frame("g"))
    low = np.array([400.0, 0, 0])
    found = Boxes(space=grid, items=(Box(code=codes.HEAD, low=low, high=low + 1e-9),))
    [read] = back([found], case_of(grid)).findings
    np.testing.assert_allclose(read.items[0].low, low, atol=1e-4)


def test_marks_on_another_lattice_of_the_same_picture_lie_in_the_pixels_of_the_picture():
    whole = picture()
    turned = np.array(
        [[0.25, 0.0, 1.0], [0.0, 0.5, 2.0], [0.0, 0.0, 1.0]]
    )  # columns first, from column 4, row 4
    part = dataclasses.replace(whole.image.space, shape=(9, 7), affine=turned)
    item = Box(code=codes.HEAD, low=np.array([0.0, 1.0]), high=np.array([2.0, 5.0]))
    made = report_object([Boxes(space=part, items=(item,))], whole, SKIAGRAPH, SERIES, CONTENT)
    [read] = understood(dataset_of(made)).findings
    assert_same(Boxes(space=part, items=(item,)), read)
    [drawn] = [e.value for e in made.header.iterall() if e.keyword == "GraphicData"]
    corners = np.reshape(drawn, (-1, 2))
    np.testing.assert_allclose(
        corners.min(axis=0), [4.5, 5.5]
    )  # column 4, row 5, from the corner of the pixel
    np.testing.assert_allclose(corners.max(axis=0), [6.5, 9.5])


def test_places_in_a_stack_of_unknown_size_come_back_though_pixels_have_no_depth():
    stack = Grid(shape=(5, 9, 9), affine=np.eye(4), frame=derived_frame("stack"), unit="pixel")
    points = np.array([[1.0, 2.0, 3.0], [2.5, 2.0, 3.0], [4.0, 7.0, 1.0]])
    found = [
        Contours(space=stack, items=(Contour(code=codes.HEAD, points=points),)),
        Landmarks(space=stack, items=(Landmark(code=codes.HEAD, point=points[1]),)),
        Boxes(space=stack, items=(Box(code=codes.HEAD, low=points[0], high=points[0] + 1.25),)),
    ]
    for before, after in zip(found, back(found, case_of(stack)).findings, strict=True):
        assert_same(before, after)


def test_marks_without_any_item_come_back():
    space = picture().image.space
    found = [Landmarks(space=space, items=()), Boxes(space=space, items=()), Contours(space=space, items=())]
    read = back(found, picture()).findings
    assert [(type(f), f.items, f.space) for f in read] == [(type(f), (), space) for f in found]


def test_findings_of_many_kinds_keep_their_order():
    space = picture().image.space
    word = Text(text="words")
    number = Measurement(concept=codes.HEAD_CIRCUMFERENCE, value=1.0, unit=codes.MM)
    points = Landmarks(space=space, items=(Landmark(code=codes.HEAD, point=np.ones(2)),))
    none = NotApplicable(reason="wrong-modality", explanation="This is no sonogram.")
    found = [word, number, points, none, number, word, points]
    assert [type(f) for f in back(found, picture()).findings] == [type(f) for f in found]


def test_a_code_without_words_is_called_by_its_value_and_one_with_long_words_by_their_beginning():
    found = [
        Measurement(concept=Code(value="X", scheme="99TEST"), value=1.0, unit=codes.MM),
        Measurement(concept=Code(value="Y", scheme="99TEST", meaning="a\\b" * 50), value=1.0, unit=codes.MM),
    ]
    read = back(found, picture()).findings
    assert [f.concept.meaning for f in read] == ["X", ("a/b" * 50)[:64]]
    assert list(read) == found


def test_another_time_is_another_object():
    later = Content(description="Measurements", created=datetime(2026, 2, 3, tzinfo=UTC))
    found = [Text(text="words")]
    first, second = (report_object(found, picture(), SKIAGRAPH, SERIES, c) for c in (CONTENT, later))
    assert first.sop_instance_uid != second.sop_instance_uid
