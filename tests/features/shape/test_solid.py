"""The morphological features of the Image Biomarker Standardisation Initiative, held against its digital phantom."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from skiagraph.features.region import Region
from skiagraph.features.shape import solid_measures

# The phantom: 4 slices of 4 rows of 5 columns, voxels of 2 mm, 74 of them in the mask (those that are not 0 here).
PHANTOM = np.array(
    [
        [[1, 4, 4, 1, 1], [1, 4, 6, 1, 1], [4, 1, 6, 4, 1], [4, 4, 6, 4, 1]],
        [[1, 4, 4, 1, 1], [1, 1, 6, 1, 1], [0, 1, 3, 1, 1], [4, 4, 6, 1, 1]],
        [[1, 4, 4, 0, 0], [1, 1, 1, 1, 1], [1, 1, 0, 1, 1], [1, 1, 6, 1, 1]],
        [[1, 4, 4, 0, 0], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 6, 1, 1]],
    ],
    dtype=float,
)

# Code, published value, published tolerance (Image biomarker standardisation initiative, reference values, phase 1).
PUBLISHED = [
    ("RNU0", 556, 4),
    ("YEKZ", 592, 4),
    ("C0JK", 388, 3),
    ("2PR5", 0.698, 0.004),
    ("SKGS", 0.0411, 0.0003),
    ("BQWJ", 0.599, 0.004),
    ("KRCK", 1.19, 0.01),
    ("QCFX", 0.843, 0.005),
    ("25C7", 0.186, 0.001),
    ("KLMA", 0.672, 0.004),
    ("L0JK", 13.1, 0.1),
    ("TDIC", 11.4, 0.1),
    ("P9VJ", 9.31, 0.06),
    ("7J51", 8.54, 0.05),
    ("Q3CK", 0.816, 0.005),
    ("N17B", 0.749, 0.005),
    ("PBX1", 0.869, 0.005),
    ("R59B", 0.866, 0.005),
    ("6BDE", 1.17, 0.01),
    ("RDD2", 1.36, 0.01),
    ("R3ER", 0.961, 0.006),
    ("7T7F", 1.03, 0.01),
]


def solid(mask, spacing=(1.0, 1.0, 1.0), numbers=None):
    numbers = np.ones(mask.shape) if numbers is None else numbers
    return solid_measures(Region(numbers=numbers, mask=mask, spacing=spacing))


def values(features):
    return {feature.name: feature.value for feature in features}


def test_the_phantom_is_the_published_one():
    assert PHANTOM.shape == (4, 4, 5)
    inside = PHANTOM[PHANTOM > 0]
    # published of its intensities: 74 voxels, mean 2.15, variance 3.05, energy 567
    assert len(inside) == 74
    assert inside.mean() == pytest.approx(2.15, abs=0.005)
    assert inside.var() == pytest.approx(3.05, abs=0.005)
    assert (inside**2).sum() == 567


@pytest.mark.parametrize(("code", "value", "tolerance"), PUBLISHED)
def test_the_digital_phantom_has_the_published_value(code, value, tolerance):
    found = solid(PHANTOM > 0, (2.0, 2.0, 2.0), PHANTOM)
    assert {feature.ibsi for feature in found if feature.ibsi} == {row[0] for row in PUBLISHED}
    feature = next(feature for feature in found if feature.ibsi == code)
    assert feature.value == pytest.approx(value, abs=tolerance)


def ball(radius, spacing=(1.0, 1.0, 1.0)):
    axes = [np.arange(-np.ceil(radius / s) - 1, np.ceil(radius / s) + 2) * s for s in spacing]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    return z**2 + y**2 + x**2 <= radius**2


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.0, 0.8, 0.5)])
def test_a_ball_has_the_values_of_a_ball(spacing):
    found = values(solid(ball(15, spacing), spacing))
    volume = 4 / 3 * np.pi * 15**3
    assert found["volume mesh"] == pytest.approx(volume, rel=0.02)
    assert found["volume voxel counting"] == pytest.approx(volume, rel=0.02)
    assert found["maximum 3d diameter"] == pytest.approx(30, abs=max(spacing))
    for name in ("major", "minor", "least"):
        assert found[f"{name} axis length"] == pytest.approx(4 / np.sqrt(5) * 15, rel=0.02)
    assert found["elongation"] == pytest.approx(1, abs=0.02)
    assert found["flatness"] == pytest.approx(1, abs=0.02)
    assert 0.84 < found["sphericity"] < 1  # the surface of a mesh of voxels has steps
    assert found["volume density convex hull"] == pytest.approx(1, abs=0.07)
    sides = [np.ptp(np.nonzero(ball(15, spacing))[axis]) + 1 for axis in range(3)] * np.array(spacing)
    assert found["volume density aligned bounding box"] == pytest.approx(volume / sides.prod(), rel=0.02)


def test_rotations_and_mirrors_of_the_lattice_change_nothing():
    mask = PHANTOM > 0
    wanted = values(solid(mask, (2.0, 1.0, 3.0), PHANTOM))
    turned = values(solid(mask.transpose(2, 0, 1)[::-1], (3.0, 2.0, 1.0), PHANTOM.transpose(2, 0, 1)[::-1]))
    # where two opposite voxels share an edge, marching cubes chooses how the mesh passes between them
    loose = ("mesh", "surface", "compact", "spher", "density")
    for name, value in wanted.items():
        tolerance = 0.01 if any(word in name for word in loose) else 1e-6
        assert turned[name] == pytest.approx(value, rel=tolerance), name


def test_a_larger_voxel_changes_lengths_alone():
    mask = PHANTOM > 0
    small, large = solid(mask, (1.0, 1.0, 1.0), PHANTOM), solid(mask, (3.0, 3.0, 3.0), PHANTOM)
    powers = {"": 0, "/mm": -1, "mm": 1, "mm2": 2, "mm3": 3}
    for a, b in zip(small, large, strict=True):
        assert b.value == pytest.approx(a.value * 3.0 ** powers[a.unit], rel=1e-5), a.name


ONE = np.ones((1, 1, 1), bool)
LINE = np.ones((1, 1, 6), bool)
SHEET = np.ones((1, 4, 5), bool)
TWO = np.zeros((5, 5, 5), bool)
TWO[0, 0, 0] = TWO[3:, 3:, 3:] = True
HOLLOW = np.ones((5, 5, 5), bool)
HOLLOW[2, 2, 2] = False
NO_ELLIPSOID = {"volume density enclosing ellipsoid", "area density enclosing ellipsoid"}


@pytest.mark.parametrize(
    ("mask", "without", "volume", "parts"),
    [
        pytest.param(ONE, {*NO_ELLIPSOID, "elongation", "flatness"}, 1, 1, id="one voxel"),
        pytest.param(ONE.repeat(2, 0), NO_ELLIPSOID, 2, 1, id="two voxels"),
        pytest.param(LINE, NO_ELLIPSOID, 6, 1, id="a line"),
        pytest.param(SHEET, NO_ELLIPSOID, 20, 1, id="a sheet"),
        pytest.param(TWO, set(), 9, 2, id="two parts"),
        pytest.param(HOLLOW, set(), 124, 1, id="a hole"),
        pytest.param(np.ones((4, 4, 4), bool), set(), 64, 1, id="the whole volume"),
    ],
)
@pytest.mark.parametrize("size", ["known", "anisotropic", "unknown"])
def test_degenerate_solids_have_values_or_say_why_not(mask, without, volume, parts, size):
    spacing = {"known": (1.0, 1.0, 1.0), "anisotropic": (0.5, 2.0, 1.0), "unknown": None}[size]
    found = solid(mask, spacing)
    assert {feature.name for feature in found if feature.reason} == without
    assert values(found)["volume voxel counting"] == pytest.approx(volume)
    assert values(found)["parts"] == parts
    units = {feature.unit for feature in found if feature.unit}
    wanted = {"mm", "mm2", "mm3", "/mm"}
    assert units == ({"{sample}", "{sample2}", "{sample3}", "/{sample}"} if size == "unknown" else wanted)


def test_nothing_and_a_picture_are_no_solid():
    assert {f.reason for f in solid(np.zeros((3, 3, 3), bool))} == {"the region is empty"}
    assert {f.reason for f in solid(np.ones((3, 3), bool), (1.0, 1.0))} == {
        "a solid is that of a volume, and this is a picture"
    }


@pytest.mark.parametrize("number", [np.nan, np.inf, 0.0])
def test_numbers_without_a_centre_leave_out_its_shift_alone(number):
    found = solid(np.ones((3, 3, 3), bool), numbers=np.full((3, 3, 3), number))
    assert [feature.name for feature in found if feature.reason] == ["centre of mass shift"]


SPACING = st.none() | st.tuples(*[st.floats(0.05, 20)] * 3)


@settings(max_examples=40, deadline=None)
@given(arrays(bool, array_shapes(min_dims=3, max_dims=3, max_side=5)), SPACING)
def test_no_mask_makes_it_fail(mask, spacing):
    assert len(solid(mask, spacing)) == len(PUBLISHED) + 1
