"""Segmentations and contours are the same after a structure set, and structure sets are valid and the same again."""

import dataclasses
import warnings

import numpy as np
import pydicom
import pydicom.data
import pytest
from battery import LIVER, PROVENANCE, SPLEEN, segmentations, spatial_marks
from hypothesis import given, settings
from hypothesis import strategies as st
from pacs import differences
from sources import DICOM_SOURCES, OTHER_SOURCES
from truth import marked_frames

from skiagraph.case import Case
from skiagraph.errors import FormatError, FrameMismatch, GeometryError, NoDicomHome
from skiagraph.findings import Contour, Contours, Segment, Segmentation
from skiagraph.geometry import Grid, derived_frame, to_world
from skiagraph.image import Image
from skiagraph.interchange.identity import SKIAGRAPH, Series, content_of
from skiagraph.interchange.object import dataset_of, encoded, save
from skiagraph.interchange.structure_set import (
    filled,
    mask_of,
    read_masks,
    read_points,
    read_structure_set,
    structure_set_object,
)
from skiagraph.testing.strategies import grids
from skiagraph.testing.strategies.findings import contours
from skiagraph.testing.strategies.findings import segmentations as any_segmentations

SERIES = Series(number=7, description="contours")
CONTENT = content_of(PROVENANCE, "letter and pole")
PICTURES = {"ultrasound cine", "X-ray", "X-ray without size", "photograph", "PNG"}
VOLUMES = [name for name in (*DICOM_SOURCES, *OTHER_SOURCES) if name not in PICTURES]
FRAME = derived_frame("frame of a structure set")
GRID = Grid(
    shape=(4, 6, 8),
    affine=np.array([[0, 0, 0.5, 3], [0, 2.0, 0, -7], [3, 0, 0, 11], [0, 0, 0, 1]]),
    frame=FRAME,
)


def written(finding, case):
    return structure_set_object(finding, case, SKIAGRAPH, SERIES, CONTENT)


def again(finding, case):
    return dataset_of(written(finding, case))


def again_or_none(finding, case, *, empty):
    """None where a lattice with shear in its slices, or a finding of nothing, has no home."""
    try:
        return again(finding, case)
    except NoDicomHome as error:
        if empty or "right angles" in str(error):
            return None
        raise


def case_of(space):
    times = () if space.timeline is None else (len(space.timeline),)
    image = Image(data=np.zeros((*times, *space.shape), np.uint8), space=space)
    return Case(identifier="made up", images={"image": image})


def assert_same_segmentation(a, b):
    assert (a.space, a.segments, a.kind, a.labels.dtype) == (b.space, b.segments, b.kind, b.labels.dtype)
    assert np.array_equal(a.labels, b.labels)


def assert_same_contours(a, b):
    assert a.space == b.space
    assert len(a.items) == len(b.items)
    for one, other in zip(a.items, b.items, strict=True):
        assert (one.code, one.closed, one.confidence, one.moment) == (
            other.code,
            other.closed,
            other.confidence,
            other.moment,
        )
        np.testing.assert_allclose(one.points, other.points, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", VOLUMES)
def test_masks_on_every_volume_are_the_same_after_a_valid_structure_set(
    name, drawn_source, validator, tmp_path
):
    case = drawn_source(name).case
    for kind in ("exclusive", "overlapping", "instances"):
        finding = segmentations(case)[kind]
        save(written(finding, case), tmp_path / "rs.dcm")
        assert validator(tmp_path / "rs.dcm") == [] or name == "bare CT"
        read = pydicom.dcmread(tmp_path / "rs.dcm")
        assert_same_segmentation(read_masks(read), finding)
        assert_same_segmentation(read_masks(read, case), finding)


@pytest.mark.parametrize("name", VOLUMES)
def test_contours_on_every_volume_are_the_same_after_a_valid_structure_set(
    name, drawn_source, validator, tmp_path
):
    case = drawn_source(name).case
    finding = spatial_marks(case)["contours"]
    save(written(finding, case), tmp_path / "rs.dcm")
    assert validator(tmp_path / "rs.dcm") == [] or name == "bare CT"
    assert_same_contours(read_structure_set(pydicom.dcmread(tmp_path / "rs.dcm"), case), finding)


@pytest.mark.parametrize("name", [name for name in DICOM_SOURCES if name not in PICTURES])
def test_each_outline_lies_on_the_letter_in_the_very_frame_that_it_cites(name, drawn_source):
    source = drawn_source(name)
    frames = marked_frames(source.folder)
    ds = again(segmentations(source.case)["letter"], source.case)
    space, found = source.case.image.space, {}
    for item in (i for roi in ds.ROIContourSequence for i in roi.ContourSequence):
        (cited,) = item.ContourImageSequence
        key = str(cited.ReferencedSOPInstanceUID), int(cited.get("ReferencedFrameNumber") or 1)
        points = np.array(item.ContourData, float).reshape(-1, 3)
        index = np.linalg.solve(space.affine[:3, :3], (points - space.affine[:3, 3]).T).T
        found.setdefault(key, []).append(index[:, 1:])
    lit = {key: values == 1 for key, values in frames.items() if (values == 1).any()}
    assert found.keys() == lit.keys()
    for key, mask in lit.items():
        assert np.array_equal(filled(found[key], mask.shape), mask)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_segmentation_is_the_same_after_a_structure_set(data):
    space = data.draw(grids(largest=4))
    finding = dataclasses.replace(data.draw(any_segmentations(space)), probabilities=None)
    written_again = again_or_none(finding, case_of(space), empty=not finding.segments)
    if written_again is not None:
        assert_same_segmentation(read_masks(written_again), finding)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_contours_are_the_same_after_a_structure_set(data):
    space = data.draw(grids(largest=4))
    finding = data.draw(contours(space))
    written_again = again_or_none(finding, case_of(space), empty=not finding.items)
    if written_again is not None:
        assert_same_contours(read_structure_set(written_again), finding)


def test_what_is_written_twice_is_the_same_twice(drawn_source):
    case = drawn_source("axial CT").case
    finding = segmentations(case)["exclusive"]
    assert encoded(written(finding, case)) == encoded(written(finding, case))


def test_an_outline_longer_than_64_kilobytes_is_kept():
    space = dataclasses.replace(GRID, shape=(1, 200, 200), affine=np.diag([3.0, 1 / 3, 1 / 7, 1.0]))
    labels = (np.random.default_rng(1).random(space.shape) < 0.85).astype(np.uint8)
    finding = Segmentation(space=space, labels=labels, segments=(Segment(number=1, code=LIVER),))
    ds = again(finding, case_of(space))
    longest = max(len(i.get_item("ContourData").value) for i in ds.ROIContourSequence[0].ContourSequence)
    assert longest > 2**16
    assert_same_segmentation(read_masks(ds), finding)


def test_regions_have_names_of_their_own_and_the_codes_of_their_segments(drawn_source):
    case = drawn_source("axial CT").case
    ds = again(segmentations(case)["instances"], case)
    assert [str(roi.ROIName) for roi in ds.StructureSetROISequence] == ["Liver", "Liver 2"]
    assert {o.RTROIIdentificationCodeSequence[0].CodeValue for o in ds.RTROIObservationsSequence} == {
        LIVER.value
    }
    assert {roi.ROIGenerationAlgorithm for roi in ds.StructureSetROISequence} == {"AUTOMATIC"}


def test_what_moves_has_a_region_for_each_moment_at_which_it_is_there(drawn_source):
    case = drawn_source("cardiac cine").case
    ds = again(segmentations(case)["letter"], case)
    assert [str(roi.ROIName) for roi in ds.StructureSetROISequence] == ["Liver, moment 1", "Liver, moment 3"]


def test_a_picture_has_no_structure_set_but_a_way_out(drawn_source):
    case = drawn_source("X-ray").case
    with pytest.raises(NoDicomHome, match="structured report"):
        written(spatial_marks(case)["contours"], case)


def test_nothing_has_no_structure_set():
    with pytest.raises(NoDicomHome, match="at least one region"):
        written(Contours(space=GRID, items=()), case_of(GRID))


def test_a_line_in_no_plane_is_written_open_and_comes_back_closed():
    points = np.array([[0.0, 0, 0], [10, 0, 0], [10, 10, 5], [0, 10, 0]])
    finding = Contours(space=GRID, items=(Contour(code=LIVER, points=points),))
    ds = again(finding, case_of(GRID))
    (line,) = ds.ROIContourSequence[0].ContourSequence
    assert (line.ContourGeometricType, line.NumberOfContourPoints) == ("OPEN_NONPLANAR", 5)
    assert list(line.ContourData)[:3] == list(line.ContourData)[-3:]
    assert_same_contours(read_structure_set(ds), finding)


def test_closed_contours_become_masks_one_segment_a_code():
    low, high = [1, 0.5, 1.5], [1, 4.5, 5.5]
    square = np.array(
        [[1, low[1], low[2]], [1, low[1], high[2]], [1, high[1], high[2]], [1, high[1], low[2]]]
    )
    hole = square * [1, 0.5, 0.5] + [0, 1.25, 1.75]
    items = (
        Contour(code=LIVER, points=to_world(GRID, square), confidence=0.5),
        Contour(code=LIVER, points=to_world(GRID, hole), confidence=0.5),
        Contour(code=SPLEEN, points=to_world(GRID, square + np.array([2.25, 0, 0]))),
        Contour(code=LIVER, points=to_world(GRID, square)[:2], closed=False),
    )
    found = mask_of(Contours(space=GRID, items=items), GRID)
    expected = np.zeros((2, *GRID.shape), np.bool_)
    expected[0, 1, 1:5, 2:6], expected[1, 3, 1:5, 2:6] = True, True
    expected[0, 1, 2:4, 3:5] = False
    assert found.segments == (Segment(number=1, code=LIVER, confidence=0.5), Segment(number=2, code=SPLEEN))
    assert np.array_equal(found.labels, expected)


def test_masks_are_only_filled_in_their_own_frame_and_slices():
    points = to_world(GRID, np.array([[0, 0, 0], [0, 0, 4], [3.0, 4, 4], [3, 4, 0]]))
    finding = Contours(space=GRID, items=(Contour(code=LIVER, points=points),))
    with pytest.raises(GeometryError, match="slices of the lattice"):
        mask_of(finding, GRID)
    with pytest.raises(FrameMismatch):
        mask_of(finding, dataclasses.replace(GRID, frame=derived_frame("another")))


def others():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(pydicom.data.get_testdata_file("rtstruct.dcm"), force=True)


def test_a_structure_set_of_others_is_read():
    found = read_structure_set(others())
    assert [(c.code.meaning, c.closed, len(c.points)) for c in found.items] == [
        ("patient", True, 5),
        ("patient", True, 6),
        ("patient", True, 6),
    ]
    assert found.items[0].points[:2].tolist() == [[-200.0, 150.0, -200.0], [-200.0, -150.0, -200.0]]
    assert found.space.frame == "1.2.826.0.1.3680043.8.498.2010020400001.2"
    assert found.space.shape == (3, 301, 401)  # planes 10 mm apart, rows and columns of 1 mm
    points = read_points(others())
    assert [(p.code.meaning, p.point.tolist()) for p in points.items] == [
        ("Isocenter 1", [0.0, 0.0, 0.0]),
        ("Isocenter 2", [0.0, 0.0, 0.0]),
    ]
    masks = read_masks(others())
    assert [s.code.meaning for s in masks.segments] == ["patient"]
    assert masks.labels.all()


def test_a_structure_set_of_others_is_filled_onto_the_image_that_it_cites(drawn_source):
    case = drawn_source("oblique MR").case
    finding = segmentations(case)["overlapping"]
    ds = again(finding, case)
    del ds[0x00090010:0x00100000]  # what only ours say
    found = read_masks(ds, case)
    assert found.space == case.image.space
    assert np.array_equal(found.labels, finding.labels)


@pytest.mark.parametrize("name", ["axial CT", "oblique MR", "sagittal MR", "NIfTI LAS"])
def test_masks_of_others_are_filled_onto_the_planes_that_they_state(name, drawn_source):
    case = drawn_source(name).case
    finding = segmentations(case)["overlapping"]
    ds = again(finding, case)
    del ds[0x00090010:0x00100000]
    found = read_masks(ds)
    lit = [np.round(to_world(f.space, np.argwhere(f.labels[0])), 3) for f in (found, finding)]
    assert found.labels.shape == finding.labels.shape
    assert sorted(lit[0].tolist()) == sorted(lit[1].tolist())


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("ContourGeometricType", "CURVED"), ("ContourData", [1.0, 2.0]), ("ContourData", None)],
)
def test_damaged_contours_are_refused(keyword, value):
    ds = others()
    setattr(ds.ROIContourSequence[0].ContourSequence[0], keyword, value)
    with pytest.raises(FormatError):
        read_structure_set(ds)


def test_regions_with_long_names_keep_them_apart():
    ds = others()
    names = ["left lung without the tumour", "left lung without the vessels"]
    for item, name in zip(ds.StructureSetROISequence, names, strict=False):
        item.ROIName = name
    first, second = read_structure_set(ds).items[0].code, read_points(ds).items[0].code
    assert (first.meaning, second.meaning) == tuple(names)
    assert first != second


@pytest.mark.parametrize("name", ["Chinese name", "tilted CT", "NIfTI LAS"])
def test_an_archive_gives_it_back_as_it_was(name, drawn_source, archive, tmp_path):
    case = drawn_source(name).case
    path = tmp_path / "rs.dcm"
    save(written(segmentations(case)["exclusive"], case), path)
    ds = pydicom.dcmread(path)
    for way_in, way_out in (("stow", "wado"), ("c_store", "file")):
        archive.forget()
        getattr(archive, way_in)([path])
        assert differences(path, getattr(archive, way_out)(ds)) == []
