"""What the plan for small pictures was chosen by: cross-validation over train + val of two sets, without the test."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping
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
FOLDS: Final = {"pneumonia": 1, "breast": 1}  # of five

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


def fold(name: str, variant: str, number: int) -> dict[str, Any]:
    """Answers of one network to the part that it did not see."""
    begun, data = time.process_time(), parts(name).learn
    plan = planned(data, "classification", MACHINE)
    seen, held = folds(data, 5, np.random.default_rng(5))[number]
    samples, judged = prepared(seen, plan.recipe), prepared(held, plan.recipe)
    plan = dataclasses.replace(plan, **VARIANTS[variant], epochs=max(4, round(SEEN / len(samples))))
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


def main() -> None:
    """Runs what is missing, keeps the figures, and prints the tables."""
    torch.set_num_threads(1)
    found: dict[str, dict[str, dict[str, float]]] = {}
    for variant in VARIANTS:
        for name in SETS:
            row = found.setdefault(variant, {})[name] = figures(name, variant)
            print(variant, name, json.dumps(row), flush=True)
    (RESULTS / "small_pictures_choice.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    text = f"{WORDS}\n\n{table(found)}"
    written("small_pictures_choice.py", text)
    print(text)


if __name__ == "__main__":
    main()
