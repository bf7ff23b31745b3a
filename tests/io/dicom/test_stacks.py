"""Stacks: what does not belong together is kept apart and named; what differs in time or echo is one image."""

import numpy as np
import pytest
from pydicom.uid import CTImageStorage, MRImageStorage, generate_uid

from skiagraph.errors import FormatError
from skiagraph.geometry import axis_codes
from skiagraph.image import pixels
from skiagraph.io import read_case, read_study

FRAME, OTHER_FRAME = generate_uid(entropy_srcs=["frame"]), generate_uid(entropy_srcs=["other"])
AXIAL, CORONAL, SAGITTAL = [1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, -1], [0, 1, 0, 0, 0, -1]
SLICES = 5


@pytest.fixture
def slices(dicom):
    """Writes slices, one a call; each is filled with its own number. Gives that number."""
    count = iter(range(1, 10_000))

    def write(k, *, orientation=AXIAL, shift=(0, 0, 0), value=None, name=None, **elements):
        n = next(count)
        right, down = np.reshape(orientation, (2, 3))
        position = np.array([-10.0, -20, 100]) + 4.0 * k * np.cross(right, down) + np.array(shift)
        common = {
            "modality": "MR",
            "sop_class": MRImageStorage,
            "FrameOfReferenceUID": FRAME,
            "ImagePositionPatient": position.tolist(),
            "ImageOrientationPatient": orientation,
            "PixelSpacing": [1, 1],
            "SliceThickness": 4,
            "InstanceNumber": n,
        }
        array = np.full((4, 6), n if value is None else value, np.int16)
        dicom(array, f"scan/{name or f'{(n * 37) % 101:03d}-{n}'}.dcm", **(common | elements))
        return n

    write.folder = dicom.folder / "scan"
    return write


def shapes(study):
    return sorted(case.image.data.shape for case in study.cases)


def test_patients_of_one_series_are_kept_apart_and_counted_not_named(slices):
    for k in range(SLICES):
        for patient in ("A", "B"):
            slices(k, PatientID=f"ID-{patient}", PatientName=f"Name^{patient}")
    study = read_study(slices.folder)
    assert shapes(study) == [(SLICES, 4, 6)] * 2
    assert "holds images of 2 patients; they are kept apart" in study.problems[0]
    assert [c.identifier.split("/")[1] for c in study.cases] == ["patient-1", "patient-2"]
    said = " ".join([*study.problems, *(c.identifier for c in study.cases)])
    assert "ID-" not in said
    assert "Name" not in said


def test_one_patient_written_in_two_ways_is_one(slices):
    for k in range(SLICES):
        slices(k, PatientID="ID", PatientName="Doe^Jane" if k % 2 else "DOE^JANE^^")
    assert read_case(slices.folder).image.data.shape == (SLICES, 4, 6)


def test_frames_of_reference_are_kept_apart_and_said(slices):
    for k in range(SLICES):
        slices(k)
        slices(k, FrameOfReferenceUID=OTHER_FRAME)
    study = read_study(slices.folder)
    assert {case.image.space.frame for case in study.cases} == {FRAME, OTHER_FRAME}
    assert "differ in frame of reference" in study.problems[0]


def test_a_localizer_of_three_planes_is_three_named_images(slices):
    for orientation in (AXIAL, CORONAL, SAGITTAL):
        for k in range(3):
            slices(k, orientation=orientation, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    study = read_study(slices.folder)
    names = {case.identifier.split("/")[1]: axis_codes(case.image.space) for case in study.cases}
    assert set(names) == {"axial", "coronal", "sagittal"}
    assert names["axial"] == "SPL"
    assert all("localizer" in case.problems[0] for case in study.cases)
    assert "differ in orientation" in study.problems[0]


def test_the_scout_in_a_ct_series_is_a_picture_and_leaves_the_volume_alone(slices):
    for k in range(SLICES):
        slices(k, modality="CT", sop_class=CTImageStorage, ImageType=["ORIGINAL", "PRIMARY", "AXIAL"])
    slices(0, orientation=CORONAL, modality="CT", sop_class=CTImageStorage,
           ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])  # fmt: skip
    study = read_study(slices.folder)
    assert shapes(study) == [(4, 6), (SLICES, 4, 6)]
    scout = next(case for case in study.cases if case.image.data.ndim == 2)
    assert scout.identifier.endswith("/localizer-coronal")
    assert "It is a localizer" in scout.problems[0]


def test_magnitude_and_phase_are_images_of_their_own(slices):
    for k in range(SLICES):
        slices(k, ImageType=["ORIGINAL", "PRIMARY", "M", "ND"])
        slices(k, ImageType=["ORIGINAL", "PRIMARY", "P", "ND"])
    study = read_study(slices.folder)
    assert sorted(c.identifier.split("/")[1] for c in study.cases) == ["m", "p"]
    assert shapes(study) == [(SLICES, 4, 6)] * 2


def of_moment(slices, moments, elements, *, order="by moment"):
    """Writes SLICES x moments slices; gives the expected values (moment, slice)."""
    expected = np.zeros((moments, SLICES), int)
    pairs = [(t, k) for t in range(moments) for k in range(SLICES)]
    if order == "by slice":
        pairs.sort(key=lambda pair: (pair[1], pair[0]))
    for t, k in pairs:
        expected[t, k] = slices(k, **elements(t, k))
    return expected


MOMENTS = {
    # what the header says at moment t and slice k; the unit, the times, the conditions
    "temporal position": (lambda t, k: {"TemporalPositionIdentifier": t + 1}, "frame", None,
                          {"temporal_position": [1, 2, 3]}),
    "trigger time": (lambda t, k: {"TriggerTime": 40 * t}, "s", [0, 0.04, 0.08], {"trigger_time": [0, 40, 80]}),
    "trigger time that trembles": (lambda t, k: {"TriggerTime": 40 * t + 0.3 * k}, "s", [0, 0.04, 0.08],
                                   {"trigger_time": [0.6, 40.6, 80.6]}),
    "echo time": (lambda t, k: {"EchoTime": [4.6, 9.2, 13.8][t], "EchoNumbers": t + 1}, "frame", None,
                  {"echo_time": [4.6, 9.2, 13.8], "echo_number": [1, 2, 3]}),
    "acquisition time": (lambda t, k: {"AcquisitionTime": f"1200{10 * t + 2 * k:02d}.5"}, "s", [0, 10, 20], {}),
    "acquisition number": (lambda t, k: {"AcquisitionNumber": t + 1}, "frame", None, {"acquisition_number": [1, 2, 3]}),
    "b value": (lambda t, k: {"DiffusionBValue": [0.0, 500.0, 1000.0][t]}, "frame", None, {"b_value": [0, 500, 1000]}),
    "reference time of a PET frame": (lambda t, k: {"FrameReferenceTime": 1000 * t + 500}, "s", [0, 1, 2],
                                      {"frame_reference_time": [500, 1500, 2500]}),
    "tube voltage": (lambda t, k: {"KVP": [80, 100, 140][t]}, "frame", None, {"kvp": [80, 100, 140]}),
    "InstanceNumber alone": (lambda t, k: {}, "frame", None, {}),
    "echo-planar repetition": (lambda t, k: {"ScanningSequence": "EP", "RepetitionTime": 2500.0}, "s", [0, 2.5, 5], {}),
}  # fmt: skip


@pytest.mark.parametrize("order", ["by moment", "by slice"])
@pytest.mark.parametrize("name", MOMENTS)
def test_what_lies_at_the_same_places_is_one_image_with_a_timeline(slices, name, order):
    elements, unit, times, conditions = MOMENTS[name]
    expected = of_moment(slices, 3, elements, order=order)
    case = read_case(slices.folder)
    image = case.image
    assert image.axes == ("time", "i", "j", "k")
    np.testing.assert_array_equal(pixels(image)[..., 0, 0], expected)
    timeline = image.space.timeline
    assert timeline.unit == unit
    np.testing.assert_allclose(timeline.times, [0, 1, 2] if times is None else times, atol=1e-9)
    assert set(timeline.conditions) == set(conditions)
    for key, values in conditions.items():
        np.testing.assert_allclose(timeline.conditions[key], values, atol=1e-6)
    alone = name in ("InstanceNumber alone", "echo-planar repetition")
    assert alone == ("nothing but their numbers" in " ".join(case.problems))


def test_times_and_echoes_together_are_one_timeline(slices):
    expected = of_moment(
        slices, 6, lambda t, k: {"TemporalPositionIdentifier": t // 2 + 1, "EchoTime": [10, 30][t % 2]}
    )
    timeline = read_case(slices.folder).image.space.timeline
    np.testing.assert_array_equal(pixels(read_case(slices.folder).image)[..., 0, 0], expected)
    np.testing.assert_array_equal(timeline.conditions["temporal_position"], [1, 1, 2, 2, 3, 3])
    np.testing.assert_array_equal(timeline.conditions["echo_time"], [10, 30] * 3)


def test_directions_of_diffusion_are_kept_in_the_world_and_in_the_order_of_the_scan(slices):
    directions = np.array([[0, 0, 0], [1, 0, 0], [0, 0.6, 0.8], [0, 0, 0], [0, -1, 0]], float)
    b_values = [0.0, 1000.0, 1000.0, 0.0, 1000.0]

    def elements(t, k):
        b = {"DiffusionBValue": b_values[t], "AcquisitionTime": f"12{t:02d}00"}
        return b | ({"DiffusionGradientOrientation": directions[t].tolist()} if b_values[t] else {})

    expected = of_moment(slices, 5, elements)
    image = read_case(slices.folder).image
    np.testing.assert_array_equal(pixels(image)[..., 0, 0], expected)
    timeline = image.space.timeline
    np.testing.assert_allclose(timeline.conditions["b_value"], b_values)
    np.testing.assert_allclose(timeline.conditions["gradient_direction"], directions)
    np.testing.assert_allclose(timeline.times, 60 * np.arange(5))


def test_a_moment_that_lacks_slices_is_an_image_of_its_own_and_the_others_are_joined(slices):
    of_moment(slices, 2, lambda t, k: {"TemporalPositionIdentifier": t + 1})
    for k in range(3):
        slices(k, TemporalPositionIdentifier=3)
    study = read_study(slices.folder)
    assert shapes(study) == [(2, SLICES, 4, 6), (3, 4, 6)]
    assert "Not all moments" in " ".join(p for case in study.cases for p in case.problems)


def test_echoes_at_places_of_their_own_never_make_one_volume(slices):
    for k in range(2 * SLICES):
        slices(k, EchoTime=[10, 30][k % 2])
    study = read_study(slices.folder)
    assert shapes(study) == [(SLICES, 4, 6)] * 2
    assert sorted(c.identifier.split("/")[1] for c in study.cases) == ["echo-time-10", "echo-time-30"]


def test_the_same_object_in_two_files_is_read_once_and_named(slices):
    uids = [generate_uid() for _ in range(SLICES)]
    for k in range(SLICES):
        slices(k, SOPInstanceUID=uids[k], value=k)
    slices(2, SOPInstanceUID=uids[2], value=2, name="zz-copy")
    case = read_case(slices.folder)
    np.testing.assert_array_equal(pixels(case.image)[:, 0, 0], range(SLICES))
    assert "1 image of series" in case.problems[0]
    assert "zz-copy.dcm" in case.problems[0]


def test_the_same_pixels_under_another_uid_are_read_once_and_named(slices):
    for k in range(SLICES):
        slices(k, value=k)
    slices(2, value=2, name="zz-copy")
    slices(4, value=4, name="zz-other-copy")
    case = read_case(slices.folder)
    np.testing.assert_array_equal(pixels(case.image)[:, 0, 0], range(SLICES))
    assert "2 images of series" in case.problems[0]
    assert "zz-copy.dcm, zz-other-copy.dcm" in case.problems[0]


def test_two_different_images_at_one_place_and_one_at_the_others_are_refused(slices):
    for k in range(SLICES):
        slices(k)
    slices(2)
    with pytest.raises(FormatError, match=r"2 at 108\.00 mm along its normal, which nothing tells apart"):
        read_case(slices.folder)


def test_an_image_that_every_file_has_twice_is_one_image(slices):
    for _ in range(2):
        for k in range(SLICES):
            slices(k, value=k)
    case = read_case(slices.folder)
    assert case.image.data.shape == (SLICES, 4, 6)
    assert f"{SLICES} images of series" in case.problems[0]


def test_a_volume_that_came_three_times_is_one_volume_and_the_files_are_named(slices):
    for copy in "abc":
        for k in range(SLICES):
            slices(k, value=k, InstanceNumber=k, name=f"{copy}{k}")
    case = read_case(slices.folder)
    assert case.image.data.shape == (SLICES, 4, 6)
    (said,) = case.problems
    assert said.startswith(f"{2 * SLICES} images of series")
    assert said.endswith("b0.dcm, c0.dcm, b1.dcm, c1.dcm, b2.dcm, c2.dcm, b3.dcm, c3.dcm and 2 more.")


def test_volumes_that_nothing_tells_apart_and_that_differ_are_refused(slices):
    for copy in range(3):
        for k in range(SLICES):
            slices(k, value=k + 100 * (copy == 2 and k == 3), InstanceNumber=k)
    with pytest.raises(FormatError, match=r"2 at 112\.00 mm along its normal, which nothing tells apart"):
        read_case(slices.folder)


MAKERS = {
    # manufacturer, private creator and elements of one b value and direction, what is read
    "SIEMENS": (
        lambda b, d: (
            {(0x0019, 0x0010): ("LO", "SIEMENS MR HEADER"), (0x0019, 0x100C): ("IS", str(b))}
            | ({(0x0019, 0x100E): ("FD", d)} if b else {})
        ),
        True,
    ),
    "GE MEDICAL SYSTEMS": (
        lambda b, d: {
            (0x0043, 0x0010): ("LO", "GEMS_PARM_01"),
            (0x0043, 0x1039): ("IS", [b + 1_000_000_000, 8, 0, 0] if b else [0, 8, 0, 0]),
        },
        False,
    ),
    "Philips Medical Systems": (
        lambda b, d: {
            (0x2001, 0x0010): ("LO", "Philips Imaging DD 001"),
            (0x2001, 0x1003): ("FL", float(b)),
            (0x2005, 0x0010): ("LO", "Philips MR Imaging DD 001"),
            (0x2005, 0x10B0): ("FL", d[0]),
            (0x2005, 0x10B1): ("FL", d[1]),
            (0x2005, 0x10B2): ("FL", d[2]),
        },
        True,
    ),
}


@pytest.mark.parametrize("maker", MAKERS)
def test_b_values_are_read_from_the_elements_of_their_maker(slices, dicom, maker):
    import pydicom

    elements, directed = MAKERS[maker]
    directions = [[0.0, 0.0, 0.0], [0.6, 0.0, 0.8], [0.0, -1.0, 0.0]]
    for t, b in enumerate([0, 1000, 1000]):
        for k in range(SLICES):
            name = f"{t}-{k}"
            slices(k, name=name, Manufacturer=maker, AcquisitionNumber=t + 1)
            path = slices.folder / f"{name}.dcm"
            header = pydicom.dcmread(path)
            for tag, (vr, value) in elements(b, directions[t]).items():
                header.add_new(tag, vr, value)
            header.save_as(path)
    timeline = read_case(slices.folder).image.space.timeline
    np.testing.assert_allclose(timeline.conditions["b_value"], [0, 1000, 1000])
    assert ("gradient_direction" in timeline.conditions) == directed
    if directed:
        np.testing.assert_allclose(timeline.conditions["gradient_direction"], directions, atol=1e-6)


def test_progress_is_told_after_each_header(slices):
    for k in range(SLICES):
        slices(k)
    told = []
    read_study(slices.folder, watch=lambda done, total: told.append((done, total)))
    assert told[-1] == (SLICES, SLICES)
