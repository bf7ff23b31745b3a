"""Key objects point at the frames that were chosen, in documents that others read."""

import shutil
import subprocess

import highdicom
import pydicom
import pytest
from battery import PROVENANCE
from pydicom.dataset import Dataset

from skiagraph.errors import InvalidInput, UnknownName
from skiagraph.interchange.identity import SKIAGRAPH, Series, content_of
from skiagraph.interchange.key_objects import key_object, read_key_objects
from skiagraph.interchange.object import dataset_of, encoded, save

SERIES = Series(number=9, description="Key images")
CONTENT = content_of(PROVENANCE, "Where the letter is largest. 最大处。")


def made(frames, case):
    return key_object(frames, case, SKIAGRAPH, SERIES, CONTENT)


def first(case):
    return next(iter(case.images))


def last(case):
    name = first(case)
    space = case.images[name].space
    moments = 1 if space.timeline is None else len(space.timeline)
    return name, moments - 1, space.shape[0] - 1 if space.ndim == 3 else 0


def test_selections_of_every_source_are_valid(source, validator, tmp_path):
    save(made([(first(source), 0, 0), last(source)], source), tmp_path / "key.dcm")
    assert validator(tmp_path / "key.dcm") == []


def test_a_selection_names_the_frame_of_the_slice(dicom_source):
    case = dicom_source.case
    name, moment, number = last(case)
    read = read_key_objects(dataset_of(made([(name, moment, number)], case)))
    index, frame = case.origins[name].frames[moment, number]
    instance = case.origins[name].instances[index]
    [reference] = read.references
    assert reference.sop_instance_uid == instance.sop_instance_uid
    assert reference.sop_class_uid == instance.sop_class_uid
    assert reference.frames == (() if instance.frames is None else (frame,))
    assert (reference.study_uid, reference.series_uid) == (
        case.origins[name].study_uid,
        case.origins[name].series_uid,
    )
    assert (read.title.value, read.description) == ("113000", CONTENT.description)


def test_frames_of_one_film_stand_in_one_reference(drawn_source):
    case = drawn_source("ultrasound cine").case
    read = read_key_objects(dataset_of(made([("image", m, 0) for m in (3, 1, 3)], case)))
    assert [reference.frames for reference in read.references] == [(2, 4)]


def test_the_evidence_holds_what_is_pointed_at_and_no_more(drawn_source):
    case = drawn_source("axial CT").case
    ds = dataset_of(made([(first(case), 0, 2)], case))
    [study] = ds.CurrentRequestedProcedureEvidenceSequence
    [series] = study.ReferencedSeriesSequence
    assert len(series.ReferencedSOPSequence) == 1


def test_highdicom_and_dcmtk_read_a_selection(source, tmp_path):
    save(made([last(source)], source), tmp_path / "key.dcm")
    document = highdicom.ko.KeyObjectSelectionDocument.from_dataset(pydicom.dcmread(tmp_path / "key.dcm"))
    [item] = document.content.get_references()
    study, _, uid = document.resolve_reference(item.referenced_sop_instance_uid)
    assert (study, uid) == (document.StudyInstanceUID, item.referenced_sop_instance_uid)
    if shutil.which("dsrdump") is None:
        pytest.skip("dsrdump (Debian package dcmtk) is not here")
    run = subprocess.run(
        ["dsrdump", tmp_path / "key.dcm"], capture_output=True, text=True, check=True, timeout=60
    )
    assert "Key Object Selection Document" in run.stdout


def test_the_same_selection_gives_the_same_bytes(drawn_source):
    case = drawn_source("X-ray").case
    assert encoded(made([last(case)], case)) == encoded(made([last(case)], case))


@pytest.mark.parametrize(
    ("frames", "error"),
    [
        ([], InvalidInput),
        ([("image", 0, 7)], InvalidInput),
        ([("image", -1, 0)], InvalidInput),
        ([("other", 0, 0)], UnknownName),
    ],
)
def test_a_frame_that_is_not_there_is_named(frames, error, drawn_source):
    with pytest.raises(error):
        made(frames, drawn_source("axial CT").case)


def test_a_selection_of_others_without_much_is_read():
    ds, item = Dataset(), Dataset()
    item.ValueType, item.RelationshipType = "IMAGE", "CONTAINS"
    reference = Dataset()
    reference.ReferencedSOPInstanceUID = "2.25.5"
    item.ReferencedSOPSequence = [reference]
    ds.ContentSequence = [item]
    read = read_key_objects(ds)
    assert (read.title, read.description) == (None, "")
    assert [(r.sop_instance_uid, r.study_uid) for r in read.references] == [("2.25.5", "")]
