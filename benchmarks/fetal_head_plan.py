"""The plan that the machine makes for the fetal head, without a hint, beside the bundle that was planned by hand.

``python benchmarks/fetal_head_plan.py`` learns from train and val (val is looked at on the way and not learnt from),
where the bundle learnt from both, and judges both models on the test split; a second call goes on where the first
ended. Circumferences are measured on both masks in one way: the ellipse of the mask's moments, less the pen's width.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from fetal_head import PEN
from fetal_head_bundle import NAME as BUNDLE
from fetal_head_training import dataset
from structures import Asked, Rows, asked, dice, keep, learnt, of_rows, overlay, plan_of, said, stage, table

from skiagraph.case import Dataset
from skiagraph.features import circumference, moment_ellipse
from skiagraph.findings import Finding, Measurement, Segmentation
from skiagraph.image import pixels
from skiagraph.inference import Staged
from skiagraph.preprocess.grey import grey
from skiagraph.workflow import opened_model

NAME = "fetal_head_plan"


def circumference_of(found: Segmentation) -> float:
    """Of the ellipse of a mask, along the middle of the pen, in mm; 0 of nothing."""
    ellipse = moment_ellipse(found.mask(1)) if found.segments else None
    pen = PEN * found.space.shape[1]
    if ellipse is None or min(ellipse.semi_axes) <= pen:
        return 0.0
    affine = found.space.affine
    inner = ellipse.grown(-pen).mapped(affine[:-1, :-1], affine[:-1, -1])
    return circumference(*inner.semi_axes)


def judged(model: Any, held: Dataset, what: Asked, name: str) -> Rows:
    """Dice and circumference of each case; a case that is refused has an empty outline."""
    rows: Rows = {}
    for sample in held:
        case = sample.case()
        answers = model(case)
        found = answers if isinstance(answers, Finding) else answers[0]
        (reference,) = (f for f in sample.reference() if isinstance(f, Segmentation))
        (true,) = (f for f in sample.reference() if isinstance(f, Measurement))
        none = not isinstance(found, Segmentation) or not found.segments
        mask = np.zeros(reference.space.shape, bool) if none else found.mask(1)
        off = true.value if none else abs(circumference_of(found) - true.value)
        rows[sample.identifier] = {
            "group": sample.group,
            "dice": dice(mask, reference.mask(1)),
            "hc error, mm": off,
        }
        if isinstance(model, Staged):
            to = what.work / f"{name}-{sample.identifier.replace('/', '-')}.png"
            overlay(pixels(grey(case.image)), mask, reference.mask(1), to)
    return rows


def by_machine(what: Asked) -> dict[str, Any]:
    """Learns by the machine's plan, and judges."""
    whole = dataset(what.data)
    learn = whole.split("train", "val")
    model, facts = learnt(learn, plan_of(learn, what.minutes))
    return {**facts, "cases": judged(model, whole.split("test"), what, "plan")}


def by_hand(what: Asked) -> dict[str, Any]:
    """Judges the bundle that ships."""
    return {"cases": judged(opened_model(BUNDLE), dataset(what.data).split("test"), what, "bundle")}


def main() -> None:
    """Measures what is missing, prints the table and keeps the figures."""
    what = asked(__doc__, NAME, 25)
    hand, machine = (
        stage(what.work, "bundle", lambda: by_hand(what)),
        stage(what.work, "plan", lambda: by_machine(what)),
    )
    models = {"the machine's plan": machine["cases"], "the bundle, planned by hand": hand["cases"]}
    models["difference, case by case"] = {
        name: {
            "group": row["group"],
            **{key: row[key] - hand["cases"][name][key] for key in ("dice", "hc error, mm")},
        }
        for name, row in machine["cases"].items()
    }
    figures = {
        name: {key: of_rows(rows, key) for key in ("dice", "hc error, mm")} for name, rows in models.items()
    }
    rows = [(name, said(f["dice"]), said(f["hc error, mm"], ".2f")) for name, f in figures.items()]
    text = table(("model", "Dice (95 %)", "error of HC, mm (95 %)"), rows)
    learning = machine["learning"]
    text += (
        f"\n\n{len(hand['cases'])} images of the test split. Learning took {learning['seconds']:.0f} s, "
        f"{learning['processor seconds']:.0f} s of processor ({machine['network']}, {machine['epochs']} epochs)."
    )
    keep(what, {"figures": figures, "plan": machine, "bundle": hand}, text)


if __name__ == "__main__":
    main()
