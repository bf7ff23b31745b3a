"""`skiagraph train`: the plan with its reasons, the figures beside a constant, resuming, and refusals in a sentence."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from skiagraph.cli import app
from skiagraph.cli.wish import seconds_of
from skiagraph.errors import InvalidInput

QUICK = (
    "--set",
    "options.base=8",
    "--set",
    "batch=8",
    "--set",
    "average=0.8",
    "--set",
    "steps=[]",
    "--set",
    "settle=null",
    "--folds",
    "1",
)


def skiagraph(*arguments, env=None):
    program = Path(sys.executable).with_name("skiagraph")
    return subprocess.run(
        [str(program), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "160", **(env or {})},
    )


def test_a_classification_is_planned_learnt_judged_and_read(data, tmp_path):
    out = tmp_path / "shapes"
    (data.parent / "7.png").write_bytes(b"no picture")
    done = skiagraph(
        "train", "classification", data, "--out", out, "--set", "epochs=12", "--target", "label", *QUICK
    )
    assert done.returncode == 0, done.stderr
    told = " ".join(done.stdout.split())
    assert "pictures this small are taken as they are" in told
    assert "set by you" in told
    assert "constant" in told
    assert "in training and" in told, "the fit is said in words"
    assert f"the worst cases: {tmp_path / 'shapes-evaluation.html'}" in told.replace("\n", " ")
    assert "roc auc" in told
    assert "7.png was left out" in done.stderr
    assert "Traceback" not in done.stderr
    record = json.loads((out / "plan.json").read_text("utf-8"))
    assert len(record["history"]) == 12
    assert record["plan"]["reasons"]["epochs"] == "set by you"
    assert len(record["problems"]) == 1
    assert not (tmp_path / ".shapes.training").exists()
    page = (tmp_path / "shapes-evaluation.html").read_text("utf-8")
    assert all(
        words in page
        for words in ("How well it fits", "The worst cases", "How it was trained", "7.png was left")
    )
    assert {"auc", "train auc"} <= set(record["history"][-1])
    scores = {s["name"]: s for s in json.loads((out / "card.json").read_text("utf-8"))["scores"]}
    assert scores["roc auc"]["on"] == f"the split test of {data.parent.name}"
    read = skiagraph("read", data.parent / "51.png", "--model", out, "--out", tmp_path / "reading", "--json")
    assert read.returncode == 0, read.stderr
    (reading,) = json.loads(read.stdout)["readings"]
    (found,) = reading["classifications"]
    assert sum(s["probability"] for s in found["scores"]) == pytest.approx(1)
    assert "disc" in (tmp_path / "reading" / "report.html").read_text("utf-8")


def test_a_regression_says_its_figures_as_json_and_keeps_its_time(data, tmp_path):
    done = skiagraph(
        "train", "regression", data, "--out", tmp_path / "sizes", "--time-budget", "20s", "--json", *QUICK
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["seconds"] < 35, "a loaded machine also needs time to start"
    assert answer["epochs"] >= 1
    assert answer["figures"]["mean absolute error"]["n"] == 12
    (question,) = answer["questions"]
    assert question["baselines"]["constant"]["mean absolute error"]["value"] > 0
    assert Path(answer["page"]).is_file()
    assert len(answer["fit"]) >= 1


def test_a_command_that_was_killed_goes_on_and_writes_the_same_model(data, tmp_path):
    def command(out):
        program = Path(sys.executable).with_name("skiagraph")
        asked = ["train", "classification", data, "--out", out, "--set", "epochs=8", "--json", *QUICK]
        return [str(part) for part in (program, *asked)]

    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command(tmp_path / "cut"), env=env, stdout=subprocess.DEVNULL)
    checkpoint, patience = tmp_path / ".cut.training" / "checkpoint-0", time.monotonic() + 120
    while not checkpoint.is_file() and time.monotonic() < patience:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)
    assert not (tmp_path / "cut").exists(), "killed before it was done"
    cut = subprocess.run(command(tmp_path / "cut"), env=env, capture_output=True, text=True, check=True)
    whole = subprocess.run(command(tmp_path / "whole"), env=env, capture_output=True, text=True, check=True)
    first, second = json.loads(cut.stdout), json.loads(whole.stdout)
    assert first["figures"] == second["figures"]
    weights = [(tmp_path / name / "weights.safetensors").read_bytes() for name in ("cut", "whole")]
    assert weights[0] == weights[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--time-budget", "soon"], "written 90s, 5m or 2h"),
        (["--set", "speed=3"], "a plan has the fields"),
        (["--set", "epochs=many"], "the setting of epochs holds"),
        (["--set", "network=resnet-19"], "take one of"),
        (["--split", "train,test"], "not judged on what it learnt from"),
        (["--split", "spring"], "ask for a split that is there"),
        (["--target", "weight"], "its targets are: label (multi-class)"),
    ],
)
def test_a_wish_that_does_not_hold_is_refused_in_one_sentence(arguments, said, data, tmp_path):
    result = CliRunner().invoke(
        app, ["train", "classification", str(data), "--out", str(tmp_path / "b"), *arguments]
    )
    assert result.exit_code != 0
    assert said in str(result.exception)
    assert not (tmp_path / "b").exists()


def test_the_plan_alone_is_said_as_json(data, tmp_path):
    asked = ["train", "classification", str(data), "--out", str(tmp_path / "b"), "--plan-only", "--json"]
    result = CliRunner().invoke(app, [*asked, "--set", "epochs=3"])
    assert result.exit_code == 0
    plan = json.loads(result.stdout)
    assert (plan["epochs"], plan["recipe"]["task"]) == (3, "classification")
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("5m", 300), ("1.5h", 5400), ("", None)]
)
def test_times_are_written_as_people_write_them(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["soon", "-3m", "0s", "5 days"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(InvalidInput, match="90s, 5m or 2h"):
        seconds_of(text)
