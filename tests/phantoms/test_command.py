"""`skiagraph phantom` writes what it says, whole, and keeps the truth out of the way of readers."""

import json

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from skiagraph.cli.phantom import phantom
from skiagraph.errors import InvalidInput

APP = typer.Typer()
APP.command()(phantom)


def run(*args: object) -> str:
    result = CliRunner().invoke(APP, [str(a) for a in args])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize(("form", "suffix"), [("dicom", ".dcm"), ("png", ".png"), ("nifti", ".nii.gz")])
def test_pictures_and_truth_are_written_side_by_side(form, suffix, tmp_path):
    if form == "nifti":
        pytest.importorskip("skiagraph.codecs.nifti")
    said = json.loads(run("fetal-head", tmp_path / "out", "--count", 2, "--format", form, "--json"))
    files = sorted(
        p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*") if p.is_file()
    )
    names = ["image-0001", "image-0002"]
    assert files == [f"{n}{suffix}" for n in names] + [f"truth/{n}.json" for n in names]
    assert [w["image"] for w in said["written"]] == [str(tmp_path / "out" / f"{n}{suffix}") for n in names]
    truth = json.loads((tmp_path / "out/truth/image-0002.json").read_text("utf-8"))
    assert truth["image"] == f"image-0002{suffix}"
    assert truth["findings"][2]["value"] == said["written"][1]["head_circumference_mm"]


def test_a_seed_draws_the_same_pictures_however_many_are_asked_for(tmp_path):
    run("fetal-head", tmp_path / "a", "--seed", 5)
    run("fetal-head", tmp_path / "b", "--seed", 5, "--count", 2)
    run("fetal-head", tmp_path / "c", "--seed", 6)
    first = [(tmp_path / folder / "image-0001.dcm").read_bytes() for folder in "abc"]
    assert first[0] == first[1]
    assert first[0] != first[2]


def test_it_says_what_it_wrote_and_how_to_read_a_png(tmp_path):
    said = run("fetal-head", tmp_path, "--format", "png").replace("\n", " ")
    assert "image-0001.png" in said
    assert "--pixel-size 0." in said
    truth = json.loads((tmp_path / "truth/image-0001.json").read_text("utf-8"))
    assert f"{truth['findings'][2]['value']:.1f} mm" in said


def test_the_default_picture_shows_something(tmp_path):
    png = pytest.importorskip("skiagraph.codecs.picture")
    run("fetal-head", tmp_path, "--format", "png")
    grey = np.asarray(png.read(tmp_path / "image-0001.png").image.data)
    assert grey.shape == (540, 800)
    assert 20 < grey.mean() < 120


def test_a_study_has_its_images_and_its_truth_in_folders_of_their_own(tmp_path):
    (said,) = json.loads(run("pet", tmp_path / "out", "--json"))["written"]
    files = [p.relative_to(tmp_path / "out").parts for p in (tmp_path / "out").rglob("*") if p.is_file()]
    assert sum(parts[0] == "images" for parts in files) == said["files"] == 40
    assert {"/".join(parts) for parts in files if parts[0] == "truth"} == {
        "truth/0001/truth.json",
        "truth/0001/balls.nii.gz",
    }
    truth = json.loads((tmp_path / "out/truth/0001/truth.json").read_text("utf-8"))
    assert (truth["kind"], truth["study"]) == ("pet", said["study"])


def test_more_studies_are_more_patients(tmp_path):
    said = run("fundus", tmp_path, "--count", 2).replace("\n", "")
    assert "images/0002" in said
    first, second = (json.loads((tmp_path / f"truth/000{n}/truth.json").read_text("utf-8")) for n in (1, 2))
    assert first["study"] != second["study"]


def test_volumes_come_as_nifti_and_never_as_png(tmp_path):
    run("oct", tmp_path, "--format", "nifti")
    assert (tmp_path / "images/0001/oct.nii.gz").is_file()
    refused = CliRunner().invoke(APP, ["oct", str(tmp_path), "--format", "png"])
    assert isinstance(refused.exception, InvalidInput)


def test_the_help_says_what_each_kind_is():
    said = " ".join(run("--help").split())
    assert "chest-ct" in said
    assert "whole-slide" in said
