"""Which DICOM objects are behind an image, and which of their frames gave which slice."""

import copy
import pickle

import numpy as np
import pydicom
import pytest
from pydicom.uid import CTImageStorage, UltrasoundMultiFrameImageStorage
from tests.io.dicom.test_geometry_table import EVEN, HALVES, MISSING, WAYS, Enhanced, Scan

from skiagraph.case import Case, Origin, picture_frame
from skiagraph.errors import InvalidInput
from skiagraph.geometry import to_world
from skiagraph.io import read_case

STILL = {"by slices": Scan(EVEN, tilt=20), "in one object": Enhanced(EVEN)}


def positions(origin, folder):
    """The place that the file states for each slice of an origin, shape (slices, 3); NaN where no frame gave it."""
    files = {ds.SOPInstanceUID: ds for ds in map(pydicom.dcmread, sorted(folder.glob("*.dcm")))}
    found = np.full((origin.frames.shape[1], 3), np.nan)
    for n, (index, frame) in enumerate(origin.frames[0]):
        if index < 0:
            continue
        ds = files[origin.instances[index].sop_instance_uid]
        several = origin.instances[index].frames
        assert several == ds.get("NumberOfFrames")
        groups = (
            ds if several is None else ds.PerFrameFunctionalGroupsSequence[frame - 1].PlanePositionSequence[0]
        )
        found[n] = groups.ImagePositionPatient
    return found


@pytest.mark.parametrize("name", STILL)
def test_each_slice_comes_from_the_frame_that_lies_there(dicom, name):
    folder = STILL[name].write(dicom, WAYS[2])
    case = read_case(folder)
    there = to_world(case.image.space, np.array([(n, 0.0, 0.0) for n in range(len(EVEN))]))
    assert np.allclose(positions(case.origins["image"], folder), there, atol=1e-6)


@pytest.mark.parametrize(("offsets", "fill"), [(HALVES, False), (MISSING, True)])
def test_a_slice_that_was_interpolated_comes_from_no_frame(dicom, offsets, fill):
    folder = Scan(offsets).write(dicom, WAYS[2])
    case = read_case(folder, fill_gaps=fill)
    stated = positions(case.origins["image"], folder)
    there = to_world(case.image.space, np.array([(n, 0.0, 0.0) for n in range(len(stated))]))
    known = ~np.isnan(stated[:, 0])
    assert 0 < known.sum() < len(known)
    assert np.allclose(stated[known], there[known], atol=0.01)
    assert {tuple(p) for p in stated[known].round(6)} <= {
        tuple(np.add(p, 0)) for p in Scan(offsets).positions
    }


def test_the_frames_of_a_cine_come_one_after_the_other(dicom):
    path = dicom(
        np.zeros((4, 5, 6), np.uint8), "cine.dcm", modality="US", sop_class=UltrasoundMultiFrameImageStorage
    )
    case = read_case(path)
    origin = case.origins["image"]
    assert origin.frames.tolist() == [[[0, 1]], [[0, 2]], [[0, 3]], [[0, 4]]]
    assert origin.instances[0].frames == 4
    assert case.image.space.frame == picture_frame(origin.instances[0].sop_instance_uid)


def test_patient_and_study_go_along_in_their_own_characters(dicom):
    path = dicom(
        np.zeros((5, 6), np.uint16),
        "one.dcm",
        modality="CT",
        sop_class=CTImageStorage,
        SpecificCharacterSet="GB18030",
        PatientName="Wang^XiaoDong=王^小东",
        PatientID="4711",
        PatientWeight="72.5",
        StudyDescription="头部",
        AccessionNumber="A 1",
    )
    origin = read_case(path).origins["image"]
    header = pydicom.Dataset.from_json(dict(origin.header))
    assert header.PatientName.alphabetic == "Wang^XiaoDong"
    assert header.PatientName.ideographic == "王^小东"
    assert (header.PatientID, header.PatientWeight, header.AccessionNumber) == ("4711", 72.5, "A 1")
    assert header.StudyDescription == "头部"
    assert (origin.study_uid, origin.series_uid) == (header.StudyInstanceUID, header.SeriesInstanceUID)


def test_no_patient_shows_where_a_case_is_printed(dicom):
    path = dicom(np.zeros((5, 6), np.uint16), "one.dcm", PatientName="Muster^Maria", PatientID="4711")
    case = read_case(path)
    assert "4711" in str(case.origins["image"].header)
    assert not {"Muster", "4711"} & set(repr(case).replace("'", " ").split())
    assert "Muster" not in repr(case) + repr(case.origins["image"])


def test_an_origin_survives_pickling_and_copies(dicom):
    origin = read_case(Scan(EVEN).write(dicom, WAYS[0])).origins["image"]
    for again in (pickle.loads(pickle.dumps(origin)), copy.deepcopy(origin)):
        assert again.instances == origin.instances
        assert np.array_equal(again.frames, origin.frames)
        assert again.header == origin.header


def test_an_origin_has_a_frame_for_each_slice_of_its_image(dicom):
    case = read_case(Scan(EVEN).write(dicom, WAYS[0]))
    origin = case.origins["image"]
    short = Origin(header={}, instances=origin.instances, frames=origin.frames[:, :-1])
    with pytest.raises(InvalidInput, match="a frame for each slice"):
        Case(identifier="a", images=case.images, origins={"image": short})
    with pytest.raises(InvalidInput, match="an image of its case"):
        Case(identifier="a", images=case.images, origins={"other": origin})
    with pytest.raises(InvalidInput, match="one of its instances"):
        Origin(header={}, instances=(), frames=origin.frames)
