"""Masks lie in their place also where their lattice is not that of the source, or the source is not DICOM."""

import numpy as np
import pydicom
import pytest
import SimpleITK
from battery import segmentations
from readers import over_frames, places_by_highdicom, places_by_itk
from sources import OTHER_SOURCES
from truth import LETTER, POLE, marked_frames, marked_places, objects, ordered
from written import exported

from skiagraph.findings import resample
from skiagraph.geometry import cropped, reoriented
from skiagraph.interchange.object import save
from skiagraph.interchange.source_image import source_object

VOLUMES = [
    "axial CT",
    "oblique MR",
    "sagittal MR",
    "decubitus CT",
    "enhanced MR",
    "NIfTI LAS",
    "NIfTI oblique",
]
MARKS = {"letter": LETTER, "pole": POLE}


def truth_of(source, which):
    """Where a mark lies by the files: DICOM by the standard's formula, the rest by SimpleITK."""
    if objects(source.folder):
        return marked_places(source.folder, which)
    read = SimpleITK.ReadImage(str(next(source.folder.iterdir())))
    values = SimpleITK.GetArrayFromImage(read)
    lit = (values > 2500) if which == LETTER else ((values > 1500) & (values < 2500))
    return ordered(
        np.array([read.TransformIndexToPhysicalPoint([int(n) for n in at[::-1]]) for at in np.argwhere(lit)])
    )


@pytest.mark.parametrize("codes", ["SPL", "RAS", "LIP", "AIR"])
@pytest.mark.parametrize("name", VOLUMES)
def test_a_mask_in_another_order_of_axes_lies_where_it_did(name, codes, drawn_source, tmp_path):
    source = drawn_source(name)
    turned = reoriented(source.case.image.space, codes)
    for kind, which in MARKS.items():
        save(exported(resample(segmentations(source.case)[kind], turned), source.case), tmp_path / "seg.dcm")
        for seen in (places_by_highdicom(tmp_path / "seg.dcm", 1), places_by_itk(tmp_path / "seg.dcm")):
            np.testing.assert_allclose(seen, truth_of(source, which), atol=2e-3)


@pytest.mark.parametrize("name", VOLUMES)
def test_a_mask_of_a_part_lies_where_it_did(name, drawn_source, tmp_path):
    source = drawn_source(name)
    lit = np.argwhere(source.letter)
    low, high = lit.min(axis=0), lit.max(axis=0) + 1
    part = cropped(source.case.image.space, tuple(low.tolist()), tuple((high - low).tolist()))
    save(exported(resample(segmentations(source.case)["letter"], part), source.case), tmp_path / "seg.dcm")
    for seen in (places_by_highdicom(tmp_path / "seg.dcm", 1), places_by_itk(tmp_path / "seg.dcm")):
        np.testing.assert_allclose(seen, truth_of(source, LETTER), atol=2e-3)


@pytest.mark.parametrize("name", OTHER_SOURCES)
def test_a_picture_of_another_format_gets_a_study_over_which_its_masks_lie(name, drawn_source, tmp_path):
    source = drawn_source(name)
    (tmp_path / "study").mkdir()
    save(source_object(source.case, "image"), tmp_path / "study" / "image.dcm")
    save(exported(segmentations(source.case)["exclusive"], source.case), tmp_path / "seg.dcm")
    frames = marked_frames(tmp_path / "study")
    assert (
        pydicom.dcmread(tmp_path / "seg.dcm").StudyInstanceUID
        == objects(tmp_path / "study")[0].StudyInstanceUID
    )
    over = over_frames(tmp_path / "seg.dcm", list(frames), [1, 2])
    for frame, marks in frames.items():
        assert np.array_equal(over[frame], np.stack([marks == 1, marks == 2], axis=-1))
    if name != "PNG":
        for which in (LETTER, POLE):
            np.testing.assert_allclose(
                marked_places(tmp_path / "study", which), truth_of(source, which), atol=2e-3
            )
            np.testing.assert_allclose(
                places_by_highdicom(tmp_path / "seg.dcm", which), truth_of(source, which), atol=2e-3
            )
