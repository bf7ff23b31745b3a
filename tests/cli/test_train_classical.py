"""`skiagraph train classical` from a CSV file to a bundle, a page and JSON."""

import csv
import json

import numpy as np
import pytest
from typer.testing import CliRunner

from skiagraph.cli import app
from skiagraph.errors import FormatError, InvalidInput, MissingInput
from skiagraph.inference.classical import classical_model
from skiagraph.task import load_bundle


@pytest.fixture
def lesions(tmp_path):
    rng = np.random.default_rng(2)
    path = tmp_path / "lesions.csv"
    with path.open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["patient", "diagnosis", "size", "roughness", "noise"])
        for n in range(60):
            bad = n % 2
            rough = "" if n == 7 else 0.3 + 0.25 * bad + 0.08 * rng.normal()
            table.writerow([n // 2 * 2 + bad, "malignant" if bad else "benign", 5 + n, rough, rng.normal()])
    return path


def told(*arguments):
    done = CliRunner().invoke(app, ["train", "classical", *map(str, arguments)])
    assert done.exit_code == 0, done.output + str(done.exception)
    return done.stdout


def test_classes_are_learnt_from_a_table(lesions, tmp_path):
    out = tmp_path / "tree"
    options = ("--label", "diagnosis", "--group", "patient", "--learner", "tree", "--folds", "3")
    options += ("--select", "mrmr", "--features", "1", "--features", "2", "--lang", "zh")
    said = told(lesions, *options, "--out", out)
    assert "then malignant" in said
    assert "sensitivity" in said
    assert "Of 30 malignant cases " in " ".join(said.split())
    page = (tmp_path / "tree-evaluation.html").read_text("utf-8")
    assert "roughness" in page
    assert "保留的特征" in page
    assert "以规则表示的判定" in page
    assert "例恶性病例中检出" in page
    model = classical_model(load_bundle(out))
    answer = model.of_features({"roughness": 0.6, "size": 30.0, "noise": 0.0})
    assert answer.scores[1].probability > 0.7


def test_values_are_learnt_and_everything_is_said_as_json(lesions, tmp_path):
    out = tmp_path / "size"
    said = json.loads(
        told(lesions, "--label", "size", "--unit", "mm", "--out", out, "--folds", "3", "--json")
    )
    assert said["choice"]["learner"] == "ridge"
    assert {"mean absolute error", "coverage"} <= set(said["figures"])
    assert (out / "graph.onnx").is_file()
    assert said["bundle"] == str(out)


def test_a_column_that_is_not_there_is_named(lesions, tmp_path):
    done = CliRunner().invoke(app, ["train", "classical", str(lesions), "--label", "grade", "--out", "x"])
    assert done.exit_code != 0


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        (None, MissingInput, "table.csv does not exist"),
        (b"\x89PNG\xff\xfe\x00", FormatError, "CSV file in UTF-8"),
        (b"", InvalidInput, "a line of names"),
        (b"label,size\n", InvalidInput, "a line a case below it"),
        (b"label,size\nbenign,1\nbenign,2\n", InvalidInput, "two classes or more; got benign"),
        (b"label,size\nbenign,1\n,2\n", InvalidInput, "each row has its class"),
        (b"label,size\nbenign,1e300\nmalignant,2\n", InvalidInput, r"within 1e\+100"),
        (b"label,size\nbenign,a\nmalignant,b\n", InvalidInput, "at least one column of numbers"),
    ],
)
def test_what_is_no_table_to_learn_from_is_one_sentence(content, error, said, tmp_path):
    path = tmp_path / "table.csv"
    if content is not None:
        path.write_bytes(content)
    words = ["train", "classical", str(path), "--label", "label", "--out", str(tmp_path / "out")]
    with pytest.raises(error, match=said) as refused:
        CliRunner().invoke(app, words, catch_exceptions=False)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "out").exists()
