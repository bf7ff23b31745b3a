"""Masks lie over their source to the voxel when others read them: the letter F stands where it stood, unmirrored."""

import highdicom
import numpy as np
import pytest
from highdicom.seg import SegmentAlgorithmTypeValues, SegmentationTypeValues, SegmentDescription
from pydicom.sr.codedict import codes
from readers import over_frames, places_by_highdicom, places_by_itk
from truth import LETTER, POLE, marked_frames, marked_places, objects

# What highdicom writes itself, so that the ways of reading that judge ours are known to see.
CONTROLS = ["axial CT", "oblique MR", "sagittal MR", "decubitus CT", "enhanced MR"]


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
