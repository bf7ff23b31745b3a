"""Tissues of the brain in skull-stripped T1: patch network, 2-D and 3-D U-Net, each learnt without two of six people.

``python benchmarks/brain_tissue.py`` trains each network in three folds; a second call goes on where the first ended.
The labels call CSF what lies in the ventricles only; CSF around the brain is background to them.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from brain_patches import learnt_patches, tissues_of
from numpy.typing import NDArray
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

from skiagraph.case import Case
from skiagraph.geometry import Plane, derived_frame
from skiagraph.image import Image, pixels
from skiagraph.io import read_case
from skiagraph.task import Intensity

NAME = "brain_tissue"
PEOPLE = ("1009", "1011", "1015", "1023", "1038", "1119")
TISSUES = (local("ventricular CSF"), local("grey matter"), local("white matter"))
SHORT = ("CSF", "grey", "white")
PUBLISHED = (".779", ".900", ".863")
WINDOW = Intensity(
    low=-4.0, high=4.0, mean=0.0, deviation=1.0
)  # of volumes whose brain has mean 0 and deviation 1


class Brains:
    """The six people, read when asked."""

    def __init__(self, data: Path) -> None:
        self.folder = data / NAME

    def file(self, person: str) -> Path:
        """The skull-stripped T1."""
        return self.folder / f"{person}_SS.nii.gz"

    def labels(self, person: str) -> NDArray[np.uint8]:
        """1 CSF of the ventricles, 2 grey, 3 white."""
        image = read_case(self.folder / f"{person}_classified.nii.gz").image
        return pixels(image).astype(np.uint8)

    def standard(self, person: str) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """The T1 with mean 0 and deviation 1 in the brain, cut at 4 deviations, and where the brain is."""
        values = pixels(read_case(self.file(person)).image).astype(np.float32)
        brain = values > 0
        inside = values[brain]
        return ((values - inside.mean()) / inside.std()).clip(WINDOW.low, WINDOW.high), brain


Predict = Callable[[str], NDArray[np.uint8]]


def volumes(brains: Brains, what: Asked, learn: list[str]) -> tuple[Predict, dict[str, Any]]:
    """The machine's plan for volumes."""
    shots = [
        Shot(
            name=p,
            group=p,
            split="train",
            image=lambda p=p: read_case(brains.file(p)).image,
            labels=lambda p=p: brains.labels(p),
        )
        for p in learn
    ]
    data = data_of("OASIS, six people", shots, TISSUES)
    model, facts = learnt(data, plan_of(data, what.minutes))
    return lambda person: np.asarray(model(read_case(brains.file(person))).labels), facts


def slices(brains: Brains, what: Asked, learn: list[str]) -> tuple[Predict, dict[str, Any]]:
    """The machine's plan for axial slices, with the one hint that numbers mean the same in all slices of a volume."""

    @cache
    def whole(person: str) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        return brains.standard(person)[0], brains.labels(person)

    def shot(person: str, n: int) -> Shot:
        return Shot(
            name=f"{person}-{n}",
            group=person,
            split="train",
            image=lambda: _picture(whole(person)[0][n], f"{person}-{n}"),
            labels=lambda: whole(person)[1][n],
        )

    shots = [shot(p, int(n)) for p in learn for n in np.flatnonzero(brains.standard(p)[1].any((1, 2)))]
    data = data_of("OASIS, axial slices of six people", shots, TISSUES)
    plan = plan_of(data, what.minutes)
    plan = dataclasses.replace(
        plan, recipe=dataclasses.replace(plan.recipe, normalise="window", intensity=WINDOW)
    )
    model, facts = learnt(data, plan)

    def predict(person: str) -> NDArray[np.uint8]:
        values, brain = brains.standard(person)
        result = np.zeros(values.shape, np.uint8)
        for n in np.flatnonzero(brain.any((1, 2))):
            image = _picture(values[n], f"{person}-{n}")
            result[n] = model(Case(identifier=f"{person}-{n}", images={"image": image})).labels
        return result

    return predict, facts


def _picture(values: NDArray[np.float32], name: str) -> Image:
    space = Plane.upright(
        shape=(values.shape[0], values.shape[1]), spacing=(1.0, 1.0), frame=derived_frame(name)
    )
    return Image(data=np.ascontiguousarray(values), space=space)


def patches(brains: Brains, what: Asked, learn: list[str]) -> tuple[Predict, dict[str, Any]]:
    """The tissue network, learnt from 13x13 patches and then run over whole slices."""
    known = [(*brains.standard(p), brains.labels(p)) for p in learn]
    network, facts = learnt_patches(known, TISSUES, WINDOW, 60 * what.minutes)
    return lambda person: tissues_of(network, *brains.standard(person)), facts


NETWORKS = {"patch network, 13x13": patches, "2-D U-Net": slices, "3-D U-Net": volumes}


def measured(what: Asked, brains: Brains, name: str, held: list[str]) -> dict[str, Any]:
    """Learns without two people, and judges on them."""
    predict, facts = NETWORKS[name](brains, what, [p for p in PEOPLE if p not in held])
    rows: Rows = {}
    for person in held:
        found, true = predict(person), brains.labels(person)
        rows[person] = {"group": person}
        for number, short in enumerate(SHORT, 1):
            rows[person][short] = dice(found == number, true == number)
            n = len(true) // 2
            to = what.work / f"{name.split(maxsplit=1)[0]}-{person}-{short}.png"
            overlay(
                brains.standard(person)[0][n],
                (found == number)[n],
                (true == number)[n],
                to,
            )
        rows[person]["mean"] = float(np.mean([rows[person][short] for short in SHORT]))
    return {**facts, "cases": rows}


def main() -> None:
    """Measures what is missing, prints the table and keeps the figures."""
    folds = _folds()
    what = asked(__doc__, NAME, 4)
    brains = Brains(what.data)
    held = [list(PEOPLE[n : n + 2]) for n in range(0, len(PEOPLE), 2)][:folds]
    results, lines = {}, []
    for name in NETWORKS:
        short = name.split()[0]
        parts = [
            stage(what.work, f"{short}-{n}", lambda w=name, p=people: measured(what, brains, w, p))
            for n, people in enumerate(held)
        ]
        cases: Rows = {person: row for part in parts for person, row in part["cases"].items()}
        figures = {key: of_rows(cases, key) for key in (*SHORT, "mean")}
        spent = [
            sum(part["learning"][k] for part in parts) / len(parts) for k in ("seconds", "processor seconds")
        ]
        results[name] = {"figures": figures, "folds": parts}
        lines.append((name, *(said(f, ".3f") for f in figures.values()), *(f"{s:.0f}" for s in spent)))
    lines.append(("eight methods, another set: mean", *PUBLISHED, "", "", ""))
    text = table(("network", *SHORT, "mean", "s of learning", "s of processor"), lines)
    text += (
        f"\n\nMean Dice of {2 * len(held)} people with 95 % intervals, each judged by a network that learnt from "
        "four others; seconds are those of one fold. Six people only, and CSF is that of the ventricles only, so that "
        "the published CSF answers another question."
    )
    if len(held) < 3:
        what = dataclasses.replace(what, usual=float("inf"))
    keep(what, {"networks": results}, text)


def _folds() -> int:
    """``--folds 1`` looks whether all runs; it is taken from the line before the others are read."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--folds", type=int, default=3)
    given, rest = parser.parse_known_args()
    sys.argv[1:] = rest
    return int(given.folds)


if __name__ == "__main__":
    main()
