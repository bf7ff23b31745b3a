"""Trainings of the planner's own plan on a set of small pictures, their answers to the test split, and the table."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from small_pictures import CACHE, HERE, RESULTS, Parts, kept, parts

from skiagraph.inference import staged
from skiagraph.inference.torch_engine import TorchEngine
from skiagraph.metrics.ranking import roc_auc
from skiagraph.training import Machine, Plan, Taught, learnt_card, planned, teach, why

MACHINE: Final = Machine(cores=2, memory=8.0, bf16=True)
"""What is planned for, wherever the benchmark runs."""

PAGE: Final = HERE.parent / "docs" / "reference" / "benchmarks.md"
FIGURES: Final = ("AUC", "accuracy", "balanced accuracy", "sensitivity", "specificity")
RESAMPLES: Final = 2000

Answers = NDArray[np.float64]


def plan_of(name: str) -> Plan:
    """The plan that the planner makes for two cores, without a hint or a time budget."""
    plan = planned(parts(name).learn, "classification", MACHINE)
    return dataclasses.replace(plan, threads=1)


def ensure_trained(name: str, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """The answers of one training a seed; what is missing is learnt, and goes on where it was cut off."""
    return [kept(CACHE / f"{name}-{seed}.json", lambda seed=seed: _trained(name, seed)) for seed in seeds]


def _trained(name: str, seed: int) -> dict[str, Any]:
    split, plan, folder = parts(name), plan_of(name), CACHE / f"{name}-{seed}.training"
    clock = Clock(folder / "spent.json")
    taught = teach(
        split.learn, plan, rng=np.random.default_rng(seed), watch=clock, checkpoint=folder / "checkpoint"
    )
    spent = clock.now()
    answered = answers(taught, split)
    recipe = taught.plan.recipe
    return {
        "plan": [list(row) for row in why(plan)],
        "epochs": plan.all_epochs,
        "networks": plan.folds,
        "calibration": dict(recipe.calibration),
        "processor seconds": round(spent[0], 1),
        "wall seconds": round(spent[1], 1),
        **answered,
    }


def answers(taught: Taught, split: Parts) -> dict[str, Any]:
    """What the model that would ship says of the test split."""
    recipe = taught.plan.recipe
    model = staged(learnt_card("benchmark", recipe, "", split.learn), recipe, TorchEngine(taught.network))
    positive = recipe.labels[1]
    told, true = [], []
    for sample in split.test:
        found, reference = model(sample.case()), sample.reference()[0]
        told.append(round(_probability(found, positive), 6))
        true.append(round(_probability(reference, positive)))
    return {"images": [s.identifier for s in split.test], "probability": told, "true": true}


def _probability(found: Any, code: Any) -> float:
    return next((float(s.probability) for s in found.scores if s.code == code), 0.0)


class Clock:
    """Processor time and wall time of a training, also of one that was cut off and went on."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.before = json.loads(file.read_text("utf-8")) if file.is_file() else [0.0, 0.0]
        self.start = (time.process_time(), time.monotonic())

    def now(self) -> tuple[float, float]:
        """Seconds of both."""
        processor, wall = time.process_time() - self.start[0], time.monotonic() - self.start[1]
        return self.before[0] + processor, self.before[1] + wall

    def note(self) -> None:
        """Keeps how much it was."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(json.dumps(self.now()), "utf-8")

    def __call__(self, done: int, total: int, figures: Mapping[str, float], /) -> None:
        """As one who watches a training."""
        self.note()
        told = ", ".join(f"{key} {value:.4f}" for key, value in figures.items())
        print(f"{done}/{total} {self.now()[0]:.0f} s {told}", flush=True)


def figures(probability: Answers, cuts: Answers, true: Answers, counts: Answers) -> NDArray[np.float64]:
    """`FIGURES` of several trainings, their mean.

    Args:
        probability: Shape (seeds, images), of the positive class.
        cuts: Shape (seeds,), from which on it is decided for.
        true: Shape (images,), 0 or 1.
        counts: Shape (resamples, images): how often each image was drawn.

    Returns:
        Shape (resamples, figures).
    """
    each = []
    for p, cut in zip(probability, cuts, strict=True):
        right = (p >= cut) == (true == 1)
        sensitivity, specificity = (
            (counts * right * (true == c)).sum(1) / (counts * (true == c)).sum(1) for c in (1, 0)
        )
        accuracy = (counts * right).sum(1) / counts.sum(1)
        area = roc_auc(p, true, counts)
        each.append([area, accuracy, (sensitivity + specificity) / 2, sensitivity, specificity])
    return np.mean(each, axis=0).T


def row(runs: Sequence[Mapping[str, Any]], *, learnt_cut: bool, without: frozenset[str]) -> dict[str, Any]:
    """Figures with 95 % intervals from a bootstrap over images, the same images for each seed."""
    use = np.array([name not in without for name in runs[0]["images"]])
    p = np.array([r["probability"] for r in runs])[:, use]
    true = np.array(runs[0]["true"])[use]
    cuts = np.array([r["calibration"].get("threshold", 0.5) if learnt_cut else 0.5 for r in runs])
    counts = np.random.default_rng(0).multinomial(len(true), np.full(len(true), 1 / len(true)), RESAMPLES)
    value = figures(p, cuts, true, np.ones((1, len(true))))[0]
    low, high = np.nanpercentile(figures(p, cuts, true, counts), [2.5, 97.5], axis=0)
    single = np.array(
        [figures(p[k : k + 1], cuts[k : k + 1], true, np.ones((1, len(true))))[0] for k in range(len(p))]
    )
    spread = single.std(0, ddof=1) if len(p) > 1 else np.zeros(len(value))
    kinds = zip(FIGURES, value, low, high, spread, strict=True)
    return {"n": len(true)} | {
        key: {"value": v, "low": a, "high": b, "deviation over seeds": s} for key, v, a, b, s in kinds
    }


def measured(name: str, seeds: Sequence[int]) -> dict[str, Any]:
    """Everything about one set."""
    runs, split = ensure_trained(name, seeds), parts(name)
    none: frozenset[str] = frozenset()
    rows = {
        "Skiagraph, as the model decides": row(runs, learnt_cut=True, without=none),
        "Skiagraph, the likelier class": row(runs, learnt_cut=False, without=none),
    }
    if split.copied:
        said = f"without {len(split.copied)} images that have a copy in training"
        rows[f"as the model decides, {said}"] = row(runs, learnt_cut=True, without=split.copied)
        rows[f"the likelier class, {said}"] = row(runs, learnt_cut=False, without=split.copied)
    seconds = {k: [r[k] for r in runs] for k in ("processor seconds", "wall seconds", "epochs", "networks")}
    return {"rows": rows, "pairs across splits": split.across, "seeds": list(seeds), **seconds, "runs": runs}


def table(found: Mapping[str, Any], published: Mapping[str, tuple[float, float]]) -> str:
    """The rows as Markdown, published figures below."""
    time_of = [f"{np.mean(found[k]) / 60:.1f} min" for k in ("processor seconds", "wall seconds")]
    lines = [
        f"| | {' | '.join(FIGURES)} | images | processor time | wall clock |",
        "|---|" + "---|" * (len(FIGURES) + 3),
    ]
    for name, r in found["rows"].items():
        cells = [f"{r[k]['value']:.3f} ({r[k]['low']:.3f} to {r[k]['high']:.3f})" for k in FIGURES]
        clock = time_of if name.startswith("Skiagraph") else ["same", "same"]
        lines.append(f"| {name} | {' | '.join(cells)} | {r['n']} | {' | '.join(clock)} |")
    for name, (area, accuracy) in published.items():
        lines.append(f"| {name} | {area:.3f} | {accuracy:.3f} | | | | | | |")
    return "\n".join(lines) + "\n"


def written(script: str, text: str) -> None:
    """Puts `text` between the marks of `script` on the page."""
    begin, end = f"<!-- measured by benchmarks/{script} -->\n", f"<!-- end of benchmarks/{script} -->\n"
    page = PAGE.read_text("utf-8")
    before, after = page.split(begin)[0], page.split(end)[1]
    PAGE.write_text(f"{before}{begin}\n{text}\n{end}{after}", "utf-8")


def finish(
    name: str,
    seeds: Sequence[int],
    published: Mapping[str, tuple[float, float]],
    words: Callable[[Any], str],
) -> None:
    """Measures one set, keeps the figures, and writes the table on the page."""
    torch.set_num_threads(1)
    found = measured(name, seeds)
    (RESULTS / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    text = f"{words(found)}\n\n{table(found, published)}"
    written(f"{name}.py", text)
    print(text)
