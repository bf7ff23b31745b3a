"""The way back: copied where lattices coincide, right to 0.01 voxel where they do not, never across frames."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skiagraph import codes
from skiagraph.errors import FrameMismatch, GeometryError, InvalidInput
from skiagraph.findings import (
    Box,
    Boxes,
    Contour,
    Contours,
    DerivedImage,
    DisplacementField,
    Heatmap,
    Landmark,
    Landmarks,
    Measurement,
    Segment,
    Segmentation,
    Track,
    Tracks,
    resample,
)
from skiagraph.geometry import (
    Grid,
    Plane,
    Timeline,
    Transform,
    cropped,
    derived_frame,
    index_map,
    reoriented,
    resized,
    respaced,
    to_index,
    to_world,
)
from skiagraph.image import Image
from skiagraph.testing import finding_digest
from skiagraph.testing.strategies import grids, lattices_of, spaces, spatial_findings

FRAME = derived_frame("here")
ELSEWHERE = derived_frame("elsewhere")
PLANE = Plane.upright(shape=(120, 160), spacing=(0.5, 0.4), frame=FRAME)
SEGMENTS = (Segment(number=1, code=codes.HEAD),)


def places(space):
    return to_world(space, np.moveaxis(np.indices(space.shape, dtype=float), 0, -1))


def turned(source=FRAME, target=ELSEWHERE, degrees=30.0):
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return Transform(matrix=np.array([[c, -s, 4.0], [s, c, -7.0], [0, 0, 1]]), source=source, target=target)


def one_of_each(space):
    """Every kind of finding that lies in a space."""
    field = () if space.timeline is None else (len(space.timeline),)
    labels = np.zeros((*field, *space.shape), np.uint8)
    code = codes.HEAD
    still = dataclasses.replace(space, timeline=None)
    moving = dataclasses.replace(space, timeline=Timeline(times=np.arange(2.0)))
    return [
        Segmentation(space=space, labels=labels, segments=SEGMENTS),
        Heatmap(space=space, values=labels.astype(np.float32), concept=code, unit=codes.ONE),
        DisplacementField(space=space, vectors=np.ones((*space.shape, space.ndim)), target=ELSEWHERE),
        DerivedImage(image=Image(data=np.zeros(space.shape), space=still), kind="synthetic"),
        Landmarks(space=space, items=(Landmark(code=code, point=np.ones(space.ndim)),)),
        Boxes(space=space, items=(Box(code=code, low=np.zeros(space.ndim), high=np.ones(space.ndim)),)),
        Contours(space=space, items=(Contour(code=code, points=np.eye(space.ndim)),)),
        Tracks(
            space=moving, items=(Track(code=code, moments=np.array([1]), points=np.ones((1, space.ndim))),)
        ),
    ]


KINDS = [type(finding).__name__ for finding in one_of_each(PLANE)]


# Where lattices coincide ----------------------------------------------------------------------------------------


@given(st.data())
def test_padded_flipped_and_permuted_in_any_order_and_back_gives_the_same_bits(data):
    finding = data.draw(spatial_findings())
    onto = data.draw(lattices_of(finding.space, whole=True))
    there = resample(finding, onto)
    assert there.space.shape == onto.shape
    assert finding_digest(resample(there, finding.space)) == finding_digest(finding)


@given(st.data())
def test_reoriented_and_back_gives_the_same_bits(data):
    finding = data.draw(grids().flatmap(lambda grid: spatial_findings(space=grid)))
    onto = reoriented(finding.space, data.draw(st.sampled_from(["SPL", "RAS", "LPS", "AIR", "PSR"])))
    assert finding_digest(resample(resample(finding, onto), finding.space)) == finding_digest(finding)


@given(st.data())
def test_each_voxel_of_a_crop_has_the_label_of_the_same_place_and_the_rest_is_background(data):
    space = data.draw(spaces(moving=False))
    labels = np.arange(1, np.prod(space.shape) + 1).reshape(space.shape)
    segments = tuple(Segment(number=int(n), code=codes.HEAD) for n in labels.ravel())
    onto = data.draw(lattices_of(space))
    result = resample(Segmentation(space=space, labels=labels, segments=segments), onto)
    for index in np.ndindex(*onto.shape):
        source = tuple(np.rint(to_index(space, to_world(onto, np.array(index, float)))).astype(int))
        inside = all(0 <= i < n for i, n in zip(source, space.shape, strict=True))
        assert result.labels[index] == (labels[source] if inside else 0)


def test_beyond_the_field_of_view_heat_is_unknown_probabilities_are_0_and_displacements_those_of_the_edge():
    space = Plane.upright(shape=(2, 2), spacing=(1.0, 1.0), frame=FRAME)
    onto = cropped(space, (0, -1), (2, 3))
    values = np.array([[1.0, 2.0], [3.0, 4.0]])
    heat = resample(Heatmap(space=space, values=values, concept=codes.HEAD, unit=codes.ONE), onto)
    assert np.array_equal(heat.values, [[np.nan, 1, 2], [np.nan, 3, 4]], equal_nan=True)
    one = np.ones((2, 2), np.uint8)
    found = Segmentation(space=space, labels=one, segments=SEGMENTS, probabilities=np.full((1, 2, 2), 0.75))
    brought = resample(found, onto)
    assert brought.labels.tolist() == [[0, 1, 1], [0, 1, 1]]
    assert brought.probabilities.tolist() == [[[0, 0.75, 0.75], [0, 0.75, 0.75]]]
    vectors = np.stack([values, -values], axis=-1)
    moved = resample(DisplacementField(space=space, vectors=vectors, target=FRAME), onto)
    assert moved.vectors[..., 0].tolist() == [[1, 1, 2], [3, 3, 4]]


def test_a_box_follows_its_voxels_through_a_flip_and_a_crop():
    space = Plane.upright(shape=(10, 20), spacing=(1.0, 1.0), frame=FRAME)
    box = Box(code=codes.HEAD, low=np.array([1.5, 3.5]), high=np.array([4.5, 9.5]))
    onto = cropped(space, (1, 2), (9, 10))
    (moved,) = resample(Boxes(space=space, items=(box,)), onto).items
    assert (moved.low.tolist(), moved.high.tolist()) == ([0.5, 1.5], [3.5, 7.5])


# Other spacings -------------------------------------------------------------------------------------------------

SPACINGS = [(0.25, 0.2), (0.3, 0.7), (0.45, 0.44), (1.1, 0.9), (2.0, 1.6)]


@pytest.mark.parametrize("spacing", SPACINGS)
def test_a_heat_map_of_places_still_tells_its_places_to_a_hundredth_of_a_voxel(spacing):
    values = places(PLANE)[..., 0]
    onto = respaced(PLANE, spacing)
    result = resample(Heatmap(space=PLANE, values=values, concept=codes.HEAD, unit=codes.MM), onto)
    index = index_map(onto, PLANE)(np.moveaxis(np.indices(onto.shape, dtype=float), 0, -1))
    between = ((index >= 0) & (index <= np.array(PLANE.shape) - 1)).all(axis=-1)
    assert between.mean() > 0.9
    assert np.abs(result.values - places(onto)[..., 0])[between].max() < 0.01 * min(*spacing, 0.4)


@pytest.mark.parametrize("edge", [40.0, 40.25, 40.5, 40.9])
def test_an_outline_runs_where_the_probability_is_one_half_to_a_hundredth_of_a_voxel(edge):
    columns = np.broadcast_to(np.arange(160.0), (120, 160))
    p = np.clip(0.5 + (edge - columns) / 3, 0, 1)[None]
    found = Segmentation(
        space=PLANE, labels=(p[0] >= 0.5).astype(np.uint8), segments=SEGMENTS, probabilities=p
    )
    onto = resized(cropped(PLANE, (50, 30), (1, 20)), (1, 20 * 400))
    row = resample(found, onto).labels[0]
    last = np.flatnonzero(row)[-1]
    assert row[: last + 1].all()
    assert index_map(onto, PLANE)(np.array([0.0, last + 0.5]))[1] == pytest.approx(edge, abs=0.01)


@pytest.mark.parametrize("kind", ["exclusive", "overlapping", "instances"])
def test_without_probabilities_an_outline_runs_half_way_between_the_voxels(kind):
    mask = np.broadcast_to(np.arange(160) <= 40, (120, 160))
    labels = mask[None] if kind == "overlapping" else mask.astype(np.int32)
    found = Segmentation(space=PLANE, labels=labels, segments=SEGMENTS, kind=kind)
    onto = resized(cropped(PLANE, (50, 30), (1, 20)), (1, 20 * 400))
    row = resample(found, onto).mask(1)[0]
    last = np.flatnonzero(row)[-1]
    assert row[: last + 1].all()
    assert index_map(onto, PLANE)(np.array([0.0, last + 0.5]))[1] == pytest.approx(40.5, abs=0.01)


@pytest.mark.parametrize("spacing", [(0.25, 0.2), (0.17, 0.13), (0.07, 0.09)])
@pytest.mark.parametrize("kind", ["exclusive", "overlapping"])
def test_a_large_shape_keeps_its_centre_and_its_size_to_a_hundredth_of_a_voxel(spacing, kind):
    offset = places(PLANE) - [31.3, 29.8]
    mask = np.hypot(offset[..., 0], offset[..., 1] * 1.2) < 25
    labels = mask[None] if kind == "overlapping" else mask.astype(np.uint8)
    found = Segmentation(space=PLANE, labels=labels, segments=SEGMENTS, kind=kind)
    result = resample(found, respaced(PLANE, spacing))

    def centre_and_radius(segmentation):
        inside = segmentation.mask(1)
        area = inside.sum() * abs(np.linalg.det(segmentation.space.affine[:2, :2]))
        return places(segmentation.space)[inside].mean(axis=0), np.sqrt(area / np.pi)

    (centre, radius), (new_centre, new_radius) = centre_and_radius(found), centre_and_radius(result)
    assert np.abs(new_centre - centre).max() < 0.01 * 0.4
    assert new_radius == pytest.approx(radius, abs=0.01 * 0.4)


@pytest.mark.parametrize("spacing", SPACINGS)
def test_neighbouring_segments_leave_no_gap_between_them(spacing):
    labels = np.zeros(PLANE.shape, np.uint8)
    labels[20:100, 20:140] = 1 + (np.add.outer(np.arange(80) // 7, np.arange(120) // 11) % 3)
    segments = tuple(Segment(number=n, code=codes.HEAD) for n in (1, 2, 3))
    onto = respaced(PLANE, spacing)
    whole = Segmentation(space=PLANE, labels=(labels > 0).astype(np.uint8), segments=SEGMENTS)
    parts = resample(Segmentation(space=PLANE, labels=labels, segments=segments), onto)
    assert np.array_equal(parts.labels > 0, resample(whole, onto).labels > 0)


def test_labels_stay_what_they_were_where_they_did_not_follow_the_probabilities():
    labels = np.zeros(PLANE.shape, np.uint8)
    labels[10:50, 10:50] = 1
    sure_of_nothing = np.zeros((1, *PLANE.shape), np.float32)
    found = Segmentation(space=PLANE, labels=labels, segments=SEGMENTS, probabilities=sure_of_nothing)
    assert resample(found, respaced(PLANE, (0.25, 0.2))).labels.sum() == 4 * labels.sum()


def test_many_instances_keep_their_numbers():
    labels = np.zeros(PLANE.shape, np.int32)
    labels[::10, ::10] = labels[1::10, ::10] = labels[::10, 1::10] = 7 + np.arange(12 * 16).reshape(12, 16)
    labels[1::10, 1::10] = labels[::10, ::10]
    segments = tuple(Segment(number=int(n), code=codes.HEAD) for n in np.unique(labels[labels > 0]))
    found = Segmentation(space=PLANE, labels=labels, segments=segments, kind="instances")
    onto = respaced(PLANE, (0.25, 0.2))
    result = resample(found, onto)
    centres = {n: places(PLANE)[labels == n].mean(axis=0) for n in (7, 50, 198)}
    for number, centre in centres.items():
        assert places(onto)[result.labels == number].mean(axis=0) == pytest.approx(centre, abs=0.02)


@given(st.data())
def test_a_segmentation_of_any_kind_stays_valid_on_any_lattice_of_its_frame(data):
    finding = data.draw(spatial_findings())
    onto = dataclasses.replace(
        data.draw(grids() if finding.space.ndim == 3 else spaces()), frame=finding.space.frame
    )
    if onto.ndim == finding.space.ndim and onto.unit == finding.space.unit:
        onto = dataclasses.replace(onto, timeline=None)
        assert resample(finding, onto).space == dataclasses.replace(onto, timeline=finding.space.timeline)


def test_heat_beside_a_hole_is_the_heat_of_the_places_that_have_one():
    values = np.full(PLANE.shape, 3.0)
    values[40:60, 50:70] = np.nan
    result = resample(
        Heatmap(space=PLANE, values=values, concept=codes.HEAD, unit=codes.ONE), respaced(PLANE, (0.25, 0.2))
    )
    known = np.isfinite(result.values)
    assert result.values[known] == pytest.approx(3.0)
    assert np.count_nonzero(~known) == pytest.approx(4 * 20 * 20, rel=0.05)


@pytest.mark.parametrize("seed", range(4))
def test_heat_is_what_simpleitk_interpolates(seed, itk):
    rng = np.random.default_rng(seed)
    axes, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = axes * [2.0, 0.7, 1.1], rng.normal(size=3) * 50
    grid = Grid(shape=(9, 14, 11), affine=affine, frame=FRAME)
    values = rng.normal(size=grid.shape).astype(np.float32)
    onto = respaced(grid, (1.3, 0.9, 0.6))
    mine = resample(Heatmap(space=grid, values=values, concept=codes.HEAD, unit=codes.ONE), onto)
    assert mine.values == pytest.approx(itk.resampled(values, grid, onto), abs=1e-4)


# Marks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Landmarks", "Contours", "Tracks"])
def test_places_do_not_move_when_the_lattice_changes(name):
    finding = dict(zip(KINDS, one_of_each(PLANE), strict=True))[name]
    result = resample(finding, respaced(PLANE, (1.0, 1.0)))
    old, new = finding.items[0], result.items[0]
    assert np.array_equal(*[getattr(i, "point", getattr(i, "points", None)) for i in (old, new)])


@pytest.mark.parametrize("spacing", SPACINGS)
def test_the_edges_of_a_box_stay_at_their_places_when_the_spacing_changes(spacing):
    box = Box(code=codes.HEAD, low=np.array([9.5, 19.5]), high=np.array([49.5, 99.5]))
    onto = respaced(PLANE, spacing)
    (result,) = resample(Boxes(space=PLANE, items=(box,)), onto).items
    assert to_world(onto, result.low) == pytest.approx(to_world(PLANE, box.low), abs=1e-9)
    assert to_world(onto, result.high) == pytest.approx(to_world(PLANE, box.high), abs=1e-9)


# Frames, times, units -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", range(len(KINDS)), ids=KINDS)
def test_no_finding_changes_its_frame_in_silence(kind):
    finding = one_of_each(PLANE)[kind]
    onto = dataclasses.replace(PLANE, frame=ELSEWHERE)
    with pytest.raises(FrameMismatch, match="pass the Transform"):
        resample(finding, onto)
    with pytest.raises(FrameMismatch):
        resample(finding, onto, via=turned().inverse())
    assert resample(finding, onto, via=turned()).space.frame == ELSEWHERE


@pytest.mark.parametrize("kind", range(len(KINDS)), ids=KINDS)
@pytest.mark.parametrize(
    "onto",
    [
        Grid(shape=(2, 2, 2), affine=np.eye(4), frame=FRAME),
        Plane.upright(shape=PLANE.shape, spacing=None, frame=FRAME),
    ],
    ids=["another number of axes", "another unit"],
)
def test_what_cannot_be_compared_is_refused(kind, onto):
    with pytest.raises(GeometryError):
        resample(one_of_each(PLANE)[kind], onto)


def test_frames_of_one_time_are_not_carried_to_another():
    moving = dataclasses.replace(PLANE, timeline=Timeline(times=np.arange(3.0)))
    later = dataclasses.replace(PLANE, timeline=Timeline(times=np.arange(3.0) + 1))
    for finding in one_of_each(moving)[:3]:
        with pytest.raises(GeometryError, match="not in time"):
            resample(finding, later)
        assert resample(finding, PLANE).space == moving


def test_a_fact_has_no_lattice():
    fact = Measurement(concept=codes.HEAD_CIRCUMFERENCE, value=1.0, unit=codes.MM)
    with pytest.raises(InvalidInput, match="lie in a space"):
        resample(fact, PLANE)


def test_a_landmark_goes_where_the_transform_says():
    via = turned()
    finding = Landmarks(space=PLANE, items=(Landmark(code=codes.HEAD, point=np.array([3.0, 5.0])),))
    (moved,) = resample(finding, dataclasses.replace(PLANE, frame=ELSEWHERE), via=via).items
    assert moved.point == pytest.approx((via.matrix @ [3, 5, 1])[:2])


def test_a_segmentation_goes_where_the_transform_says():
    via = turned()
    labels = np.zeros(PLANE.shape, np.uint8)
    labels[40:70, 60:100] = 1
    onto = dataclasses.replace(resized(PLANE, (240, 320)), frame=ELSEWHERE)
    result = resample(Segmentation(space=PLANE, labels=labels, segments=SEGMENTS), onto, via=via)
    centre = np.append(places(PLANE)[labels == 1].mean(axis=0), 1)
    assert places(onto)[result.labels == 1].mean(axis=0) == pytest.approx((via.matrix @ centre)[:2], abs=0.01)


def test_a_displacement_field_leads_to_the_same_ends_from_another_frame(rng):
    via = turned()
    start = places(PLANE)
    slope = rng.normal(size=(2, 2)) / 10
    field = DisplacementField(
        space=PLANE, vectors=start @ slope + [1.0, -2.0], target=derived_frame("moving")
    )
    onto = dataclasses.replace(cropped(PLANE, (50, 50), (20, 30)), frame=ELSEWHERE)
    result = resample(field, onto, via=via)
    new = places(onto)
    old = (np.insert(new, 2, 1.0, axis=-1) @ via.inverse().matrix.T)[..., :2]
    inside = ((to_index(PLANE, old) >= 0) & (to_index(PLANE, old) <= np.array(PLANE.shape) - 1)).all(axis=-1)
    assert inside.any()
    assert (new + result.vectors)[inside] == pytest.approx(
        (old + old @ slope + [1.0, -2.0])[inside], abs=1e-6
    )
