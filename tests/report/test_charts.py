"""Charts and outlines: well-formed SVG in which every number lies where its axis says."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skiagraph.errors import InvalidInput
from skiagraph.report.charts import Axis, Band, Bars, Chart, Dots, Line, Rule, drawn
from skiagraph.report.outline import outline_path

SVG = ET.fromstring
X, Y = Axis(title="x [mm]", low=0.0, high=10.0), Axis(title="y [%]", low=-5.0, high=5.0)
TWO = np.array([0.0, 10.0])


def chart(*layers, title="A title", **changes):
    return Chart(title=title, x=changes.get("x", X), y=changes.get("y", Y), layers=layers)


def words(svg):
    return [text.text for text in SVG(svg).iter("text")]


def test_a_chart_has_its_title_axes_with_units_and_a_legend():
    svg = drawn(
        chart(
            Line(x=TWO, y=TWO - 5, name="first"),
            Line(x=TWO, y=5 - TWO, name="second", style=1),
            Dots(x=TWO, y=TWO - 5, name="third"),
            Band(x=TWO, low=TWO - 6, high=TWO - 4, name="fourth"),
            Bars(start=TWO, end=TWO + 1, height=TWO - 5, name="fifth"),
            Rule(at=0.0, words="zero"),
        )
    )
    said = words(svg)
    assert {"A title", "x [mm]", "y [%]", "first", "second", "third", "fourth", "fifth", "zero"} <= set(said)
    assert SVG(svg).get("aria-label") == "A title"
    assert {"0", "10", "−4", "4"} <= set(said)


def test_lines_differ_by_their_dashes_and_points_by_their_shapes_so_that_grey_is_enough():
    svg = drawn(chart(*(Line(x=TWO, y=TWO, name=str(n), style=n) for n in range(6))))
    dashes = re.findall(r'class="line" stroke="[^"]*" stroke-dasharray="([^"]*)" d="M6', svg)
    assert len(set(dashes)) == 6
    shapes = [drawn(chart(Dots(x=TWO, y=TWO, style=n))).split("dots")[1][30:60] for n in range(4)]
    assert len(set(shapes)) == 4


def test_points_lie_where_the_axes_say():
    svg = drawn(chart(Dots(x=[0.0, 10.0, 5.0], y=[-5.0, 5.0, np.nan])))
    points = [(float(c.get("cx")), float(c.get("cy"))) for c in SVG(svg).iter("circle")]
    assert points == [(62.0, 302.0), (426.0, 32.0)]


def test_a_line_is_parted_where_a_number_is_missing():
    svg = drawn(chart(Line(x=np.arange(4.0), y=[0.0, np.nan, 1.0, 2.0])))
    (path,) = [p.get("d") for p in SVG(svg).iter("path") if p.get("class") == "line"]
    assert path.count("M") == 2


def test_words_of_users_cannot_break_the_drawing():
    svg = drawn(chart(Line(x=TWO, y=TWO, name='<script>"&'), title="a < b & c"))
    assert '<script>"&' in words(svg)
    assert "a < b & c" in words(svg)


def test_equal_charts_are_equal_bytes_and_do_not_share_their_frames_with_others():
    assert drawn(chart(Line(x=TWO, y=TWO))) == drawn(chart(Line(x=TWO, y=TWO)))
    one, other = (re.search(r'id="(\w+)"', drawn(chart(title=t))).group(1) for t in ("a", "b"))
    assert one != other


@settings(max_examples=40)
@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_every_axis_has_two_to_twelve_rising_ticks_within_its_ends(low, span):
    axis = Axis(title="", low=low, high=low + span) if low + span > low else X
    svg = drawn(chart(y=axis))
    places = [
        float(p.get("d").split()[1].split("H")[0])
        for p in SVG(svg).iter("path")
        if p.get("class") == "grid" and "H" in p.get("d")
    ]
    assert 2 <= len(places) <= 12
    assert all(31.9 <= y <= 302.1 for y in places)
    assert places == sorted(places, reverse=True)


@pytest.mark.parametrize(
    "bad",
    [
        lambda: Axis(title="", low=1.0, high=1.0),
        lambda: Axis(title="", low=0.0, high=np.inf),
        lambda: Line(x=[1.0], y=[1.0, 2.0]),
        lambda: Dots(x=[[1.0]], y=[[1.0]]),
    ],
)
def test_what_is_no_chart_is_refused(bad):
    with pytest.raises(InvalidInput):
        bad()


@given(arrays(np.bool_, (6, 7)))
@settings(max_examples=60)
def test_the_outline_of_a_mask_encloses_its_area_and_nothing_else(mask):
    area = 0.0
    for loop in outline_path(mask).split("M")[1:]:
        corners = [tuple(map(int, p.split())) for p in loop.removesuffix("Z").split("L")]
        assert all(
            (a[0] == b[0]) != (a[1] == b[1]) for a, b in zip(corners, [*corners[1:], corners[0]], strict=True)
        )
        area += (
            sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(corners, [*corners[1:], corners[0]], strict=True))
            / 2
        )
    assert abs(area) == mask.sum()


def test_the_outline_of_one_pixel_is_its_four_corners():
    mask = np.zeros((3, 3), np.bool_)
    mask[1, 2] = True
    assert sorted(outline_path(mask).removeprefix("M").removesuffix("Z").split("L")) == [
        "2 1",
        "2 2",
        "3 1",
        "3 2",
    ]
    assert outline_path(np.zeros((3, 3), np.bool_)) == ""
