"""`skiagraph info` of examinations: the tree, what stays private, and the contact sheet that a person looks at."""

import json
import re
import runpy
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import typer
from pydicom.uid import CTImageStorage, generate_uid
from typer.testing import CliRunner

from skiagraph.cli.contact_sheet import tile_of, write_sheet
from skiagraph.cli.convert import convert
from skiagraph.cli.info import info
from skiagraph.errors import FormatError, InvalidInput, MissingInput, UnknownName
from skiagraph.geometry import Grid, Plane, derived_frame
from skiagraph.image import Image, Lazy, Window

# The maker of DICOM files that the tests of reading share.
MAKER = Path(__file__).parent.parent / "io" / "conftest.py"
dataset = runpy.run_path(str(MAKER))["dataset"]

SECRETS = ("Secret", "Name", "SECRET-ID", "1970", "王")


@pytest.fixture
def run():
    app = typer.Typer()
    app.command()(info)
    app.command()(convert)

    def invoke(*words):
        return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)

    return invoke


@pytest.fixture
def study(tmp_path, dicom_file):
    """Two patients; one with two series, of which one has two slices missing."""
    for name, number, places in (("thorax", 2, range(6)), ("abdomen", 1, (0, 1, 2, 5, 6, 7))):
        for k in places:
            dicom_file(
                f"study/{name}/{k}",
                series=name,
                SeriesNumber=number,
                SeriesDescription=f"{name} of Secret",
                StudyDescription="体检",
                ImagePositionPatient=[0, 0, 4.0 * k],
                SpecificCharacterSet="GB18030",
                PatientName="Secret^Name=王^小东",
                PatientBirthDate="19700102",
            )
    dicom_file(
        "study/other/1", series="other", study="other", PatientID="SECRET-ID-2", PatientName="Other^One"
    )
    (tmp_path / "study" / "notes.txt").write_text("words")
    return tmp_path / "study"


@pytest.fixture
def dicom_file(tmp_path):
    def write(name, *, series, study="one", **more):
        array = np.full((8, 10), len(name), np.int16)
        array[2:4, 3:6] += 40
        elements = {
            "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
            "ImagePositionPatient": [0, 0, 0],
            "PixelSpacing": [0.5, 0.5],
            "SliceThickness": 4,
            "RescaleSlope": 1,
            "RescaleIntercept": 0,
            "StudyDate": "20260102",
            "FrameOfReferenceUID": generate_uid(entropy_srcs=["frame"]),
            "SeriesInstanceUID": generate_uid(entropy_srcs=[series]),
            "StudyInstanceUID": generate_uid(entropy_srcs=[study]),
        }
        made = dataset(array, modality="CT", sop_class=CTImageStorage, **(elements | more))
        path = tmp_path / f"{name}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        made.save_as(path, enforce_file_format=True)
        return path

    return write


def test_the_tree_has_studies_series_and_images_with_what_is_wrong_beneath_each(run, study):
    text = run("info", study).stdout
    lines = [re.sub(r"^[│├└─ ]+", "", line) for line in text.splitlines()]
    assert lines[0] == "study  2 patients, 2 studies, 3 series, 2 images"
    assert lines[1] == "study of 2026-01-02; patient 1; 体检"
    assert lines[2] == "1: CT abdomen of ***; CT Image; 6 files"
    assert lines[3].startswith("problem: ")
    assert "between slices 3 and 4" in lines[3]
    assert lines[4] == "2: CT thorax of ***; CT Image; 6 files"
    assert lines[5] == (
        "6 x 8 x 10 (to S, to P, to L); 4 x 0.5 x 0.5 mm; field of view 24 x 4 x 5 mm; CT attenuation in HU, int16"
    )
    assert lines[6] == "study of 2026-01-02; patient 2"
    assert lines[-1].startswith("problem: Other files hold no image that is read here (1): notes.txt")


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_no_patient_is_named_unless_asked_for(run, study, words):
    text = run("info", study, *words).stdout
    assert not [secret for secret in SECRETS if secret in text]


def test_patients_are_named_in_their_characters_when_asked_for(run, study):
    text = run("info", study, "--patient").stdout
    assert "patient Secret^Name=王^小东, ID SECRET-ID; born 1970-01-02" in text
    assert "thorax of Secret" in text
    said = json.loads(run("info", study, "--patient", "--json").stdout)
    assert said["studies"][0]["patient"] == {
        "number": 1,
        "name": "Secret^Name=王^小东",
        "id": "SECRET-ID",
        "birth_date": "1970-01-02",
        "problem": None,
    }


def test_the_machine_answer_joins_images_to_their_series(run, study):
    said = json.loads(run("info", study, "--json").stdout)
    assert [len(s["series"]) for s in said["studies"]] == [2, 1]
    thorax = said["studies"][0]["series"][1]
    assert (thorax["number"], thorax["modality"], thorax["kind"], thorax["files"]) == (
        "2",
        "CT",
        "CT Image",
        6,
    )
    (image,) = [row for row in said["images"] if row["series"] == thorax["uid"]]
    assert image["study"] == said["studies"][0]["uid"]
    assert (image["shape"], image["spacing_mm"], image["unit"]) == ([6, 8, 10], [4.0, 0.5, 0.5], "[hnsf'U]")
    assert image["timeline"] is None


def test_a_gap_is_filled_when_asked_for(run, study, tmp_path):
    said = json.loads(run("info", study / "abdomen", "--fill-gaps", "--json").stdout)
    assert said["images"][0]["shape"] == [8, 8, 10]
    assert "Slices are missing" in said["images"][0]["problems"][0]
    with pytest.raises(FormatError, match="--fill-gaps"):
        run("convert", study / "abdomen", tmp_path / "a.nii")
    assert run("convert", study / "abdomen", tmp_path / "a.nii", "--fill-gaps").exit_code == 0


def test_an_archive_says_the_same_as_its_folder(run, study, tmp_path):
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as out:
        for path in sorted(study.rglob("*.dcm")):
            out.write(path, path.relative_to(study).as_posix())
    (study / "notes.txt").unlink()
    folder, archive = (
        json.loads(run("info", path, "--json").stdout) for path in (study, tmp_path / "study.zip")
    )
    assert archive["studies"] == folder["studies"]
    assert archive["images"] == folder["images"]


def test_the_frames_of_a_moving_image_are_told(run, dicom_file, tmp_path):
    for n in range(3):
        for k in range(2):
            dicom_file(
                f"cine/{n}-{k}",
                series="cine",
                ImagePositionPatient=[0, 0, 4.0 * k],
                TemporalPositionIdentifier=n + 1,
                AcquisitionNumber=n + 1,
                TriggerTime=100.0 * n,
            )
    text = run("info", tmp_path / "cine").stdout
    assert "3 x 2 x 8 x 10 (time, to S, to P, to L)" in text
    assert re.search(r"3 (times|frames)", text)


def test_no_pixel_is_decoded_unless_pictures_are_asked_for(run, study, tmp_path, monkeypatch):
    def decoded(_):
        raise AssertionError

    monkeypatch.setattr(Lazy, "read", decoded)
    assert run("info", study).exit_code == 0
    with pytest.raises(AssertionError):
        run("info", study, "--pictures", tmp_path / "sheet.png")


def test_the_sheet_has_one_picture_of_each_image(run, study, tmp_path):
    assert run("info", study, "--pictures", tmp_path / "sheet.png").exit_code == 0
    with PIL.Image.open(tmp_path / "sheet.png") as opened:
        sheet = np.asarray(opened)
    assert sheet.shape[1] == 2 * (280 + 14) + 14
    assert (sheet[14 : 14 + 280, 14 : 14 + 280] > 200).any()
    run("info", study, "--pictures", tmp_path / "sheet.html")
    page = (tmp_path / "sheet.html").read_text("utf-8")
    assert page.count("<img") == 2
    assert "thorax of ***" in page
    assert "Secret" not in page
    assert "http" not in page


@pytest.mark.parametrize(("name", "kind"), [("sheet.jpg", InvalidInput), ("gone/sheet.png", MissingInput)])
def test_a_sheet_that_cannot_be_written_is_told_before_the_work(run, study, tmp_path, name, kind):
    with pytest.raises(kind):
        run("info", study, "--pictures", tmp_path / name)


def volume(codes, *, spacing=(4.0, 1.0, 2.0)):
    """A volume of 3 x 20 x 30 whose axes point to `codes`; bright in its first rows and columns."""
    ways = {"L": (0, 1), "R": (0, -1), "P": (1, 1), "A": (1, -1), "S": (2, 1), "I": (2, -1)}
    affine = np.eye(4)
    affine[:3, :3] = 0
    for at, (letter, step) in enumerate(zip(codes, spacing, strict=True)):
        axis, sign = ways[letter]
        affine[axis, at] = sign * step
    data = np.zeros((3, 20, 30), np.int16)
    data[:, :5, :5] = 100
    return Image(data=data, space=Grid(shape=data.shape, affine=affine, frame=derived_frame(codes)))


@pytest.mark.parametrize(
    ("codes", "corner"),
    [
        ("SPL", (0, 0)),
        ("SAL", (-1, 0)),
        ("SPR", (0, -1)),
        ("SAR", (-1, -1)),
        ("SLP", (0, 0)),
        ("SRA", (-1, -1)),
        ("AIL", (0, 0)),
        ("ASL", (-1, 0)),
        ("LIP", (0, 0)),
        ("LPI", (0, 0)),
        ("LAS", (-1, -1)),
    ],
)
def test_a_slice_is_shown_upright_with_the_patient_s_left_at_the_right(codes, corner):
    picture = tile_of(volume(codes), ("a",), ()).picture
    assert picture[corner] > 200
    others = {(0, 0), (0, -1), (-1, 0), (-1, -1)} - {corner}
    assert max(picture[other] for other in others) < 50


def test_a_picture_has_the_proportions_of_the_patient():
    assert tile_of(volume("SPL"), ("a",), ()).picture.shape == (93, 280)  # 20 x 1 mm by 30 x 2 mm
    assert tile_of(volume("SLP"), ("a",), ()).picture.shape == (280, 93)
    flat = Image(
        data=np.zeros((10, 40), np.uint8), space=Plane.upright(shape=(10, 40), spacing=None, frame="1.2")
    )
    assert tile_of(flat, ("a",), ()).picture.shape == (70, 280)


def test_the_window_of_the_file_is_used_where_it_shows_something():
    data = np.linspace(0, 1000, 100).reshape(10, 10)
    plane = Plane.upright(shape=(10, 10), spacing=(1, 1), frame="1.2")

    def median(*windows):
        image = Image(data=data, space=plane, windows=windows)
        return float(np.median(tile_of(image, ("a",), ()).picture))

    assert median(Window(low=0, high=250)) > 250
    assert 110 < median() < 145
    assert 110 < median(Window(low=5000, high=6000)) < 145


def test_what_is_too_large_or_cannot_be_decoded_gets_words_in_place_of_a_picture(tmp_path):
    def broken():
        raise FormatError("the pixels can be decoded")

    plane = Plane.upright(shape=(10, 10), spacing=None, frame="1.2")
    bad = tile_of(Image(data=Lazy(broken, shape=(10, 10), dtype=np.uint8), space=plane), ("bad",), ())
    assert bad.picture is None
    assert bad.problems == ("the pixels can be decoded.",)
    huge = Plane.upright(shape=(100_000, 100_000), spacing=None, frame="1.2")
    large = tile_of(
        Image(data=Lazy(broken, shape=(100_000, 100_000), dtype=np.uint8), space=huge), ("x",), ()
    )
    assert "9 GiB" in large.problems[0]
    write_sheet([bad, large], tmp_path / "sheet.png", "t")
    write_sheet([bad, large], tmp_path / "sheet.html", "t")
    with PIL.Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width == 2 * (280 + 14) + 14


def test_a_mask_that_is_empty_in_the_middle_shows_its_fullest_slice():
    data = np.zeros((5, 20, 30), np.uint8)
    data[0, :5, :5] = data[4, :10, :10] = 1
    space = Grid(shape=data.shape, affine=np.diag([1.0, 1.0, 1.0, 1.0]), frame="1.2")
    picture = tile_of(Image(data=data, space=space), ("a",), ()).picture
    assert 0.1 < (picture > 128).mean() < 0.25


def test_values_that_are_all_alike_show_against_those_that_are_missing():
    data = np.full((10, 10), np.nan)
    data[:5] = -2.0
    plane = Plane.upright(shape=(10, 10), spacing=None, frame="1.2")
    picture = tile_of(Image(data=data, space=plane), ("a",), ()).picture
    assert picture[10, 10] == 255
    assert picture[-10, 10] == 0


def test_a_sheet_marks_letters_that_it_cannot_draw_and_says_where_they_are_shown(tmp_path):
    def written(title):
        plane = Plane.upright(shape=(10, 10), spacing=None, frame="1.2")
        tile = tile_of(Image(data=np.eye(10), space=plane), (title,), ())
        write_sheet([tile], tmp_path / "sheet.png", "t")
        write_sheet([tile], tmp_path / "sheet.html", "t")
        assert title in (tmp_path / "sheet.html").read_text("utf-8")
        with PIL.Image.open(tmp_path / "sheet.png") as sheet:
            return np.asarray(sheet)

    latin, chinese = written("1 Schädel"), written("1 胸部")
    assert np.array_equal(latin, written("1 Schadel"))
    assert len(chinese) > len(latin)  # by the note at the foot
    assert np.array_equal(chinese, written("1 腹部平扫"))


def test_a_gantry_tilt_is_told(run, dicom_file, tmp_path):
    slope = np.tan(np.radians(20.0))
    for k in range(4):
        dicom_file(f"tilted/{k}", series="t", ImagePositionPatient=[0, 5.0 * k * slope, 5.0 * k])
    assert "slices tilted by 20 degrees" in run("info", tmp_path / "tilted").stdout
    (image,) = json.loads(run("info", tmp_path / "tilted", "--json").stdout)["images"]
    assert image["tilt_degrees"] == pytest.approx(20.0, abs=1e-3)


def test_of_several_images_that_belong_together_one_is_chosen_by_name(run, tmp_path):
    from skiagraph.cli.phantom import phantom

    app = typer.Typer()
    app.command()(phantom)
    CliRunner().invoke(app, ["bone-scan", str(tmp_path / "scan")], catch_exceptions=False)
    images, out = tmp_path / "scan" / "images", tmp_path / "out.nii.gz"
    with pytest.raises(UnknownName, match="--image: anterior, posterior"):
        run("convert", images, out)
    with pytest.raises(UnknownName, match="lateral"):
        run("convert", images, out, "--image", "lateral")
    assert run("convert", images, out, "--image", "posterior").exit_code == 0
    assert out.is_file()


def test_headers_are_read_once(run, study, monkeypatch):
    from skiagraph.io.dicom import series

    read = []
    scan_many = series.scan_many

    def counted(sources, **more):
        read.extend(sources)
        return scan_many(sources, **more)

    monkeypatch.setattr("skiagraph.io.dicom.scan.scan_many", counted)
    monkeypatch.setattr(series, "scan_many", counted)
    run("info", study)
    assert len(read) == len(set(read)) > 12


def test_markup_in_a_header_is_text(run, dicom_file, tmp_path):
    dicom_file("one/a", series="x", SeriesDescription="[red]<b>T1</b>[/red]")
    assert "[red]<b>T1</b>[/red]" in run("info", tmp_path / "one").stdout
    run("info", tmp_path / "one", "--pictures", tmp_path / "sheet.html")
    assert "<b>T1" not in (tmp_path / "sheet.html").read_text("utf-8")


def test_a_folder_that_is_not_dicom_loads_no_pydicom(tmp_path):
    PIL.Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "a.png")
    code = (
        "import sys; from skiagraph.cli import app; sys.argv = ['x', 'info', sys.argv[1]]; "
        "app(standalone_mode=False); sys.exit('pydicom' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_real_scanner_series_are_told_right(run, data_pack):
    said = json.loads(run("info", data_pack / "dicom_geometry" / "dcm_qa_nih" / "In", "--json").stdout)
    assert [len(study["series"]) for study in said["studies"]] == [4, 4]
    assert {tuple(row["shape"]) for row in said["images"]} == {(10, 15, 64, 64), (2, 5, 72, 72)}
    assert all(row["study"] and row["series"] for row in said["images"])
