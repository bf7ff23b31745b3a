"""What holds of every kind of synthetic study: valid DICOM of nobody, one seed one study, truth that comes back."""

import io
import json
import shutil
import subprocess

import numpy as np
import pydicom
import pytest

from skiagraph.cli.phantom import Kind
from skiagraph.codecs import nifti
from skiagraph.errors import InvalidInput, SkiagraphError
from skiagraph.findings import Finding
from skiagraph.image import pixels
from skiagraph.phantoms.catalogue import KINDS
from skiagraph.phantoms.drawn import Drawn, write_drawn
from skiagraph.plain import from_plain

ALL = list(KINDS)
# What the edition of the validator that Debian ships (2022-06-18) says against the standard.
NOT_KNOWN = {
    "oct": (
        # PS3.3 section C.8.17.7 asks for these three with values that stand for "no concatenation"; the validator's
        # module of functional groups forbids them where nothing is concatenated.
        "InConcatenationNumber",
        "InConcatenationTotalNumber",
        "ConcatenationFrameOffsetNumber",
        "ConcatenationUID",
    ),
}


def as_bytes(ds):
    stream = io.BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def test_the_shell_offers_every_kind():
    assert {k.value for k in Kind} == {"fetal-head", "breast-tumours", *KINDS}


@pytest.mark.parametrize("kind", ALL)
def test_a_seed_gives_the_same_bytes_and_another_seed_others(kind, drawn, anew):
    first, again, other = drawn(kind), anew(kind), drawn(kind, 2)
    assert [as_bytes(ds) for ds in first.datasets] == [as_bytes(ds) for ds in again.datasets]
    assert first.datasets[0].SOPInstanceUID != other.datasets[0].SOPInstanceUID
    assert first.datasets[0].PixelData != other.datasets[0].PixelData


@pytest.mark.parametrize("kind", ALL)
def test_the_objects_read_back_are_of_nobody_and_each_is_itself(kind, drawn, tmp_path):
    study = drawn(kind)
    paths = write_drawn(study, tmp_path / "images", tmp_path / "truth")
    read = [pydicom.dcmread(p) for p in paths]
    assert len({ds.SOPInstanceUID for ds in read}) == len(study.datasets) == len(paths)
    assert {str(ds.PatientName).split("^")[0] for ds in read} == {"Phantom"}
    assert len({ds.StudyInstanceUID for ds in read}) == 1
    for ds, given in zip(read, study.datasets, strict=True):
        assert ds.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID == given.SOPInstanceUID
        assert ds.pixel_array.size > 0


@pytest.mark.skipif(
    shutil.which("dciodvfy") is None, reason="dciodvfy (Debian package dicom3tools) is not here"
)
@pytest.mark.parametrize("kind", ALL)
def test_a_validator_finds_no_error(kind, drawn, tmp_path):
    study = drawn(kind)
    chosen = {0, len(study.datasets) // 2, len(study.datasets) - 1}
    for n in chosen:
        study.datasets[n].save_as(tmp_path / "a.dcm", enforce_file_format=True)
        run = ["dciodvfy", tmp_path / "a.dcm"]
        said = subprocess.run(run, capture_output=True, text=True, check=False).stderr
        errors = [line for line in said.splitlines() if line.startswith("Error")]
        assert [e for e in errors if not any(known in e for known in NOT_KNOWN.get(kind, ()))] == []


@pytest.mark.parametrize("kind", ALL)
def test_the_truth_comes_back_as_findings_and_masks_in_the_place_of_the_image(kind, drawn, tmp_path):
    study = drawn(kind)
    write_drawn(study, tmp_path / "images", tmp_path / "truth")
    document = json.loads((tmp_path / "truth/truth.json").read_text("utf-8"))
    assert (document["format"], document["version"], document["kind"]) == ("skiagraph-truth", 1, study.kind)
    assert document["study"] == study.datasets[0].StudyInstanceUID
    back = [from_plain(Finding, item) for item in document["findings"]]
    assert [type(f) for f in back] == [type(f) for f in study.findings]
    for entry in document["masks"]:
        mask = nifti.read(tmp_path / "truth" / entry["file"]).image
        spaces = [i.space for i in study.images.values() if i.space.shape == mask.space.shape]
        assert any(np.allclose(mask.space.affine, s.affine, atol=1e-3) for s in spaces)
        numbers = {0, *(s["number"] for s in entry["segments"])}
        assert set(np.unique(pixels(mask)).tolist()) <= numbers


@pytest.mark.parametrize("kind", ["chest-ct", "pet"])
def test_volumes_are_written_as_nifti_when_asked(kind, drawn, tmp_path):
    study = drawn(kind)
    (path,) = write_drawn(study, tmp_path / "images", tmp_path / "truth", volumes=True)
    (image,) = study.images.values()
    assert np.allclose(pixels(nifti.read(path).image), pixels(image))


def test_progress_is_told_file_by_file(drawn, tmp_path):
    seen = []
    write_drawn(
        drawn("multi-echo-mr"),
        tmp_path / "i",
        tmp_path / "t",
        watch=lambda done, total, _: seen.append((done, total)),
    )
    assert seen == [(n, 40) for n in range(1, 41)]


def test_a_folder_that_cannot_be_made_is_named_in_one_sentence(drawn, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SkiagraphError, match="written to a folder"):
        write_drawn(drawn("fundus"), tmp_path / "file", tmp_path / "t")


def test_a_study_of_nothing_is_refused():
    with pytest.raises(InvalidInput, match="an object and an image"):
        Drawn(kind="none", datasets=(), images={}, findings=(), phantom=None)
