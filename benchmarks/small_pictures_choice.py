"""What the plan for small pictures was chosen by: cross-validation over train + val of two sets, without the test."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from small_pictures import CACHE, RESULTS, SETS, kept, parts

from skiagraph.case import folds
from skiagraph.metrics.ranking import roc_auc
from skiagraph.preprocess import Affine, Blur, Erase, Gain, Gamma, Noise
from skiagraph.training import Machine, Plan, planned
from skiagraph.training.build import built
from skiagraph.training.loop import Run, learn
from skiagraph.training.samples import Prepared, prepared
from skiagraph.training.teach import answers_of, stages_of

MACHINE: Final = Machine(cores=2, memory=8.0, bf16=True)
SEEN: Final = 30_000  # pictures that each network is shown in one fold
FOLDS: Final = {"pneumonia": 2, "breast": 3}  # of five

GENTLE: Final = (
    Affine(turn=15.0, any_turn=0.0, shrink=1.22, grow=1.22, stretch=1.1, shift=0.1, shear=0.05),
    Gamma(),
    Noise(),
    Erase(share=0.5, largest=0.5),
)
STRONG: Final = (
    Affine(turn=20.0, any_turn=0.0, shrink=1.35, grow=1.35, stretch=1.2, shift=0.12, shear=0.1),
    Gamma(gamma=1.8, brightness=1.4),
    Gain(strength=0.25),
    Blur(share=0.2),
    Noise(),
    Erase(share=0.5, largest=0.5),
)
NARROW: Final = {
    "network": "resnet-18",
    "options": {"stem": "3x3", "base": 16},
    "steps": GENTLE,
    "mixup": 0.0,
}
VARIANTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "narrow": NARROW,
    "stronger augmentation": {**NARROW, "steps": STRONG},
    "mixup": {**NARROW, "mixup": 0.2},
    "twenty layers": {**NARROW, "network": "resnet-20", "options": {"shortcut": "project", "base": 16}},
    "twice as wide": {**NARROW, "options": {"stem": "3x3", "base": 32}},
}


def fold(name: str, variant: str, number: int) -> dict[str, Any]:
    """Answers of one network to the part that it did not see."""
    begun, data = time.process_time(), parts(name).learn
    plan = planned(data, "classification", MACHINE)
    seen, held = folds(data, 5, np.random.default_rng(5))[number]
    samples, judged = prepared(seen, plan.recipe), prepared(held, plan.recipe)
    plan = dataclasses.replace(plan, **VARIANTS[variant], epochs=max(1, round(SEEN / len(samples))))
    network = _learnt(samples, plan, number)
    answers = np.stack(answers_of(network, judged, plan.recipe))
    true = [int(s.target.argmax()) for s in judged]
    return {"logits": answers.tolist(), "true": true, "seconds": time.process_time() - begun}


def _learnt(samples: list[Prepared], plan: Plan, number: int) -> torch.nn.Module:
    run = Run(seed=number, watch=lambda *_: None)
    return learn(built(plan, number), stages_of(samples, plan), plan, run).network


def figures(name: str, variant: str) -> dict[str, float]:
    """The figures over the folds: of ranking, of certainty (after a temperature), and of the best cut."""
    rows = []
    for number in range(FOLDS[name]):
        file = CACHE / "choice" / f"{name}-{variant.replace(' ', '-')}-{number}.json"
        make: Callable[[], Any] = lambda number=number: fold(name, variant, number)  # noqa: E731
        rows.append(kept(file, make))
    each = [_figures(np.array(r["logits"]), np.array(r["true"])) for r in rows]
    found = {key: float(np.mean([e[key] for e in each])) for key in each[0]}
    return {**found, "seconds": sum(r["seconds"] for r in rows)}


def _figures(logits: NDArray[np.float64], true: NDArray[np.int64]) -> dict[str, float]:
    def entropy(log_temperature: float) -> float:
        told = log_softmax(logits / np.exp(log_temperature), axis=1)
        return float(-told[np.arange(len(true)), true].mean())

    margin = logits[:, 1] - logits[:, 0]
    best = max(float(((margin >= cut) == (true == 1)).mean()) for cut in np.append(margin, np.inf))
    least = float(minimize_scalar(entropy, bounds=(-3, 3), method="bounded").fun)
    return {"auc": float(roc_auc(margin, true.astype(float))[0]), "log loss": least, "best accuracy": best}


def main() -> None:
    """Runs what is missing, and prints the table."""
    torch.set_num_threads(1)
    names = sys.argv[1:] or list(SETS)
    kept_here: dict[str, dict[str, dict[str, float]]] = {}
    for name in names:
        print(
            f"\n{name}\n\n| variant | AUC | log loss | accuracy at its best cut | s |\n|---|---|---|---|---|"
        )
        for variant in VARIANTS:
            row = kept_here.setdefault(name, {})[variant] = figures(name, variant)
            print(
                f"| {variant} | {row['auc']:.4f} | {row['log loss']:.4f} | {row['best accuracy']:.4f} "
                f"| {row['seconds']:.0f} |",
                flush=True,
            )
    if len(names) == len(SETS):
        kept(RESULTS / "small_pictures_choice.json", lambda: kept_here)


if __name__ == "__main__":
    main()
