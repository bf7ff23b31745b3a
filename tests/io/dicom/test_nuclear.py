"""Nuclear medicine: axes of frames, energy windows, angles, times; anterior and posterior by name."""

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from skiagraph.io import read_case
from skiagraph.io.dicom.nuclear import nuclear_frames, nuclear_views


def item(**elements):
    ds = Dataset()
    for keyword, value in elements.items():
        sequence = isinstance(value, list) and value and isinstance(value[0], Dataset)
        setattr(ds, keyword, Sequence(value) if sequence else value)
    return ds


def header(pointers, kind="WHOLE BODY", **elements):
    frames = next((len(v) for k, v in elements.items() if k.endswith("Vector") and isinstance(v, list)), 1)
    return item(
        Modality="NM",
        ImageType=["ORIGINAL", "PRIMARY", kind, "EMISSION"],
        FrameIncrementPointer=pointers,
        NumberOfFrames=frames,
        **elements,
    )


def view(value, scheme="SCT", meaning="words"):
    return item(ViewCodeSequence=[item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)])


ENERGY, DETECTOR, PHASE, ROTATION, VIEW, SLOT = (
    0x00540010,
    0x00540020,
    0x00540030,
    0x00540050,
    0x00540090,
    0x00540070,
)
WINDOWS = [
    item(EnergyWindowRangeSequence=[item(EnergyWindowLowerLimit=low, EnergyWindowUpperLimit=high)])
    for low, high in ((126, 154), (95, 115))
]


def test_frames_know_their_energy_window_and_detector():
    ds = header(
        [ENERGY, DETECTOR],
        EnergyWindowVector=[1, 1, 2, 2],
        DetectorVector=[1, 2, 1, 2],
        EnergyWindowInformationSequence=WINDOWS,
    )
    found = nuclear_frames(ds)
    assert {name: v.tolist() for name, v in found.axes.items()} == {
        "energy_window": [1, 1, 2, 2],
        "detector": [1, 2, 1, 2],
    }
    assert found.conditions["energy_window_lower_limit"].tolist() == [126, 126, 95, 95]
    assert found.conditions["energy_window_upper_limit"].tolist() == [154, 154, 115, 115]


@pytest.mark.parametrize(("way", "angles"), [("CC", [10, 100, 190, 280]), ("CW", [10, 280, 190, 100])])
def test_views_of_a_tomography_have_angles(way, angles):
    rotation = item(StartAngle=10, AngularStep=90, RotationDirection=way)
    ds = header(
        [ROTATION, VIEW],
        "TOMO",
        RotationVector=[1] * 4,
        AngularViewVector=[1, 2, 3, 4],
        RotationInformationSequence=[rotation],
    )
    np.testing.assert_allclose(nuclear_frames(ds).conditions["angle"], angles)


def test_phases_of_a_dynamic_study_have_times():
    phases = [item(ActualFrameDuration=1000, PhaseDelay=0), item(ActualFrameDuration=5000, PhaseDelay=2000)]
    ds = header([PHASE], "DYNAMIC", PhaseVector=[1, 1, 2, 2], PhaseInformationSequence=phases)
    found = nuclear_frames(ds).conditions
    np.testing.assert_allclose(found["frame_duration"], [1, 1, 5, 5])
    np.testing.assert_allclose(found["time"], [0, 1, 4, 9])


def test_slots_of_a_gated_study_have_times_after_the_r_wave():
    gated = item(DataInformationSequence=[item(FrameTime=50)])
    ds = header([SLOT], "GATED", TimeSlotVector=[1, 2, 3], GatedInformationSequence=[gated])
    np.testing.assert_allclose(nuclear_frames(ds).conditions["time"], [0, 0.05, 0.1])


def test_a_vector_that_does_not_count_the_frames_is_no_axis():
    ds = header([DETECTOR], DetectorVector=[1, 2])
    ds.NumberOfFrames = 3
    assert dict(nuclear_frames(ds).axes) == {}


NAMES = [
    # detectors, the names of frames 0 and 1, what is noticed
    ([view("399321004"), view("399001007")], ("anterior", "posterior"), None),
    ([view("G-5216", "SRT"), view("G-5215", "SRT")], ("posterior", "anterior"), None),
    (
        [view("X-1", "99LOCAL", "Posterior"), view("X-2", "99LOCAL", "ANTERIOR")],
        ("posterior", "anterior"),
        None,
    ),
    ([item(StartAngle=180), item(StartAngle=0)], ("anterior", "posterior"), "angles tell"),
    ([item(StartAngle=0), item(StartAngle=180)], ("posterior", "anterior"), "angles tell"),
    ([item(StartAngle=90), item(StartAngle=270)], ("detector_1", "detector_2"), "not stated"),
    ([item(), item()], ("detector_1", "detector_2"), "not stated"),
]


@pytest.mark.parametrize(("detectors", "names", "noticed"), NAMES)
def test_a_bone_scan_has_an_anterior_and_a_posterior_picture(detectors, names, noticed):
    found = nuclear_views(header([DETECTOR], DetectorVector=[1, 2], DetectorInformationSequence=detectors))
    assert dict(found.frames) == {names[0]: (0,), names[1]: (1,)}
    assert (not found.problems) if noticed is None else noticed in found.problems[0]


def test_each_energy_window_has_pictures_of_its_own():
    detectors = [view("399321004"), view("399001007")]
    ds = header(
        [ENERGY, DETECTOR],
        EnergyWindowVector=[1, 1, 2, 2],
        DetectorVector=[1, 2, 1, 2],
        DetectorInformationSequence=detectors,
    )
    assert dict(nuclear_views(ds).frames) == {
        "anterior_window_1": (0,),
        "posterior_window_1": (1,),
        "anterior_window_2": (2,),
        "posterior_window_2": (3,),
    }


def test_one_picture_needs_no_name_and_tomography_has_none():
    assert dict(nuclear_views(header([DETECTOR], DetectorVector=[1])).frames) == {"image": (0,)}
    assert dict(nuclear_views(header([DETECTOR], "RECON TOMO", DetectorVector=[1, 2])).frames) == {}


def test_the_projections_of_a_tomography_are_a_film_with_the_angle_of_each(dicom):
    rotation = item(StartAngle=10, AngularStep=90, RotationDirection="CC")
    path = dicom(
        np.arange(4, dtype=np.uint16)[:, None, None] * np.ones((1, 4, 6), np.uint16),
        modality="NM",
        ImageType=["ORIGINAL", "PRIMARY", "TOMO", "EMISSION"],
        FrameIncrementPointer=[ROTATION, VIEW],
        RotationVector=[1] * 4,
        AngularViewVector=[1, 2, 3, 4],
        RotationInformationSequence=[rotation],
    )
    timeline = read_case(path).image.space.timeline
    np.testing.assert_allclose(timeline.conditions["angle"], [10, 100, 190, 280])
