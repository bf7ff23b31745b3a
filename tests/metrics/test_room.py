"""The room as a whole: what it needs, and how its metrics are found."""

import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from skiagraph import metrics

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REGISTERED = PROJECT["entry-points"]["skiagraph.metrics"]

BLOCKED = """
import sys
for name in ("sklearn", "torch", "pandas", "matplotlib"):
    sys.modules[name] = None
import skiagraph.metrics
"""


def returns_tabular(thing):
    return str(getattr(thing, "__annotations__", {}).get("return", "")).startswith("Tabular")


def test_it_needs_neither_scikit_learn_nor_torch():
    subprocess.run([sys.executable, "-c", BLOCKED], check=True)


@pytest.mark.parametrize("name", sorted(REGISTERED))
def test_each_metric_is_registered_and_made_without_settings(name):
    module, _, attribute = REGISTERED[name].partition(":")
    metric = getattr(importlib.import_module(module), attribute)()
    assert all(callable(getattr(metric, part)) for part in ("tally", "merge", "summary"))


def test_each_way_to_make_a_table_metric_is_registered():
    made = {
        f"skiagraph.metrics:{name}" for name in metrics.__all__ if returns_tabular(getattr(metrics, name))
    }
    assert made <= set(REGISTERED.values())
    assert len(made) == 8


def test_the_names_of_the_room_are_there():
    assert all(hasattr(metrics, name) for name in metrics.__all__)
