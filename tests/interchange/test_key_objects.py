"""Key objects point at the frames that were chosen, in documents that others read."""

import shutil
import subprocess

import highdicom
import numpy as np
import pydicom
import pytest
from battery import PROVENANCE

from skiagraph.errors import InvalidInput, UnknownName
from skiagraph.interchange.identity import SKIAGRAPH, Series, content_of
from skiagraph.interchange.key_objects import key_object
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


def references(ds):
    """What a selection points at, with the numbers of its frames."""
    found = [item.ReferencedSOPSequence[0] for item in ds.ContentSequence if item.ValueType == "IMAGE"]
    return [(one, tuple(np.atleast_1d(one.get("ReferencedFrameNumber", ())).tolist())) for one in found]


def test_selections_of_every_source_are_valid(source, validator, tmp_path):
    save(made([(first(source), 0, 0), last(source)], source), tmp_path / "key.dcm")
    assert validator(tmp_path / "key.dcm") == []


def test_a_selection_names_the_frame_of_the_slice(dicom_source):
    case = dicom_source.case
    name, moment, number = last(case)
    ds = dataset_of(made([(name, moment, number)], case))
    origin = case.origins[name]
    index, frame = origin.frames[moment, number]
    instance = origin.instances[index]
    [(reference, frames)] = references(ds)
    assert reference.ReferencedSOPInstanceUID == instance.sop_instance_uid
    assert reference.ReferencedSOPClassUID == instance.sop_class_uid
    assert frames == (() if instance.frames is None else (frame,))
    [study] = ds.CurrentRequestedProcedureEvidenceSequence
    [series] = study.ReferencedSeriesSequence
    assert (study.StudyInstanceUID, series.SeriesInstanceUID) == (origin.study_uid, origin.series_uid)
    assert ds.ConceptNameCodeSequence[0].CodeValue == "113000"
    assert [item.TextValue for item in ds.ContentSequence if item.ValueType == "TEXT"] == [
        CONTENT.description
    ]


def test_frames_of_one_film_stand_in_one_reference(drawn_source):
    case = drawn_source("ultrasound cine").case
    found = references(dataset_of(made([("image", m, 0) for m in (3, 1, 3)], case)))
    assert [frames for _, frames in found] == [(2, 4)]


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
