"""The whole way of one study: from a file to a reading, its page and its mask."""

import json
import os
import subprocess
import sys
import zipfile

import jsonschema
import nibabel
import numpy as np
import pytest
from PIL import Image as Pillow

from skiagraph import codes
from skiagraph.errors import FormatError, MissingInput, NotPermitted, WriteFailed
from skiagraph.findings import Contours, Measurement, NotApplicable, Segmentation
from skiagraph.io import read_case
from skiagraph.report import reading_from_plain
from skiagraph.report.schema import reading_schema
from skiagraph.workflow import Outcome, Request, opened_model, read, read_all, read_case_with


def quiet(done, total, figures, /):
    pass


def measured(outcome):
    return {m.concept: m for m in outcome.facts if isinstance(m, Measurement)}


def one(request, reader):
    (outcome,) = read(request, reader)
    assert isinstance(outcome, Outcome)
    return outcome


def test_a_phantom_is_measured_within_three_millimetres_of_its_truth(phantom, reader, tmp_path):
    outcome = one(Request(path=phantom.folder / "head.dcm", out=tmp_path / "out"), reader)
    circumference = measured(outcome)[codes.HEAD_CIRCUMFERENCE]
    assert circumference.value == pytest.approx(phantom.circumference, abs=3.0)
    assert circumference.interval.low <= phantom.circumference <= circumference.interval.high
    assert measured(outcome)[codes.BIPARIETAL_DIAMETER].value == pytest.approx(
        phantom.head.biparietal_diameter, abs=2
    )
    assert measured(outcome)[codes.OCCIPITOFRONTAL_DIAMETER].value == pytest.approx(
        phantom.head.occipitofrontal_diameter, abs=2
    )
    assert 14 <= measured(outcome)[codes.GESTATIONAL_AGE].value <= 42
    assert 0.5 < outcome.confidence <= 1


@pytest.mark.parametrize("name", ["head.png", "head.nii.gz", "head.mha", "head.nrrd", "head.tiff"])
def test_the_same_picture_in_another_format_measures_the_same(phantom, reader, tmp_path, name):
    size = (phantom.size, phantom.size) if name == "head.png" else None
    dicom = measured(one(Request(path=phantom.folder / "head.dcm", out=tmp_path / "a"), reader))
    other = measured(one(Request(path=phantom.folder / name, out=tmp_path / "b", pixel_size=size), reader))
    assert set(dicom) == set(other)
    for concept, measurement in dicom.items():
        assert other[concept].value == pytest.approx(measurement.value, abs=0.1), concept.meaning


def test_without_a_pixel_size_no_millimetre_is_reported(phantom, reader, tmp_path):
    outcome = one(Request(path=phantom.folder / "head.png", out=tmp_path), reader)
    assert outcome.facts == ()
    document = json.loads((tmp_path / "reading.json").read_text("utf-8"))
    kinds = [item["is"] for item in document["findings"]]
    assert kinds == ["Segmentation", "Contours"]
    assert "--pixel-size" in (tmp_path / "report.html").read_text("utf-8")


def test_a_reading_is_three_files_that_belong_together(phantom, reader, tmp_path):
    one(Request(path=phantom.folder / "head.dcm", out=tmp_path), reader)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mask.nii.gz", "reading.json", "report.html"]
    document = json.loads((tmp_path / "reading.json").read_text("utf-8"))
    jsonschema.validate(document, reading_schema())
    reading = reading_from_plain(document)
    outline = next(i for i in reading.report.findings if isinstance(i, Segmentation))
    mask = nibabel.load(tmp_path / "mask.nii.gz")
    assert np.count_nonzero(mask.get_fdata()) == np.count_nonzero(outline.labels)
    assert sorted(mask.header.get_zooms()[:2]) == pytest.approx([phantom.size, phantom.size], rel=1e-4)
    x, y = phantom.head.centre
    found = np.argwhere(outline.mask(1)).mean(0) * phantom.size
    assert found == pytest.approx([y, x], abs=1.0)


def test_the_mask_of_a_picture_is_a_picture_of_its_shape(phantom, reader, tmp_path):
    one(Request(path=phantom.folder / "head.png", out=tmp_path), reader)
    with Pillow.open(tmp_path / "mask.png") as mask:
        assert mask.size == phantom.picture.shape[::-1]
        assert set(np.unique(np.asarray(mask))) == {0, 255}


def test_a_draft_says_where_it_came_from_and_names_no_patient(phantom, reader, tmp_path):
    one(Request(path=phantom.folder / "head.dcm", out=tmp_path), reader)
    text = (tmp_path / "reading.json").read_text("utf-8")
    document = json.loads(text)
    origin = document["provenance"]
    assert document["report"]["state"] == "draft"
    assert document["report"]["signature"] is None
    assert origin["model"] == "fetal-head-ultrasound"
    assert origin["precision"] == "fp32"
    assert len(origin["model_digest"]) == len(origin["sources"][0]["digest"]) == 64
    assert "Phantom^" not in text + (tmp_path / "report.html").read_text("utf-8")


def test_the_page_speaks_chinese_when_asked(phantom, reader, tmp_path):
    one(Request(path=phantom.folder / "head.dcm", out=tmp_path, language="zh"), reader)
    page = (tmp_path / "report.html").read_text("utf-8")
    assert 'lang="zh' in page
    assert "头围" in page


def test_equal_inputs_give_equal_findings(phantom, reader):
    case = read_case(phantom.folder / "head.dcm")
    first, second = (read_case_with(reader, case).report.findings for _ in range(2))
    assert [type(i) for i in first] == [type(i) for i in second]
    assert np.array_equal(first.items[0].labels, second.items[0].labels)
    assert isinstance(first.items[1], Contours)
    assert first.items[2:] == second.items[2:]


def test_both_engines_measure_the_same(phantom, tmp_path):
    values = []
    for engine in ("openvino", "onnxruntime"):
        outcome = one(
            Request(path=phantom.folder / "head.dcm", out=tmp_path / engine),
            opened_model("fetal-head-ultrasound", engine=engine),
        )
        values.append(measured(outcome)[codes.HEAD_CIRCUMFERENCE].value)
    assert values[0] == pytest.approx(values[1], abs=0.1)


def test_in_a_folder_the_good_are_read_and_the_bad_is_named(phantom, reader, tmp_path):
    source = tmp_path / "in"
    source.mkdir()
    for number in range(3):
        (source / f"good-{number}.dcm").write_bytes((phantom.folder / "head.dcm").read_bytes())
    (source / "bad.png").write_bytes((phantom.folder / "head.png").read_bytes()[:2000])
    outcomes, problems = read_all(Request(path=source, out=tmp_path / "out"), reader, quiet)
    assert len(outcomes) == 3
    assert any("bad.png" in problem for problem in problems)
    index = (tmp_path / "out" / "index.html").read_text("utf-8")
    for outcome in outcomes:
        assert (outcome.folder / "report.html").is_file()
        assert f"{outcome.folder.name}/report.html" in index


def test_each_image_of_an_archive_gets_a_folder_of_its_own(phantom, reader, tmp_path):
    with zipfile.ZipFile(tmp_path / "heads.zip", "w") as archive:
        archive.write(phantom.folder / "head.dcm", "a.dcm")
        archive.write(phantom.folder / "head.png", "b.png")
    outcomes = list(read(Request(path=tmp_path / "heads.zip", out=tmp_path / "out"), reader))
    assert sorted(outcome.folder.name for outcome in outcomes) == ["a", "b"]
    assert all((outcome.folder / "report.html").is_file() for outcome in outcomes)


def refuse_frames():
    rng = np.random.default_rng(0)
    ramp = np.linspace(0, 255, 800, dtype=np.uint8)[None, :].repeat(540, 0)
    return {
        "noise": rng.integers(0, 256, (540, 800), dtype=np.uint8),
        "empty": np.zeros((540, 800), np.uint8),
        "white": np.full((540, 800), 255, np.uint8),
        "ramp": ramp,
        "stripes": (np.indices((540, 800))[1] // 40 % 2 * 200).astype(np.uint8),
    }


@pytest.mark.parametrize("name", sorted(refuse_frames()))
def test_what_is_no_fetal_head_gets_a_reason_instead_of_a_measurement(reader, tmp_path, name):
    Pillow.fromarray(refuse_frames()[name]).save(tmp_path / "frame.png")
    outcome = one(Request(path=tmp_path / "frame.png", out=tmp_path / "out", pixel_size=(0.1, 0.1)), reader)
    (refusal,) = outcome.facts
    assert isinstance(refusal, NotApplicable)
    assert refusal.reason == "wrong-content"
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["reading.json", "report.html"]


@pytest.mark.parametrize(
    ("what", "error"),
    [("nothing", MissingInput), ("empty folder", MissingInput), ("text", FormatError)],
)
def test_input_that_cannot_be_read_is_refused_in_one_sentence(reader, tmp_path, what, error):
    path = tmp_path / what
    if what == "empty folder":
        path.mkdir()
    elif what == "text":
        path = tmp_path / "text.dcm"
        path.write_text("no image\n" * 50, "utf-8")
    with pytest.raises(error):
        list(read(Request(path=path, out=tmp_path / "out"), reader))


def test_readings_never_go_where_they_cannot_be_written(phantom, reader, tmp_path):
    (tmp_path / "out").write_text("a file, not a folder", "utf-8")
    with pytest.raises((WriteFailed, NotPermitted)):
        list(read(Request(path=phantom.folder / "head.dcm", out=tmp_path / "out"), reader))
    assert (tmp_path / "out").read_text("utf-8") == "a file, not a folder"


def test_a_full_disk_leaves_nothing_half_written(phantom, reader, tmp_path, monkeypatch):
    def full(*arguments, **keywords):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(WriteFailed):
        list(read(Request(path=phantom.folder / "head.dcm", out=tmp_path / "out"), reader))
    assert list((tmp_path / "out").iterdir()) == []


def test_reading_needs_no_torch(phantom, tmp_path):
    source, out = str(phantom.folder / "head.dcm"), str(tmp_path)
    program = (
        "import sys\n"
        "for name in ('torch', 'lightning_fabric', 'onnx', 'sklearn'): sys.modules[name] = None\n"
        "from skiagraph.cli import main\n"
        f"sys.argv = ['skiagraph', 'read', {source!r}, '--out', {out!r}, '--json']\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=os.environ, check=False
    )
    assert done.returncode == 0, done.stderr
    (reading,) = json.loads(done.stdout)["readings"]
    assert reading["measurements"][0]["value"] == pytest.approx(phantom.circumference, abs=3.0)
