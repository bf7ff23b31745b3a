"""Structures that overlap, all the way: a manifest, training, a bundle, a reading, an evaluation."""

import csv
import json

import numpy as np
import pytest
from PIL import Image as Pillow
from typer.testing import CliRunner

from skiagraph.cli import app

SMALL = (
    *(
        "epochs=16",
        "settle=null",
        "batch=4",
        "network=residual-unet",
        'options={"widths":[8,16]}',
        "steps=[]",
    ),
    *("recipe.shape=[32,32]", "average=0.8", "warmup=4", "learning_rate=0.01", "validation=0"),
)


PLAIN = ("--no-baselines", "--json")


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    """Thirty lungs with a lesion at the rim, half in and half out; a quarter of the training lines tell no lesion."""
    folder = tmp_path_factory.mktemp("scans")
    with (folder / "dataset.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "mask.lung", "mask.lesion", "annotated", "group", "split", "pixel_size_mm"])
        for number in range(30):
            rng = np.random.default_rng([4, number])
            at = np.indices((32, 32)) - rng.uniform(12, 20, 2)[:, None, None]
            lung = np.hypot(*at) < rng.uniform(8, 10)
            angle = rng.uniform(0, 2 * np.pi)
            lesion = np.hypot(at[0] - 8 * np.sin(angle), at[1] - 8 * np.cos(angle)) < rng.uniform(3.5, 5)
            assert (lung & lesion).any()
            assert (lesion & ~lung).any()
            data = (60 + 70 * lung + 90 * lesion + rng.normal(0, 8, lung.shape)).clip(0, 255).astype(np.uint8)
            for name, part in (("", data), ("-lung", lung * 255), ("-lesion", lesion * 255)):
                Pillow.fromarray(np.asarray(part, np.uint8)).save(folder / f"{number}{name}.png")
            learnt = number < 24
            told = "lung" if learnt and number % 4 == 3 else ""
            files = [f"{number}.png", f"{number}-lung.png", "" if told else f"{number}-lesion.png"]
            rows.writerow([*files, told, number, "train" if learnt else "test", 1.0])
    return folder / "dataset.csv"


def run(*arguments):
    done = CliRunner().invoke(app, list(map(str, arguments)))
    assert done.exit_code == 0, done.output
    return done.stdout


def masks_in(folder):
    """What is above 0 in the files of the structures, by their number."""
    return [np.array(Pillow.open(folder / f"mask-{n}.png")) > 0 for n in (1, 2)]


def test_structures_that_overlap_are_learnt_read_and_judged(scans, tmp_path):
    model = tmp_path / "model"
    settings = [part for setting in SMALL for part in ("--set", setting)]
    run("train", "segmentation", scans, "--out", model, "--licence", "CC0-1.0", *settings)
    recipe = json.loads((model / "recipe.json").read_text("utf-8"))
    assert recipe["activation"] == "sigmoid"

    run("read", scans.parent / "27.png", "--model", model, "--out", tmp_path / "reading")
    lung, lesion = masks_in(tmp_path / "reading")
    true = [np.array(Pillow.open(scans.parent / f"27-{name}.png")) > 0 for name in ("lung", "lesion")]
    for found, part in zip((lung, lesion), true, strict=True):
        assert 2 * (found & part).sum() / (found.sum() + part.sum()) > 0.8
    assert (lung & lesion).sum() > 10, "both are there at once"
    reading = json.loads((tmp_path / "reading" / "reading.json").read_text("utf-8"))
    (kept,) = (f for f in reading["findings"] if f["is"] == "Segmentation")
    assert kept["kind"] == "overlapping"
    page = (tmp_path / "reading" / "report.html").read_text("utf-8")
    assert "lung" in page
    assert "lesion" in page

    figures = json.loads(run("evaluate", scans, "--model", model, "--split", "test", *PLAIN))["figures"]
    assert figures["lung: dice"]["value"] > 0.9
    assert figures["lesion: dice"]["value"] > 0.85
    assert figures["lesion: dice"]["n"] == 6
    seen = json.loads(run("evaluate", scans, "--model", model, "--split", "train", *PLAIN))["figures"]
    assert (seen["lung: dice"]["n"], seen["lesion: dice"]["n"]) == (24, 18)
    assert seen["lesion: dice"]["excluded"] == 6
    assert seen["lesion: made up"]["value"] == 0
