"""Vessels of the retina: the machine's plan against the first observer, beside what a second observer reaches.

``python benchmarks/retina_vessels.py`` learns from the first observer in the eyes of seven children (one of them to
look at on the way) and is judged on both eyes of three other children; a second call goes on where the first ended.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from structures import (
    Asked,
    Rows,
    Shot,
    asked,
    data_of,
    dice,
    keep,
    learnt,
    local,
    of_rows,
    overlay,
    plan_of,
    said,
    stage,
    table,
)

from skiagraph.case import Dataset
from skiagraph.image import pixels
from skiagraph.io import read_case

NAME = "retina_vessels"
CHILDREN = {"train": (1, 2, 3, 4, 5, 6), "val": (7,), "test": (8, 9, 10)}
PUBLISHED = "second observer .768, U-Net .807, LW-Net .820 (all 28 images of CHASE_DB1, other splits)"


def observed(what: Asked, eye: str, observer: str) -> NDArray[np.bool_]:
    """What an observer drew in an eye."""
    with Pillow.open(what.data / NAME / f"Image_{eye}_{observer}HO.png") as file:
        return np.asarray(file.convert("L")) > 127


def eyes(what: Asked) -> Dataset:
    """All eyes; left and right eye of a child stay together."""

    def shot(child: int, side: str, split: str) -> Shot:
        eye = f"{child:02}{side}"
        path = what.data / NAME / f"Image_{eye}.jpg"
        return Shot(
            name=eye,
            group=f"{child:02}",
            split=split,
            image=lambda: read_case(path).image,
            labels=lambda: observed(what, eye, "1st").astype(np.uint8),
        )

    shots = [shot(c, side, split) for split, children in CHILDREN.items() for c in children for side in "LR"]
    return data_of("CHASE_DB1 (20 images of 10 children)", shots, [local("retinal vessel")])


def measured(what: Asked) -> dict[str, Any]:
    """Learns, and judges each eye of the test split."""
    whole = eyes(what)
    learn = whole.split("train", "val")
    model, facts = learnt(learn, plan_of(learn, what.minutes))
    rows: Rows = {}
    for sample in whole.split("test"):
        case, eye = sample.case(), sample.identifier
        found, first = model(case).mask(1), observed(what, eye, "1st")
        second = observed(what, eye, "2nd")
        rows[eye] = {
            "group": sample.group,
            "model": dice(found, first),
            "second observer": dice(second, first),
            "model against the second observer": dice(found, second),
        }
        overlay(pixels(case.image), found, first, what.work / f"{eye}.png")
    for row in rows.values():
        row["model minus second observer"] = row["model"] - row["second observer"]
    return {**facts, "cases": rows}


def main() -> None:
    """Measures what is missing, prints the table and keeps the figures."""
    what = asked(__doc__, NAME, 8)
    found = stage(what.work, "plan", lambda: measured(what))
    names = ("model", "second observer", "model against the second observer", "model minus second observer")
    figures = {name: of_rows(found["cases"], name) for name in names}
    learning = found["learning"]
    text = table(
        ("Dice (F1) of vessels", "mean (95 %)"), [(name, said(figures[name], ".3f")) for name in names]
    )
    text += (
        f"\n\n{len(found['cases'])} eyes of {len(CHILDREN['test'])} children. Learning took "
        f"{learning['seconds']:.0f} s, {learning['processor seconds']:.0f} s of processor "
        f"({found['network']}, {found['epochs']} epochs). "
        f"Published: {PUBLISHED}."
    )
    keep(what, {"figures": figures, **found}, text)


if __name__ == "__main__":
    main()
