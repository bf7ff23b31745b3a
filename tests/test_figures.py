"""The figures in the docs are those that the benchmarks kept, and the card of the shipped model states the same."""

import json
import runpy
from pathlib import Path

import pytest

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
