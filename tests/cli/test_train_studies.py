"""Several seeds, parts of the data, and folds: figures, words and pages, and that what is done is not done again."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from skiagraph.cli import app
from skiagraph.inference import opened
from skiagraph.task import load_bundle

QUICK = (
    "epochs=3", "options.base=8", "batch=8", "average=0.8", "steps=[]", "precision=32-true", "mixup=0", "settle=null"
)  # fmt: skip


def learnt(data, out, *more):
    settings = [part for setting in QUICK for part in ("--set", setting)]
    asked = ["train", "classification", str(data), "--out", str(out), "--target", "label", "--json"]
    result = CliRunner().invoke(app, [*asked, *settings, *more])
    assert result.exception is None, result.exception
    return json.loads(result.stdout)


def test_seeds_and_sizes_give_a_spread_shares_of_the_error_and_a_curve(data, tmp_path):
    folder = tmp_path / ".b.training" / "part-50"
    folder.mkdir(parents=True)
    (folder / "point.json").write_text('{"n": 17, "score": 0.625, "error": 0.05}', "utf-8")
    answer = learnt(data, tmp_path / "b", "--seeds", "2", "--sizes")
    assert set(answer["seeds"]) == {"test", "validation"}
    first, second = answer["seeds"]["test"]["brier"]
    assert first == answer["figures"]["brier"]["value"]
    assert first != second
    told = " ".join(answer["fit"])
    assert "Over 2 trainings the squared error" in told
    assert "More data" in told
    assert answer["validation"]["accuracy"]["n"] == 6
    page = Path(answer["page"]).read_text("utf-8")
    for words in ("How much chance matters: 2 seeds", "On cases that were kept apart", "0.625"):
        assert words in page, "the part that was done before is not learnt again"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "b-evaluation.html"]


def test_folds_are_judged_out_of_fold_and_read_as_one_model(data, tmp_path):
    rows = data.read_text("utf-8").splitlines()
    alone = data.with_name("no-test.csv")
    alone.write_text("\n".join(row for row in rows if not row.endswith(",test")), "utf-8")
    answer = learnt(alone, tmp_path / "b", "--folds", "2")
    assert answer["on"].startswith("the split out of fold (2 folds)")
    assert answer["figures"]["accuracy"]["n"] == 40, "each case once"
    assert answer["held"] == 40
    page = Path(answer["page"]).read_text("utf-8")
    assert "out of fold (2 folds)" in page
    assert "How well it fits" in page
    bundle = load_bundle(tmp_path / "b")
    assert {score.on for score in bundle.card.scores} == {
        f"cases of {data.parent.name} that were kept apart from learning, and used to calibrate"
    }
    engines = [opened(bundle, engine=name) for name in ("onnxruntime", "openvino")]
    x = np.random.default_rng(0).normal(size=(3, 1, 16, 16)).astype(np.float32)
    np.testing.assert_allclose(engines[0].engine(x), engines[1].engine(x), atol=1e-4)


def test_folds_with_a_test_split_show_both(data, tmp_path):
    answer = learnt(data, tmp_path / "b", "--folds", "2")
    assert answer["figures"]["accuracy"]["n"] == 12
    assert answer["validation"]["accuracy"]["n"] == 40
    assert "On cases that were kept apart" in Path(answer["page"]).read_text("utf-8")


def test_where_nothing_can_be_judged_nothing_is_claimed_and_the_model_is_written(data, tmp_path):
    rows = data.read_text("utf-8").splitlines()
    few = data.with_name("few.csv")
    data.with_name("broken.png").write_bytes(b"no picture")
    few.write_text("\n".join([*rows[:9], "broken.png,disc,4,99,test"]), "utf-8")
    answer = learnt(few, tmp_path / "b", "--set", "batch=4")
    assert (answer["figures"], answer["page"], answer["fit"], answer["held"]) == ({}, None, [], 0)
    assert load_bundle(tmp_path / "b").card.limits == (
        "Nothing was measured on data that it did not learn from.",
    )


@pytest.mark.parametrize("more", [("--folds", "2"), ("--set", "folds=2")])
def test_a_data_size_curve_with_folds_is_refused(more, data, tmp_path):
    asked = [
        "train",
        "classification",
        str(data),
        "--out",
        str(tmp_path / "b"),
        "--target",
        "label",
        "--sizes",
    ]
    result = CliRunner().invoke(app, [*asked, *more])
    assert "a data-size curve is judged on the same cases" in str(result.exception)
