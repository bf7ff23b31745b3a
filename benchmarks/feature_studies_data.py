"""The cases of the studies of features: pictures that a network learns from, and features of the same cases."""

from __future__ import annotations

import dataclasses
import functools
import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from small_pictures import kept, parts

from skiagraph.case import Case, Dataset, Sample
from skiagraph.features.feature import Feature
from skiagraph.features.region import region_of
from skiagraph.features.sets import SETS
from skiagraph.features.shape.classic import BREAST_OUTLINE
from skiagraph.findings import Segmentation
from skiagraph.geometry import Plane, derived_frame
from skiagraph.image import Image
from skiagraph.image.quantity import GREY
from skiagraph.metrics.ranking import roc_auc
from skiagraph.phantoms.breast_sonogram import breast_tumours
from skiagraph.phantoms.breast_tumour import sample_breast_tumour
from skiagraph.training.classical import FeatureTable

CACHE: Final = Path(tempfile.gettempdir()) / "skiagraph-feature-studies"
SIDE: Final = 96  # samples of a picture that a network is shown
MARGIN: Final = 1.5  # sides of the box round an outline
CASES, MALIGNANT = 240, 0.25

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cases:
    """One question.

    Args:
        pictures: What a network learns from.
        tables: Features of the same cases in the same order, by name.
    """

    pictures: Dataset
    tables: Mapping[str, FeatureTable]


def phantom(difficulty: float) -> Cases:
    """Breast tumours with known outlines; they are drawn once."""
    rng = np.random.default_rng([6, round(100 * difficulty)])
    drawn = breast_tumours(CASES, difficulty, rng, malignant=MALIGNANT)
    file = CACHE / f"phantom-{difficulty:g}.npz"
    if not file.is_file():
        _draw(drawn, file)
    with np.load(file) as stored:
        boxes, numbers, columns = stored["boxes"], stored["numbers"], tuple(map(str, stored["columns"]))
    samples = tuple(
        dataclasses.replace(s, case=functools.partial(_shown, s.identifier, box), reference=_first(s))
        for s, box in zip(drawn, boxes, strict=True)
    )
    every = _table(drawn, columns, numbers)
    return Cases(
        pictures=dataclasses.replace(drawn, samples=samples),
        tables={"15 values of the outline": of(every, BREAST_OUTLINE), "all features": every},
    )


def _draw(drawn: Dataset, file: Path) -> None:
    boxes, rows = [], []
    for n, sample in enumerate(drawn, 1):
        image = sample.case().image
        (mask,) = (f.labels > 0 for f in sample.reference() if isinstance(f, Segmentation))
        rows.append(SETS["all"](region_of(image, mask)))
        boxes.append(_box(np.asarray(image.data), mask))
        if n % 40 == 0:
            print(f"  {n}/{len(drawn)} drawn", flush=True)
    columns, numbers = _columns(rows)
    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_suffix(".half.npz")
    np.savez_compressed(half, boxes=np.stack(boxes), numbers=numbers, columns=np.array(columns))
    half.replace(file)


def _box(picture: NDArray[Any], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The square round an outline with its margin, moved into the picture where it leaves it, of `SIDE` samples."""
    low, high = np.array([[np.flatnonzero(mask.any(axis))[end] for axis in (1, 0)] for end in (0, -1)])
    side = min(MARGIN * float((high - low + 1).max()), *mask.shape)
    top, left = (
        min(max(0.0, (a + b + 1 - side) / 2), n - side) for a, b, n in zip(low, high, mask.shape, strict=True)
    )
    cut = Pillow.fromarray(picture).resize(
        (SIDE, SIDE), Pillow.Resampling.BILINEAR, box=(left, top, left + side, top + side)
    )
    return np.asarray(cut, dtype=np.uint8)


def _shown(name: str, box: NDArray[np.uint8]) -> Case:
    space = Plane.upright(shape=(SIDE, SIDE), spacing=None, frame=derived_frame(name))
    return Case(identifier=name, images={"image": Image(data=box, space=space, quantity=GREY, modality="US")})


def _first(sample: Sample) -> Any:
    """The class without the outline, which lies in the space of the whole picture."""
    return lambda: sample.reference()[:1]


def breast() -> tuple[Cases, Cases]:
    """BreastMNIST: what is learnt from (copies share a group), and the official test split without copies of it."""
    split = parts("breast")
    fresh = tuple(s for s in split.test if s.identifier not in split.copied)
    return _breast(split.learn, "learn"), _breast(dataclasses.replace(split.test, samples=fresh), "test")


def _breast(dataset: Dataset, name: str) -> Cases:
    told = kept(CACHE / f"breast-{name}.json", lambda: _whole(dataset))
    table = _table(dataset, tuple(told["columns"]), np.array(told["numbers"], dtype=np.float64))
    return Cases(pictures=dataset, tables={"texture features": table})


def _whole(dataset: Dataset) -> dict[str, Any]:
    """Texture and local features of whole pictures."""
    rows = []
    for sample in dataset:
        image = sample.case().image
        region = region_of(image, np.ones(image.space.shape, dtype=np.bool_))
        rows.append((*SETS["texture"](region), *SETS["local"](region)))
    columns, numbers = _columns(rows)
    return {"columns": columns, "numbers": numbers.tolist()}


def _columns(rows: Sequence[Sequence[Feature]]) -> tuple[list[str], Array]:
    columns = list(dict.fromkeys(f.key for row in rows for f in row))
    values = [{f.key: f.value for f in row} for row in rows]
    return columns, np.array([[row.get(key, math.nan) for key in columns] for row in values])


def _table(dataset: Dataset, columns: tuple[str, ...], numbers: Array) -> FeatureTable:
    (target,) = (t for t in dataset.targets if t.kind == "multi-class")
    return FeatureTable(
        name=dataset.name,
        columns=columns,
        numbers=numbers,
        truth=np.array([s.stratum for s in dataset]),
        groups=tuple(s.group for s in dataset),
        target=target,
        licence=dataset.licence,
    )


def of(table: FeatureTable, columns: Sequence[str]) -> FeatureTable:
    """Some columns of a table."""
    at = [table.columns.index(c) for c in columns]
    return dataclasses.replace(table, columns=tuple(columns), numbers=table.numbers[:, at])


def ceiling(difficulty: float, n: int = 20_000) -> float:
    """Area under the curve of who knew the five signs of a tumour exactly: they weigh the same, so of their sum."""
    rng = np.random.default_rng([7, round(100 * difficulty)])
    truth = np.arange(n) % 2
    told = []
    for kind in truth:
        t = sample_breast_tumour(rng, malignant=bool(kind), difficulty=difficulty)
        told.append(t.roughness + (t.aspect - 0.5) / 0.7 + t.echo + t.blur + t.shadow)
    return float(roc_auc(told, truth.astype(np.float64))[0])
