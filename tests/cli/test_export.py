"""`skiagraph export` and `read --dicom` as their users meet them."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import nibabel
import pydicom
import pytest
from fhir.resources.R4B.bundle import Bundle


def skiagraph(*arguments, cwd=None):
    program = Path(sys.executable).with_name("skiagraph")
    return subprocess.run(
        [str(program), *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
        timeout=300,
    )


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    assert skiagraph("phantom", "fetal-head", folder, "--seed", 3).returncode == 0
    done = skiagraph("read", folder / "image-0001.dcm", "--out", folder / "reading", "--dicom")
    assert done.returncode == 0, done.stderr
    (folder / "said.txt").write_text(done.stdout, "utf-8")
    return folder


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    folder = tmp_path_factory.mktemp("other")
    assert skiagraph("phantom", "fetal-head", folder, "--seed", 4).returncode == 0
    return folder


def test_reading_with_dicom_writes_and_names_the_objects_and_the_page(study):
    said = (study / "said.txt").read_text("utf-8")
    assert str(study / "reading" / "report.pdf") in said
    objects = sorted((study / "reading" / "dicom").iterdir())
    assert {"segmentation.dcm", "measurements.dcm", "report.dcm"} <= {path.name for path in objects}
    source = pydicom.dcmread(study / "image-0001.dcm", stop_before_pixels=True)
    for path in objects:
        assert str(path) in said
        assert pydicom.dcmread(path).StudyInstanceUID == source.StudyInstanceUID


def test_plain_reading_writes_and_loads_none_of_it(study, tmp_path):
    image = study / "image-0001.dcm"
    code = f"""
import sys
from skiagraph.cli import app
app(["read", {str(image)!r}, "--out", {str(tmp_path / "out")!r}], standalone_mode=False)
sys.exit(" ".join({{"highdicom", "typst", "fhir", "skiagraph.interchange"}} & set(sys.modules)) or 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["mask.nii.gz", "reading.json", "report.html"]


def test_the_pdf_alone_can_be_asked_for(study, tmp_path):
    done = skiagraph(
        "read", study / "image-0001.dcm", "--out", tmp_path / "out", "--pdf", "--lang", "zh", "--json"
    )
    (reading,) = json.loads(done.stdout)["readings"]
    assert [(one["format"], Path(one["path"]).name) for one in reading["exports"]] == [("pdf", "report.pdf")]
    assert (tmp_path / "out" / "report.pdf").read_bytes().startswith(b"%PDF")
    assert not (tmp_path / "out" / "dicom").exists()


def test_a_reading_is_exported_to_everything_and_each_file_is_named(study, tmp_path):
    done = skiagraph(
        "export", study / "reading", "--study", study / "image-0001.dcm", "--out", tmp_path / "out"
    )
    assert done.returncode == 0, done.stderr
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len(done.stdout.splitlines()) == len(files)
    assert all(str(path) in done.stdout for path in files)
    assert {path.suffix for path in files} == {".dcm", ".json", ".pdf", ".gz", ".csv"}


def test_read_and_export_write_the_same_objects(study, tmp_path):
    skiagraph(
        "export", study / "reading", "--study", study / "image-0001.dcm", "--out", tmp_path, "--to", "dicom"
    )
    theirs = {path.name: path.read_bytes() for path in (study / "reading" / "dicom").iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "dicom").iterdir()} == theirs


def test_its_fhir_is_valid_and_names_the_patient_of_the_study(study, tmp_path):
    skiagraph(
        "export", study / "reading", "--study", study / "image-0001.dcm", "--out", tmp_path, "--to", "fhir"
    )
    text = (tmp_path / "fhir.json").read_text("utf-8")
    Bundle.model_validate_json(text)
    subjects = {
        json.dumps(e["resource"].get("subject")) for e in json.loads(text)["entry"] if "code" in e["resource"]
    }
    identifier = str(pydicom.dcmread(study / "image-0001.dcm").PatientID)
    assert subjects == {json.dumps({"type": "Patient", "identifier": {"value": identifier}})}


def test_the_machine_answer_lists_files_and_notes(study, tmp_path):
    done = skiagraph(
        "export", study / "reading" / "reading.json", "--to", "csv, fhir", "--json", "--out", tmp_path / "o"
    )
    answer = json.loads(done.stdout)
    assert [one["format"] for one in answer["written"]] == ["fhir", "csv"]
    assert answer["notes"]
    with (tmp_path / "o" / "findings.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    (circumference,) = (row for row in rows if row["code"] == "11984-2")
    assert float(circumference["low"]) < float(circumference["value"]) < float(circumference["high"])


def test_dicom_results_are_converted_under_a_name_of_their_own(study, tmp_path):
    done = skiagraph(
        "export", study / "reading" / "dicom" / "segmentation.dcm", "--to", "nifti,nrrd", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    mask = nibabel.load(tmp_path / "segmentation-export" / "segmentation.nii.gz")
    truth = nibabel.load(study / "reading" / "mask.nii.gz")
    assert (mask.get_fdata() == truth.get_fdata()).all()
    assert (tmp_path / "segmentation-export" / "segmentation.seg.nrrd").is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "nowhere"),
        (["READING", "--to", "docx"], "docx"),
        (["READING", "--to", "dicom"], "--study"),
        (["READING", "--study", "nowhere"], "nowhere"),
        (["READING", "--study", "OTHER"], "--study"),
        (["IMAGE"], "skiagraph read"),
    ],
)
def test_a_refusal_is_one_sentence_and_leaves_nothing(study, other, tmp_path, arguments, words):
    places = {
        "READING": study / "reading",
        "IMAGE": study / "image-0001.dcm",
        "OTHER": other / "image-0001.dcm",
    }
    named = [places.get(a, a) for a in arguments]
    done = skiagraph("export", *named, "--out", tmp_path / "out", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("skiagraph: ")
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()
