"""`skiagraph info` and `skiagraph convert`: what they say, and that voxels stay where they are."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import PIL.Image
import pytest
import SimpleITK as sitk  # noqa: N813
import typer
from typer.testing import CliRunner

from skiagraph.cli.convert import convert
from skiagraph.cli.info import info
from skiagraph.cli.pixel_size import parsed_pixel_size
from skiagraph.errors import FormatError, InvalidInput

NIBABEL = Path(nib.__file__).parent / "tests" / "data"


@pytest.fixture
def run():
    app = typer.Typer()
    app.command()(info)
    app.command()(convert)

    def invoke(*words):
        return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)

    return invoke


@pytest.fixture
def picture(tmp_path):
    PIL.Image.fromarray(np.arange(35, dtype=np.uint8).reshape(5, 7)).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def test_info_of_a_volume_says_its_geometry(run):
    said = json.loads(run("info", NIBABEL / "anatomical.nii", "--json").stdout)
    (image,) = said["images"]
    assert image["shape"] == [25, 41, 33]
    assert image["spacing_mm"] == [2.0, 2.0, 2.0]
    assert image["field_of_view_mm"] == [50.0, 82.0, 66.0]
    assert image["orientation"] == "SAL"
    assert said["problems"] == []


def test_info_says_what_is_not_stated(run, picture):
    text = run("info", picture).stdout
    assert "5 x 7" in text
    assert "not stated" in text
    assert " mm" not in text


def test_info_takes_a_pixel_size(run, picture):
    assert "0.1 x 0.2 mm" in run("info", picture, "--pixel-size", "0.1x0.2").stdout


def test_info_of_a_folder_names_the_bad_file_and_shows_the_good_one(run, picture):
    (picture.parent / "bad.nii").write_bytes(b"")
    said = json.loads(run("info", picture.parent, "--json").stdout)
    assert [image["case"] for image in said["images"]] == ["a"]
    assert "bad.nii is empty" in said["problems"][0]


def test_info_of_nothing_is_an_error(run, tmp_path):
    (tmp_path / "notes.txt").write_text("words")
    with pytest.raises(FormatError):
        run("info", tmp_path)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".mha", ".mhd", ".nrrd"])
def test_convert_keeps_each_voxel_where_it_was(run, tmp_path, suffix):
    source = NIBABEL / "anatomical.nii"
    assert run("convert", source, tmp_path / f"out{suffix}").exit_code == 0
    there, back = sitk.ReadImage(str(source)), sitk.ReadImage(str(tmp_path / f"out{suffix}"))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(back), sitk.GetArrayFromImage(there))
    for index in [(0, 0, 0), (32, 0, 0), (3, 40, 24)]:
        np.testing.assert_allclose(
            back.TransformIndexToPhysicalPoint(index), there.TransformIndexToPhysicalPoint(index), atol=1e-4
        )


def test_convert_gives_a_picture_the_size_that_it_lacked(run, picture, tmp_path):
    run("convert", picture, tmp_path / "a.mha", "--pixel-size", "0.25x0.5")
    assert sitk.ReadImage(str(tmp_path / "a.mha")).GetSpacing() == (0.5, 0.25)


def test_convert_names_what_is_lost(run, picture, tmp_path):
    done = run("convert", picture, tmp_path / "b.png", "--pixel-size", "0.25")
    assert done.stdout.strip() == str(tmp_path / "b.png")
    assert "the pixel size is lost" in done.stderr
    said = json.loads(run("convert", picture, tmp_path / "b.png", "--pixel-size", "0.25", "--json").stdout)
    assert said["lost"] == ["PNG states no size in the patient: the pixel size is lost."]


@pytest.mark.parametrize(
    ("text", "size"), [(None, None), ("0.1", (0.1, 0.1)), ("0.1x0.2", (0.1, 0.2)), ("1X2", (1, 2))]
)
def test_a_pixel_size_is_one_number_or_rows_by_columns(text, size):
    assert parsed_pixel_size(text) == size


@pytest.mark.parametrize("text", ["", "0", "-1", "nan", "1x", "1x2x3", "wide"])
def test_anything_else_is_no_pixel_size(text):
    with pytest.raises(InvalidInput, match="pixel size"):
        parsed_pixel_size(text)
