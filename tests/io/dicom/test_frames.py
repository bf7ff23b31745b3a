"""Objects of several frames that are no enhanced ones: doses, cines, and the vectors of nuclear medicine."""

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import NuclearMedicineImageStorage, RTDoseStorage, generate_uid

from skiagraph.errors import FormatError
from skiagraph.geometry import Grid, Plane, to_world
from skiagraph.image import pixels
from skiagraph.io import read_case

FRAME = generate_uid(entropy_srcs=["frame"])
FIRST = np.array([-10.0, -20.0, 100.0])


def numbered(count, kind=np.uint16):
    return np.stack([np.full((4, 6), n + 1, kind) for n in range(count)])


DOSES = {
    # offsets, orientation, where frame n lies along z
    "relative": ([0, 3, 6, 9], [1, 0, 0, 0, 1, 0], [100, 103, 106, 109]),
    "relative, downward": ([0, -3, -6, -9], [1, 0, 0, 0, 1, 0], [100, 97, 94, 91]),
    "relative, patient on the belly, feet first": ([0, 3, 6, 9], [1, 0, 0, 0, -1, 0], [100, 97, 94, 91]),
    "along z": ([100, 103, 106, 109], [1, 0, 0, 0, 1, 0], [100, 103, 106, 109]),
    "along z, feet first": ([100, 103, 106, 109], [1, 0, 0, 0, -1, 0], [100, 103, 106, 109]),
}


@pytest.mark.parametrize("name", DOSES)
def test_planes_of_a_dose_lie_at_their_offsets(dicom, name):
    offsets, orientation, heights = DOSES[name]
    path = dicom(
        numbered(4),
        modality="RTDOSE",
        sop_class=RTDoseStorage,
        FrameOfReferenceUID=FRAME,
        ImagePositionPatient=FIRST.tolist(),
        ImageOrientationPatient=orientation,
        PixelSpacing=[2, 3],
        GridFrameOffsetVector=offsets,
        DoseGridScaling=0.5,
        DoseUnits="GY",
    )
    image = read_case(path).image
    assert isinstance(image.space, Grid)
    for k in range(4):
        height = to_world(image.space, np.array([k, 0.0, 0.0]))[2]
        assert pixels(image)[k, 0, 0] == 0.5 * (1 + heights.index(pytest.approx(height)))


def test_uneven_planes_of_a_dose_are_resampled_from_their_places(dicom):
    path = dicom(
        numbered(4),
        modality="RTDOSE",
        sop_class=RTDoseStorage,
        ImagePositionPatient=FIRST.tolist(),
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        PixelSpacing=[2, 3],
        GridFrameOffsetVector=[0, 2, 4, 7],
    )
    case = read_case(path)
    assert "unevenly" in case.problems[0]
    np.testing.assert_allclose(
        pixels(case.image)[:, 0, 0], np.interp(np.linspace(0, 7, 5), [0, 2, 4, 7], [1, 2, 3, 4]), rtol=1e-6
    )


def test_a_dose_with_too_few_offsets_is_refused(dicom):
    path = dicom(
        numbered(4),
        modality="RTDOSE",
        sop_class=RTDoseStorage,
        ImagePositionPatient=FIRST.tolist(),
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        PixelSpacing=[2, 3],
        GridFrameOffsetVector=[0, 2, 4],
    )
    with pytest.raises(FormatError, match="one offset for each of its planes; got 3 offsets for 4 planes"):
        read_case(path)


def nuclear(dicom, count, kind, **elements):
    return dicom(
        numbered(count),
        modality="NM",
        sop_class=NuclearMedicineImageStorage,
        ImageType=["ORIGINAL", "PRIMARY", kind, "EMISSION"],
        PixelSpacing=[4, 4],
        **elements,
    )


@pytest.mark.parametrize("step", [4.0, -4.0])
def test_reconstructed_slices_are_a_volume(dicom, step):
    detector = Dataset()
    detector.ImagePositionPatient, detector.ImageOrientationPatient = FIRST.tolist(), [1, 0, 0, 0, 1, 0]
    path = nuclear(
        dicom,
        5,
        "RECON TOMO",
        SliceVector=[1, 2, 3, 4, 5],
        SpacingBetweenSlices=step,
        SliceThickness=4,
        DetectorInformationSequence=[detector],
        FrameOfReferenceUID=FRAME,
    )
    image = read_case(path).image
    assert pixels(image)[:, 0, 0].tolist() == ([1, 2, 3, 4, 5] if step > 0 else [5, 4, 3, 2, 1])
    ends = [to_world(image.space, np.array([k, 0.0, 0.0]))[2] for k in (0, 4)]
    assert ends == pytest.approx([100, 116] if step > 0 else [84, 100])


def test_a_gated_reconstruction_is_a_volume_for_each_time_slot(dicom):
    detector = Dataset()
    detector.ImagePositionPatient, detector.ImageOrientationPatient = FIRST.tolist(), [1, 0, 0, 0, 1, 0]
    path = nuclear(
        dicom,
        6,
        "RECON GATED TOMO",
        SliceVector=[1, 2, 3] * 2,
        TimeSlotVector=[1, 1, 1, 2, 2, 2],
        SpacingBetweenSlices=4,
        DetectorInformationSequence=[detector],
    )
    image = read_case(path).image
    assert pixels(image)[..., 0, 0].tolist() == [[1, 2, 3], [4, 5, 6]]
    assert image.space.timeline.conditions["time_slot"].tolist() == [1, 2]


def test_the_detectors_of_a_whole_body_scan_are_named_images_of_one_case(dicom):
    path = nuclear(dicom, 2, "WHOLE BODY", DetectorVector=[1, 2], EnergyWindowVector=[1, 1])
    case = read_case(path)
    assert len(case.images) == 2
    assert [pixels(image)[0, 0] for image in case.images.values()] == [1, 2]
    assert all(isinstance(image.space, Plane) for image in case.images.values())


def test_phases_of_a_dynamic_study_have_their_times(dicom):
    phases = []
    for duration, frames in ((1000, 3), (5000, 2)):
        phase = Dataset()
        phase.ActualFrameDuration, phase.NumberOfFramesInPhase = duration, frames
        phase.PhaseDelay = phase.PauseBetweenFrames = 0
        phases.append(phase)
    path = nuclear(
        dicom,
        5,
        "DYNAMIC",
        PhaseVector=[1, 1, 1, 2, 2],
        TimeSliceVector=[1, 2, 3, 1, 2],
        PhaseInformationSequence=phases,
    )
    timeline = read_case(path).image.space.timeline
    assert (timeline.unit, timeline.times.tolist()) == ("s", [0, 1, 2, 3, 8])
    assert timeline.conditions["phase"].tolist() == [1, 1, 1, 2, 2]


def test_projections_have_no_place_and_know_their_rotation(dicom):
    image = read_case(
        nuclear(dicom, 4, "TOMO", RotationVector=[1, 1, 1, 1], AngularViewVector=[1, 2, 3, 4])
    ).image
    assert isinstance(image.space, Plane)
    assert image.space.timeline.conditions["angular_view"].tolist() == [1, 2, 3, 4]


def test_a_vector_that_does_not_count_the_frames_is_refused(dicom):
    with pytest.raises(FormatError, match="a DetectorVector counts each frame"):
        read_case(nuclear(dicom, 4, "STATIC", DetectorVector=[1, 2]))
