"""Shapes with known values, second opinions, and what neither place, size, rotation nor start may change."""

import dataclasses

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.spatial.distance import pdist
from skimage.measure import label, regionprops

from skiagraph.errors import InvalidInput
from skiagraph.features.region import Region
from skiagraph.features.shape import (
    BREAST_OUTLINE,
    boundary_moments,
    chord_lengths,
    chords,
    classic_outline,
    contour,
    elliptic_fourier,
    fourier,
    fourier_descriptors,
    hu_moments,
    measures,
    moments,
    outline,
    outline_measures,
    rebuilt,
)

FAMILIES = (
    hu_moments,
    boundary_moments,
    chord_lengths,
    fourier_descriptors,
    elliptic_fourier,
    outline_measures,
)


def region(mask, spacing=(1.0, 1.0)):
    mask = np.asarray(mask, bool)
    return Region(numbers=np.zeros(mask.shape), mask=mask, spacing=spacing)


def values(features):
    return {feature.name: feature.value for feature in features}


def everything(of):
    return {feature.key: feature for family in FAMILIES for feature in family(of)}


def star(radius, *, amplitude=0.0, tips=9, turn=0.0, ratio=1.0, centre=(0.3, 0.2)):
    """A circle (or an ellipse of that ratio of its axes) whose radius swings `tips` times around."""
    half = int(radius * (1 + amplitude)) + 4
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(float)
    y, x = y - centre[0], x - centre[1]
    u, v = x * np.cos(turn) + y * np.sin(turn), (y * np.cos(turn) - x * np.sin(turn)) / ratio
    return np.hypot(u, v) <= radius * (1 + amplitude * np.cos(tips * np.arctan2(v, u)))


def blob(turn=0.0, radius=40):
    """Without any symmetry."""
    half = int(1.8 * radius)
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(float)
    angle = np.arctan2(y, x) - turn
    edge = 1 + 0.3 * np.cos(2 * angle) + 0.15 * np.cos(3 * angle + 1) + 0.06 * np.cos(7 * angle + 2)
    return np.hypot(y, x) <= radius * edge


def coefficients(ratio):
    """Of an ellipse walked at an even pace, for k = -32 .. 32: it has more than one harmonic."""
    angle = np.linspace(0, 2 * np.pi, 100001)
    curve = np.cos(angle) + 1j * ratio * np.sin(angle)
    along = np.concatenate([[0], np.cumsum(np.abs(np.diff(curve)))])
    phase = 2 * np.pi * along / along[-1]
    orders = np.arange(-32, 33)
    return orders, np.array([np.trapezoid(curve * np.exp(-1j * k * phase), phase) for k in orders]) / (
        2 * np.pi
    )


def first_harmonic(ratio):
    """Ratio of the axes of the ellipse that the first harmonic is."""
    orders, found = coefficients(ratio)
    with_it, against_it = np.abs(found[orders == 1])[0], np.abs(found[orders == -1])[0]
    return (with_it - against_it) / (with_it + against_it)


def test_a_circle_has_the_values_of_a_circle():
    radius = 60.0
    found = {key: feature.value for key, feature in everything(region(star(radius), (0.5, 0.5))).items()}
    assert found["outline_area"] == pytest.approx(np.pi * 30**2, rel=2e-3)
    assert found["outline_perimeter"] == pytest.approx(2 * np.pi * 30, rel=6e-3)
    for name in ("equivalent_diameter", "major_axis_length", "minor_axis_length", "maximum_diameter"):
        assert found[f"outline_{name}"] == pytest.approx(60, rel=8e-3)
    assert found["outline_minimum_diameter"] == pytest.approx(60, rel=8e-3)
    for name in ("compactness", "circularity", "solidity", "convexity"):
        assert found[f"outline_{name}"] == pytest.approx(1, abs=0.012)
    assert found["outline_extent"] == pytest.approx(np.pi / 4, abs=0.01)
    assert found["outline_spiculation"] == pytest.approx(0, abs=1e-6)
    assert found["outline_fractal_dimension"] == pytest.approx(1, abs=0.1)
    assert found["boundary_moments_f1"] < 0.005
    assert found["fourier_descriptors_error_1"] < 0.005
    # chords of a circle of diameter 1 have the moments 2/pi, 1/2, 4/(3 pi), 3/8
    mean, second, third, fourth = 2 / np.pi, 1 / 2, 4 / (3 * np.pi), 3 / 8
    variance = second - mean**2
    skewness = (third - 3 * mean * second + 2 * mean**3) / variance**1.5
    kurtosis = (fourth - 4 * mean * third + 6 * mean**2 * second - 3 * mean**4) / variance**2
    wanted = {
        "mean": mean,
        "deviation": variance**0.5,
        "skewness": skewness,
        "kurtosis": kurtosis,
        "absolute_mean": 60 * mean,
    }
    for name, value in wanted.items():
        assert found[f"chord_lengths_{name}"] == pytest.approx(value, rel=0.03), name
    assert found["hu_moments_1"] == pytest.approx(1 / (2 * np.pi), rel=1e-3)


def test_an_ellipse_has_the_values_of_an_ellipse():
    found = {key: feature.value for key, feature in everything(region(star(60, ratio=0.5, turn=0.4))).items()}
    assert found["outline_major_axis_length"] == pytest.approx(120, rel=5e-3)
    assert found["outline_minor_axis_length"] == pytest.approx(60, rel=5e-3)
    assert found["outline_eccentricity"] == pytest.approx(np.sqrt(0.75), rel=5e-3)
    assert found["outline_minimum_diameter"] == pytest.approx(60, rel=0.02)
    assert found["outline_spiculation"] < 0.01
    assert found["elliptic_fourier_d_1"] == pytest.approx(first_harmonic(0.5), abs=0.01)
    # Hu's first of an ellipse with semi-axes a and b: (a / b + b / a) / (4 pi)
    assert found["hu_moments_1"] == pytest.approx((2 + 0.5) / (4 * np.pi), rel=2e-3)
    orders, wanted = coefficients(0.5)
    sizes = np.abs(wanted) ** 2
    for k in (1, 2, 4):
        error = np.sqrt(sizes[np.abs(orders) > k].sum() / sizes[orders != 0].sum())
        assert found[f"fourier_descriptors_error_{k}"] == pytest.approx(error, abs=0.003)


def test_a_square_has_the_values_of_a_square():
    square = region(np.pad(np.ones((60, 60), bool), 3), None)
    found = everything(square)
    assert found["outline_area"].value == 3600
    assert found["outline_area"].unit == "{sample2}"
    assert found["outline_perimeter"].value == pytest.approx(240, rel=0.015)
    assert found["outline_perimeter"].unit == "{sample}"
    assert found["outline_compactness"].value == pytest.approx(4 / np.pi, rel=0.03)
    assert found["outline_extent"].value == 1
    assert found["outline_maximum_diameter"].value == pytest.approx(60 * np.sqrt(2), rel=0.02)
    assert found["outline_minimum_diameter"].value == pytest.approx(60, rel=0.01)
    assert found["hu_moments_1"].value == pytest.approx(1 / 6, rel=1e-3)
    points = np.array([(x, y) for x in (-1.0, 1.0) for y in np.linspace(-1, 1, 4000)])
    distances = np.hypot(*points.T)  # one side of a square stands for four
    wanted = distances.std() / distances.mean()
    assert found["boundary_moments_f1"].value == pytest.approx(wanted, rel=0.06)


@pytest.mark.parametrize("mask", [star(30), star(30, amplitude=0.2), blob(), star(25, ratio=0.4, turn=1.0)])
def test_moments_of_hu_are_those_of_opencv(mask):
    wanted = cv2.HuMoments(cv2.moments(mask.astype(np.uint8), binaryImage=True)).ravel()
    found = [feature.value for feature in hu_moments(region(mask))]
    assert found == pytest.approx(wanted, rel=1e-6, abs=1e-15)


@pytest.mark.parametrize("mask", [star(30), star(30, amplitude=0.2), blob(), star(25, ratio=0.4, turn=1.0)])
def test_measures_of_an_outline_are_near_those_of_scikit_image(mask):
    wanted = regionprops(label(mask))[0]
    found = values(outline_measures(region(mask)))
    assert found["area"] == wanted.area
    assert found["equivalent diameter"] == pytest.approx(wanted.equivalent_diameter_area)
    # scikit-image counts samples as points, we count them as squares
    assert found["major axis length"] == pytest.approx(wanted.axis_major_length, rel=1e-3)
    assert found["minor axis length"] == pytest.approx(wanted.axis_minor_length, rel=2e-3)
    assert found["eccentricity"] == pytest.approx(wanted.eccentricity, rel=1e-3)
    assert found["extent"] == pytest.approx(wanted.extent)
    assert found["solidity"] == pytest.approx(wanted.solidity, abs=0.035)
    assert found["maximum diameter"] == pytest.approx(wanted.feret_diameter_max, rel=0.03)
    assert found["perimeter"] == pytest.approx(wanted.perimeter_crofton, rel=0.03)


def test_boundary_moments_and_chords_are_what_their_formulas_say_of_a_known_curve():
    mask = star(120, amplitude=0.1, tips=3)
    angle = np.linspace(0, 2 * np.pi, 20001)
    radius = 120 * (1 + 0.1 * np.cos(3 * angle))
    curve = np.stack([radius * np.sin(angle), radius * np.cos(angle)], 1)
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(curve, axis=0).T))])
    places = np.linspace(0, along[-1], 600, endpoint=False)
    z = np.interp(places, along, radius)
    off = z - z.mean()
    second = (off**2).mean()
    wanted = [second**0.5 / z.mean(), (off**3).mean() / second**1.5, (off**4).mean() / second**2]
    found = values(boundary_moments(region(mask)))
    assert list(found.values()) == pytest.approx(wanted, rel=0.02, abs=0.01)
    chords = pdist(np.stack([np.interp(places, along, curve[:, i]) for i in (0, 1)], 1))
    assert values(chord_lengths(region(mask)))["mean"] == pytest.approx(
        chords.mean() / chords.max(), rel=0.01
    )


SHAPES = {
    "blob": blob(),
    "star": star(30, amplitude=0.2),
    "circle": star(20),
    "square": np.pad(np.ones((14, 14), bool), 2),
}


@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("name", SHAPES)
def test_a_quarter_turn_changes_nothing(name, turns):
    before = everything(region(SHAPES[name], (0.7, 0.4)))
    spacing = (0.4, 0.7) if turns % 2 else (0.7, 0.4)
    after = everything(region(np.rot90(SHAPES[name], turns), spacing))
    for key, feature in before.items():
        assert after[key].reason == feature.reason
        assert after[key].value == pytest.approx(feature.value, rel=1e-7, abs=1e-9, nan_ok=True), key


@settings(max_examples=15, deadline=None)
@given(st.floats(0, 2 * np.pi))
def test_no_turn_changes_more_than_the_lattice_does(turn):
    before, after = everything(region(blob())), everything(region(blob(turn)))
    for key, feature in before.items():
        if key != "outline_extent":
            absolute = {"outline_fractal_dimension": 0.12, "outline_spiculation": 0.1}.get(key, 0.02)
            assert after[key].value == pytest.approx(feature.value, rel=0.04, abs=absolute), key


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 9), st.integers(0, 9), st.floats(0.01, 50))
def test_place_changes_nothing_and_size_nothing_but_lengths(down, right, scale):
    before = everything(region(blob(radius=20)))
    moved = np.pad(blob(radius=20), ((down, 9 - down), (right, 9 - right)))
    for key, feature in everything(region(moved, (scale, scale))).items():
        power = {"": 0, "mm": 1, "mm2": 2}[feature.unit]
        assert feature.value == pytest.approx(before[key].value * scale**power, rel=1e-6, abs=1e-9), key


def test_a_finer_lattice_changes_little():
    coarse, fine = everything(region(blob(radius=30))), everything(region(blob(radius=90)))
    for key, feature in coarse.items():
        if not feature.unit and key != "outline_fractal_dimension":
            assert fine[key].value == pytest.approx(feature.value, rel=0.06, abs=0.02), key


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 200), st.integers(1, 40))
def test_where_a_contour_starts_changes_no_contour_that_is_rebuilt(start, harmonics):
    closed = contour(SHAPES["blob"])
    rolled = np.roll(closed[:-1], -start, axis=0)
    rolled = np.concatenate([rolled, rolled[:1]])
    one, other = rebuilt(closed, harmonics), rebuilt(rolled, harmonics)
    nearest = np.hypot(*(one[:, None] - other[None]).transpose(2, 0, 1)).min(axis=1)
    assert nearest.max() < 0.6  # they are sampled at other places of the same curve


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 127), st.sampled_from(["blob", "star", "square"]))
def test_where_an_outline_starts_changes_no_feature(quarter, name):
    before = everything(region(SHAPES[name]))

    def later(of):
        found = outline.outline_of(of)
        # Chords are those of every fourth of the 512 points.
        return dataclasses.replace(found, points=np.roll(found.points, -4 * quarter, axis=0))

    with pytest.MonkeyPatch.context() as patched:
        for part in (chords, fourier, measures, moments):
            patched.setattr(part, "outline_of", later)
        after = everything(region(SHAPES[name]))
    for key, feature in before.items():
        # Boxes are counted at 4096 points between the 512, and these lie where the outline starts.
        room = 0.005 if key == "outline_fractal_dimension" else 1e-6
        assert after[key].value == pytest.approx(feature.value, rel=room, abs=1e-8, nan_ok=True), key


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 3), st.integers(1, 9), st.floats(0, 0.3), st.floats(0.3, 1))
def test_with_one_harmonic_a_contour_is_exactly_an_ellipse(turn, tips, amplitude, ratio):
    points = rebuilt(contour(star(25, amplitude=amplitude, tips=tips, turn=turn, ratio=ratio)), 1)[:-1]
    points = points - points.mean(axis=0)
    conic = np.stack([points[:, 0] ** 2, points[:, 0] * points[:, 1], points[:, 1] ** 2], axis=1)
    form = np.linalg.lstsq(conic, np.ones(len(conic)), rcond=None)[0]
    assert np.abs(conic @ form - 1).max() < 1e-9
    assert 4 * form[0] * form[2] > form[1] ** 2


def test_the_more_harmonics_the_nearer_a_rebuilt_contour_is_and_at_last_it_is_the_contour():
    closed = contour(SHAPES["star"])
    whole = rebuilt(closed, 256)
    errors = [np.hypot(*(rebuilt(closed, k) - whole).T).mean() for k in (0, 1, 2, 4, 8, 16, 64, 256)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] == 0
    assert np.allclose(rebuilt(closed, 0), whole[:-1].mean(axis=0))
    assert np.allclose(whole[0], closed[0])
    assert np.array_equal(whole[0], whole[-1])


def test_smooth_and_spiculated_outlines_are_told_apart():
    smooth, rough = (
        everything(region(star(40, ratio=0.7))),
        everything(region(star(40, amplitude=0.15, tips=12))),
    )
    for key in (
        "fourier_descriptors_error_4",
        "fourier_descriptors_fourier_factor",
        "outline_boundary_roughness",
        "outline_spiculation",
        "outline_compactness",
        "outline_fractal_dimension",
    ):
        assert rough[key].value > smooth[key].value, key
    assert smooth["outline_spiculation"].value < 0.02
    assert rough["outline_spiculation"].value > 2
    assert rough["fourier_descriptors_error_4"].value > 5 * smooth["fourier_descriptors_error_4"].value


def test_elliptic_descriptors_of_an_ellipse_are_those_of_its_first_harmonic():
    found = values(elliptic_fourier(region(star(60, ratio=0.6, turn=0.7))))
    assert found.pop("d 1") == pytest.approx(first_harmonic(0.6), abs=0.01)
    assert np.abs(list(found.values())).max() < 0.06


def test_a_circle_has_no_elliptic_descriptors_and_says_why():
    assert {f.reason for f in elliptic_fourier(region(star(30, centre=(0, 0))))} == {
        "the outline is as round as a circle, and has no long axis"
    }


def test_the_classic_description_of_a_breast_tumour_has_fifteen_numbers():
    found = classic_outline(region(blob()))
    assert len(found) == len(BREAST_OUTLINE) == 15
    assert tuple(feature.key for feature in found) == BREAST_OUTLINE
    assert all(feature.unit == "" and not feature.reason for feature in found)


def test_a_contour_is_closed_and_lies_halfway_between_inside_and_outside():
    mask = np.zeros((8, 9), bool)
    mask[2:5, 3:7] = True
    found = contour(mask)
    assert np.array_equal(found[0], found[-1])
    assert found.min(axis=0).tolist() == [1.5, 2.5]
    assert found.max(axis=0).tolist() == [4.5, 6.5]
    assert contour(np.zeros((4, 4), bool)).shape == (0, 2)
    assert contour(np.ones((4, 4), bool)).min() == -0.5


HOLE = np.pad(np.ones((9, 9), bool), 2)
HOLE[6, 6] = False
PARTS = np.zeros((20, 20), bool)
PARTS[1:9, 1:9] = PARTS[12:15, 12:15] = PARTS[18, 1] = True
LINE = np.zeros((5, 14), bool)
LINE[2, 2:12] = True
CORNERS = np.eye(9, dtype=bool)
FEW = "an outline needs 4 samples, and the largest part has fewer"
DEGENERATE = [
    ("empty", np.zeros((5, 5), bool), "the region is empty", {}),
    ("one pixel", np.eye(1, dtype=bool), FEW, {}),
    ("two pixels", np.ones((1, 2), bool), FEW, {}),
    ("a volume", np.ones((3, 3, 3), bool), "an outline is that of a picture, and this is a volume", {}),
    ("a line", LINE, "", {"parts": 1, "area": 10, "touches border": 0}),
    ("corners that meet", CORNERS, "", {"parts": 1, "area": 9, "touches border": 1}),
    ("the whole picture", np.ones((12, 7), bool), "", {"parts": 1, "area": 84, "touches border": 1}),
    ("several parts", PARTS, "", {"parts": 3, "area": 64, "touches border": 0}),
    ("a hole", HOLE, "", {"parts": 1, "holes": 1, "area": 81}),
]


@pytest.mark.parametrize(
    ("mask", "reason", "wanted"), [row[1:] for row in DEGENERATE], ids=[r[0] for r in DEGENERATE]
)
@pytest.mark.parametrize("size", ["known", "anisotropic", "unknown"])
def test_degenerate_regions_have_values_or_say_why_not(mask, reason, wanted, size):
    spacing = {"known": (1.0,) * mask.ndim, "anisotropic": (0.5, 2.0, 3.0)[: mask.ndim], "unknown": None}[
        size
    ]
    found = everything(region(mask, spacing))
    if reason:
        assert {feature.reason for feature in found.values()} == {reason}
        return
    for name, value in wanted.items():
        assert found[f"outline_{name.replace(' ', '_')}"].value == pytest.approx(value)
    assert np.isfinite(found["outline_perimeter"].value)
    assert found["outline_perimeter"].unit == ("{sample}" if size == "unknown" else "mm")
    for feature in found.values():
        assert feature.reason in {
            "",
            "not defined for this shape",
            "the outline is as round as a circle, and has no long axis",
        }


def test_anisotropic_samples_of_the_same_shape_give_the_same_numbers():
    y, x = np.mgrid[-45:46, -90:91]
    stretched = everything(region(np.hypot(2 * y, x) <= 60, (1.0, 0.5)))
    square = everything(region(np.hypot(*np.mgrid[-45:46, -45:46]) <= 30, (1.0, 1.0)))
    for key in (
        "outline_area",
        "outline_perimeter",
        "outline_compactness",
        "chord_lengths_mean",
        "hu_moments_1",
    ):
        assert stretched[key].value == pytest.approx(square[key].value, rel=0.02), key


@pytest.mark.parametrize("harmonics", [0, 256])
def test_a_number_of_harmonics_that_does_not_exist_is_refused(harmonics):
    for family in (fourier_descriptors, elliptic_fourier):
        with pytest.raises(InvalidInput, match="1 to 255 harmonics"):
            family(region(blob()), harmonics=harmonics)


@pytest.mark.parametrize(
    ("closed", "harmonics", "rule"),
    [
        (np.zeros((0, 2)), 1, "closed list of places"),
        (np.zeros((5, 3)), 1, "closed list of places"),
        (np.arange(8.0).reshape(4, 2), 1, "closed list of places"),
        (contour(np.ones((3, 3))), -1, "0 harmonics or more"),
    ],
)
def test_what_is_no_contour_is_not_rebuilt(closed, harmonics, rule):
    with pytest.raises(InvalidInput, match=rule):
        rebuilt(closed, harmonics)


@settings(max_examples=60, deadline=None)
@given(
    arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=12)),
    st.none() | st.tuples(*[st.floats(0.05, 20)] * 2),
)
def test_no_mask_makes_it_fail(mask, spacing):
    assert len(everything(region(mask, spacing))) == 7 + 3 + 5 + 21 + 29 + 21
    assert len(classic_outline(region(mask, spacing))) == 15
