"""Grids, planes, timelines, frames and transforms: what they refuse, and how index and world go together."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skiagraph.errors import FrameMismatch, GeometryError
from skiagraph.geometry import (
    Grid,
    Plane,
    Timeline,
    Transform,
    cropped,
    derived_frame,
    index_map,
    new_frame,
    respaced,
    spacing_of,
    to_index,
    to_world,
)
from skiagraph.testing.strategies import grids, lattices_of, spaces, transforms

FRAME = derived_frame("here")
ELSEWHERE = derived_frame("elsewhere")
GRID = Grid(shape=(2, 3, 4), affine=np.diag([3.0, 2.0, 1.0, 1.0]), frame=FRAME)


def affine(**changes):
    result = np.eye(4)
    for place, value in changes.items():
        result[int(place[1]), int(place[2])] = value
    return result


@pytest.mark.parametrize(
    ("part", "value", "sentence"),
    [
        ("shape", (2, 3), "3 whole numbers"),
        ("shape", (2, 3, 0), "at least 1"),
        ("shape", (2, 3, -1), "at least 1"),
        ("shape", (2, 3, 2.5), "whole numbers"),
        ("affine", np.eye(3), "4x4"),
        ("affine", affine(m03=np.nan), "finite"),
        ("affine", affine(m00=np.inf), "finite"),
        ("affine", affine(m30=1.0), "last row"),
        ("affine", affine(m33=2.0), "last row"),
        ("affine", affine(m00=0.0), "span the space"),
        ("affine", affine(m01=1.0, m11=0.0), "span the space"),
        ("frame", "", "DICOM UID"),
        ("frame", "1", "DICOM UID"),
        ("frame", "1.02.3", "DICOM UID"),
        ("frame", "1.2.abc", "DICOM UID"),
        ("frame", "1.2." + "3" * 64, "64 characters"),
    ],
)
def test_a_grid_that_cannot_be_is_refused_and_told_why(part, value, sentence):
    with pytest.raises(GeometryError, match=sentence):
        dataclasses.replace(GRID, **{part: value})


@pytest.mark.parametrize("shape", [(2,), (2, 3, 4), (0, 3)])
def test_a_plane_has_two_axes(shape):
    with pytest.raises(GeometryError, match="2 whole numbers"):
        Plane.upright(shape=shape, spacing=(1.0, 1.0), frame=FRAME)


@pytest.mark.parametrize(
    "times", [[], [1.0, 1.0], [2.0, 1.0], [0.0, np.nan], [0.0, np.inf], [[0.0, 1.0]]], ids=str
)
def test_a_timeline_rises(times):
    with pytest.raises(GeometryError, match="strictly rising"):
        Timeline(times=np.array(times))


def test_an_upright_plane_has_x_along_columns_and_y_along_rows():
    plane = Plane.upright(shape=(10, 20), spacing=(0.5, 0.25), frame=FRAME)
    assert to_world(plane, np.array([2.0, 4.0])).tolist() == [1.0, 1.0]
    assert to_world(plane, np.array([0.0, 4.0])).tolist() == [1.0, 0.0]
    assert spacing_of(plane) == (0.5, 0.25)


def test_a_plane_of_unknown_size_has_no_spacing_and_never_a_millimetre():
    plane = Plane.upright(shape=(10, 20), spacing=None, frame=FRAME)
    assert (plane.unit, spacing_of(plane)) == ("pixel", None)
    assert to_world(plane, np.array([2.0, 4.0])).tolist() == [4.0, 2.0]


@given(spaces(), st.data())
def test_from_index_to_world_and_back(space, data):
    number = st.floats(-100, 100)
    index = np.array(data.draw(st.lists(st.tuples(*[number] * space.ndim), min_size=1, max_size=5)))
    assert to_index(space, to_world(space, index)) == pytest.approx(index, abs=1e-8)
    assert to_world(space, index[0]) == pytest.approx(to_world(space, index)[0], abs=1e-9)


@given(grids(moving=False))
def test_a_voxel_lies_where_simpleitk_and_nibabel_say(itk, grid):
    import nibabel as nib

    if (
        np.linalg.norm(grid.affine[:3, :3].T @ grid.affine[:3, :3] - np.diag(np.square(spacing_of(grid))))
        > 1e-9
    ):
        return  # ITK holds no shear
    image = itk.image(np.zeros(grid.shape, np.float32), grid)
    ras = nib.affines.apply_affine(np.diag([-1, -1, 1, 1]) @ grid.affine, [1, 2, 3]) * [-1, -1, 1]
    place = to_world(grid, np.array([1.0, 2.0, 3.0]))
    assert place == pytest.approx(ras, abs=1e-9)
    assert place == pytest.approx(image.TransformContinuousIndexToPhysicalPoint([3.0, 2.0, 1.0]), abs=1e-6)


@given(spaces())
def test_equal_spaces_have_equal_hashes_also_with_a_negative_zero(space):
    negative = np.where(space.affine == 0, -0.0, space.affine)
    other = dataclasses.replace(space, affine=negative)
    assert (other == space, hash(other) == hash(space)) == (True, True)


def test_spaces_differ_in_each_of_their_parts():
    others = [
        dataclasses.replace(GRID, shape=(2, 3, 5)),
        dataclasses.replace(GRID, affine=np.eye(4)),
        dataclasses.replace(GRID, frame=ELSEWHERE),
        dataclasses.replace(GRID, unit="pixel"),
        dataclasses.replace(GRID, timeline=Timeline(times=np.array([0.0]))),
        Plane.upright(shape=(2, 3), spacing=(1.0, 1.0), frame=FRAME),
    ]
    assert all(other != GRID for other in others)


# Frames ---------------------------------------------------------------------------------------------------------


def test_a_derived_frame_is_the_same_for_the_same_digest_and_a_new_one_never():
    assert derived_frame("abc") == derived_frame("abc")
    assert len({derived_frame("abc"), derived_frame("abd"), new_frame(), new_frame()}) == 4
    assert all(len(f) <= 64 and f.startswith("2.25.") for f in (derived_frame("abc"), new_frame()))


# Between the indices of two spaces ------------------------------------------------------------------------------


@given(spaces(), st.data())
def test_the_map_between_lattices_that_coincide_is_whole_and_exact(space, data):
    other = data.draw(lattices_of(space))
    way = index_map(space, other)
    assert way.exact
    assert np.array_equal(way.matrix, np.rint(way.matrix))
    assert np.array_equal(way.inverse().matrix @ way.matrix, np.eye(space.ndim + 1))
    index = np.ones(space.ndim)
    assert to_world(other, way(index)) == pytest.approx(to_world(space, index), abs=1e-6)


@pytest.mark.parametrize("shift", [0.5, 0.01, 0.001])
def test_lattices_that_are_shifted_by_part_of_a_voxel_do_not_coincide(shift):
    moved = dataclasses.replace(GRID, affine=GRID.affine + affine(m03=shift) - np.eye(4))
    assert not index_map(GRID, moved).exact


def test_lattices_that_differ_by_the_rounding_of_single_precision_coincide():
    oblique = np.array(
        [[0.8, 0.36, 0.48, -120.1], [0, 0.8, -0.6, 93.7], [-0.6, 0.48, 0.64, -311.3], [0, 0, 0, 1]]
    )
    grid = Grid(shape=(200, 200, 200), affine=oblique, frame=FRAME)
    assert index_map(grid, dataclasses.replace(grid, affine=oblique.astype(np.float32))).exact


def test_a_small_change_of_spacing_that_adds_up_over_the_lattice_is_not_exact():
    grid = Grid(shape=(500, 10, 10), affine=np.eye(4), frame=FRAME)
    assert not index_map(grid, dataclasses.replace(grid, affine=np.diag([1.00001, 1, 1, 1]))).exact


@pytest.mark.parametrize(
    ("target", "via", "error"),
    [
        (dataclasses.replace(GRID, frame=ELSEWHERE), None, FrameMismatch),
        (GRID, Transform(matrix=np.eye(4), source=FRAME, target=ELSEWHERE), FrameMismatch),
        (
            dataclasses.replace(GRID, frame=ELSEWHERE),
            Transform(matrix=np.eye(4), source=ELSEWHERE, target=FRAME),
            FrameMismatch,
        ),
        (
            dataclasses.replace(GRID, frame=ELSEWHERE),
            Transform(matrix=np.eye(3), source=FRAME, target=ELSEWHERE),
            GeometryError,
        ),
        (dataclasses.replace(GRID, unit="pixel"), None, GeometryError),
        (Plane.upright(shape=(2, 2), spacing=(1.0, 1.0), frame=FRAME), None, GeometryError),
    ],
    ids=["no transform", "a needless one", "the wrong way", "too flat", "units", "grid and plane"],
)
def test_indices_of_spaces_that_have_no_common_world_are_not_mapped(target, via, error):
    with pytest.raises(error):
        index_map(GRID, target, via=via)


def test_a_transform_leads_from_frame_to_frame():
    via = Transform(matrix=affine(m03=6.0), source=FRAME, target=ELSEWHERE)
    way = index_map(GRID, dataclasses.replace(GRID, frame=ELSEWHERE), via=via)
    assert way.exact
    assert way(np.zeros(3)).tolist() == [2.0, 0.0, 0.0]


def test_a_map_to_another_spacing_is_not_exact_but_right():
    way = index_map(GRID, respaced(GRID, (1.5, 2.0, 1.0)))
    assert not way.exact
    assert way(np.array([0.5, 1.0, 1.0])) == pytest.approx([1.5, 1.0, 1.0])


# Transforms -----------------------------------------------------------------------------------------------------


@given(transforms())
def test_a_transform_and_its_inverse_cancel(transform):
    both = transform.inverse().matrix @ transform.matrix
    assert both == pytest.approx(np.eye(4), abs=1e-6)
    assert (transform.inverse().source, transform.inverse().target) == (transform.target, transform.source)


@pytest.mark.parametrize(
    ("matrix", "kind"),
    [
        (np.eye(4), "rigid"),
        (np.array([[0.0, -1, 0, 5], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]), "rigid"),
        (np.diag([-1.0, 1, 1, 1]), "affine"),
        (np.diag([1.001, 1, 1, 1]), "affine"),
        (np.eye(3), "rigid"),
    ],
)
def test_a_transform_knows_whether_it_keeps_lengths_and_hands(matrix, kind):
    assert Transform(matrix=matrix, source=FRAME, target=ELSEWHERE).kind == kind


def test_a_crop_of_a_moving_space_keeps_its_times():
    timeline = Timeline(times=np.array([0.0, 0.5]), unit="s")
    assert cropped(dataclasses.replace(GRID, timeline=timeline), (0, 0, 0), (1, 1, 1)).timeline == timeline
    assert (len(timeline), timeline == Timeline(times=np.array([0.0, 0.5]))) == (2, False)
