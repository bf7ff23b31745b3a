"""`skiagraph tune` and the logs: a better plan is found, learnt and judged; a killed one goes on; bad wishes fail."""

import csv
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from typer.testing import CliRunner

from skiagraph.cli import app
from skiagraph.cli.tuner import Tuner
from skiagraph.cli.wish import Wish
from skiagraph.io import read_dataset
from skiagraph.training.trials import Aim, Trial

QUICK = (
    "--set", "epochs=2", "--set", "options.base=4", "--set", "batch=8", "--set", "average=0.5", "--set", "steps=[]",
    "--set", "settle=null", "--set", "folds=1",
)  # fmt: skip
ENV = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "160"}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Discs and squares of 16 x 16, twelve of them to be judged on."""
    folder = tmp_path_factory.mktemp("shapes")
    with (folder / "dataset.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "label", "split"])
        for number in range(52):
            rng = np.random.default_rng([1, number])
            at = np.indices((16, 16)) - 7.5 - rng.uniform(-1, 1, 2)[:, None, None]
            far = np.hypot(*at) if number % 2 else abs(at).max(0)
            picture = 60 + 120 * (far < rng.uniform(3, 6)) + rng.normal(0, 10, (16, 16))
            Pillow.fromarray(picture.clip(0, 255).astype(np.uint8)).save(folder / f"{number}.png")
            kind = "disc" if number % 2 else "square"
            rows.writerow([f"{number}.png", kind, "train" if number < 40 else "test"])
    return folder / "dataset.csv"


def command(data, out, *arguments):
    program = Path(sys.executable).with_name("skiagraph")
    return [str(part) for part in (program, "tune", "classification", data, "--out", out, *QUICK, *arguments)]


def test_a_tuning_that_was_killed_goes_on_and_its_model_is_learnt_judged_and_logged(data, tmp_path):
    out, store = tmp_path / "shapes", tmp_path / "shapes-tuning.json"
    rates = ("--only", "--try", "learning_rate=1e-7,2e-2", "--trials", "3", "--log", "tensorboard")
    process = subprocess.Popen(
        command(data, out, *rates), env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    patience = time.monotonic() + 120
    while not store.is_file() and time.monotonic() < patience:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)
    before = json.loads(store.read_text("utf-8"))["trials"]
    assert 1 <= len(before) < 3
    assert not out.exists()
    done = subprocess.run(
        command(data, out, *rates), env=ENV, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    trials = json.loads(store.read_text("utf-8"))["trials"]
    assert trials[: len(before)] == before
    assert [trial["number"] for trial in trials] == [0, 1, 2]
    told = " ".join(done.stdout.split())
    assert "what at most 3 trials try" in told
    assert "roc auc" in told, "the model is judged as after training"
    assert "<svg" in (tmp_path / "shapes-tuning.html").read_text("utf-8")
    plan = json.loads((out / "plan.json").read_text("utf-8"))["plan"]
    best = max(trials, key=lambda trial: trial["figure"])
    assert plan["learning_rate"] == best["values"]["learning_rate"]
    assert "best of 3 trials" in plan["reasons"]["learning_rate"]
    assert list((tmp_path / "logs" / "shapes").glob("events*")), "the training of the model is logged"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--try", "speed=1..2"], "a plan has the fields"),
        (["--try", "batch"], "FIELD=LOW..HIGH"),
        (["--only"], "tries at least one field"),
        (["--try", "network=resnet-19"], "take one of"),
        (["--log", "paper"], "tensorboard or mlflow"),
    ],
)
def test_a_wish_that_does_not_hold_is_refused_in_one_sentence(arguments, said, data, tmp_path):
    asked = ["tune", "classification", str(data), "--out", str(tmp_path / "b"), *arguments]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code != 0
    assert said in str(result.exception)
    assert not list(tmp_path.iterdir())


def test_what_would_be_tried_is_shown_without_learning(data, tmp_path):
    asked = [
        "tune",
        "classification",
        str(data),
        "--out",
        str(tmp_path / "b"),
        "--plan-only",
        "--set",
        "batch=8",
    ]
    result = CliRunner().invoke(app, asked, env={"COLUMNS": "160"})
    assert result.exit_code == 0, result.exception
    shown = result.stdout[result.stdout.index("what at most 20 trials try") :]
    assert "augmentation" in shown
    assert "by its logarithm" in shown
    assert "batch" not in shown, "what is set is not tried"
    assert not list(tmp_path.iterdir())


def test_time_is_shared_among_trials_and_model_and_what_is_left_goes_to_the_model(
    data, tmp_path, monkeypatch
):
    training = pytest.importorskip("skiagraph.training")
    tuning = pytest.importorskip("skiagraph.training.tuning")
    learn = read_dataset(data).split("train")
    plan = training.planned(learn, "classification", training.this_machine(), seconds=10.0)
    plan = dataclasses.replace(plan, folds=4)
    asked = []

    def found(dataset, tried, space, search, *, watch):
        asked.append((tried, search))
        trial = Trial(number=0, values={"batch": 8}, outcome="ended", figure=0.9, seconds=25.0)
        return tuning.Tuned(
            plan=tried, best=trial, trials=(trial,), importance={}, aim=Aim(name="auc", more=True)
        )

    monkeypatch.setattr(tuning, "tune", found)
    wish = Wish(task="classification", data=data, out=tmp_path / "b", time_budget="60s", seed=4, as_json=True)
    tuner = Tuner(trials=5, tries=("batch=8,16",), only=True)
    better = tuner.better(learn, plan, wish, time.monotonic() - 5)
    ((tried, search),) = asked
    assert (tried.folds, better.folds) == (1, 4), "a trial is one network"
    assert (search.trials, search.seed, search.seconds) == (5, 4, 40.0), (
        "the last may begin at 40 s and ends at 50 s"
    )
    assert better.seconds == pytest.approx(35.0), "trials of an earlier call count"
    late = tuner.better(learn, plan, wish, time.monotonic() - 100)
    assert late.seconds == 10.0, "the model has its share in any case"
