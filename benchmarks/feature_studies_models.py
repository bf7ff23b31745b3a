"""Models of the studies of features: answers out of the same outer folds, calibrated out of fold, and their fusion."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from feature_studies_data import CACHE, Cases
from numpy.typing import NDArray
from small_pictures import kept

from skiagraph.case import Dataset, folds
from skiagraph.inference.classical import logits_of
from skiagraph.inference.facts import class_probabilities
from skiagraph.task import Recipe
from skiagraph.training import Machine, Plan, planned, prepared, teach
from skiagraph.training.calibrate import calibrated_classes
from skiagraph.training.classical import FeatureTable, Search, chosen, out_of_fold, refitted
from skiagraph.training.teach import answers_of

MACHINE: Final = Machine(cores=2, memory=8.0, bf16=True)
"""What is planned for, wherever the benchmark runs."""

BUDGET: Final = 80.0
"""Seconds that a training is planned for, which chooses the network."""

OUTER: Final = 5
SEED: Final = 0

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Told:
    """What a model says of cases out of fold.

    Args:
        odds: Calibrated log odds of the second label, shape (cases,).
        cuts: Log odds from which on it decides for the second label, shape (cases,).
    """

    odds: Array
    cuts: Array


def outer(dataset: Dataset) -> tuple[tuple[Dataset, Dataset], ...]:
    """The outer folds of all models: what `out_of_fold` draws with the same seed."""
    return folds(dataset, OUTER, np.random.default_rng(SEED))


def deep(name: str, cases: Cases, epochs: int) -> dict[str, Any]:
    """The machine's own plan, made and learnt anew in each outer fold.

    Args:
        name: Of the question, for the cache.
        cases: The pictures.
        epochs: Of each training; a fixed number, so that other work on the machine does not change the result.
    """
    parts = [
        kept(CACHE / f"{name}-deep-{n}.json", lambda n=n, a=a, b=b: _learnt(a, b, epochs, n))
        for n, (a, b) in enumerate(outer(cases.pictures))
    ]
    told = {i: (row, n) for n, p in enumerate(parts) for i, row in zip(p["cases"], p["logits"], strict=True)}
    names = [s.identifier for s in cases.pictures]
    return {
        "logits": [told[i][0] for i in names],
        "fold": [told[i][1] for i in names],
        "parts": [{k: v for k, v in p.items() if k not in ("cases", "logits")} for p in parts],
    }


def _learnt(learn: Dataset, judge: Dataset, epochs: int, seed: int) -> dict[str, Any]:
    began = time.process_time()
    plan = _brief(planned(learn, "classification", MACHINE, seconds=BUDGET), epochs)
    taught = teach(learn, plan, rng=np.random.default_rng(seed), watch=_said)
    recipe = taught.plan.recipe
    logits = np.stack(answers_of(taught.network, prepared(judge, recipe), recipe))
    return {
        "network": f"{plan.network} ({', '.join(f'{k} {v}' for k, v in plan.options.items())})",
        "shape": list(recipe.shape),
        "epochs": taught.plan.all_epochs,
        "processor seconds": round(time.process_time() - began, 1),
        "cases": [s.identifier for s in judge],
        "logits": np.asarray(logits, dtype=np.float64).round(5).tolist(),
    }


def _brief(plan: Plan, epochs: int) -> Plan:
    """One network, so many epochs, the last quarter of them settled; what calibrates it is kept apart here already."""
    settle = None if plan.settle is None else dataclasses.replace(plan.settle, epochs=epochs // 4)
    rest = epochs - (0 if settle is None else settle.epochs)
    return dataclasses.replace(
        plan, epochs=rest, settle=settle, seconds=None, threads=1, folds=1, validation=0.0
    )


def _said(done: int, total: int, figures: Mapping[str, float], /) -> None:
    if done % max(1, total // 5) == 0 or done == total:
        print(f"  {done}/{total} " + ", ".join(f"{k} {v:.3f}" for k, v in figures.items()), flush=True)


def classical(name: str, table: FeatureTable, search: Search) -> dict[str, Any]:
    """Nested cross-validation of a table in the same outer folds."""

    def made() -> dict[str, Any]:
        began = time.process_time()
        told = out_of_fold(table, search, rng=np.random.default_rng(SEED), watch=_said)
        return {
            "logits": _two(told.logits).round(6).tolist(),
            "fold": told.fold.tolist(),
            "parts": [
                {"learner": c.learner, "settings": dict(c.settings), "features": c.features, "kept": list(k)}
                for c, k in zip(told.choices, told.kept, strict=True)
            ],
            "processor seconds": round(time.process_time() - began, 1),
        }

    return kept(CACHE / f"{name}.json", made)


def tested(name: str, learn: Cases, test: Cases, search: Search, epochs: int) -> dict[str, Any]:
    """Logits about a test split of what learnt from all that may be learnt from, by model."""
    ((title, table),) = learn.tables.items()

    def features() -> list[list[float]]:
        rng, every = np.random.default_rng(SEED), np.arange(len(table))
        model = refitted(table, every, search, chosen(table, every, search, rng), rng)
        return _two(logits_of(model(test.tables[title].numbers), model.scores)).round(6).tolist()

    network = kept(
        CACHE / f"{name}-deep-test.json", lambda: _learnt(learn.pictures, test.pictures, epochs, SEED)
    )
    return {title: kept(CACHE / f"{name}-features-test.json", features), "deep": network["logits"]}


def calibrated(found: Mapping[str, Any], table: FeatureTable) -> Told:
    """Answers whose temperature, bias and threshold come from the cases of all other folds."""
    logits, fold = np.array(found["logits"], dtype=np.float64), np.array(found["fold"])
    odds, cuts = np.zeros(len(fold)), np.zeros(len(fold))
    for n in np.unique(fold):
        here = fold == n
        told = calibrated_on(logits, table, ~here, logits[here])
        odds[here], cuts[here] = told.odds, told.cuts
    return Told(odds=odds, cuts=cuts)


def calibrated_on(logits: Array, table: FeatureTable, known: NDArray[np.bool_], new: Array) -> Told:
    """New answers, calibrated on those about some known cases of a table."""
    targets = (table.truth[:, None] == np.arange(2)).astype(np.float64)
    own = calibrated_classes(_recipe(table), logits[known], targets[known])
    p = class_probabilities(new, own).clip(1e-9, 1 - 1e-9)
    cut = min(max(float(own.calibration["threshold"]), 1e-9), 1 - 1e-9)
    return Told(odds=np.log(p[:, 1] / p[:, 0]), cuts=np.full(len(p), np.log(cut / (1 - cut))))


def fused(models: Sequence[Told], fold: Sequence[int], table: FeatureTable) -> Told:
    """Late fusion: the mean of calibrated log odds, calibrated out of fold as the models are."""
    mean = np.mean([m.odds for m in models], axis=0)
    return calibrated({"logits": np.c_[np.zeros(len(mean)), mean], "fold": fold}, table)


def _two(logits: Array) -> Array:
    return logits if logits.shape[1] == 2 else np.c_[np.zeros(len(logits)), logits[:, -1]]


def _recipe(table: FeatureTable) -> Recipe:
    return Recipe(
        task="classification",
        labels=tuple(label.code for label in table.target.labels),
        concept=table.target.concept,
        activation="softmax",
        shape=(1, 1),
        normalise="none",
    )
