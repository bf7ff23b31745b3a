"""What a segmentation object says of its segments, its frames and its maker, and that its bits stream."""

import dataclasses
from datetime import UTC, datetime

import highdicom
import numpy as np
import pytest
from battery import LESION, LIVER, PROVENANCE, SPLEEN, segmentations
from pydicom.tag import Tag
from truth import LETTER, POLE, marked_places, ordered

from skiagraph.errors import NoDicomHome
from skiagraph.findings import Segment, Segmentation
from skiagraph.interchange.identity import SKIAGRAPH, Algorithm, Content, Series, content_of
from skiagraph.interchange.object import chunks, dataset_of, save
from skiagraph.interchange.seg import segmentation_object
from skiagraph.interchange.seg.bits import packed, pixel_data

CONTENT = content_of(PROVENANCE, "what was found")
SERIES = Series(number=3, description="Segmentation")


def made(finding, case, form="auto", content=CONTENT):
    return segmentation_object(finding, case, SKIAGRAPH, SERIES, content, form=form)


@pytest.fixture
def axial(drawn_source):
    return drawn_source("axial CT").case


def test_each_segment_says_what_it_is_and_what_made_it(axial):
    one, two = dataset_of(made(segmentations(axial)["exclusive"], axial)).SegmentSequence
    assert (one.SegmentNumber, two.SegmentNumber) == (1, 2)
    assert (one.SegmentLabel, two.SegmentLabel) == ("Liver", "Spleen")
    assert one.SegmentedPropertyTypeCodeSequence[0].CodeValue == LIVER.value
    assert one.SegmentedPropertyCategoryCodeSequence[0].CodeMeaning == "Anatomical Structure"
    assert (one.SegmentAlgorithmType, one.SegmentAlgorithmName) == ("AUTOMATIC", "letter finder")
    identity = one.SegmentationAlgorithmIdentificationSequence[0]
    assert (identity.AlgorithmName, identity.AlgorithmVersion) == ("letter finder", "1.2")
    assert PROVENANCE.model_digest in identity.AlgorithmParameters
    assert one.TrackingUID != two.TrackingUID
    assert list(one.RecommendedDisplayCIELabValue) != list(two.RecommendedDisplayCIELabValue)


def test_a_lesion_is_an_abnormal_structure_and_each_of_several_has_a_label_of_its_own(axial):
    labels = np.zeros(axial.image.space.shape, np.uint8)
    labels[0], labels[1] = 1, 2
    segments = tuple(Segment(number=n, code=LESION) for n in (1, 2))
    finding = Segmentation(space=axial.image.space, labels=labels, segments=segments, kind="instances")
    one, two = dataset_of(made(finding, axial)).SegmentSequence
    assert one.SegmentedPropertyCategoryCodeSequence[0].CodeValue == "49755003"
    assert (one.SegmentLabel, two.SegmentLabel) == ("Lesion 1", "Lesion 2")


def test_words_that_would_be_two_values_are_one(axial):
    code = dataclasses.replace(LIVER, meaning="left\\right\nlobe " + 60 * "x")
    finding = dataclasses.replace(segmentations(axial)["letter"], segments=(Segment(number=1, code=code),))
    algorithm = Algorithm(name="a\\b", version="1\\2")
    content = Content(description="one\\two", created=PROVENANCE.created, algorithm=algorithm)
    ds = dataset_of(made(finding, axial, content=content))
    (segment,) = ds.SegmentSequence
    assert segment.SegmentLabel == ("left/right lobe " + 60 * "x")[:64]
    assert (segment.SegmentAlgorithmName, ds.ContentDescription) == ("a/b", "one/two")


def test_what_a_person_drew_says_so(axial):
    content = Content(description="drawn", created=datetime(2026, 1, 1, tzinfo=UTC))
    (segment,) = dataset_of(made(segmentations(axial)["letter"], axial, content=content)).SegmentSequence
    assert segment.SegmentAlgorithmType == "MANUAL"
    assert "SegmentAlgorithmName" not in segment


def test_the_first_segment_has_all_slices_and_of_the_others_the_empty_ones_are_left_out(axial):
    found = segmentations(axial)["exclusive"]
    other_way = dataclasses.replace(
        found, segments=(Segment(number=2, code=SPLEEN), Segment(number=1, code=LIVER))
    )
    for finding, counts in ((found, {1: 7, 2: 7}), (other_way, {1: 7, 2: 1})):
        ds = dataset_of(made(finding, axial))
        numbers = [
            item.SegmentIdentificationSequence[0].ReferencedSegmentNumber
            for item in ds.PerFrameFunctionalGroupsSequence
        ]
        assert {n: numbers.count(n) for n in (1, 2)} == counts
        assert ds.NumberOfFrames == len(numbers)


@pytest.mark.parametrize(
    ("name", "pointers"),
    [
        ("axial CT", ["ReferencedSegmentNumber", "ImagePositionPatient"]),
        ("cardiac cine", ["ReferencedSegmentNumber", "TemporalPositionIndex", "ImagePositionPatient"]),
        ("ultrasound cine", ["ReferencedSegmentNumber", "TemporalPositionIndex"]),
        ("X-ray", ["ReferencedSegmentNumber"]),
    ],
)
def test_each_frame_is_told_apart_by_its_dimensions(name, pointers, drawn_source):
    case = drawn_source(name).case
    ds = dataset_of(made(segmentations(case)["exclusive"], case))
    assert [item.DimensionIndexPointer for item in ds.DimensionIndexSequence] == [Tag(p) for p in pointers]
    groups = ds.PerFrameFunctionalGroupsSequence
    values = [
        tuple(np.atleast_1d(item.FrameContentSequence[0].DimensionIndexValues).tolist()) for item in groups
    ]
    assert len(set(values)) == len(values)
    assert values == sorted(values)
    assert {len(value) for value in values} == {len(pointers)}
    assert min(min(value) for value in values) == 1


def test_a_label_map_is_read_by_highdicom(drawn_source, tmp_path):
    source = drawn_source("oblique MR")
    path = tmp_path / "labels.dcm"
    save(made(segmentations(source.case)["exclusive"], source.case, "labelmap"), path)
    seg = highdicom.seg.segread(path)
    assert seg.segmentation_type.value == "LABELMAP"
    assert seg.segment_numbers == [1, 2]
    volume = seg.get_volume(combine_segments=True)
    for which in (LETTER, POLE):
        seen = volume.map_indices_to_reference(np.argwhere(np.asarray(volume.array) == which))
        assert np.allclose(ordered(seen), marked_places(source.folder, which), atol=1e-4)


def test_bits_go_on_within_a_byte_from_frame_to_frame():
    rng = np.random.default_rng(0)
    pictures = rng.random((5, 3, 7)) < 0.5
    assert b"".join(packed(pictures)) == np.packbits(pictures.reshape(-1), bitorder="little").tobytes()


def test_pixels_fill_an_even_number_of_bytes_and_no_more_than_an_element_holds():
    element = b"".join(pixel_data([b"abc"], 3, words=False))
    assert element == b"\xe0\x7f\x10\x00OB\0\0\x04\0\0\0abc\0"
    with pytest.raises(NoDicomHome, match="4 GiB"):
        next(pixel_data([], 2**32, words=False))


def test_a_long_object_comes_frame_by_frame(axial):
    space = dataclasses.replace(axial.image.space, shape=(40, 64, 64))
    labels = np.zeros(space.shape, np.uint8)
    labels[3:30, 5:50, 7:60] = 1
    finding = Segmentation(space=space, labels=labels, segments=(Segment(number=1, code=LIVER),))
    pieces = list(chunks(made(finding, axial)))
    assert max(len(piece) for piece in pieces[2:]) == 64 * 64 // 8
    assert sum(len(piece) for piece in pieces[3:]) == 40 * 64 * 64 // 8
