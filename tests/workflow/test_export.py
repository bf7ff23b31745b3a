"""From readings and results to files: which formats there are for what, whose images they are, and what is refused."""

import dataclasses
import json
import shutil
import zipfile

import nibabel
import numpy as np
import pydicom
import pytest

from skiagraph import codes
from skiagraph.errors import FormatError, InvalidInput, MissingInput, NotPermitted, UnknownName
from skiagraph.findings import Curve, Findings, Measurement
from skiagraph.io import read_case
from skiagraph.report import drafted, reading_from_plain, reading_to_plain
from skiagraph.workflow import Request, read
from skiagraph.workflow.export import FORMATS, Order, export_all, written_beside


def quiet(done, total, figures, /):
    pass


@pytest.fixture(scope="module")
def readings(phantom, reader, tmp_path_factory):
    """The same head, read from DICOM, and from PNG with a size that its reader was told."""
    folder = tmp_path_factory.mktemp("readings")
    for name, size in (("dcm", None), ("png", (0.12, 0.12))):
        request = Request(path=phantom.folder / f"head.{name}", out=folder / name, pixel_size=size)
        assert list(read(request, reader))
    return folder


def export(source, out, *formats, study=None):
    return export_all(Order(source=source, out=out, formats=formats, study=study), quiet)


def test_with_its_images_a_reading_becomes_everything(readings, phantom, tmp_path):
    done = export(readings / "dcm", tmp_path / "out", study=phantom.folder / "head.dcm")
    assert {one.format for one in done.written} == set(FORMATS) - {"nrrd"}
    assert all(one.path.is_file() and one.holds for one in done.written)
    assert len({one.path for one in done.written}) == len(done.written)
    assert (tmp_path / "out" / "report.pdf").read_bytes().startswith(b"%PDF")
    header = pydicom.dcmread(phantom.folder / "head.dcm", stop_before_pixels=True)
    objects = [pydicom.dcmread(one.path) for one in done.written if one.format == "dicom"]
    assert {ds.StudyInstanceUID for ds in objects} == {header.StudyInstanceUID}
    assert {str(ds.PatientID) for ds in objects} == {str(header.PatientID)}
    assert {"SEG", "SR"} <= {ds.Modality for ds in objects}


def test_without_its_images_it_becomes_what_needs_none(readings, tmp_path):
    done = export(readings / "dcm", tmp_path / "out")
    assert {one.format for one in done.written} == {"fhir", "nifti", "csv", "json"}
    assert any("--study" in note for note in done.notes)
    assert any(note.startswith("FHIR has no form for Segmentation, Contours") for note in done.notes)


def test_the_same_export_gives_the_same_bytes(readings, phantom, tmp_path):
    for name in ("a", "b"):
        export(readings / "dcm", tmp_path / name, *FORMATS, study=phantom.folder / "head.dcm")
    first = {p.relative_to(tmp_path / "a"): p.read_bytes() for p in (tmp_path / "a").rglob("*.*")}
    assert first == {p.relative_to(tmp_path / "b"): p.read_bytes() for p in (tmp_path / "b").rglob("*.*")}


def test_the_mask_overlays_the_picture_that_was_read(readings, phantom, tmp_path):
    export(readings / "dcm", tmp_path / "out", "nifti")
    mask = nibabel.load(tmp_path / "out" / "segmentation.nii.gz")
    source = nibabel.load(phantom.folder / "head.nii.gz")
    assert mask.shape[:2] == source.shape[:2]
    assert np.allclose(np.abs(mask.affine), np.abs(source.affine), atol=1e-5)
    inside = np.asarray(mask.dataobj).squeeze() == 1
    expected = np.array(phantom.head.centre) / phantom.size
    assert np.argwhere(inside).mean(0) == pytest.approx(expected, abs=10)


def test_a_picture_that_was_no_dicom_gets_a_study_of_its_own(readings, phantom, tmp_path):
    done = export(readings / "png", tmp_path / "out", "dicom", study=phantom.folder / "head.png")
    objects = {one.path.stem: pydicom.dcmread(one.path) for one in done.written}
    assert len({ds.StudyInstanceUID for ds in objects.values()}) == 1
    assert np.array_equal(objects["image"].pixel_array, phantom.picture)


def test_images_of_others_are_refused(readings, phantom, tmp_path):
    with pytest.raises(InvalidInput, match="--study holds the images that were read"):
        export(readings / "dcm", tmp_path / "out", study=phantom.folder / "head.png")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["dicom", "pdf"])
def test_what_needs_the_images_asks_for_them(readings, tmp_path, name):
    with pytest.raises(InvalidInput, match="--study"):
        export(readings / "dcm", tmp_path / "out", "csv", name)
    assert not (tmp_path / "out").exists()


def test_a_folder_of_readings_is_exported_reading_by_reading(readings, phantom, tmp_path):
    done = export(readings, tmp_path / "out", "fhir", study=phantom.folder / "head.dcm")
    assert [one.path.relative_to(tmp_path / "out").as_posix() for one in done.written] == ["dcm/fhir.json"]
    assert "png: its images are not in --study." in done.notes
    both = export(readings, tmp_path / "both", "csv")
    assert [one.path.parent.name for one in both.written] == ["dcm", "png"]


def with_findings(readings, folder, *more):
    reading = reading_from_plain(json.loads((readings / "dcm" / "reading.json").read_text("utf-8")))
    kept = reading.report.findings
    findings = Findings(items=(*kept.items, *more), provenance=kept.provenance)
    report = dataclasses.replace(drafted(reading.report.case, findings))
    changed = dataclasses.replace(reading, report=report)
    folder.mkdir()
    (folder / "reading.json").write_text(json.dumps(reading_to_plain(changed)), "utf-8")
    return changed


CURVE = Curve(
    concept=codes.HEAD, at=np.arange(3.0), at_unit=codes.SECOND, values=np.arange(3.0), unit=codes.MM
)


def test_what_has_no_dicom_home_goes_to_json_and_is_named(readings, phantom, tmp_path):
    with_findings(readings, tmp_path / "in", CURVE)
    done = export(tmp_path / "in", tmp_path / "out", "dicom", study=phantom.folder / "head.dcm")
    (note,) = done.notes
    assert "Curve" in note
    assert "findings.json" in note
    document = json.loads((tmp_path / "out" / "findings.json").read_text("utf-8"))
    assert document["findings"][-1]["is"] == "Curve"


def test_beside_a_reading_its_own_json_is_named(readings, phantom, tmp_path):
    reading = with_findings(readings, tmp_path / "in", CURVE)
    case = dataclasses.replace(read_case(phantom.folder / "head.dcm"), identifier=reading.report.case)
    done = written_beside(reading, case, tmp_path, dicom=True)
    assert "it is in reading.json" in done.notes[0]
    assert {one.format for one in done.written} == {"dicom", "pdf"}
    assert not (tmp_path / "findings.json").exists()


@pytest.fixture(scope="module")
def results(readings, phantom, tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    export(readings / "dcm", folder, "dicom", study=phantom.folder / "head.dcm")
    return folder / "dicom"


def test_a_dicom_segmentation_becomes_nifti_again(results, readings, tmp_path):
    export(results / "segmentation.dcm", tmp_path / "out", "nifti", "json")
    export(readings / "dcm", tmp_path / "direct", "nifti")
    ours, direct = (nibabel.load(tmp_path / name / "segmentation.nii.gz") for name in ("out", "direct"))
    assert np.array_equal(np.asarray(ours.dataobj), np.asarray(direct.dataobj))
    assert np.allclose(ours.affine, direct.affine, atol=1e-6)


def test_a_segmentation_alone_makes_no_empty_report(results, tmp_path):
    done = export(results / "segmentation.dcm", tmp_path / "out")
    assert [one.format for one in done.written] == ["nifti", "json"]


def test_a_structured_report_becomes_fhir_and_a_table(results, readings, tmp_path):
    export(results / "measurements.dcm", tmp_path / "out")
    bundle = json.loads((tmp_path / "out" / "fhir.json").read_text("utf-8"))
    values = [
        e["resource"]["valueQuantity"]["value"] for e in bundle["entry"] if "valueQuantity" in e["resource"]
    ]
    reading = reading_from_plain(json.loads((readings / "dcm" / "reading.json").read_text("utf-8")))
    measured = [m.value for m in reading.report.findings if isinstance(m, Measurement)]
    assert len(measured) == 4
    assert all(any(value == pytest.approx(m) for value in values) for m in measured)
    (document,) = (
        e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "DiagnosticReport"
    )
    assert document["subject"]["identifier"]["value"]
    assert (tmp_path / "out" / "findings.csv").is_file()


def test_a_folder_or_archive_of_results_and_images_gives_the_results(results, phantom, tmp_path):
    shutil.copytree(results, tmp_path / "mixed")
    shutil.copy(phantom.folder / "head.dcm", tmp_path / "mixed")
    with zipfile.ZipFile(tmp_path / "mixed.zip", "w") as archive:
        for file in (tmp_path / "mixed").iterdir():
            archive.write(file, file.name)
    for n, source in enumerate((tmp_path / "mixed", tmp_path / "mixed.zip")):
        done = export(source, tmp_path / str(n), "json")
        names = {one.path.parent.name for one in done.written}
        assert any("segmentation" in name for name in names)
        assert not any("head" in name for name in names)


def test_results_that_are_dicom_are_not_made_dicom_again(results, tmp_path):
    with pytest.raises(InvalidInput, match="--to dicom,pdf"):
        export(results / "segmentation.dcm", tmp_path / "out", "dicom", "pdf")


def test_an_unknown_format_names_the_known_ones(tmp_path):
    with pytest.raises(UnknownName, match="dicom, fhir, pdf, nifti, nrrd, csv, json"):
        Order(source=tmp_path, out=tmp_path, formats=("docx",))


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("nowhere", None, MissingInput),
        ("broken.json", b"{", FormatError),
        ("deep.json", b"[" * 100_000, FormatError),
        ("other.json", b'{"a": 1}', FormatError),
        ("bytes.json", b"\xff\xfe\x00", FormatError),
        ("picture.txt", b"words", FormatError),
    ],
)
def test_what_is_no_reading_and_no_result_is_refused(tmp_path, name, content, error):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(error):
        export(tmp_path / name, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_image_is_no_result(phantom, tmp_path):
    with pytest.raises(FormatError, match="skiagraph read"):
        export(phantom.folder / "head.dcm", tmp_path / "out")


def test_a_folder_that_may_not_be_written_is_named(readings, tmp_path, monkeypatch):
    def forbidden(*arguments, **more):
        raise PermissionError

    monkeypatch.setattr("pathlib.Path.mkdir", forbidden)
    with pytest.raises(NotPermitted, match="choose another --out"):
        export(readings / "dcm", tmp_path / "out", "csv")


def test_readings_of_many_go_on_when_one_cannot_be_exported(phantom, reader, tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("a.dcm", "b.dcm"):
        shutil.copy(phantom.folder / "head.dcm", tmp_path / "in" / name)
    (tmp_path / "in" / "b.dcm").unlink()
    shutil.copy(phantom.folder / "head.nii.gz", tmp_path / "in" / "b.nii.gz")

    def also(reading, case, folder):
        if case.identifier == "b":
            raise InvalidInput("b is odd")
        return written_beside(reading, case, folder, dicom=False)

    request = Request(path=tmp_path / "in", out=tmp_path / "out")
    outcomes = {one.case: one for one in read(request, reader, also=also)}
    assert [one.format for one in outcomes["a"].exports.written] == ["pdf"]
    assert outcomes["b"].exports.notes == ("b: b is odd.",)
    assert (tmp_path / "out" / "b" / "report.html").is_file()
    assert isinstance(next(iter(outcomes["a"].facts)), Measurement)
