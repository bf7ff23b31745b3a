"""What is written as a DICOM Segmentation and read back is what it was, wherever it lies and however it is counted."""

import dataclasses

import numpy as np
import pytest
from battery import LIVER, PROVENANCE, segmentations
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skiagraph.case import Case, Instance, Origin
from skiagraph.errors import InvalidInput, NoDicomHome
from skiagraph.findings import Segment, Segmentation
from skiagraph.findings.checks import field_shape
from skiagraph.geometry import Grid, Plane, cropped, derived_frame
from skiagraph.image import Image
from skiagraph.image.quantity import GREY
from skiagraph.interchange.identity import SKIAGRAPH, Series, content_of
from skiagraph.interchange.object import dataset_of, encoded
from skiagraph.interchange.planes import planes_of
from skiagraph.interchange.seg import read_segmentation, segmentation_object
from skiagraph.testing.strategies import spaces
from skiagraph.testing.strategies.findings import segmentations as any_segmentation

CONTENT = content_of(PROVENANCE, "what was found")
SERIES = Series(number=3, description="Segmentation")
HALF_A_STEP = 0.5 / 255 + 1e-6


def written(finding, case, form="auto"):
    return segmentation_object(finding, case, SKIAGRAPH, SERIES, CONTENT, form=form)


def read_back(finding, case, form="auto"):
    return read_segmentation(dataset_of(written(finding, case, form)))


def assert_same(found, truth):
    assert (found.kind, found.segments) == (truth.kind, truth.segments)
    assert [s.code.meaning for s in found.segments] == [s.code.meaning for s in truth.segments]
    assert found.labels.dtype == truth.labels.dtype
    assert np.array_equal(found.labels, truth.labels)
    assert isinstance(found.space, type(truth.space))
    for part in ("shape", "frame", "unit", "timeline"):
        assert getattr(found.space, part) == getattr(truth.space, part)
    assert np.allclose(found.space.affine, truth.space.affine, rtol=0, atol=1e-8)
    assert (found.probabilities is None) == (truth.probabilities is None)
    if truth.probabilities is not None:
        assert found.probabilities.dtype == truth.probabilities.dtype
        assert found.probabilities.shape == truth.probabilities.shape
        np.testing.assert_array_equal(found.probabilities, truth.probabilities)


def case_in(space):
    data = np.zeros(field_shape(space), np.uint8)
    return Case(identifier="somebody", images={"image": Image(data=data, space=space, quantity=GREY)})


def as_if_read_from_dicom(case):
    """The same with an origin: one frame a slice, in the order of the array."""
    planes = planes_of(case.image.space, natural=True)
    frames = np.zeros((planes.moments or 1, planes.shape[0], 2), np.int32)
    frames[..., 1] = np.arange(1, frames[..., 0].size + 1).reshape(frames.shape[:2])
    film = Instance(
        sop_class_uid="1.2.840.10008.5.1.4.1.1.7.2", sop_instance_uid="1.2.3", frames=frames[..., 0].size
    )
    return dataclasses.replace(case, origins={"image": Origin(header={}, instances=(film,), frames=frames)})


def at_right_angles(space, *, natural):
    try:
        planes_of(space, natural=natural)
    except NoDicomHome:
        return False
    return True


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_it_comes_back_as_it_was(data):
    space = data.draw(spaces())
    finding = data.draw(any_segmentation(space))
    read_from_dicom = data.draw(st.booleans())
    case = case_in(space)
    if not at_right_angles(space, natural=read_from_dicom):
        with pytest.raises(NoDicomHome):
            written(finding, as_if_read_from_dicom(case) if read_from_dicom else case)
        return
    chosen = as_if_read_from_dicom(case) if read_from_dicom else case
    assert_same(read_back(finding, chosen), finding)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_so_it_does_in_every_other_form_without_its_probabilities(data):
    space = data.draw(spaces().filter(lambda s: at_right_angles(s, natural=False)))
    finding = dataclasses.replace(data.draw(any_segmentation(space)), probabilities=None)
    forms = ["binary", "fractional", *([] if finding.kind == "overlapping" else ["labelmap"])]
    form = data.draw(st.sampled_from(forms))
    assert_same(read_back(finding, case_in(space), form), finding)


@pytest.mark.parametrize("kind", ["exclusive", "overlapping", "instances", "probable", "letter", "pole"])
def test_over_every_source_it_comes_back_and_lies_on_it(kind, source):
    finding = segmentations(source)[kind]
    found = read_back(finding, source)
    assert_same(found, finding)


def test_the_same_finding_gives_the_same_bytes_and_another_gives_another_object(drawn_source):
    case = drawn_source("axial CT").case
    made = {name: written(finding, case) for name, finding in segmentations(case).items()}
    assert len({thing.sop_instance_uid for thing in made.values()}) == len(made)
    for name, finding in segmentations(case).items():
        assert encoded(written(finding, case)) == encoded(made[name])


GRID = Grid(shape=(6, 5, 4), affine=np.diag([2.0, 1.0, 1.0, 1.0])[[2, 1, 0, 3]], frame="1.2.3")
ONE = (Segment(number=1, code=LIVER),)


@pytest.mark.parametrize("form", ["binary", "labelmap", "fractional"])
@pytest.mark.parametrize("kind", ["exclusive", "overlapping", "instances"])
@pytest.mark.parametrize("segments", [(), ONE])
def test_nothing_found_is_written_too(segments, kind, form):
    if (kind, form) == ("overlapping", "labelmap"):
        return
    stacked = kind == "overlapping"
    labels = np.zeros((len(segments), *GRID.shape) if stacked else GRID.shape, bool if stacked else np.int16)
    finding = Segmentation(space=GRID, labels=labels, segments=segments, kind=kind)
    assert_same(read_back(finding, case_in(GRID), form), finding)
    ds = dataset_of(written(finding, case_in(GRID), form))
    assert ds.NumberOfFrames == GRID.shape[0]
    assert not np.frombuffer(ds.PixelData, np.uint8).any()


def test_a_finding_on_a_lattice_of_its_own_lies_in_the_frame_of_the_image():
    space = cropped(GRID, (2, 1, 1), (3, 3, 2))
    finding = Segmentation(space=space, labels=np.ones(space.shape, np.uint8), segments=ONE)
    ds = dataset_of(written(finding, case_in(GRID)))
    assert ds.FrameOfReferenceUID == GRID.frame
    assert "DerivationImageSequence" not in ds.PerFrameFunctionalGroupsSequence[0]
    assert_same(read_segmentation(ds), finding)


def test_numbers_with_gaps_and_beyond_a_word_come_back():
    numbers = (70000, 3, 512)
    labels = np.zeros(GRID.shape, np.int64)
    labels[0], labels[2], labels[5] = numbers
    segments = tuple(Segment(number=n, code=LIVER, confidence=n / 1e5) for n in numbers)
    finding = Segmentation(space=GRID, labels=labels, segments=segments)
    for form in ("binary", "labelmap"):
        ds = dataset_of(written(finding, case_in(GRID), form))
        assert [i.SegmentNumber for i in ds.SegmentSequence if i.SegmentNumber] == [1, 2, 3]
        assert_same(read_segmentation(ds), finding)


def test_a_label_map_keeps_our_numbers_where_they_fit():
    segments = (Segment(number=300, code=LIVER), Segment(number=7, code=LIVER))
    labels = np.full(GRID.shape, 300, np.uint16)
    labels[1] = 7
    finding = Segmentation(space=GRID, labels=labels, segments=segments, kind="instances")
    ds = dataset_of(written(finding, case_in(GRID), "labelmap"))
    assert [i.SegmentNumber for i in ds.SegmentSequence] == [0, 300, 7]
    assert np.array_equal(ds.pixel_array, labels)
    assert_same(read_segmentation(ds), finding)


def test_labels_that_do_not_follow_from_their_probabilities_are_exact():
    rng = np.random.default_rng(0)
    chances = rng.random((2, *GRID.shape)).astype(np.float64)
    segments = (*ONE, Segment(number=9, code=LIVER))
    for kind, labels in (
        ("exclusive", rng.choice([0, 1, 9], GRID.shape)),
        ("overlapping", rng.random((2, *GRID.shape)) < 0.5),
    ):
        finding = Segmentation(space=GRID, labels=labels, segments=segments, kind=kind, probabilities=chances)
        assert_same(read_back(finding, case_in(GRID)), finding)
        alone = dataclasses.replace(finding, probabilities=None)
        assert_same(read_back(finding, case_in(GRID), "binary"), alone)


def test_a_label_map_of_segments_that_overlap_is_refused():
    finding = Segmentation(
        space=GRID, labels=np.ones((1, *GRID.shape), bool), segments=ONE, kind="overlapping"
    )
    with pytest.raises(InvalidInput, match="one label at each place"):
        written(finding, case_in(GRID), "labelmap")


def test_a_picture_on_which_no_image_lies_has_no_home():
    image = Plane.upright(shape=(8, 9), spacing=None, frame=derived_frame("a picture"))
    smaller = cropped(image, (1, 1), (3, 3))
    finding = Segmentation(space=smaller, labels=np.ones(smaller.shape, np.uint8), segments=ONE)
    with pytest.raises(NoDicomHome, match="resample it onto the image"):
        written(finding, case_in(image))


def test_more_pixels_than_an_object_holds_have_no_home():
    wide = Plane.upright(shape=(2, 65536), spacing=None, frame=derived_frame("a wide picture"))
    finding = Segmentation(space=wide, labels=np.ones(wide.shape, np.uint8), segments=ONE)
    with pytest.raises(NoDicomHome, match="65535 rows and columns"):
        written(finding, case_in(wide))


def between_two_parts():
    space = Plane.upright(shape=(2, 3), spacing=None, frame="2.25.5")
    likely = np.array([[[0.1, 0.9, 1 / 3], [0.0, 1.0, 0.123456]]], np.float32)
    segments = (Segment(number=1, code=LIVER),)
    labels = (likely[0] > 0.5).astype(np.uint8)
    return Segmentation(space=space, labels=labels, segments=segments, probabilities=likely)


def test_others_see_probabilities_in_parts_of_255_and_we_see_them_exactly():
    finding = between_two_parts()
    ds = dataset_of(written(finding, case_in(finding.space)))
    shown = ds.pixel_array.reshape(2, 3) / 255
    assert 0 < np.abs(shown - finding.probabilities[0]).max() <= HALF_A_STEP
    np.testing.assert_array_equal(read_segmentation(ds).probabilities, finding.probabilities)


def test_fractions_that_somebody_changed_are_those_of_the_object():
    finding = between_two_parts()
    ds = dataset_of(written(finding, case_in(finding.space)))
    ds.PixelData = bytes([200]) + ds.PixelData[1:]
    found = read_segmentation(ds).probabilities
    np.testing.assert_allclose(found[0], ds.pixel_array.reshape(2, 3) / 255, atol=1e-7)
