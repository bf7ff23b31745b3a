"""Which way the axes of a grid point in the patient, held against nibabel."""

import itertools

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skiagraph.errors import GeometryError
from skiagraph.geometry import Grid, axis_codes, derived_frame, index_map, reoriented
from skiagraph.testing.strategies import grids

ORIENTATIONS = [
    "".join(letters)
    for order in itertools.permutations(["RL", "AP", "IS"])
    for letters in itertools.product(*order)
]
TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@pytest.mark.parametrize(
    ("columns", "codes"),
    [
        (np.eye(3), "LPS"),
        (-np.eye(3), "RAI"),
        (np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]]), "SPL"),
        (np.array([[0, 0.1, 0.99], [0, 0.99, -0.1], [1, 0, 0]]), "SPL"),
    ],
)
def test_the_letters_say_where_each_axis_points(columns, codes):
    affine = np.eye(4)
    affine[:3, :3] = columns
    assert axis_codes(Grid(shape=(2, 2, 2), affine=affine, frame=derived_frame("x"))) == codes


@given(grids())
def test_the_letters_are_those_of_nibabel(grid):
    directions = np.abs(grid.affine[:3, :3] / np.linalg.norm(grid.affine[:3, :3], axis=0))
    clear = np.sort(directions, axis=0)[1].max() < 0.6 and len(set(directions.argmax(axis=0))) == 3
    if clear:  # where two axes are equally near, either answer is right
        assert axis_codes(grid) == "".join(nib.aff2axcodes(TO_RAS @ grid.affine))


@given(grids(), st.sampled_from(ORIENTATIONS))
def test_a_reoriented_grid_points_as_asked_and_keeps_its_voxels(grid, codes):
    result = reoriented(grid, codes)
    assert axis_codes(result) == codes
    assert sorted(result.shape) == sorted(grid.shape)
    assert index_map(grid, result).exact
    again = reoriented(result, axis_codes(grid))
    assert again.shape == grid.shape
    assert again.affine == pytest.approx(grid.affine, abs=1e-9)


@pytest.mark.parametrize("codes", ORIENTATIONS)
def test_an_array_is_reoriented_as_nibabel_does(codes):
    grid = Grid(shape=(2, 3, 4), affine=np.diag([1.0, 2.0, 3.0, 1.0]), frame=derived_frame("x"))
    change = nib.orientations.ornt_transform(
        nib.io_orientation(TO_RAS @ grid.affine), nib.orientations.axcodes2ornt(codes)
    )
    result = reoriented(grid, codes)
    theirs = TO_RAS @ TO_RAS @ grid.affine @ nib.orientations.inv_ornt_aff(change, grid.shape)
    assert result.affine == pytest.approx(theirs)
    assert result.shape == nib.orientations.apply_orientation(np.zeros(grid.shape), change).shape


@pytest.mark.parametrize("codes", ["", "LP", "LPSS", "LLS", "LRS", "XYZ", "lps"])
def test_letters_that_are_no_orientation_are_refused(codes):
    grid = Grid(shape=(2, 2, 2), affine=np.eye(4), frame=derived_frame("x"))
    with pytest.raises(GeometryError, match="one letter each"):
        reoriented(grid, codes)
