"""Landmarks: errors in mm by hand, and those that were not marked."""

import math

import numpy as np
import pytest

from skiagraph.codes import Code
from skiagraph.errors import GeometryError, InvalidInput
from skiagraph.findings import Landmark, Landmarks
from skiagraph.geometry import Plane, derived_frame
from skiagraph.metrics import landmarks
from skiagraph.task import evaluate
from skiagraph.testing import check_metric

CODES = [Code(value=w, scheme="99TEST", meaning=w) for w in ("sella", "nasion", "orbitale")]


def marks(*points, spacing=(1.0, 1.0), frame="head"):
    space = Plane.upright(shape=(30, 40), spacing=spacing, frame=derived_frame(frame))
    items = tuple(
        Landmark(code=c, point=np.array(p, dtype=float))
        for c, p in zip(CODES, points, strict=False)
        if p is not None
    )
    return Landmarks(space=space, items=items)


TRUE = marks((1, 1), (10, 10), (20, 20))


def test_errors_by_hand(adds_up):
    figures = adds_up(landmarks(), [(marks((1, 1), (13, 14), (20, 22)), TRUE), (TRUE, TRUE)])
    assert figures["mean radial error [mm]"] == pytest.approx((0 + 5 + 2) / 6)
    assert figures["root mean square radial error [mm]"] == pytest.approx(math.sqrt(29 / 6))
    assert figures["within 2 mm"] == pytest.approx(5 / 6)
    assert figures["within 4 mm"] == pytest.approx(5 / 6)
    assert (figures["landmarks"], figures["missed landmarks"], figures["extra landmarks"]) == (6, 0, 0)


def test_a_landmark_that_was_missed_counts(adds_up):
    figures = adds_up(landmarks(), [(marks((1, 1), None, (20, 20)), TRUE), (TRUE, marks((1, 1), (10, 10)))])
    assert figures["mean radial error [mm]"] == pytest.approx(50 / 5), "the diagonal of 30 by 40 mm"
    assert figures["mean radial error of found [mm]"] == 0.0
    assert figures["within 4 mm"] == pytest.approx(4 / 5)
    assert (figures["missed landmarks"], figures["extra landmarks"]) == (1, 1)


def test_without_a_size_there_are_no_mm(rng):
    flat = marks((1, 1), spacing=None)
    found = evaluate([("a", flat, flat), ("b", TRUE, TRUE)], landmarks(), rng=rng, resamples=20)
    assert (found["within 2 mm"].n, found["within 2 mm"].excluded, found["landmarks"].value) == (1, 1, 4)


def test_what_does_not_fit_is_refused():
    with pytest.raises(GeometryError, match="one frame and unit"):
        landmarks().tally(marks((1, 1), frame="other"), TRUE)
    twice = Landmarks(space=TRUE.space, items=TRUE.items[:1] * 2)
    with pytest.raises(InvalidInput, match="each landmark stands once"):
        landmarks().tally(twice, TRUE)
    for radii in ((0.0,), (2.0, 2.0), (math.nan,)):
        with pytest.raises(InvalidInput, match="radii are lengths"):
            landmarks(radii=radii)


def test_the_contract_holds():
    check_metric(landmarks(), [(TRUE, TRUE), (marks((2, 2)), TRUE), (marks((2, 2), (3, 3)), TRUE)])
