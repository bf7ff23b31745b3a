"""Outlines enclose just the mask that they were drawn round, whoever fills them; filling obeys the standard."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from skiagraph.interchange.structure_set import filled, outlines

MASKS = hnp.arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9)))
DRAWN = {
    "one pixel": ["#"],
    "a whole picture": ["###", "###"],
    "a hole": ["###", "#.#", "###"],
    "two holes in a row": ["#####", "#.#.#", "#####"],
    "a hole below another": ["###", "#.#", "###", "#.#", "###"],
    "an island in a hole": ["#####", "#...#", "#.#.#", "#...#", "#####"],
    "touching at a corner": ["#.", ".#"],
    "a hole open at a corner": ["###", "#.#", "##.", "###"],
    "a ring closed only at a corner": [".##", "#.#", "###"],
    "holes that touch at a corner": ["####", "#.##", "##.#", "####"],
    "parts at every border": ["#.#", "...", "#.#"],
    "a chessboard": ["#.#.#", ".#.#.", "#.#.#"],
}


def picture(rows):
    return np.array([[c == "#" for c in row] for row in rows])


def winding(line, shape):
    """How often a line goes round each pixel centre, by the angles under which it is seen: not our way."""
    at = np.stack(np.indices(shape), axis=-1)[..., None, :]
    there = line - at
    angle = np.arctan2(there[..., 0], there[..., 1])
    turns = np.diff(angle, axis=-1, append=angle[..., :1])
    return np.rint(((turns + np.pi) % (2 * np.pi) - np.pi).sum(axis=-1) / (2 * np.pi)).astype(int)


def check(mask):
    lines = outlines(mask)
    assert np.array_equal(filled(lines, mask.shape), mask)
    assert len(lines) == ndimage.label(mask)[1]
    rounds = sum((winding(line, mask.shape) for line in lines), np.zeros(mask.shape, int))
    assert np.array_equal(rounds, mask)  # once round what is inside, and not round holes
    for line in lines:
        assert len(line) >= 4
        assert np.all(line % 1 == 0.5)
        assert np.all((line != np.roll(line, 1, axis=0)).sum(axis=1) == 1)  # along the edges of pixels


@pytest.mark.parametrize("name", DRAWN)
def test_the_outline_of_a_mask_encloses_it_and_nothing_else(name):
    check(picture(DRAWN[name]))


@settings(max_examples=150, deadline=None)
@given(mask=MASKS)
def test_the_outline_of_any_mask_encloses_it_and_nothing_else(mask):
    check(mask)


def test_nothing_has_no_outline():
    assert outlines(np.zeros((3, 4), np.bool_)) == []
    assert not filled([], (3, 4)).any()


def test_lines_go_straight_where_the_mask_does():
    (line,) = outlines(np.ones((20, 30), np.bool_))
    assert line.tolist() == [[-0.5, -0.5], [-0.5, 29.5], [19.5, 29.5], [19.5, -0.5]]


def test_a_hole_is_joined_to_the_outer_line_by_a_keyhole():
    (line,) = outlines(picture(DRAWN["a hole"]))
    corners = [tuple(p) for p in line.tolist()]
    assert corners.count((0.5, -0.5)) == 2  # there and back along the channel
    assert (0.5, 0.5) in corners


def test_large_noise_is_outlined_and_filled_in_a_second():
    mask = np.random.default_rng(0).random((300, 300)) < 0.7
    assert np.array_equal(filled(outlines(mask), mask.shape), mask)


def test_a_line_within_a_line_is_a_hole():
    outer = np.array([[-0.5, -0.5], [-0.5, 6.5], [6.5, 6.5], [6.5, -0.5]])
    inner = np.array([[1.5, 1.5], [1.5, 4.5], [4.5, 4.5], [4.5, 1.5]])
    found = filled([outer, inner], (7, 7))
    assert found.sum() == 49 - 9
    assert not found[2:5, 2:5].any()


def test_pixels_whose_centres_lie_on_the_path_belong_to_the_region():
    square = np.array([[1.0, 1.0], [1.0, 4.0], [3.0, 4.0], [3.0, 1.0]])
    expected = np.zeros((5, 6), np.bool_)
    expected[1:4, 1:5] = True
    assert np.array_equal(filled([square], (5, 6)), expected)
    slope = np.array([[0.0, 0.0], [4.0, 4.0], [4.0, 0.0]])
    assert np.array_equal(filled([slope], (5, 5)), np.tril(np.ones((5, 5), np.bool_)))


def test_lines_may_reach_beyond_the_picture():
    around = np.array([[-50.0, -50.0], [-50.0, 50.0], [50.0, 50.0], [50.0, -50.0]])
    assert filled([around], (4, 5)).all()
    assert filled([around + 60.0], (12, 15)).sum() == 2 * 5
    assert not filled([around + 500.0], (4, 5)).any()


@settings(max_examples=60, deadline=None)
@given(points=hnp.arrays(np.float64, (5, 2), elements=st.floats(-2, 9)))
def test_any_line_is_filled_by_the_even_odd_rule(points):
    nearest = np.rint(points * 8) / 8 + 0.0371  # corners and edges stay away from pixel centres
    at = np.stack(np.indices((8, 8)), axis=-1).reshape(-1, 2)
    ends = np.roll(nearest, -1, axis=0)
    sides = [side(nearest, ends, centre) for centre in at]
    distance = np.array([np.abs(s).min() for s in sides]).reshape(8, 8)
    inside = winding(nearest, (8, 8)) % 2 == 1
    sure = distance > 1e-3
    assert np.array_equal(filled([nearest], (8, 8))[sure], inside[sure])


def side(start, end, centre):
    """How far a centre is from the line on which an edge lies, times its length."""
    (a, b), (c, d) = (start - centre).T, (end - centre).T
    return a * d - b * c
