"""The command line as its users meet it: answers, machine answers, refusals with exit code 2, help that helps."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from typer.testing import CliRunner

from skiagraph import __version__
from skiagraph.cli import app
from skiagraph.features import rasterised
from skiagraph.phantoms.fetal_head import draw_fetal_head, outer_skull, sample_fetal_head


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
    return folder


@pytest.mark.parametrize(
    "command",
    [
        "read",
        "export",
        "info",
        "convert",
        "models",
        "train classification",
        "train regression",
        "train segmentation",
        "evaluate",
        "phantom",
    ],
)
def test_every_command_has_help_with_an_example_and_machine_output(command):
    said = CliRunner().invoke(
        app, [*command.split(), "--help"], env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
    )
    assert said.exit_code == 0
    assert "Example: skiagraph " + command in " ".join(said.output.split())
    assert "--json" in said.output


def test_the_version_is_said():
    assert skiagraph("--version").stdout.strip() == f"skiagraph {__version__}"


def test_a_reading_is_announced_with_its_measurements_and_its_page(study, tmp_path):
    done = skiagraph("read", study / "image-0001.dcm", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "Head circumference" in done.stdout
    assert str(tmp_path / "out" / "report.html") in done.stdout


def test_the_machine_answer_of_a_reading_is_json(study, tmp_path):
    done = skiagraph("read", study / "image-0001.dcm", "--out", tmp_path / "out", "--json")
    (reading,) = json.loads(done.stdout)["readings"]
    truth = json.loads((study / "truth" / "image-0001.json").read_text("utf-8"))
    circumference = next(f for f in truth["findings"] if f.get("concept", {}).get("value") == "11984-2")
    assert reading["measurements"][0]["value"] == pytest.approx(circumference["value"], abs=3.0)
    assert Path(reading["report"]).is_file()


def test_many_files_take_their_pixel_sizes_from_a_table(tmp_path):
    folder = tmp_path / "in"
    assert skiagraph("phantom", "fetal-head", folder, "--count", 2, "--format", "png").returncode == 0
    with (tmp_path / "sizes.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("file", "pixel_size_mm"), ("image-0001.png", 0.1)])
    done = skiagraph(
        "read", folder, "--pixel-sizes", tmp_path / "sizes.csv", "--out", tmp_path / "out", "--json"
    )
    readings = {r["case"]: r for r in json.loads(done.stdout)["readings"]}
    assert readings["image-0001"]["measurements"]
    assert not readings["image-0002"]["measurements"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["read", "nowhere.png"], "nowhere.png"),
        (["read", "IMAGE", "--model", "no-such-model"], "fetal-head-ultrasound"),
        (["read", "IMAGE", "--pixel-size", "0"], "pixel size"),
        (["models", "no-such-model"], "fetal-head-ultrasound"),
        (["evaluate", "nowhere.csv"], "nowhere.csv"),
        (["train", "segmentation", "nowhere.csv", "--out", "bundle"], "nowhere.csv"),
        (["info", "nowhere"], "nowhere"),
    ],
)
def test_a_refusal_is_one_sentence_and_exit_code_2(study, tmp_path, arguments, words):
    named = [str(study / "image-0001.dcm") if a == "IMAGE" else a for a in arguments]
    done = skiagraph(*named, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("skiagraph: ")
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_models_are_listed_and_their_cards_shown():
    assert "fetal-head-ultrasound" in skiagraph("models").stdout
    (card,) = json.loads(skiagraph("models", "fetal-head-ultrasound", "--json").stdout)
    assert card["licence"]
    assert card["scores"]
    assert "limits" in skiagraph("models", "fetal-head-ultrasound").stdout


def manifest(folder, n):
    rows = [("image", "mask", "group", "split", "pixel_size_mm", "head_circumference_mm")]
    for number in range(n):
        head = sample_fetal_head(np.random.default_rng([9, number]))
        picture = draw_fetal_head(head)
        linear = np.eye(2) / head.pixel_size
        mask = rasterised(outer_skull(head).mapped(linear, np.zeros(2)), picture.shape)
        Pillow.fromarray(picture).resize((200, 135)).save(folder / f"{number}.png")
        Pillow.fromarray(mask.astype(np.uint8) * 255).resize((200, 135)).save(folder / f"{number}-mask.png")
        split = "test" if number >= n - 3 else "train"
        rows.append(
            (
                f"{number}.png",
                f"{number}-mask.png",
                number,
                split,
                head.pixel_size * 4,
                head.head_circumference,
            )
        )
    with (folder / "dataset.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return folder / "dataset.csv"


def test_a_model_is_learnt_shown_and_evaluated_from_the_shell(tmp_path):
    table = manifest(tmp_path, 11)
    asked = ("train", "segmentation", table, "--out", tmp_path / "mine", "--label", "SCT|69536005|Head")
    learnt = skiagraph(*asked, "--set", "epochs=1", "--set", "settle=null", "--json")
    assert learnt.returncode == 0, learnt.stderr
    assert json.loads(learnt.stdout)["epochs"] == 1
    assert {p.name for p in (tmp_path / "mine").iterdir()} >= {
        "card.json",
        "weights.safetensors",
        "graph.onnx",
    }
    assert skiagraph("models", tmp_path / "mine").returncode == 0
    judged = skiagraph("evaluate", table, "--model", tmp_path / "mine", "--json")
    assert judged.returncode == 0, judged.stderr
    dice = json.loads(judged.stdout)["figures"]["dice"]
    assert 0 <= dice["low"] <= dice["value"] <= dice["high"] <= 1
    assert dice["n"] + dice["excluded"] == 3
    again = skiagraph(*asked)
    assert again.returncode == 2
    assert "new folder" in again.stderr


def test_the_shipped_model_is_evaluated_with_what_it_refused(tmp_path):
    done = skiagraph("evaluate", manifest(tmp_path, 5), "--split", "train,test", "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)["figures"]
    assert figures["dice"]["value"] > 0.9
    assert figures["Head Circumference: mean absolute error"]["value"] < 6
