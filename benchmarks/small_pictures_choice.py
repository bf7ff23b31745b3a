"""What the plan for small pictures was chosen by: cross-validation over train + val of two sets, without the test.

``python benchmarks/small_pictures_choice.py`` learns what is missing (resumable), prints two tables and writes them on
the page of benchmarks: the choices, and other plans that were tried where the breast sonograms missed their target.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from small_pictures import CACHE, RESULTS, SETS, kept, parts
from small_pictures_run import written

from skiagraph.case import folds
from skiagraph.metrics.ranking import roc_auc
from skiagraph.preprocess import Affine, Erase, Gain, Gamma, Noise
from skiagraph.training import Machine, Plan, Settle, planned
from skiagraph.training.build import built
from skiagraph.training.loop import Run, learn
from skiagraph.training.samples import Prepared, prepared
from skiagraph.training.teach import answers_of, stages_of

MACHINE: Final = Machine(cores=2, memory=8.0, bf16=True)
SEEN: Final = 30_000  # pictures that each network is shown in one fold

AFFINE: Final = Affine(turn=15.0, any_turn=0.0, shrink=1.22, grow=1.22, stretch=1.1, shift=0.1, shear=0.05)
USUAL: Final = (AFFINE, Gamma(), Noise(), Erase(share=0.5, largest=0.5))
STRONG: Final = (
    Affine(turn=20.0, any_turn=0.0, shrink=1.35, grow=1.35, stretch=1.2, shift=0.12, shear=0.1),
    Gamma(gamma=1.8, brightness=1.4),
    Gain(strength=0.25),
    Noise(),
    Erase(share=0.5, largest=0.5),
)
LIGHT: Final = (
    Affine(turn=8.0, any_turn=0.0, shrink=1.08, grow=1.08, stretch=1.04, shift=0.04, shear=0.03),
    Gamma(gamma=1.2, brightness=1.1),
)
NARROW: Final = {
    "network": "resnet-18",
    "options": {"stem": "3x3", "base": 16},
    "steps": USUAL,
    "mixup": 0.0,
    "settle": None,
}
LAST: Final = Settle(steps=LIGHT, learning_rate=1e-3)  # a quarter of all epochs
WORDS: Final = (
    f"The same plan is used for both sets. It was chosen on train + val, without the test split: one of five grouped "
    f"folds, each network shown {SEEN} pictures. Settled: the last quarter of the epochs shows pictures almost as they "
    "are. Log loss is after the best temperature. One fold tells large differences (settling) and not small ones "
    "(mixtures; stronger augmentation)."
)
VARIANTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "narrow": NARROW,
    "settled": {**NARROW, "settle": LAST},
    "no rectangles": {**NARROW, "steps": USUAL[:3]},
    "stronger, settled": {**NARROW, "steps": STRONG, "settle": LAST},
    "mixup, settled": {**NARROW, "mixup": 0.2, "settle": LAST},
    "mixup, stronger, settled": {**NARROW, "mixup": 0.2, "steps": STRONG, "settle": LAST},
}
CHOSEN: Final = "mixup, stronger, settled"
ATTEMPTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "gentler augmentation": {"steps": LIGHT},
    "attention to channels": {"options": {"stem": "3x3", "base": 16, "attention": "se"}},
    "twice as long": {"seen": 2 * SEEN},
    "twice as wide": {"options": {"stem": "3x3", "base": 32}},
}
TRIED: Final = (
    "As the breast sonograms missed their target, other plans were tried on all five folds of their train + val, with "
    "copies of a picture in one fold. A difference is that of the mean AUC of single networks, fold by fold, with its "
    "standard error. Networks twice as wide are what is planned now, where the time holds them."
)


def fold(name: str, variant: str, number: int) -> dict[str, Any]:
    """Answers of one network to the part that it did not see."""
    begun, data = time.process_time(), parts(name).learn
    plan = planned(data, "classification", MACHINE)
    changes = {**VARIANTS[CHOSEN], **ATTEMPTS[variant]} if variant in ATTEMPTS else dict(VARIANTS[variant])
    seen, held = folds(data, 5, np.random.default_rng(5))[number]
    samples, judged = prepared(seen, plan.recipe), prepared(held, plan.recipe)
    epochs = max(4, round(changes.pop("seen", SEEN) / len(samples)))
    plan = dataclasses.replace(plan, **changes, epochs=epochs)
    if plan.settle is not None:
        last = max(1, round(plan.epochs / 4))
        plan = dataclasses.replace(
            plan, epochs=plan.epochs - last, settle=dataclasses.replace(plan.settle, epochs=last)
        )
    network = _learnt(samples, plan, number)
    answers = np.stack(answers_of(network, judged, plan.recipe))
    true = [int(s.target.argmax()) for s in judged]
    return {"logits": answers.tolist(), "true": true, "seconds": time.process_time() - begun}


def _learnt(samples: list[Prepared], plan: Plan, number: int) -> torch.nn.Module:
    run = Run(seed=number, watch=lambda *_: None)
    return learn(built(plan, number), stages_of(samples, plan), plan, run).network


def each_fold(name: str, variant: str, numbers: Sequence[int]) -> list[dict[str, float]]:
    """The figures of each fold: of ranking, of certainty (after a temperature), and of the best cut."""
    rows = []
    for number in numbers:
        file = CACHE / "choice" / f"{name}-{variant.replace(' ', '-')}-{number}.json"
        make: Callable[[], Any] = lambda number=number: fold(name, variant, number)  # noqa: E731
        row = kept(file, make)
        rows.append(
            {**_figures(np.array(row["logits"]), np.array(row["true"])), "seconds": float(row["seconds"])}
        )
        print(variant, name, number, json.dumps(rows[-1]), flush=True)
    return rows


def mean(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Of each figure over the folds; seconds are those of one."""
    return {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}


def _figures(logits: NDArray[np.float64], true: NDArray[np.int64]) -> dict[str, float]:
    def entropy(log_temperature: float) -> float:
        told = log_softmax(logits / np.exp(log_temperature), axis=1)
        return float(-told[np.arange(len(true)), true].mean())

    margin = logits[:, 1] - logits[:, 0]
    best = max(float(((margin >= cut) == (true == 1)).mean()) for cut in np.append(margin, np.inf))
    least = float(minimize_scalar(entropy, bounds=(-3, 3), method="bounded").fun)
    likelier = float(((margin > 0) == (true == 1)).mean())
    area = float(roc_auc(margin, true.astype(float))[0])
    return {"auc": area, "log loss": least, "best accuracy": best, "accuracy": likelier}


def table(found: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """The figures of all variants as Markdown, a table a set."""
    lines = []
    for name in SETS:
        lines += [
            f"| {name} | AUC | log loss | accuracy | at the best cut | seconds |",
            "|---|---|---|---|---|---|",
        ]
        for variant, each in found.items():
            r = each[name]
            cells = [f"{r[k]:.4f}" for k in ("auc", "log loss", "accuracy", "best accuracy")]
            lines.append(f"| {variant} | {' | '.join(cells)} | {r['seconds']:.0f} |")
        lines.append("")
    return "\n".join(lines)


def tried_table(rows: Mapping[str, Sequence[Mapping[str, float]]]) -> str:
    """The other plans beside the one that was chosen, as Markdown."""
    lines = [
        "| plan | AUC | difference of AUC | log loss | accuracy | seconds a network |",
        "|---|---|---|---|---|---|",
    ]
    plan = np.array([row["auc"] for row in rows[CHOSEN]])
    for name, each in rows.items():
        r, apart = mean(each), np.array([row["auc"] for row in each]) - plan
        error = float(apart.std(ddof=1) / np.sqrt(len(apart)))
        told = "" if name == CHOSEN else f"{apart.mean():+.4f} ± {error:.4f}"
        title = f"before ({CHOSEN})" if name == CHOSEN else name
        cells = [title, f"{r['auc']:.4f}", told, *(f"{r[k]:.4f}" for k in ("log loss", "accuracy"))]
        lines.append(f"| {' | '.join(cells)} | {r['seconds']:.0f} |")
    return "\n".join(lines)


def main() -> None:
    """Runs what is missing, keeps the figures, and prints the tables."""
    torch.set_num_threads(1)
    found = {v: {name: mean(each_fold(name, v, (0,))) for name in SETS} for v in VARIANTS}
    tried = {v: each_fold("breast", v, range(5)) for v in (CHOSEN, *ATTEMPTS)}
    kept_as = json.dumps({"choice": found, "breast": tried}, indent=1)
    (RESULTS / "small_pictures_choice.json").write_text(kept_as + "\n", "utf-8")
    text = f"{WORDS}\n\n{table(found)}\n{TRIED}\n\n{tried_table(tried)}\n"
    written("small_pictures_choice.py", text)
    print(text)


if __name__ == "__main__":
    main()
