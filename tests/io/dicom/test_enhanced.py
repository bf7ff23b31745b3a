"""Enhanced multi-frame objects: each frame has the place, the moment and the rescale of its own functional groups."""

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    EnhancedMRImageStorage,
    EnhancedPETImageStorage,
    EnhancedUSVolumeStorage,
    EnhancedXAImageStorage,
    SegmentationStorage,
    generate_uid,
)

from skiagraph.errors import FormatError
from skiagraph.geometry import Grid, Plane, to_world
from skiagraph.image import pixels
from skiagraph.image.quantity import LABEL
from skiagraph.io import read_case, read_study

FRAME = generate_uid(entropy_srcs=["frame"])
AXIAL = [1, 0, 0, 0, 1, 0]


def item(**elements):
    result = Dataset()
    for keyword, value in elements.items():
        setattr(result, keyword, value)
    return result


def groups(k, *, orientation=AXIAL, **sequences):
    """Functional groups of a frame at slice k, 3 mm apart; each of `sequences` has one item."""
    found = Dataset()
    found.PlanePositionSequence = [item(ImagePositionPatient=[-10, -20, 100 + 3.0 * k])]
    found.PlaneOrientationSequence = [item(ImageOrientationPatient=orientation)]
    for name, inner in sequences.items():
        setattr(found, name, [inner])
    return found


SHARED = item(PixelMeasuresSequence=[item(PixelSpacing=[0.7, 0.5], SliceThickness=3)])


@pytest.fixture
def enhanced(dicom):
    """Writes an enhanced object; frame n is filled with n + 1."""

    def write(
        frames, *, sop_class=EnhancedMRImageStorage, modality="MR", name="e.dcm", shared=SHARED, **elements
    ):
        values = np.stack([np.full((4, 6), n + 1, np.int16) for n in range(len(frames))])
        return dicom(
            values,
            name,
            modality=modality,
            sop_class=sop_class,
            FrameOfReferenceUID=FRAME,
            SharedFunctionalGroupsSequence=[shared],
            PerFrameFunctionalGroupsSequence=frames,
            **elements,
        )

    return write


def first(image):
    return pixels(image)[..., 0, 0].tolist()


def test_frames_are_sorted_by_their_places(enhanced):
    image = read_case(enhanced([groups(k) for k in (2, 0, 3, 1)])).image
    assert first(image) == [2, 4, 1, 3]
    np.testing.assert_allclose(to_world(image.space, np.array([3.0, 1, 2])), [-9, -19.3, 109])


def test_diffusion_is_kept_from_its_sequence(enhanced):
    directions = [[0.0, 0, 0], [1.0, 0, 0], [0, 0.6, 0.8]]
    frames = []
    for t, direction in enumerate(directions):
        for k in range(3):
            weighting = item(
                DiffusionBValue=1000.0 if t else 0.0, DiffusionDirectionality="DIRECTIONAL" if t else "NONE"
            )
            if t:
                weighting.DiffusionGradientDirectionSequence = [item(DiffusionGradientOrientation=direction)]
            content = item(
                FrameAcquisitionDateTime=f"2026010112{t:02d}00.5", StackID="1", InStackPositionNumber=k + 1
            )
            frames.append(groups(k, MRDiffusionSequence=weighting, FrameContentSequence=content))
    image = read_case(enhanced(frames)).image
    assert first(image) == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    timeline = image.space.timeline
    np.testing.assert_allclose(timeline.conditions["b_value"], [0, 1000, 1000])
    np.testing.assert_allclose(timeline.conditions["gradient_direction"], directions)
    assert (timeline.unit, timeline.times.tolist()) == ("s", [0, 60, 120])


def test_the_trace_is_told_from_the_directions(enhanced):
    frames = []
    for directionality in ("DIRECTIONAL", "ISOTROPIC"):
        weighting = item(DiffusionBValue=1000.0, DiffusionDirectionality=directionality)
        if directionality == "DIRECTIONAL":
            weighting.DiffusionGradientDirectionSequence = [item(DiffusionGradientOrientation=[0.0, 0, 1])]
        frames += [groups(k, MRDiffusionSequence=weighting) for k in range(3)]
    timeline = read_case(enhanced(frames)).image.space.timeline
    np.testing.assert_allclose(timeline.conditions["gradient_direction"], [[0, 0, 1], [0, 0, 0]])


@pytest.mark.parametrize(
    ("sequence", "keyword", "name", "factor"),
    [
        ("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime", "trigger_time", 1e-3),
        ("MREchoSequence", "EffectiveEchoTime", "echo_time", None),
        ("TemporalPositionSequence", "TemporalPositionTimeOffset", "temporal_offset", 1.0),
    ],
)
def test_moments_are_told_by_their_functional_groups(enhanced, sequence, keyword, name, factor):
    frames = [groups(k, **{sequence: item(**{keyword: 20.0 * t})}) for k in range(3) for t in range(2)]
    image = read_case(enhanced(frames)).image
    assert first(image) == [[1, 3, 5], [2, 4, 6]]
    timeline = image.space.timeline
    np.testing.assert_allclose(timeline.conditions[name], [0, 20])
    assert timeline.unit == ("frame" if factor is None else "s")
    np.testing.assert_allclose(timeline.times, [0, 1] if factor is None else [0, 20 * factor])


def test_stacks_of_one_object_are_named_images_of_one_case(enhanced):
    coronal = [1, 0, 0, 0, 0, -1]
    frames = [groups(k) for k in range(3)]
    for y in range(4):
        frame = groups(0, orientation=coronal)
        frame.PlanePositionSequence[0].ImagePositionPatient = [0, 5.0 * y, 0]
        frames.append(frame)
    case = read_case(enhanced(frames))
    assert {name: image.data.shape for name, image in case.images.items()} == {
        "axial": (3, 4, 6),
        "coronal": (4, 4, 6),
    }
    assert set(case.uids) == {"axial", "coronal"}
    assert "differ in orientation" in case.problems[0]


def test_magnitude_and_phase_in_one_object_are_told_by_their_frame_type(enhanced):
    frames = []
    for kind, component in (("M", "MAGNITUDE"), ("P", "PHASE")):
        words = item(FrameType=["ORIGINAL", "PRIMARY", kind, "NONE"], ComplexImageComponent=component)
        frames += [groups(k, MRImageFrameTypeSequence=words) for k in range(2)]
    case = read_case(enhanced(frames))
    assert {name: first(image) for name, image in case.images.items()} == {
        "m-magnitude": [1, 2],
        "p-phase": [3, 4],
    }


def test_each_frame_of_a_pet_has_its_own_rescale(enhanced):
    frames = [
        groups(
            k,
            PixelValueTransformationSequence=item(
                RescaleSlope=0.5 * (k + 1), RescaleIntercept=0, RescaleType="US"
            ),
        )
        for k in range(3)
    ]
    image = read_case(enhanced(frames, sop_class=EnhancedPETImageStorage, modality="PT")).image
    np.testing.assert_allclose(first(image), [0.5, 2.0, 4.5])


def test_a_volume_of_ultrasound_lies_in_the_frame_of_its_volume(enhanced):
    frames = []
    for k in range(4):
        frame = Dataset()
        frame.PlanePositionVolumeSequence = [item(ImagePositionVolume=[0, 0, 0.8 * k])]
        frame.PlaneOrientationVolumeSequence = [item(ImageOrientationVolume=AXIAL)]
        frames.append(frame)
    path = enhanced(
        frames, sop_class=EnhancedUSVolumeStorage, modality="US", VolumeFrameOfReferenceUID="1.2.3.4"
    )
    image = read_case(path).image
    assert isinstance(image.space, Grid)
    np.testing.assert_allclose(to_world(image.space, np.array([3.0, 0, 0])), [0, 0, 2.4])


def test_frames_without_a_place_are_a_cine_in_the_order_of_the_object(enhanced):
    frames = [
        item(FrameContentSequence=[item(FrameAcquisitionDateTime=f"202601011200{2 * n:02d}")])
        for n in range(3)
    ]
    image = read_case(
        enhanced(frames, sop_class=EnhancedXAImageStorage, modality="XA", shared=Dataset())
    ).image
    assert isinstance(image.space, Plane)
    assert first(image) == [1, 2, 3]
    assert image.space.timeline.times.tolist() == [0, 2, 4]


def test_several_objects_of_one_series_are_one_image(enhanced):
    for n in range(2):
        enhanced([groups(k + 3 * n) for k in range(3)], name=f"e/{n}.dcm", InstanceNumber=n + 1)
    folder = enhanced([groups(k + 6) for k in range(3)], name="e/2.dcm").parent
    assert first(read_case(folder).image) == [1, 2, 3] * 3


def test_an_object_that_lacks_the_groups_of_a_frame_is_refused(enhanced, dicom):
    path = enhanced([groups(k) for k in range(3)], NumberOfFrames=3)
    import pydicom

    header = pydicom.dcmread(path)
    del header.PerFrameFunctionalGroupsSequence[2]
    header.save_as(path)
    with pytest.raises(FormatError, match="functional groups for each of its frames; got 2 for frame 3"):
        read_case(path)


def test_a_real_shape_of_dimension_indices_does_not_matter(enhanced):
    """The places decide, even where DimensionIndexValues count another way."""
    frames = [groups(k, FrameContentSequence=item(DimensionIndexValues=[1, 9 - k])) for k in range(4)]
    assert first(read_study(enhanced(frames)).cases[0].image) == [1, 2, 3, 4]


def segmentation(dicom, numbers, places, **elements):
    """Writes a segmentation: each frame belongs to a segment and lies at a place, and has one corner set."""
    values = np.zeros((len(numbers), 4, 6), np.uint8)
    values[:, 0, 0] = elements.pop("value", 1)
    frames = [
        groups(k, SegmentIdentificationSequence=item(ReferencedSegmentNumber=n))
        for n, k in zip(numbers, places, strict=True)
    ]
    return dicom(
        values,
        modality="SEG",
        sop_class=SegmentationStorage,
        FrameOfReferenceUID=FRAME,
        SharedFunctionalGroupsSequence=[SHARED],
        PerFrameFunctionalGroupsSequence=frames,
        **elements,
    )


def test_a_segmentation_is_an_image_of_labels(dicom):
    case = read_case(segmentation(dicom, [1, 1, 1], [0, 1, 2], SegmentationType="BINARY"))
    assert case.image.quantity == LABEL
    assert first(case.image) == [1, 1, 1]


def test_each_segment_is_an_image_of_its_own_and_a_gap_in_one_is_said(dicom):
    path = segmentation(dicom, [1, 1, 1, 2, 2, 3, 3, 3], [0, 1, 2, 1, 2, 0, 1, 7], SegmentationType="BINARY")
    study = read_study(path)
    assert {name: i.data.shape for name, i in study.cases[0].images.items()} == {
        "segment-1": (3, 4, 6),
        "segment-2": (2, 4, 6),
    }
    assert "between two labels there is no third" in study.problems[0]


FRACTIONS = [("PROBABILITY", "probability"), ("OCCUPANCY", "occupancy"), ("", "unknown")]


@pytest.mark.parametrize(("stated", "name"), FRACTIONS)
def test_fractions_of_a_segmentation_are_parts_of_one(dicom, stated, name):
    path = segmentation(
        dicom,
        [1, 1],
        [0, 1],
        value=51,
        SegmentationType="FRACTIONAL",
        SegmentationFractionalType=stated,
        MaximumFractionalValue=255,
    )
    image = read_case(path).image
    assert image.quantity.name == name
    np.testing.assert_allclose(first(image), [0.2, 0.2], rtol=1e-6)
