"""Lattices as DICOM frames: nothing is turned over, nothing is lost, and each frame lies where its pixels lay."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from skiagraph.errors import NoDicomHome
from skiagraph.geometry import Grid, Plane, Timeline, to_world
from skiagraph.interchange.planes import as_frames, from_frames, planes_of

FRAME = "2.25.7"


def grid(linear, shape=(4, 5, 6), timeline=None):
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = linear, (7.0, -3.0, 11.0)
    return Grid(shape=shape, affine=affine, frame=FRAME, timeline=timeline)


@st.composite
def grids(draw):
    """Any axis order, any direction, any oblique turn, any sizes."""
    sizes = [draw(st.sampled_from([0.5, 1.0, 1.2, 3.0])) for _ in range(3)]
    order = draw(st.permutations(range(3)))
    signs = [draw(st.sampled_from([-1.0, 1.0])) for _ in range(3)]
    turn = Rotation.from_euler(
        "xyz", [draw(st.integers(-40, 40)) for _ in range(3)], degrees=True
    ).as_matrix()
    return grid(turn @ (np.eye(3)[:, order] * signs) * sizes)


@given(grids(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_every_pixel_of_every_frame_lies_where_its_voxel_lies(space, natural):
    planes = planes_of(space, natural=natural)
    world = to_world(space, np.moveaxis(np.indices(space.shape), 0, -1).astype(float))
    frames = as_frames(world, planes)[0]
    right, down = planes.orientation[:3] * planes.spacing[1], planes.orientation[3:] * planes.spacing[0]
    rows, columns = np.indices(planes.shape[1:])
    for n, position in enumerate(planes.positions):
        there = position + rows[..., None] * down + columns[..., None] * right
        assert np.allclose(frames[n], there, atol=1e-9)


@given(grids(), st.booleans())
@settings(max_examples=30, deadline=None)
def test_frames_become_the_same_field_again(space, natural):
    planes = planes_of(space, natural=natural)
    field = np.arange(np.prod(space.shape)).reshape(space.shape)
    assert np.array_equal(from_frames(as_frames(field, planes), planes), field)


@pytest.mark.parametrize("natural", [True, False])
def test_time_comes_first_and_further_axes_last(natural):
    space = grid(np.diag([3.0, 1.0, 1.0]), timeline=Timeline(times=np.arange(2.0)))
    planes = planes_of(space, natural=natural)
    field = np.arange(2 * 4 * 5 * 6 * 3).reshape(2, 4, 5, 6, 3)
    frames = as_frames(field, planes)
    assert frames.shape == (2, *planes.shape, 3)
    assert np.array_equal(from_frames(frames, planes), field)


def test_a_picture_is_one_slice():
    plane = Plane.upright(shape=(5, 6), spacing=(0.5, 0.25), frame=FRAME)
    planes = planes_of(plane, natural=False)
    field = np.arange(30).reshape(5, 6)
    assert as_frames(field, planes).shape == (1, 1, 5, 6)
    assert np.array_equal(from_frames(as_frames(field, planes), planes), field)
    assert (planes.positions, planes.spacing) == (None, (0.5, 0.25))


SHOWN = {
    # The array axes run to: left, posterior, superior (LPS+); what a row and a column of a frame must run to.
    "axial, from a file with R A S axes": (np.diag([-1.0, -1.0, 3.0]), [1, 0, 0, 0, 1, 0]),
    "coronal": (np.diag([1.0, 3.0, 1.0]), [1, 0, 0, 0, 0, -1]),
    "sagittal": (np.diag([3.0, 1.0, 1.0]), [0, 1, 0, 0, 0, -1]),
    "even voxels are shown axially": (np.diag([1.0, 1.0, 1.0]), [1, 0, 0, 0, 1, 0]),
}


@pytest.mark.parametrize("name", SHOWN)
def test_what_did_not_come_from_dicom_is_shown_as_radiologists_are_used_to(name):
    linear, orientation = SHOWN[name]
    planes = planes_of(grid(linear), natural=False)
    assert np.allclose(planes.orientation, orientation)
    normal = np.cross(planes.orientation[:3], planes.orientation[3:])
    assert ((planes.positions[1] - planes.positions[0]) @ normal) > 0


def test_a_tilted_gantry_stays_in_the_positions():
    linear = np.array([[0.0, 0, 0.8], [1.1, 0.8, 0], [3.0, 0, 0]])
    planes = planes_of(grid(linear), natural=True)
    assert np.allclose(planes.positions[1] - planes.positions[0], [0.0, 1.1, 3.0])
    assert planes.step == pytest.approx(3.0)


def test_rows_that_lean_over_have_no_home():
    with pytest.raises(NoDicomHome, match="right angles"):
        planes_of(grid(np.array([[1.0, 0, 0], [0, 1.0, 0.3], [0, 0, 1.0]])), natural=True)


def test_without_a_size_a_volume_has_frames_and_no_place():
    space = Grid(shape=(4, 5, 6), affine=np.eye(4), frame=FRAME, unit="pixel")
    planes = planes_of(space, natural=False)
    assert (planes.axes, planes.positions, planes.spacing) == ((0, 1, 2), None, None)
