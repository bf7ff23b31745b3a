"""The two MedMNIST sets as this benchmark sees them: copies in one group, and what is learnt apart from the test."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from skiagraph.case import Dataset, Sample
from skiagraph.features.likeness import signature, twins
from skiagraph.image import pixels
from skiagraph.io import read_dataset

HERE: Final = Path(__file__).parent
DATA: Final = Path(os.environ.get("SKIAGRAPH_DATA", HERE.parent.parent / "shared" / "data"))
RESULTS: Final = HERE / "results"
CACHE: Final = Path(tempfile.gettempdir()) / "skiagraph-small-pictures"
SETS: Final = {
    "pneumonia": "chest_xray_pneumonia/pneumoniamnist.npz",
    "breast": "breast_ultrasound/breastmnist.npz",
}

logging.getLogger("lightning_fabric").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A set in its parts.

    Args:
        learn: The official train and val splits together; pictures that are copies of one another share a group.
        test: The official test split.
        copied: Identifiers of test pictures that have a copy in `learn`.
        across: Pairs of copies that stand on both sides of two official splits.
    """

    learn: Dataset
    test: Dataset
    copied: frozenset[str]
    across: int


def kept(file: Path, make: Callable[[], Any]) -> Any:
    """What a file holds; else made now, and kept."""
    if file.is_file():
        return json.loads(file.read_text("utf-8"))
    value = make()
    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_suffix(".half")
    half.write_text(json.dumps(value, indent=1), "utf-8")
    half.replace(file)
    return value


def parts(name: str) -> Parts:
    """One of `SETS`, read and looked through for copies."""
    dataset = read_dataset(DATA / SETS[name])
    samples = list(dataset)
    pairs = kept(CACHE / f"{name}-copies.json", lambda: _copies(samples))
    splits = [s.split for s in samples]
    group = _joined(len(samples), [p for p in pairs if "test" not in (splits[p[0]], splits[p[1]])])
    learn = [
        dataclasses.replace(s, group=f"g{group[n]}", split="train")
        for n, s in enumerate(samples)
        if s.split != "test"
    ]
    beside = {i for p in pairs for i in p if {splits[p[0]], splits[p[1]]} & {"train", "val"}}
    return Parts(
        learn=dataclasses.replace(dataset, samples=tuple(learn)),
        test=dataset.split("test"),
        copied=frozenset(samples[i].identifier for i in beside if splits[i] == "test"),
        across=sum(splits[a] != splits[b] for a, b in pairs),
    )


def _copies(samples: Sequence[Sample]) -> list[list[int]]:
    found = twins([signature(np.asarray(pixels(s.case().image), dtype=np.float32)) for s in samples])
    return [[t.first, t.second] for t in found]


def _joined(n: int, pairs: Sequence[Sequence[int]]) -> list[int]:
    """The number of the group of each of `n` samples, where pairs share one."""
    group = list(range(n))
    for a, b in pairs:
        old, new = max(group[a], group[b]), min(group[a], group[b])
        group = [new if g == old else g for g in group]
    return group
