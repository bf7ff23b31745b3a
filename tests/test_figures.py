"""The figures in the docs are those that the benchmarks kept, and the card of the shipped model states the same."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

from skiagraph.metrics.ranking import roc_auc
from skiagraph.workflow import model_bundle

PROJECT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def figures():
    return runpy.run_path(str(PROJECT / "benchmarks" / "figures.py"))


def test_the_page_of_figures_is_what_the_benchmarks_kept(figures):
    assert figures["PAGE"].read_text("utf-8") == figures["page"](), "run python benchmarks/figures.py"


@pytest.mark.parametrize(
    ("score", "file", "path"),
    [
        ("Dice", "fetal_head", ("cross-validation", "dice")),
        ("HC mean absolute error", "fetal_head", ("cross-validation", "HC mean absolute error, mm")),
        ("gate: heads passed", "gate", ("heads passed", "value")),
        ("gate: other images refused", "gate", ("other images refused", "value")),
    ],
)
def test_the_card_states_what_was_measured(score, file, path):
    kept = json.loads((PROJECT / "benchmarks" / "results" / f"{file}.json").read_text("utf-8"))
    (stated,) = (s for s in model_bundle("fetal-head-ultrasound").card.scores if s.name == score)
    assert stated.value == pytest.approx(kept[path[0]][path[1]], abs=5e-4)


@pytest.fixture(scope="module")
def studies():
    """What the studies of features kept."""
    return json.loads((PROJECT / "benchmarks" / "results" / "feature_studies.json").read_text("utf-8"))


def test_the_tables_of_the_studies_of_features_are_what_was_kept(studies):
    words = runpy.run_path(str(PROJECT / "benchmarks" / "feature_studies_words.py"))
    page = (PROJECT / "docs" / "reference" / "benchmarks.md").read_text("utf-8")
    script = "benchmarks/feature_studies.py -->"
    (told,) = (
        part.split(f"<!-- end of {script}")[0] for part in page.split(f"<!-- measured by {script}")[1:]
    )
    assert told.strip() == words["page"](studies).strip(), "run python benchmarks/feature_studies.py"


def test_the_figures_of_the_studies_of_features_follow_from_their_answers(studies):
    sonograms, (easy, hard) = studies["sonograms"], studies["phantoms"]
    for study, sign in (
        (easy, 1),
        (hard, 1),
        (sonograms, -1),
        (sonograms["test"], -1),
        (studies["nuclei"], 1),
    ):
        positive = np.array(study["positive"])
        for name, answer in study["answers"].items():
            odds, cut = (sign * np.array(answer[key]) for key in ("log odds", "cut"))
            row = study["rows"][name]
            assert roc_auc(odds, positive)[0] == pytest.approx(row["AUC"]["value"], abs=1e-3)
            assert row["found"] == {
                "n": int(((odds >= cut) & (positive == 1)).sum()),
                "of": int(positive.sum()),
            }


def test_whoever_always_says_benign_is_often_right_and_finds_nothing(studies):
    for study in (*studies["phantoms"], studies["sonograms"]):
        row = study["rows"]["always benign"]
        assert row["accuracy"]["value"] > 0.7
        assert row["found"]["n"] == 0
        assert row["balanced accuracy"]["value"] == 0.5


def test_the_page_on_classical_models_states_the_areas_that_were_measured(studies):
    text = (PROJECT / "docs" / "how-to" / "classical.md").read_text("utf-8").split("## What it is worth")[1]
    asked = [(study, name) for study in studies["phantoms"] for name in ("all features + SVM", "deep model")]
    asked += [(studies["sonograms"], name) for name in ("texture features + SVM", "deep model", "fusion")]
    missing = [name for study, name in asked if f"{study['rows'][name]['AUC']['value']:.3f}" not in text]
    assert not missing
