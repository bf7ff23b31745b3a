"""`skiagraph evaluate`: figures, baselines, subgroups and a rival from the shell, as table, JSON and page."""

import csv
import json

import numpy as np
import PIL.Image
import pytest
from typer.testing import CliRunner

from skiagraph.cli import app
from skiagraph.errors import InvalidInput, MissingInput, WriteFailed
from skiagraph.features import rasterised
from skiagraph.phantoms.fetal_head import draw_fetal_head, outer_skull, sample_fetal_head


@pytest.fixture(scope="session")
def heads(tmp_path_factory):
    """Five drawn heads for testing and four for training, with masks, circumferences and a site."""
    folder = tmp_path_factory.mktemp("heads")
    rows = [("image", "mask", "group", "split", "pixel_size_mm", "head_circumference_mm", "site")]
    for n in range(9):
        head = sample_fetal_head(np.random.default_rng(n))
        picture = draw_fetal_head(head)
        mask = rasterised(outer_skull(head).mapped(np.eye(2) / head.pixel_size, np.zeros(2)), picture.shape)
        PIL.Image.fromarray(picture).save(folder / f"{n}.png")
        PIL.Image.fromarray(255 * mask.astype(np.uint8)).save(folder / f"{n}_mask.png")
        split = "test" if n < 5 else "train"
        site = "AB"[n % 2]
        size, length = round(head.pixel_size, 5), round(head.head_circumference, 2)
        rows.append((f"{n}.png", f"{n}_mask.png", str(n), split, size, length, site))
    with (folder / "dataset.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder / "dataset.csv"


def run(*arguments):
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


def test_figures_of_outlines_and_measurements_are_json_with_baselines_beside_them(heads, tmp_path):
    done = run(heads, "--json", "--out", tmp_path / "page.html", "--by", "site")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    dice = said["figures"]["dice"]
    assert dice["n"] == 5
    assert 0.8 < dice["low"] <= dice["value"] <= dice["high"] <= 1
    assert said["figures"]["Head Circumference: mean absolute error"]["value"] < 15
    outlines, circumference = said["questions"]
    assert outlines["baselines"]["constant"]["dice"]["value"] == 0
    assert set(circumference["baselines"]) == {"constant", "simple"}
    assert [(g["value"], g["cases"]) for g in outlines["subgroups"]] == [("A", 3), ("B", 2)]
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "Evaluation of fetal-head-ultrasound" in page
    assert said["report"] == str(tmp_path / "page.html")


def test_a_model_compared_with_itself_differs_by_nothing(heads):
    done = run(heads, "--json", "--no-baselines", *["--compare", "fetal-head-ultrasound"] * 3)
    (outlines, _) = json.loads(done.stdout)["questions"]
    first, second = (one["with"] for one in outlines["members"])
    assert second == f"{first} (2)"
    assert outlines["members"][1]["differences"]["dice"]["difference"] == 0
    assert outlines["baselines"] == {}
    dice = outlines["compared"]["differences"]["dice"]
    assert (dice["difference"], dice["p"], dice["n"]) == (0.0, 1.0, 5)


def test_the_fit_is_told_in_words_and_drawn_on_the_page(heads, tmp_path):
    done = run(heads, "--fit", "--json", "--out", tmp_path / "page.html")
    (sentence, *_) = json.loads(done.stdout)["fit"]
    assert sentence.startswith("Fits well: Dice is 0.9")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert sentence in page
    assert "Training and validation" in page


def test_the_table_says_what_the_json_says(heads):
    done = run(heads, "--no-baselines")
    assert done.exit_code == 0, done.output
    assert "hd95 [mm]" in " ".join(done.output.split())
    assert "Head Circumference" in done.output


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        (["--by", "scanner"], InvalidInput, "site"),
        (["--split", "nowhere"], InvalidInput, "nowhere"),
        (["--out", "no/such/folder/page.html"], WriteFailed, "folder that exists"),
    ],
)
def test_what_cannot_be_done_is_said(heads, arguments, kind, words):
    done = run(heads, "--no-baselines", *arguments)
    assert isinstance(done.exception, kind)
    assert words in str(done.exception)


def test_an_attribute_that_there_is_not_is_refused_before_anything_is_fitted(heads, monkeypatch):
    def fitted(*_, **__):
        pytest.fail("baselines were fitted first")

    monkeypatch.setattr("skiagraph.training.baseline.fitted_baselines", fitted)
    assert "subgroups are by attributes" in str(run(heads, "--by", "scanner").exception)


def test_data_that_is_not_there_is_said():
    assert isinstance(run("nowhere.csv").exception, MissingInput)
