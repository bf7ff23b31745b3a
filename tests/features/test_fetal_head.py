"""Measurements of a head whose size is known, in planes of every kind."""

import math

import numpy as np
import pytest
from scipy import special

from skiagraph import codes
from skiagraph.errors import InvalidInput
from skiagraph.features import Ellipse, measured_head, rasterised
from skiagraph.findings import Contours, Measurement, NotApplicable, Segment, Segmentation
from skiagraph.geometry import Grid, Plane, Timeline, derived_frame, to_index

FRAME = derived_frame("head")
LONG, SHORT, ANGLE = 50.0, 39.0, 0.4  # mm, mm, radians from x towards y
HC = 4 * LONG * special.ellipe(1 - (SHORT / LONG) ** 2)
SHAPE = (540, 800)


def head_in(spacing, shape=SHAPE, centre=None):
    """A drawn head of LONG and SHORT in a plane with mm (row, column) spacing."""
    plane = Plane.upright(shape=shape, spacing=spacing, frame=FRAME)
    c, s = math.cos(ANGLE), math.sin(ANGLE)
    turn = np.array([[c, -s], [s, c]])
    middle = (
        np.array([shape[1] * spacing[1], shape[0] * spacing[0]]) / 2 if centre is None else np.array(centre)
    )
    world = Ellipse(centre=middle, form=turn @ np.diag([LONG**2, SHORT**2]) @ turn.T)
    back = np.linalg.inv(plane.affine)
    in_pixels = world.mapped(back[:2, :2], back[:2, 2])
    return segmentation(plane, rasterised(in_pixels, shape))


def segmentation(space, mask):
    return Segmentation(
        space=space, labels=mask.astype(np.uint8), segments=(Segment(number=1, code=codes.HEAD),)
    )


def measurements(findings):
    return {f.concept: f for f in findings if isinstance(f, Measurement)}


SPACINGS = {"square": (0.2, 0.2), "fine": (0.17, 0.17), "tall": (0.25, 0.15), "broad": (0.2, 0.3)}


@pytest.mark.parametrize("spacing", SPACINGS.values(), ids=SPACINGS)
def test_a_known_head_is_measured_to_a_tenth_of_a_millimetre(spacing):
    findings = measured_head(head_in(spacing), {})
    found = measurements(findings)
    assert found[codes.HEAD_CIRCUMFERENCE].value == pytest.approx(HC, abs=0.1)
    assert found[codes.BIPARIETAL_DIAMETER].value == pytest.approx(2 * SHORT, abs=0.1)
    assert found[codes.OCCIPITOFRONTAL_DIAMETER].value == pytest.approx(2 * LONG, abs=0.1)
    assert [f.unit for f in found.values()] == [codes.MM, codes.MM, codes.MM, codes.WEEK]
    assert all(f.interval is None for f in list(found.values())[:3]), "no calibration, no interval"
    assert isinstance(findings[0], Contours)


@pytest.mark.parametrize("spacing", SPACINGS.values(), ids=SPACINGS)
def test_the_lines_that_are_shown_are_those_that_were_measured(spacing):
    segmented = head_in(spacing)
    contours, *rest = measured_head(segmented, {})
    found = measurements(rest)
    lines = {line.code: line for line in contours.items}
    for code in (codes.BIPARIETAL_DIAMETER, codes.OCCIPITOFRONTAL_DIAMETER):
        assert not lines[code].closed
        length = np.linalg.norm(lines[code].points[1] - lines[code].points[0])
        assert length == pytest.approx(found[code].value, abs=1e-6)
    long = np.diff(lines[codes.OCCIPITOFRONTAL_DIAMETER].points, axis=0)[0] / (2 * LONG)
    short = np.diff(lines[codes.BIPARIETAL_DIAMETER].points, axis=0)[0] / (2 * SHORT)
    assert abs(long @ [math.cos(ANGLE), math.sin(ANGLE)]) == pytest.approx(1.0, abs=0.005)
    assert long @ short == pytest.approx(0.0, abs=1e-3)
    assert lines[codes.HEAD].closed
    index = np.rint(to_index(segmented.space, lines[codes.HEAD].points)).astype(int)
    near = segmented.labels[index[:, 0, None] + [-2, 0, 2], index[:, 1, None] + [-2, 0, 2]]
    assert 0.3 < near.mean() < 0.7, "the outline runs along the edge of the mask"


def test_without_a_size_there_are_lines_and_no_millimetre():
    mask = head_in((0.2, 0.2)).labels == 1
    plane = Plane.upright(shape=SHAPE, spacing=None, frame=FRAME)
    (contours,) = measured_head(segmentation(plane, mask), {})
    assert isinstance(contours, Contours)
    lines = {line.code: line.points for line in contours.items}
    assert np.linalg.norm(np.diff(lines[codes.OCCIPITOFRONTAL_DIAMETER], axis=0)) == pytest.approx(
        500.0, abs=0.5
    )


def test_an_empty_outline_is_not_measured():
    plane = Plane.upright(shape=(20, 30), spacing=(1.0, 1.0), frame=FRAME)
    assert measured_head(segmentation(plane, np.zeros((20, 30))), {}) == ()
    nothing = Segmentation(space=plane, labels=np.zeros((20, 30), np.uint8), segments=())
    assert measured_head(nothing, {}) == ()


def test_the_inset_takes_half_a_pen_from_both_semi_axes():
    found = measurements(measured_head(head_in((0.2, 0.2)), {"inset": 0.0025}))  # 2 of 800 pixels, 0.4 mm
    assert found[codes.BIPARIETAL_DIAMETER].value == pytest.approx(2 * (SHORT - 0.4), abs=0.1)
    assert found[codes.OCCIPITOFRONTAL_DIAMETER].value == pytest.approx(2 * (LONG - 0.4), abs=0.1)


def test_the_interval_is_the_calibrated_share_of_the_value():
    errors = {codes.HEAD_CIRCUMFERENCE.value: 0.03, codes.BIPARIETAL_DIAMETER.value: 0.05}
    found = measurements(measured_head(head_in((0.2, 0.2)), {"relative error": errors}))
    hc, bpd = found[codes.HEAD_CIRCUMFERENCE], found[codes.BIPARIETAL_DIAMETER]
    assert (hc.interval.low, hc.interval.high) == pytest.approx((0.97 * hc.value, 1.03 * hc.value))
    assert (bpd.interval.low, bpd.interval.high) == pytest.approx((0.95 * bpd.value, 1.05 * bpd.value))
    assert found[codes.OCCIPITOFRONTAL_DIAMETER].interval is None
    assert hc.interval.level == 0.95


def test_the_age_stands_last_or_says_why_there_is_none():
    age = measured_head(head_in((0.2, 0.2)), {})[-1]
    assert age.concept == codes.GESTATIONAL_AGE
    assert age.value == pytest.approx(8.96 + 0.54 * HC / 10 + 0.0003 * (HC / 10) ** 3, abs=0.02)
    small = head_in((0.2, 0.2))
    plane = Plane.upright(shape=SHAPE, spacing=(0.04, 0.04), frame=FRAME)
    assert isinstance(measured_head(segmentation(plane, small.labels == 1), {})[-1], NotApplicable)


@pytest.mark.parametrize("what", ["volume", "cine"])
def test_volumes_and_moving_pictures_are_refused(what):
    if what == "volume":
        space = Grid(shape=(4, 5, 6), affine=np.eye(4), frame=FRAME)
        mask = np.zeros((4, 5, 6))
    else:
        timeline = Timeline(times=np.arange(2.0))
        space = Plane.upright(shape=(5, 6), spacing=(1.0, 1.0), frame=FRAME, timeline=timeline)
        mask = np.zeros((2, 5, 6))
    with pytest.raises(InvalidInput, match="still plane"):
        measured_head(segmentation(space, mask), {})
