"""Every classification network of the catalogue on chest X-rays: size, work, time and area under the curve.

``python benchmarks/classifiers.py`` learns each network once (resumable: those that are done are kept), prints the
table, keeps it in `results/classifiers.json`, and writes it on the page of benchmarks.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.random import Generator
from small_pictures import CACHE, RESULTS, kept, parts
from small_pictures_run import MACHINE, RESAMPLES, Clock, written

from skiagraph.metrics.ranking import roc_auc
from skiagraph.networks import NETWORKS, multiply_adds, parameter_count
from skiagraph.training import Plan, Run, Stage, learn, planned, prepared
from skiagraph.training.build import built
from skiagraph.training.loop import Batch
from skiagraph.training.teach import answers_of, stages_of

SIDE: Final = 32  # 28 drawn larger: the least that VGG takes
OPTIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "alexnet": {"kernels": "5-3"},
    **{name: {"size": SIDE, "patch": 8} for name in NETWORKS if name.startswith("vit-")},
}
NAMES: Final = tuple(
    name for name, entry in NETWORKS.items() if entry.task == "classification" and 2 in entry.dims
)


def plan_of(name: str) -> Plan:
    """The same for every network: one epoch of light augmentation."""
    plan = planned(parts("pneumonia").learn, "classification", MACHINE)
    return dataclasses.replace(
        plan,
        recipe=dataclasses.replace(plan.recipe, shape=(SIDE, SIDE)),
        network=name,
        options=OPTIONS.get(name, {}),
        epochs=1,
        batch=64,
        learning_rate=1e-3,
        warmup=20,
        average=0.9,
        steps=plan.settle.steps if plan.settle else plan.steps,
        settle=None,
        folds=1,
        threads=1,
    )


def trained(name: str) -> dict[str, Any]:
    """One network after one epoch: what it is, what it took, and what it says of the test split."""
    plan, split = plan_of(name), parts("pneumonia")
    samples = prepared(split.learn, plan.recipe)
    folder = CACHE / "classifiers" / name
    clock = Clock(folder / "spent.json")
    run = Run(seed=0, watch=lambda *_: None, checkpoint=folder / "checkpoint", every=30.0)
    stages = [_timed(stage, clock) for stage in stages_of(samples, plan)]
    learnt = learn(built(plan, 0), stages, plan, run).network
    spent = clock.now()
    shutil.rmtree(folder)
    test = prepared(split.test, plan.recipe)
    logits = np.stack(answers_of(learnt, test, plan.recipe))
    return {
        "parameters": parameter_count(learnt),
        "multiply-adds": multiply_adds(learnt, (1, plan.recipe.channels, *plan.recipe.shape)),
        "pictures": len(samples) // plan.batch * plan.batch,
        "processor seconds": round(spent[0], 1),
        "wall seconds": round(spent[1], 1),
        "margin": (logits[:, 1] - logits[:, 0]).tolist(),
        "true": [int(s.target.argmax()) for s in test],
    }


def _timed(stage: Stage, clock: Clock) -> Stage:
    """The same stage; each of its batches is noted by the clock, so that a run that is cut off counts too."""

    def noted(rng: Generator, after: int) -> Iterator[Batch]:
        for batch in stage.batches(rng, after):
            clock.note()
            yield batch

    return dataclasses.replace(stage, batches=noted)


def area(row: Mapping[str, Any]) -> tuple[float, float, float]:
    """Area under the curve with its 95 % interval, from a bootstrap over images."""
    margin, true = np.array(row["margin"]), np.array(row["true"], dtype=float)
    counts = np.random.default_rng(0).multinomial(len(true), np.full(len(true), 1 / len(true)), RESAMPLES)
    low, high = np.nanpercentile(roc_auc(margin, true, counts), [2.5, 97.5])
    return float(roc_auc(margin, true)[0]), float(low), float(high)


def table(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """As Markdown."""
    lines = [
        "| network | parameters, M | multiply-adds, M | processor time, s | wall clock, s | AUC |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        value, low, high = area(row)
        lines.append(
            f"| `{name}` | {row['parameters'] / 1e6:.2f} | {row['multiply-adds'] / 1e6:.0f} "
            f"| {row['processor seconds']:.0f} | {row['wall seconds']:.0f} "
            f"| {value:.3f} ({low:.3f} to {high:.3f}) |"
        )
    return "\n".join(lines) + "\n"


def words(rows: Sequence[Mapping[str, Any]]) -> str:
    """What stands above the table."""
    return (
        f"`pneumoniamnist.npz`, drawn at {SIDE} x {SIDE} for all; each network is shown {rows[0]['pictures']} pictures "
        f"of train + val, once, in batches of 64, by the same plan without any choice of its own, on one thread; and "
        f"is judged on the {len(rows[0]['true'])} of the test split. So few pictures say how quickly a network begins "
        "to learn, not how good it can become. AlexNet has its 5x5 and 3x3 kernels, the Vision Transformers patches of "
        "8 x 8; all else is as in the paper."
    )


def main() -> None:
    """Learns what is missing, and writes the table."""
    torch.set_num_threads(1)
    rows: dict[str, dict[str, Any]] = {}
    for name in NAMES:
        rows[name] = kept(CACHE / "classifiers" / f"{name}.json", lambda name=name: trained(name))
        print(name, f"{area(rows[name])[0]:.3f}", f"{rows[name]['processor seconds']:.0f} s", flush=True)
    short = {n: {k: v for k, v in r.items() if k not in ("margin", "true")} for n, r in rows.items()}
    short = {
        n: {**r, "AUC, low, high": area(rows[n]), "images": len(rows[n]["true"])} for n, r in short.items()
    }
    (RESULTS / "classifiers.json").write_text(json.dumps(short, indent=1) + "\n", "utf-8")
    text = f"{words(list(rows.values()))}\n\n{table(rows)}"
    written("classifiers.py", text)
    print(text)


if __name__ == "__main__":
    main()
