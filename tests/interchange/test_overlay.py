"""Masks lie over their source to the voxel when others read them: the letter F stands where it stood, unmirrored."""

import highdicom
import numpy as np
import pydicom
import pytest
from battery import segmentations
from highdicom.seg import SegmentAlgorithmTypeValues, SegmentationTypeValues, SegmentDescription
from pydicom.sr.codedict import codes
from readers import over_frames, pictures_by_itk, places_by_highdicom, places_by_itk
from sources import DICOM_SOURCES, IN_PATIENT
from truth import LETTER, POLE, marked_frames, marked_places, objects, ordered, planes
from written import formed

from skiagraph.interchange.object import save

# What highdicom writes itself, so that the ways of reading that judge ours are known to see.
CONTROLS = ["axial CT", "oblique MR", "sagittal MR", "decubitus CT", "enhanced MR"]
STACKED = [name for name in IN_PATIENT if name not in ("tilted CT", "cardiac cine")]  # one upright volume
MARKS = {"letter": LETTER, "pole": POLE}


@pytest.fixture
def control(tmp_path):
    """Gives a segmentation of a mark, or of its mirror image, that highdicom wrote."""

    def write(source, which, *, mirrored=False):
        frames = marked_frames(source.folder)
        series = objects(source.folder)
        mask = np.stack(list(frames.values())) == which
        identity = highdicom.AlgorithmIdentificationSequence("control", codes.DCM.ArtificialIntelligence, "1")
        segment = SegmentDescription(
            segment_number=1,
            segment_label="F",
            segmented_property_category=codes.SCT.Tissue,
            segmented_property_type=codes.SCT.Tissue,
            algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
            algorithm_identification=identity,
        )
        made = highdicom.seg.Segmentation(
            source_images=series,
            pixel_array=(mask[..., ::-1] if mirrored else mask).astype(np.uint8),
            segmentation_type=SegmentationTypeValues.BINARY,
            segment_descriptions=[segment],
            series_instance_uid=highdicom.UID(),
            series_number=9,
            sop_instance_uid=highdicom.UID(),
            instance_number=1,
            manufacturer="control",
            manufacturer_model_name="control",
            software_versions="1",
            device_serial_number="1",
        )
        made.save_as(tmp_path / "control.dcm")
        return tmp_path / "control.dcm"

    return write


@pytest.mark.parametrize("which", [LETTER, POLE])
@pytest.mark.parametrize("name", CONTROLS)
def test_the_judges_see_a_mark_in_its_place_and_one_that_is_mirrored(name, which, drawn_source, control):
    source = drawn_source(name)
    frames, truth = marked_frames(source.folder), marked_places(source.folder, which)
    for mirrored in (False, True):
        path = control(source, which, mirrored=mirrored)
        over = over_frames(path, list(frames), [1])
        right = all(np.array_equal(mask[..., 0], frames[frame] == which) for frame, mask in over.items())
        assert right is not mirrored
        for judge in (places_by_highdicom(path, 1), places_by_itk(path)):
            assert np.allclose(judge, truth, atol=1e-3) is not mirrored


@pytest.fixture(scope="session")
def ours(drawn_source, tmp_path_factory):
    """Gives the file of a segmentation of ours by its source, its finding and its form; written once."""
    folder, known = tmp_path_factory.mktemp("segmentations"), {}

    def write(name, kind, form="auto"):
        key = (name, kind, form)
        if key not in known:
            case = drawn_source(name).case
            known[key] = path = folder / f"{len(known)}.dcm"
            save(formed(segmentations(case)[kind], case, form), path)
        return known[key]

    return write


FORMS = [
    ("exclusive", "binary"),
    ("exclusive", "fractional"),
    ("exclusive", "labelmap"),
    ("overlapping", "binary"),
    ("overlapping", "fractional"),
    ("instances", "binary"),
    ("instances", "labelmap"),
    ("probable", "auto"),
]


@pytest.mark.parametrize(("kind", "form"), FORMS)
@pytest.mark.parametrize("name", DICOM_SOURCES)
def test_highdicom_sees_each_mask_over_the_frame_that_it_was_drawn_on(name, kind, form, drawn_source, ours):
    frames = marked_frames(drawn_source(name).folder)
    over = over_frames(ours(name, kind, form), list(frames), [1, 2])
    for frame, marks in frames.items():
        assert np.array_equal(over[frame], np.stack([marks == 1, marks == 2], axis=-1))


@pytest.mark.parametrize("which", [LETTER, POLE])
@pytest.mark.parametrize("name", STACKED)
def test_highdicom_sees_each_mask_in_its_place_in_the_patient(name, which, drawn_source, ours):
    seen = places_by_highdicom(ours(name, "exclusive"), which)
    np.testing.assert_allclose(seen, marked_places(drawn_source(name).folder, which), atol=1e-3)


@pytest.mark.parametrize("kind", MARKS)
@pytest.mark.parametrize("name", STACKED)
def test_simpleitk_sees_each_mask_in_its_place_in_the_patient(name, kind, drawn_source, ours):
    truth = marked_places(drawn_source(name).folder, MARKS[kind])
    np.testing.assert_allclose(places_by_itk(ours(name, kind)), truth, atol=1e-3)


@pytest.mark.parametrize("name", IN_PATIENT)
def test_each_frame_lies_in_the_plane_of_the_frame_that_it_cites(name, drawn_source, ours):
    cited = {
        (str(ds.SOPInstanceUID), number): plane
        for ds in objects(drawn_source(name).folder)
        for number, plane in enumerate(planes(ds), start=1)
    }
    seg = pydicom.dcmread(ours(name, "exclusive"))
    for frame, plane in zip(seg.PerFrameFunctionalGroupsSequence, planes(seg), strict=True):
        source = frame.DerivationImageSequence[0].SourceImageSequence[0]
        number = source.get("ReferencedFrameNumber", 1)
        for got, given in zip(plane, cited[source.ReferencedSOPInstanceUID, number], strict=True):
            np.testing.assert_allclose(got, given, atol=1e-4)


@pytest.mark.parametrize("kind", MARKS)
@pytest.mark.parametrize("name", [name for name in DICOM_SOURCES if name not in STACKED])
def test_simpleitk_sees_each_mask_over_its_picture(name, kind, drawn_source, ours):
    frames = marked_frames(drawn_source(name).folder)
    cited = [
        (source.ReferencedSOPInstanceUID, source.get("ReferencedFrameNumber", 1))
        for frame in pydicom.dcmread(ours(name, kind)).PerFrameFunctionalGroupsSequence
        for derivation in frame.DerivationImageSequence
        for source in derivation.SourceImageSequence
    ]
    for mask, frame in zip(pictures_by_itk(ours(name, kind)), cited, strict=True):
        assert np.array_equal(mask, frames[frame] == MARKS[kind])
    assert set(cited) >= {frame for frame, marks in frames.items() if (marks == MARKS[kind]).any()}


@pytest.mark.parametrize("name", STACKED)
def test_highdicom_sees_numbers_in_their_place_in_the_patient(name, drawn_source, written_files):
    volume = highdicom.imread(written_files(name)["derived image"]).get_volume()
    values = np.asarray(volume.array, float)
    high = np.nanmin(values) + 0.83 * (np.nanmax(values) - np.nanmin(values))
    seen = ordered(volume.map_indices_to_reference(np.argwhere(values > high)))
    np.testing.assert_allclose(seen, marked_places(drawn_source(name).folder, LETTER), atol=1e-3)


@pytest.mark.parametrize("what", ["heat map", "derived image"])
@pytest.mark.parametrize("name", IN_PATIENT)
def test_numbers_lie_in_the_planes_of_their_source(name, what, drawn_source, written_files):
    given = np.array([_flat(plane) for ds in objects(drawn_source(name).folder) for plane in planes(ds)])
    got = np.array([_flat(plane) for plane in planes(pydicom.dcmread(written_files(name)[what]))])
    np.testing.assert_allclose(ordered(got), ordered(given), atol=1e-4)


def _flat(plane):
    return np.concatenate(plane)
