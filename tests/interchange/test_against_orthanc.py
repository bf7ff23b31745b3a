"""A real archive takes our objects by both of its doors, and gives them back as they were."""

import io
import json

import pydicom
import pytest
from pacs import differences
from sources import DICOM_SOURCES, SOURCES


def files_of(source):
    return sorted(source.folder.rglob("*.dcm"))


@pytest.mark.parametrize("way_in", ["stow", "c_store"])
def test_the_archive_gives_each_source_back_as_it_was(dicom_source, archive, way_in):
    archive.forget()
    files = files_of(dicom_source)
    getattr(archive, way_in)(files)
    for path in {files[0], files[-1]}:
        ds = pydicom.dcmread(path, stop_before_pixels=True)
        for way_out in (archive.wado, archive.file):
            assert differences(path, way_out(ds)) == []


@pytest.mark.parametrize(("way_in", "way_out"), [("stow", "wado"), ("c_store", "file")])
@pytest.mark.parametrize("name", SOURCES)
def test_the_archive_gives_all_that_we_write_back_as_it_was(name, way_in, way_out, written_files, archive):
    archive.forget()
    files = written_files(name)
    getattr(archive, way_in)(list(files.values()))
    for what, path in files.items():
        ds = pydicom.dcmread(path, stop_before_pixels=True)
        assert differences(path, getattr(archive, way_out)(ds)) == [], what


@pytest.mark.parametrize("name", DICOM_SOURCES)
def test_the_archive_puts_what_we_write_into_the_study_that_it_is_about(
    name, written_files, drawn_source, archive
):
    archive.forget()
    archive.stow([*files_of(drawn_source(name)), *written_files(name).values()])
    assert len(json.loads(archive.ask("patients")[0])) == 1
    assert len(json.loads(archive.ask("studies")[0])) == 1


def test_a_changed_element_deep_in_a_sequence_is_named(drawn_source):
    path = files_of(drawn_source("enhanced MR"))[0]
    ds = pydicom.dcmread(path)
    ds.PerFrameFunctionalGroupsSequence[3].FrameContentSequence[0].StackID = "2"
    ds.PatientComments = "not there before"
    ds.PixelData = ds.PixelData[:-2] + b"\1\1"
    stream = io.BytesIO()
    ds.save_as(stream)
    assert [said.split(" ")[1:] for said in differences(path, stream.getvalue())] == [
        ["is", "only", "in", "the", "second"],
        ["StackID", "differs"],
        ["PixelData", "differs"],
    ]
