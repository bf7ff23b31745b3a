"""Surfaces: areas of known shapes, distances by brute force, by SimpleITK and by hand, at any spacing and shear."""

import itertools
import math

import numpy as np
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from skiagraph.errors import InvalidInput
from skiagraph.metrics import surface, surface_distances, surface_elements

SHEARED = np.array([[2.0, 0.4, 0.0], [0.0, 1.0, 0.3], [0.1, 0.0, 0.7]])
AXES = {
    "cubes": np.eye(3),
    "slices of 3 mm": np.diag([3.0, 0.5, 0.7]),
    "mirrored and turned": np.array([[0.0, 0.0, -0.7], [0.5, 0.0, 0.0], [0.0, -3.0, 0.0]]),
    "sheared": SHEARED,
}


def blobs(rng, shape=(9, 10, 11), share=0.5):
    noise = rng.random(shape)
    for axis in range(len(shape)):
        noise = noise + np.roll(noise, 1, axis)
    return noise > np.quantile(noise, 1 - share)


def centres(mask):
    """Index of the centre of each cell whose corners are not all alike, by looking at each."""
    padded = np.pad(mask, 1)
    found = []
    for cell in itertools.product(*(range(n - 1) for n in padded.shape)):
        corners = padded[tuple(slice(c, c + 2) for c in cell)]
        if corners.any() and not corners.all():
            found.append(np.array(cell) - 0.5)
    return np.array(found)


@pytest.mark.parametrize("axes", AXES.values(), ids=AXES)
def test_distances_are_those_of_brute_force(axes, rng):
    a, b = blobs(rng, share=0.2), blobs(rng, share=0.1)
    found = surface_distances(a, b, axes, penalty=99.0)
    apart = cdist(centres(a) @ axes.T, centres(b) @ axes.T)
    np.testing.assert_allclose(found.found, apart.min(axis=1))
    np.testing.assert_allclose(found.true, apart.min(axis=0))
    assert found.hausdorff() == pytest.approx(max(apart.min(axis=1).max(), apart.min(axis=0).max()))


@pytest.mark.parametrize("thin", [0, 10**9], ids=["by tree", "by distance transform"])
def test_both_ways_of_searching_find_the_same(thin, rng, monkeypatch):
    a, b, axes = blobs(rng, share=0.3), blobs(rng, share=0.02), AXES["slices of 3 mm"]
    expected = cdist(centres(a) @ axes.T, centres(b) @ axes.T).min(axis=1)
    monkeypatch.setattr(surface, "_THIN", thin)
    np.testing.assert_allclose(surface_distances(a, b, axes, 1.0).found, expected)


def test_a_flat_cut_has_its_exact_area():
    slab = np.zeros((8, 9, 10), np.bool_)
    slab[2:5] = True
    _, areas = surface_elements(slab, np.diag([3.0, 0.5, 0.7]))
    inner = 2 * 8 * 9 * 0.5 * 0.7  # between voxel centres
    assert areas.sum() > inner
    assert np.isclose(areas, 0.5 * 0.7).sum() == 2 * 8 * 9
    assert np.isclose(areas, 0.5 * 0.7).sum() * 0.5 * 0.7 == pytest.approx(inner)


def test_one_voxel_is_an_octahedron_of_eight_elements():
    one = np.ones((1, 1, 1), np.bool_)
    cells, areas = surface_elements(one, np.eye(3))
    assert sorted(map(tuple, cells)) == list(itertools.product((0, 1), repeat=3))
    assert areas == pytest.approx(np.full(8, math.sqrt(3) / 8))
    _, lengths = surface_elements(np.ones((1, 1), np.bool_), np.diag([3.0, 4.0]))
    assert lengths == pytest.approx(np.full(4, 2.5)), "the diagonal of 1.5 and 2 mm"


@pytest.mark.parametrize(
    "axes", [np.eye(3), np.diag([2.0, 1.0, 0.5]), SHEARED], ids=["cubes", "bricks", "sheared"]
)
def test_the_surface_of_a_ball_is_too_large_by_a_seventh_at_most(axes):
    reach = np.array([30, 45, 45])
    index = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in reach), indexing="ij"), axis=-1)
    ball = np.linalg.norm(index @ axes.T, axis=-1) <= 20.3
    _, areas = surface_elements(ball, axes)
    assert 1.0 < areas.sum() / (4 * math.pi * 20.3**2) < 1 + 1 / 7


def test_the_circumference_of_a_disc_is_within_a_tenth():
    y, x = np.ogrid[-50:51, -50:51]
    _, lengths = surface_elements((2 * y) ** 2 + x**2 <= 40.2**2, np.diag([2.0, 1.0]))
    assert lengths.sum() == pytest.approx(2 * math.pi * 40.2, rel=0.1)


@pytest.mark.parametrize(
    ("corners", "area"),
    [
        ([(0, 0, 0)], math.sqrt(3) / 8),
        ([(0, 0, 0), (0, 0, 1)], math.sqrt(2) / 2),
        ([(0, 0, 0), (0, 1, 1)], 2 * math.sqrt(3) / 8),
        ([(0, 0, 0), (1, 1, 1)], 2 * math.sqrt(3) / 8),
        ([(0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1)], 1.0),
        ([(0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0)], 3 * math.sqrt(3) / 4),
    ],
    ids=[
        "a corner",
        "an edge",
        "corners across a face",
        "corners across the cell",
        "a face",
        "a corner with its three",
    ],
)
def test_the_patches_of_a_cell_by_hand(corners, area):
    """The last is the regular hexagon through the middles of six edges, of side sqrt(1/2)."""
    mask = np.zeros((2, 2, 2), np.bool_)
    mask[tuple(np.transpose(corners))] = True
    for inside in (mask, ~mask):
        cells, areas = surface_elements(np.pad(inside, 1, mode="edge"), np.eye(3))
        middle = (cells == 2).all(axis=1)
        assert areas[middle] == pytest.approx([area])


@pytest.mark.parametrize("ndim", [2, 3])
def test_each_mixed_cell_has_some_surface_and_as_much_from_the_other_side(ndim):
    areas = [sum(np.linalg.norm(patch) for patch in patches) for patches in surface._patches(ndim)]
    assert areas[0] == areas[-1] == 0
    assert min(areas[1:-1]) > 0.2
    for code, area in enumerate(areas):
        if code.bit_count() != 2 ** (
            ndim - 1
        ):  # where half of the corners are inside, they are the ones that join
            assert area == pytest.approx(areas[len(areas) - 1 - code])


masks = st.integers(0, 2**32 - 1).map(lambda seed: blobs(np.random.default_rng(seed), (4, 5, 6), 0.3))


@settings(max_examples=30)
@given(a=masks, b=masks, axis=st.integers(0, 2), scale=st.floats(0.1, 10))
def test_distances_do_not_depend_on_side_direction_or_unit(a, b, axis, scale):
    spacing = np.array([3.0, 0.5, 0.7])
    found = surface_distances(a, b, np.diag(spacing), 99.0)

    def figures(d):
        return [d.hausdorff(), d.hausdorff(0.95), d.mean(), d.rms()]

    expected = figures(found)
    assert figures(surface_distances(b, a, np.diag(spacing), 99.0)) == pytest.approx(expected)
    mirrored = surface_distances(np.flip(a, axis), np.flip(b, axis), np.diag(spacing), 99.0)
    assert figures(mirrored) == pytest.approx(expected)
    order = [axis, *(k for k in range(3) if k != axis)]
    turned = surface_distances(a.transpose(order), b.transpose(order), np.diag(spacing[order]), 99.0)
    assert figures(turned) == pytest.approx(expected)
    scaled = surface_distances(a, b, np.diag(scale * spacing), 99.0)
    assert figures(scaled) == pytest.approx([scale * v for v in expected])
    assert expected[0] >= expected[1]
    assert expected[3] >= expected[2]


@pytest.mark.parametrize("shift", [(0, 0, 3), (2, 0, 0), (1, 2, 3), (0, 0, 0)])
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (3.0, 0.5, 0.7)])
def test_boxes_that_are_shifted_are_as_far_apart_as_simpleitk_says(shift, spacing):
    """Its filter takes all voxels, ours the surface: for equal boxes both are the length of the shift."""
    a, b = np.zeros((12, 14, 16), np.uint8), np.zeros((12, 14, 16), np.uint8)
    a[2:5, 2:6, 2:7] = 1
    b[tuple(slice(2 + s, 2 + s + n) for s, n in zip(shift, (3, 4, 5), strict=True))] = 1
    images = [SimpleITK.GetImageFromArray(m) for m in (a, b)]
    for image in images:
        image.SetSpacing(spacing[::-1])
    judge = SimpleITK.HausdorffDistanceImageFilter()
    judge.Execute(*images)
    found = surface_distances(a > 0, b > 0, np.diag(spacing), 99.0)
    assert found.hausdorff() == pytest.approx(judge.GetHausdorffDistance())
    assert found.hausdorff() == pytest.approx(math.dist([0] * 3, np.multiply(shift, spacing)))


def test_single_voxels_by_hand():
    a, b = np.zeros((5, 5, 9), np.bool_), np.zeros((5, 5, 9), np.bool_)
    a[0, 0, 0] = b[0, 0, 4] = True
    found = surface_distances(a, b, np.diag([1.0, 1.0, 2.0]), 99.0)
    # Four elements of each face the other, 3 steps of 2 mm away, four turn their back, 4 steps away.
    assert sorted(found.found) == pytest.approx([6.0] * 4 + [8.0] * 4)
    assert (found.hausdorff(), found.hausdorff(0.95), found.hausdorff(0.5)) == (8.0, 8.0, 6.0)
    assert found.mean() == pytest.approx(7.0)
    assert found.rms() == pytest.approx(math.sqrt(50))
    assert (found.surface_dice(5.9), found.surface_dice(6.0), found.surface_dice(8.0)) == (0.0, 0.5, 1.0)


def test_a_mask_at_the_border_has_a_surface_there():
    whole = np.ones((4, 4), np.bool_)
    cells, _ = surface_elements(whole, np.eye(2))
    assert len(cells) == 5 * 5 - 3 * 3
    moved = surface_distances(whole, np.pad(whole[:, 1:], ((0, 0), (1, 0))), np.eye(2), 9.0)
    assert moved.hausdorff() == 1.0


def test_a_small_error_far_away_is_seen_by_the_largest_distance_only():
    a = np.zeros((60, 60, 60), np.bool_)
    a[10:50, 10:50, 10:50] = True
    b = a.copy()
    b[0, 0, 0] = True
    found = surface_distances(b, a, np.eye(3), 99.0)
    assert found.hausdorff() > 15
    assert found.hausdorff(0.95) == 0.0
    assert found.surface_dice(1.0) > 0.99


def test_what_is_missed_is_as_far_as_the_penalty():
    some, none = np.ones((2, 3), np.bool_), np.zeros((2, 3), np.bool_)
    for pair in ((some, none), (none, some)):
        found = surface_distances(*pair, np.eye(2), 7.0)
        assert (found.hausdorff(), found.hausdorff(0.95), found.mean(), found.rms()) == pytest.approx(
            (7.0,) * 4
        )
        assert found.surface_dice(2.0) == 0.0
    nothing = surface_distances(none, none, np.eye(2), 7.0)
    assert all(
        map(math.isnan, (nothing.hausdorff(), nothing.mean(), nothing.rms(), nothing.surface_dice(1.0)))
    )


def test_surfaces_have_two_or_three_axes():
    with pytest.raises(InvalidInput, match="2 or 3 axes"):
        surface_elements(np.ones(4, np.bool_), np.eye(1))


def test_the_values_that_the_program_surface_distance_states():
    """The two cases of its own tests in 3-D: two voxels 2 mm apart, and half a cube one slice thicker.

    Source: google-deepmind/surface-distance, surface_distance_test.py (values to 3 decimals).
    """
    a, b = np.zeros((12, 12, 12), np.bool_), np.zeros((12, 12, 12), np.bool_)
    a[5, 6, 7] = b[5, 6, 9] = True
    voxels = surface_distances(b, a, np.diag([3.0, 2.0, 1.0]), 99.0)
    assert voxels.mean() == pytest.approx(1.5)
    assert (voxels.hausdorff(), voxels.hausdorff(0.95)) == (2.0, 2.0)
    assert voxels.surface_dice(1.0) == pytest.approx(0.5)

    true, found = np.zeros((100, 100, 100), np.bool_), np.zeros((100, 100, 100), np.bool_)
    true[:50] = found[:51] = True
    cubes = surface_distances(found, true, np.diag([2.0, 1.0, 1.0]), 999.0)
    sides = ((cubes.true, cubes.true_area), (cubes.found, cubes.found_area))
    assert [d @ w / w.sum() for d, w in sides] == pytest.approx([0.322, 0.339], abs=5e-4)
    assert [(d <= 1) @ w / w.sum() for d, w in sides] == pytest.approx([0.842, 0.830], abs=5e-4)
    assert (cubes.hausdorff(), cubes.hausdorff(0.95)) == (2.0, 2.0)
    assert cubes.surface_dice(1.0) == pytest.approx(0.836, abs=5e-4)
