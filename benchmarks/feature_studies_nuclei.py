"""Nuclei by their outlines alone: features of shape of each nucleus, brought together for each image."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from feature_studies_data import CACHE
from nuclei import kind_of
from numpy.typing import NDArray
from PIL import Image as Pillow
from scipy import ndimage
from small_pictures import DATA, kept

from skiagraph.case import Label, Target
from skiagraph.codes import Code
from skiagraph.features.feature import Feature
from skiagraph.features.region import Region
from skiagraph.features.sets import SETS
from skiagraph.features.shape.classic import BREAST_OUTLINE
from skiagraph.training.classical import FeatureTable

SUMMARIES: Final = ("median", "spread")
KINDS: Final = ("fluorescence", "histology")

Array = NDArray[np.float64]


def nuclei() -> tuple[dict[str, FeatureTable], dict[str, Any]]:
    """Tables with a row an image, by name, and how many nuclei they tell of."""
    found = kept(CACHE / "nuclei.json", _described)
    images, keys = found["images"], found["columns"]
    columns = tuple(f"{key} {how}" for how in SUMMARIES for key in keys)
    numbers = np.array([_summed(np.array(one["rows"], dtype=np.float64)) for one in images])
    flat = [key for key, unit in zip(keys, found["units"], strict=True) if not unit]
    chosen = {"all of shape": keys, "shape without size": flat, "15 values of the outline": BREAST_OUTLINE}
    tables = {
        name: _table(found, columns, numbers, {f"{key} {how}" for how in SUMMARIES for key in some})
        for name, some in chosen.items()
    }
    counts = {"nuclei": sum(len(one["rows"]) for one in images), "at the border": found["at the border"]}
    return tables, counts


def _described() -> dict[str, Any]:
    images: list[dict[str, Any]] = []
    first: tuple[Feature, ...] = ()
    at_border = 0
    for path in sorted((DATA / "nuclei" / "images").glob("*.png")):
        with Pillow.open(path.parent.parent / "labels" / path.name) as file:
            labels = np.asarray(file)
        rows = []
        masks, cut = _whole(labels)
        at_border += cut
        for mask in masks:
            first = _outline_only(mask)
            rows.append([f.value for f in first])
        images.append({"name": path.stem, "kind": kind_of(path), "rows": rows})
        print(f"  {path.stem}: {len(rows)} nuclei", flush=True)
    return {
        "images": images,
        "columns": [f.key for f in first],
        "units": [f.unit for f in first],
        "at the border": at_border,
    }


def _whole(labels: NDArray[Any]) -> tuple[list[NDArray[np.bool_]], int]:
    """The nuclei that the edge of the picture does not cut, each in its box, and how many others there are."""
    masks, cut = [], 0
    for number, box in enumerate(ndimage.find_objects(labels), 1):
        if box is None:
            continue
        if any(part.start == 0 or part.stop == n for part, n in zip(box, labels.shape, strict=True)):
            cut += 1
        else:
            masks.append(np.pad(labels[box] == number, 1))
    return masks, cut


def _outline_only(mask: NDArray[np.bool_]) -> tuple[Feature, ...]:
    """Its numbers are all nought, so that nothing of the picture can be read."""
    return SETS["shape"](Region(numbers=np.zeros(mask.shape), mask=mask))


def _summed(rows: Array) -> list[float]:
    """Median, then distance of the quartiles, of each feature over the nuclei that have it."""
    known = [column[np.isfinite(column)] for column in rows.T]
    middle = [float(np.median(c)) if len(c) else np.nan for c in known]
    spread = [float(np.subtract(*np.percentile(c, [75, 25]))) if len(c) else np.nan for c in known]
    return [*middle, *spread]


def _table(found: dict[str, Any], columns: tuple[str, ...], numbers: Array, some: set[str]) -> FeatureTable:
    at = [n for n, column in enumerate(columns) if column in some]
    labels = tuple(
        Label(number=n, code=Code(value=kind, scheme="99LOCAL", meaning=kind)) for n, kind in enumerate(KINDS)
    )
    concept = Code(value="stain", scheme="99LOCAL", meaning="stain")
    return FeatureTable(
        name="nuclei",
        columns=tuple(columns[n] for n in at),
        numbers=numbers[:, at],
        truth=np.array([float(one["kind"].startswith(KINDS[1])) for one in found["images"]]),
        groups=tuple(one["name"] for one in found["images"]),
        target=Target(name="stain", kind="multi-class", concept=concept, labels=labels),
    )


def sizes(found: Path = CACHE / "nuclei.json") -> dict[str, int]:
    """How many images there are of each microscope."""
    kinds = [one["kind"] for one in kept(found, _described)["images"]]
    return {kind: kinds.count(kind) for kind in sorted(set(kinds))}
