"""What beginning with another model saves: few labels, from a bundle or from nothing, at equal steps, over seeds."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from skiagraph import codes
from skiagraph.case import Dataset
from skiagraph.io import read_dataset
from skiagraph.training import (
    Plan,
    Prepared,
    begin_from,
    freeze,
    learnt_card,
    planned,
    prepared,
    teach,
    this_machine,
)
from skiagraph.training.lesson import lesson_for
from skiagraph.training.samples import steps_per_epoch
from skiagraph.training.teach import answers_of

HERE: Final = Path(__file__).parent
DATA: Final = Path(os.environ.get("SKIAGRAPH_DATA", HERE.parent.parent / "shared" / "data"))
RESULT: Final = HERE / "results" / "transfer.json"
PAGE: Final = HERE.parent / "docs" / "reference" / "benchmarks.md"
MARKS: Final = ("<!-- measured by benchmarks/transfer.py -->", "<!-- end of benchmarks/transfer.py -->")
SEEDS: Final = 3

logging.getLogger("lightning_fabric").setLevel(logging.ERROR)
logging.getLogger("torch.onnx").setLevel(logging.ERROR)


def silent(*_: Any) -> None:
    """Tells nobody."""


def in_steps(plan: Plan, samples: int, steps: int) -> Plan:
    """The plan with as many steps in all, whatever the number of samples."""
    plan = dataclasses.replace(plan, batch=min(plan.batch, samples), warmup=min(plan.warmup, steps // 10))
    each = steps_per_epoch(samples, plan)
    head = min(plan.head_epochs, steps // each // 4)
    return dataclasses.replace(plan, head_epochs=head, epochs=max(1, round(steps / each) - head))


def learnt(data: Dataset, plan: Plan, seed: int) -> Any:
    """The network of a plan."""
    return teach(data, plan, rng=np.random.default_rng(seed), watch=silent).network


def bundle(data: Dataset, plan: Plan, to: Path) -> Path:
    """A model that others begin with."""
    card = learnt_card("teacher", plan.recipe, "", data)
    return freeze(learnt(data, plan, 0), card, plan.recipe, {"plan": _plain(plan)}, to).folder


def _plain(plan: Plan) -> Any:
    from skiagraph.plain import to_plain

    return to_plain(plan)


def few(data: Dataset, n: int, seed: int) -> Dataset:
    """`n` samples, the same for both ways; of every stratum at least one."""
    order = np.random.default_rng([seed, n]).permutation(len(data))
    samples = [data.samples[i] for i in order]
    first = {s.stratum: s for s in reversed(samples)} if len({s.stratum for s in samples}) < 9 else {}
    rest = [s for s in samples if s not in first.values()]
    return dataclasses.replace(data, samples=tuple([*first.values(), *rest][:n]))


def judged(network: Any, test: Sequence[Prepared], plan: Plan) -> float:
    """Area under the curve, or Dice over all cases."""
    figures = lesson_for(plan).figures(answers_of(network, test, plan.recipe), [s.target for s in test])
    return float(figures["auc" if "auc" in figures else "dice"])


def compared(
    source: Callable[[], Path], target: Dataset, test: Dataset, plan: Plan, sizes: Sequence[int], steps: int
) -> list[dict[str, Any]]:
    """One row a number of labels."""
    held = prepared(test, plan.recipe)
    begun = begin_from(plan, source())
    held_begun = prepared(test, begun.recipe)
    rows = []
    for n in sizes:
        row: dict[str, Any] = {"labels": n, "nothing": [], "bundle": []}
        for seed in range(SEEDS):
            data = few(target, n, seed)
            for name, one, cases in (("nothing", plan, held), ("bundle", begun, held_begun)):
                network = learnt(data, in_steps(one, len(data), steps), seed)
                row[name].append(round(judged(network, cases, one), 4))
        print(row, flush=True)
        rows.append(row)
    return rows


def classes(folder: Path) -> list[dict[str, Any]]:
    """Chest X-rays of children first, then few breast sonograms."""
    chest = read_dataset(DATA / "chest_xray_pneumonia" / "pneumoniamnist.npz")
    breast = read_dataset(DATA / "breast_ultrasound" / "breastmnist.npz")
    small: dict[str, Any] = {
        "network": "resnet-20",
        "options": {"shortcut": "project", "base": 8},
        "settle": None,
        "folds": 1,
        "validation": 0.0,
        "threads": 1,
        "average": 0.98,
    }
    machine = this_machine()
    first = planned(chest.split("train"), "classification", machine)
    first = in_steps(dataclasses.replace(first, **small, batch=32), 4708, 500)
    second = dataclasses.replace(
        planned(breast.split("train"), "classification", machine), **small, batch=16, warmup=20
    )
    train = breast.split("train")
    return compared(
        lambda: bundle(chest.split("train"), first, folder / "chest"),
        train,
        breast.split("test"),
        second,
        (20, 50, 100, len(train)),
        150,
    )


def outlines(folder: Path) -> list[dict[str, Any]]:
    """Fetal heads of one half of the fetuses first, then few of the other half."""
    heads = read_dataset(DATA / "fetal_head" / "dataset.csv", label=codes.HEAD)
    samples = [dataclasses.replace(s, split="train") for s in heads.split("train", "val")]
    learn = dataclasses.replace(heads, samples=tuple(samples))
    groups = sorted({s.group for s in learn})
    half = set(np.random.default_rng(0).permutation(groups)[: len(groups) // 2].tolist())
    one, other = (
        dataclasses.replace(learn, samples=tuple(s for s in learn if (s.group in half) == inside))
        for inside in (True, False)
    )
    plan = planned(learn, "segmentation", this_machine())
    plan = dataclasses.replace(
        plan,
        recipe=dataclasses.replace(plan.recipe, shape=(96, 144)),
        network="residual-unet",
        options={"widths": [8, 16, 32, 48]},
        settle=None,
        folds=1,
        validation=0.0,
        threads=1,
        batch=5,
        average=0.95,
        warmup=10,
    )
    return compared(
        lambda: bundle(one, in_steps(plan, len(one), 300), folder / "heads"),
        other,
        heads.split("test"),
        plan,
        (5, 10, 20),
        100,
    )


def table(rows: Sequence[dict[str, Any]], figure: str) -> str:
    """Mean and spread over the seeds."""
    lines = [f"| labels | {figure} from nothing | from a bundle | gain |", "|---|---|---|---|"]
    for row in rows:
        told = [
            f"{statistics.mean(row[n]):.3f} ± {statistics.stdev(row[n]):.3f}" for n in ("nothing", "bundle")
        ]
        gain = statistics.mean(row["bundle"]) - statistics.mean(row["nothing"])
        lines.append(f"| {row['labels']} | {told[0]} | {told[1]} | {gain:+.3f} |")
    return "\n".join(lines)


def page(found: dict[str, Any]) -> str:
    """The section of the page of benchmarks."""
    minutes = sum(found["seconds"].values()) / 60
    return f"""`python benchmarks/transfer.py`, {minutes:.0f} minutes of one core. Equal steps, the same labels, mean
and standard deviation of {SEEDS} seeds (each draws other labels, too), on the test split. What is not named is as
planned.

Breast sonograms (BreastMNIST) after 4708 chest X-rays of children (PneumoniaMNIST); a ResNet-20 of 8 channels, 150
steps, which are few for either. Another organ, another machine, another question: the gain is within the spread of the
seeds.

{table(found["classes"], "AUC")}

Fetal heads after those of other fetuses (half of them); a U-Net of 8 to 48 channels on 96x144, 100 steps. The same
question, of images of the same kind: five labels and a bundle do better than twenty from nothing. A longer training
would bring the two closer.

{table(found["outlines"], "Dice")}
"""


def write(found: dict[str, Any]) -> None:
    """Keeps the figures, and puts the tables into the page."""
    RESULT.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    if not {"classes", "outlines"} <= found.keys():
        return
    text = PAGE.read_text("utf-8")
    head, _, rest = text.partition(MARKS[0])
    _, _, tail = rest.partition(MARKS[1])
    PAGE.write_text(f"{head}{MARKS[0]}\n\n{page(found)}\n{MARKS[1]}{tail}", "utf-8")


def main() -> None:
    """Measures both, or the one that is named, and writes them down."""
    torch.set_num_threads(1)
    for part in (outlines, classes):
        name = part.__name__
        if name in (sys.argv[1:] or [name]):
            begun = time.process_time()
            with tempfile.TemporaryDirectory() as folder:
                rows = part(Path(folder))
            found = json.loads(RESULT.read_text("utf-8")) if RESULT.is_file() else {}
            seconds = {**found.get("seconds", {}), name: round(time.process_time() - begun)}
            write({**found, name: rows, "seconds": seconds, "seeds": SEEDS})


if __name__ == "__main__":
    main()
