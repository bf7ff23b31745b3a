"""`skiagraph check`: a table, a plain verdict, a sentence for each remark, and JSON for programs."""

import json

import numpy as np
import PIL.Image
import pytest
import typer
from typer.testing import CliRunner

from skiagraph.cli.check import check
from skiagraph.errors import FormatError, MissingInput, UnknownName


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    app = typer.Typer()
    app.command()(check)

    def invoke(*words):
        return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)

    return invoke


@pytest.fixture
def picture(tmp_path, rng):
    values = rng.normal(100, 5, (96, 96)).clip(0, 200).astype(np.uint8)
    PIL.Image.fromarray(values).save(tmp_path / "good.png")
    return tmp_path / "good.png"


def test_a_good_picture_gets_a_table_and_a_verdict(run, picture):
    result = run(picture)
    assert result.exit_code == 0
    assert "verdict: good" in result.stdout
    assert "noise" in result.stdout
    assert "remark" not in result.stdout


def test_a_remark_is_a_sentence_and_the_exit_code_stays_zero(run, tmp_path):
    PIL.Image.fromarray(np.full((64, 64), 7, np.uint8)).save(tmp_path / "flat.png")
    result = run(tmp_path / "flat.png")
    assert result.exit_code == 0
    assert "It shows nothing: it has one value." in result.stdout
    assert "verdict: remarks" in result.stdout


def test_json_gives_each_measure_with_its_limit(run, picture):
    said = json.loads(run(picture, "--json", "--modality", "us", "--pixel-size", "0.1").stdout)
    (case,) = said["cases"]
    rows = {row["topic"]: row for row in case["checks"]}
    assert case["verdict"] == "good"
    assert rows["spacing"]["value"] == pytest.approx(0.1)
    assert rows["spacing"]["most"] == 2.0
    assert rows["noise"]["value"] == pytest.approx(5.0, rel=0.1)
    assert rows["noise"]["finding"]["is"] == "Measurement"


def test_a_modality_decides_what_is_judged(run, picture):
    plain = json.loads(run(picture, "--json").stdout)["cases"][0]["checks"]
    film = json.loads(run(picture, "--json", "--modality", "DX").stdout)["cases"][0]["checks"]
    assert "blur" not in {row["topic"] for row in plain}
    assert "blur" in {row["topic"] for row in film}


def test_of_a_folder_the_good_are_counted_and_the_bad_are_named(run, picture):
    PIL.Image.fromarray(np.zeros((64, 64), np.uint8)).save(picture.parent / "blank.png")
    (picture.parent / "broken.png").write_bytes(picture.read_bytes()[:60])
    result = run(picture.parent)
    assert "verdict: 1 of 2 are good, 1 with remarks" in result.stdout
    assert "broken.png" in result.stdout


def test_the_model_is_asked(run, picture):
    said = json.loads(run(picture, "--json", "--model", "fetal-head-ultrasound").stdout)
    (row,) = [row for row in said["cases"][0]["checks"] if row["topic"] == "model"]
    assert row["verdict"] == "remark"
    assert row["finding"]["reason"] == "wrong-content"


def test_what_cannot_be_read_is_an_error(run, tmp_path, picture):
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(FormatError):
        run(tmp_path / "text.png")
    with pytest.raises(MissingInput):
        run(tmp_path / "nowhere.png")
    with pytest.raises(UnknownName):
        run(picture, "--model", "nobody")
