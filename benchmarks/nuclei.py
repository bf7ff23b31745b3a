"""Nuclei in fluorescence and histology: the machine's plan, nucleus against all else.

``python benchmarks/nuclei.py`` learns from 60 % of the images of each kind (size and colour), looks at 15 % on the way
and is judged on the rest; a second call goes on where the first ended.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
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

NAME = "nuclei"


def kind_of(path: Path) -> str:
    """Stain and size: images of one kind come from one microscope."""
    with Pillow.open(path) as file:
        array = np.asarray(file.convert("RGB"))
    stain = "histology" if np.ptp(array.astype(int), axis=-1).max() > 0 else "fluorescence"
    return f"{stain} {array.shape[1]}x{array.shape[0]}"


def foreground(path: Path) -> NDArray[np.uint8]:
    """1 where there is any nucleus."""
    with Pillow.open(path) as file:
        return (np.asarray(file) > 0).astype(np.uint8)


def images(what: Asked) -> tuple[Dataset, dict[str, str]]:
    """All images in fixed splits, and the kind of each."""
    kinds: dict[str, list[Path]] = defaultdict(list)
    for path in sorted((what.data / NAME / "images").glob("*.png")):
        kinds[kind_of(path)].append(path)
    shots, kind = [], {}
    for name, paths in kinds.items():
        for place, n in enumerate(np.random.default_rng(0).permutation(len(paths))):
            share, path = (place + 0.5) / len(paths), paths[n]
            split = "train" if share < 0.6 else "val" if share < 0.75 else "test"
            shots.append(_shot(path, split))
            kind[path.stem] = name
    shots.sort(key=lambda shot: shot.name)
    return data_of("115 images of the Data Science Bowl 2018", shots, [local("nucleus")]), kind


def _shot(path: Path, split: str) -> Shot:
    labels = path.parent.parent / "labels" / path.name
    return Shot(
        name=path.stem,
        group=path.stem,
        split=split,
        image=lambda: read_case(path).image,
        labels=lambda: foreground(labels),
    )


def measured(what: Asked) -> dict[str, Any]:
    """Learns, and judges each image of the test split."""
    whole, kind = images(what)
    learn = whole.split("train", "val")
    model, facts = learnt(learn, plan_of(learn, what.minutes))
    rows: Rows = {}
    for sample in whole.split("test"):
        case = sample.case()
        (reference,) = sample.reference()
        found, true = model(case).mask(1), reference.mask(1)
        name = sample.identifier
        rows[name] = {"group": name, "kind": kind[name], "dice": dice(found, true)}
        overlay(pixels(case.image), found, true, what.work / f"{name}.png")
    return {**facts, "cases": rows}


def main() -> None:
    """Measures what is missing, prints the table and keeps the figures."""
    what = asked(__doc__, NAME, 8)
    found = stage(what.work, "plan", lambda: measured(what))
    cases: Rows = found["cases"]
    figures = {"all": of_rows(cases, "dice")}
    for kind in sorted({row["kind"] for row in cases.values()}):
        figures[kind] = of_rows({n: row for n, row in cases.items() if row["kind"] == kind}, "dice")
    learning = found["learning"]
    rows = [(kind, str(f["n"]), said(f, ".3f")) for kind, f in figures.items()]
    text = table(("images", "n", "Dice of nuclei, mean (95 %)"), rows)
    text += (
        f"\n\nLearning took {learning['seconds']:.0f} s, {learning['processor seconds']:.0f} s of processor "
        f"({found['network']}, {found['epochs']} epochs)."
    )
    keep(what, {"figures": figures, **found}, text)


if __name__ == "__main__":
    main()
