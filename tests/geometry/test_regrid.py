"""New lattices from old ones: voxels that remain stay where they are, the field of view stays as large as it was."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skiagraph.errors import GeometryError, UnknownSize
from skiagraph.geometry import (
    Grid,
    Plane,
    cropped,
    derived_frame,
    flipped,
    padded,
    permuted,
    resized,
    respaced,
    spacing_of,
    to_world,
)
from skiagraph.testing.strategies import spaces

FRAME = derived_frame("here")
GRID = Grid(shape=(2, 3, 4), affine=np.diag([3.0, 2.0, 1.0, 1.0]), frame=FRAME)


def corners(space):
    """The outer corners of the field of view, half a voxel beyond the outermost centres."""
    ends = (
        np.array(np.meshgrid(*[(-0.5, n - 0.5) for n in space.shape], indexing="ij"))
        .reshape(space.ndim, -1)
        .T
    )
    return to_world(space, ends)


@given(spaces(), st.data())
def test_a_crop_begins_where_it_says_and_padding_undoes_it(space, data):
    start = [data.draw(st.integers(0, n - 1)) for n in space.shape]
    shape = [data.draw(st.integers(1, n - s)) for n, s in zip(space.shape, start, strict=True)]
    crop = cropped(space, start, shape)
    assert crop.shape == tuple(shape)
    assert to_world(crop, np.zeros(space.ndim)) == pytest.approx(to_world(space, np.array(start, float)))
    after = [n - s - m for n, s, m in zip(space.shape, start, shape, strict=True)]
    again = padded(crop, start, after)
    assert again.shape == space.shape
    assert again.affine == pytest.approx(space.affine)


@given(spaces(), st.data())
def test_a_flip_ends_where_the_old_lattice_began_and_two_flips_cancel(space, data):
    axis = data.draw(st.integers(0, space.ndim - 1))
    turned = flipped(space, axis)
    last = np.zeros(space.ndim)
    last[axis] = space.shape[axis] - 1
    assert to_world(turned, last) == pytest.approx(to_world(space, np.zeros(space.ndim)))
    assert flipped(turned, axis).affine == pytest.approx(space.affine)


@given(spaces(), st.data())
def test_axes_are_permuted_as_numpy_transposes(space, data):
    order = data.draw(st.permutations(range(space.ndim)))
    index = np.arange(space.ndim, dtype=float)
    assert permuted(space, order).shape == tuple(np.zeros(space.shape).transpose(order).shape)
    assert to_world(permuted(space, order), index[list(order)]) == pytest.approx(to_world(space, index))


@given(spaces(), st.data())
def test_another_size_keeps_exactly_the_field_of_view(space, data):
    shape = [data.draw(st.integers(1, 12)) for _ in space.shape]
    assert resized(space, shape).shape == tuple(shape)
    assert corners(resized(space, shape)) == pytest.approx(corners(space), abs=1e-6)


@given(spaces(), st.data())
def test_another_spacing_keeps_the_field_of_view_to_half_a_voxel_and_its_centre(space, data):
    spacing = [data.draw(st.floats(0.3, 3.0)) for _ in space.shape]
    old = spacing_of(space)
    if old is None:
        with pytest.raises(UnknownSize):
            respaced(space, spacing)
        return
    result = respaced(space, spacing)
    assert spacing_of(result) == pytest.approx(spacing)
    assert corners(result).mean(axis=0) == pytest.approx(corners(space).mean(axis=0), abs=1e-6)
    for n, s, m, o in zip(result.shape, spacing, space.shape, old, strict=True):
        assert abs(n * s - m * o) <= 0.5 * s + 1e-9 or n == 1


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: cropped(GRID, (0, 0), (1, 1)),
        lambda: cropped(GRID, (0, 0, 0), (1, 1, 0)),
        lambda: padded(GRID, (0, 0, 0), (1, 1)),
        lambda: padded(GRID, (-1, 0, 0), (-1, 0, 0)),
        lambda: flipped(GRID, 3),
        lambda: flipped(GRID, -1),
        lambda: permuted(GRID, (0, 1)),
        lambda: permuted(GRID, (0, 1, 1)),
        lambda: permuted(GRID, (0, 1, 3)),
        lambda: respaced(GRID, (1.0, 1.0)),
        lambda: respaced(GRID, (1.0, 1.0, 0.0)),
        lambda: respaced(GRID, (1.0, 1.0, float("nan"))),
        lambda: resized(GRID, (1, 1)),
        lambda: resized(GRID, (1, 1, 0)),
    ],
)
def test_lattices_that_cannot_be_are_refused(wrong):
    with pytest.raises(GeometryError):
        wrong()


def test_a_plane_of_unknown_size_gets_no_spacing():
    with pytest.raises(UnknownSize, match="give its pixel size"):
        respaced(Plane.upright(shape=(4, 4), spacing=None, frame=FRAME), (1.0, 1.0))
