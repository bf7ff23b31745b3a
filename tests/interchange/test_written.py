"""What holds of every object that we write: itself at each writing, of its patient and study, unlike all others."""

import pydicom
import pytest
from battery import findings
from sources import DICOM_SOURCES, OTHER_SOURCES, SOURCES
from truth import objects
from written import written_objects

from skiagraph.interchange.object import encoded
from skiagraph.io import read_case

TYPE_2 = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime")
OF_STUDY = (*TYPE_2, "ReferringPhysicianName", "StudyID", "AccessionNumber")


AGAIN = ("axial CT", "enhanced MR", "ultrasound cine", "bare CT", "Japanese name", "NIfTI oblique", "PNG")


@pytest.mark.parametrize("name", AGAIN)
def test_the_same_files_read_again_and_written_again_give_the_same_bytes(name, written_files, drawn_source):
    first, case = written_files(name), read_case(drawn_source(name).folder)
    assert set(findings(case)) <= set(first)
    for what, thing in written_objects(case):
        assert encoded(thing) == first[what].read_bytes(), what


@pytest.mark.parametrize("name", SOURCES)
def test_no_two_objects_are_called_the_same(name, written_files):
    uids = [pydicom.dcmread(path).SOPInstanceUID for path in written_files(name).values()]
    assert len(set(uids)) == len(uids)


@pytest.mark.parametrize("name", DICOM_SOURCES)
def test_all_are_of_the_patient_and_in_the_study_of_their_source(name, written_files, drawn_source):
    source = objects(drawn_source(name).folder)[0]
    for what, path in written_files(name).items():
        ds = pydicom.dcmread(path)
        assert ds.StudyInstanceUID == source.StudyInstanceUID, what
        assert ds.SeriesInstanceUID != source.SeriesInstanceUID, what
        for keyword in OF_STUDY:
            assert str(ds[keyword].value or "") == str(source.get(keyword) or ""), (what, keyword)


@pytest.mark.parametrize("name", OTHER_SOURCES)
def test_what_is_not_dicom_gets_one_study_of_nobody(name, written_files):
    read = [pydicom.dcmread(path) for path in written_files(name).values()]
    assert len({ds.StudyInstanceUID for ds in read}) == 1
    assert {str(ds.PatientName) for ds in read} == {""}
    for ds in read:
        assert all(keyword in ds for keyword in OF_STUDY)
