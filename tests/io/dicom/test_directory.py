"""DICOMDIR: the files that it names, found in whatever case their disc was copied; what is missing is named."""

import shutil
import zipfile
from contextlib import suppress
from types import SimpleNamespace

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.fileset import FileSet
from pydicom.uid import generate_uid

from skiagraph.errors import FormatError
from skiagraph.io.dicom.directory import read_directory
from skiagraph.io.dicom.source import Source
from skiagraph.io.formats import DICOM
from skiagraph.io.sources import gather


@pytest.fixture
def disc(tmp_path, tmp_path_factory, dicom, monkeypatch):
    """A disc of five images as pydicom writes one; gives its DICOMDIR."""

    def stage():
        return SimpleNamespace(name=str(tmp_path_factory.mktemp("stage")), cleanup=lambda: None)

    monkeypatch.setattr("pydicom.fileset.TemporaryDirectory", stage)
    files = FileSet()
    for n in range(5):
        path = dicom(
            np.full((4, 5), n, np.uint8),
            f"made/{n}.dcm",
            PatientID="1",
            StudyDate="20260101",
            StudyTime="120000",
            StudyID="1",
            AccessionNumber="",
            SeriesNumber=1,
            InstanceNumber=n + 1,
            SOPInstanceUID=generate_uid(),
        )
        ds = pydicom.dcmread(path)
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        files.add(ds)
    files.write(tmp_path / "disc")
    shutil.rmtree(tmp_path / "made")
    return tmp_path / "disc" / "DICOMDIR"


def test_a_disc_gives_the_files_that_it_names_and_no_other(disc):
    named = sorted(p for p in disc.parent.rglob("*") if p.is_file() and p != disc)
    (disc.parent / "EXTRA").write_bytes(named[0].read_bytes())
    found = gather(disc)
    assert [file.source.path for file in found.files] == named
    assert {file.format for file in found.files} == {DICOM}
    assert found.problems == ()


def test_the_folder_of_a_disc_gives_also_what_it_does_not_name(disc):
    named = [p for p in disc.parent.rglob("*") if p.is_file() and p != disc]
    (disc.parent / "EXTRA").write_bytes(named[0].read_bytes())
    found = gather(disc.parent)
    assert len(found.files) == 6
    assert "EXTRA" in [file.name for file in found.files]
    assert "DICOMDIR" not in [file.name for file in found.files]


@pytest.mark.parametrize("whole", [True, False])
def test_a_file_that_is_named_and_missing_is_named(disc, whole):
    gone = min(p for p in disc.parent.rglob("*") if p.is_file() and p != disc)
    gone.unlink()
    found = gather(disc if whole else disc.parent)
    assert len(found.files) == 4
    (said,) = found.problems
    assert said.startswith("DICOMDIR names 1 files that are missing: ")
    assert gone.relative_to(disc.parent).as_posix() in said


@pytest.mark.parametrize(
    "renamed",
    [str.lower, lambda name: f"{name}.", lambda name: f"{name};1", lambda name: f"{name.lower()}.;1"],
)
def test_the_names_of_a_copied_disc_may_have_another_case_and_the_signs_of_its_file_system(disc, renamed):
    for path in sorted(disc.parent.rglob("*"), key=lambda p: -len(p.parts)):
        if path != disc:
            path.rename(path.with_name(renamed(path.name) if path.is_file() else path.name.lower()))
    assert len(read_directory(Source(path=disc)).sources) == 5


def test_a_disc_in_an_archive(disc, tmp_path):
    archive = tmp_path / "disc.zip"
    with zipfile.ZipFile(archive, "w") as out:
        for path in sorted(disc.parent.rglob("*")):
            if path.is_file():
                out.write(path, f"cd/{path.relative_to(disc.parent).as_posix().lower()}")
    found = gather(archive)
    assert len(found.files) == 5
    assert found.problems == ()
    directory = read_directory(Source(path=archive, member="cd/dicomdir"))
    assert {s.member for s in directory.sources} == {file.source.member for file in found.files}


@pytest.mark.parametrize("parts", [["..", "SECRET"], ["/etc/passwd"], ["A", "", "B"], ["..\\..", "X"]])
def test_a_name_that_leads_out_of_the_disc_is_left_alone(disc, parts):
    (disc.parent.parent / "SECRET").write_bytes(disc.read_bytes())
    header = pydicom.dcmread(disc)
    record = next(r for r in header.DirectoryRecordSequence if "ReferencedFileID" in r)
    # Written behind pydicom's back, which would refuse it.
    record["ReferencedFileID"]._value = parts
    header.save_as(disc)
    found = read_directory(Source(path=disc))
    assert len(found.sources) == 4
    assert "outside of its own folder" in found.problems[0]


def test_a_record_that_is_not_in_use_names_nothing(disc):
    header = pydicom.dcmread(disc)
    next(r for r in header.DirectoryRecordSequence if "ReferencedFileID" in r).RecordInUseFlag = 0
    header.save_as(disc)
    assert len(read_directory(Source(path=disc)).sources) == 4


@pytest.mark.parametrize("cut", [300, 600, 1200])
def test_a_damaged_directory_hides_no_file_of_the_folder(disc, cut):
    disc.write_bytes(disc.read_bytes()[:cut])
    with suppress(FormatError):
        assert len(read_directory(Source(path=disc)).sources) <= 5
    assert len(gather(disc.parent).files) == 5


def test_a_directory_that_is_cut_off_says_that_the_folder_can_be_named(disc):
    disc.write_bytes(disc.read_bytes()[:400])
    with pytest.raises(FormatError, match="name the folder"):
        read_directory(Source(path=disc))


def test_the_disc_that_pydicom_ships():
    path = get_testdata_file("DICOMDIR")
    found = gather(path)
    assert len(found.files) == 31
    assert found.problems == ()
