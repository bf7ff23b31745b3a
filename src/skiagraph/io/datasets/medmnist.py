"""MedMNIST: one npz archive with the images and labels of train, val and test."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from skiagraph.case import Target
from skiagraph.errors import FormatError, InvalidInput, SkiagraphError
from skiagraph.io.datasets.answers import Fact, chosen
from skiagraph.io.datasets.listing import Ask, Entry, Listing, listing_of
from skiagraph.io.datasets.source import ArrayItem, array_of, arrays_of
from skiagraph.io.datasets.words import class_target

__all__ = ["found", "listed"]

_SPLITS: Final = ("train", "val", "test")
_LARGE: Final = "_"  # before the size in the names of larger versions: pneumoniamnist_224


def found(path: Path) -> Path | None:
    """The archive: the path itself, or the only npz of a folder, where it has the arrays of MedMNIST."""
    if path.is_dir():
        archives = sorted(path.glob("*.npz"))
        return found(archives[0]) if len(archives) == 1 else None
    if path.suffix.lower() != ".npz":
        return None
    try:
        keys = arrays_of(path)
    except FormatError:
        return None
    return path if _splits(keys) else None


def _splits(keys: Sequence[str]) -> list[str]:
    return [split for split in _SPLITS if {f"{split}_images", f"{split}_labels"} <= set(keys)]


def listed(path: Path, ask: Ask) -> Listing:
    """The samples of an archive.

    Args:
        path: ``<split>_images`` of shape (n, rows, columns), (n, rows, columns, 3) or (n, i, j, k), and
            ``<split>_labels`` of shape (n,), (n, 1), or (n, k) for k classes that are each true or not.
        ask: How it is asked.

    Raises:
        FormatError: Damaged, or arrays that do not fit together.
        InvalidInput: A label that is none (strict).

    Source: Yang et al., MedMNIST v2, Scientific Data 10:41 (2023).
    """
    splits = _splits(arrays_of(path))
    labels = {split: _labels(path, split) for split in splits}
    target = _target(path, labels)
    entries = []
    for split, numbers in labels.items():
        for index, row in enumerate(numbers):
            identifier = f"{split}-{index:05d}"
            try:
                answer = _answer(target, row, f"{path.name}, {split}_labels, row {index}")
            except SkiagraphError as error:
                ask.notes(error)
                continue
            item = ArrayItem(path=path, key=f"{split}_images", index=index)
            entries.append(
                Entry(identifier=identifier, images=(("image", item),), answers=(answer,), split=split)
            )
    shape = "x".join(str(n) for n in array_of(path, f"{splits[0]}_images").shape[1:])
    sizes = ", ".join(f"{len(numbers)} {split}" for split, numbers in labels.items())
    said = f"{sizes} images of {shape}, {len(target.labels)} classes ({target.kind})"
    return listing_of(said, entries, [target], ask, name=path.stem)


def _labels(path: Path, split: str) -> NDArray[np.int64]:
    """Shape (n, k)."""
    labels, images = array_of(path, f"{split}_labels"), array_of(path, f"{split}_images")
    if labels.ndim == 1:
        labels = labels[:, None]
    if labels.ndim != 2 or not labels.shape[1] or images.ndim < 3 or len(labels) != len(images):
        raise FormatError(
            f"{path.name} has one row of labels for each image of {split}",
            got=f"{labels.shape}, {images.shape}",
        )
    return labels.astype(np.int64)


@functools.cache
def _known() -> Mapping[str, Any]:
    text = Path(__file__).with_name("medmnist_labels.json").read_text(encoding="utf-8")
    known: Mapping[str, Any] = json.loads(text)
    return known


def _target(path: Path, labels: Mapping[str, NDArray[np.int64]]) -> Target:
    name = path.stem.lower().partition(_LARGE)[0]
    width = {numbers.shape[1] for numbers in labels.values()}
    if len(width) != 1:
        raise FormatError(f"the labels of {path.name} have one width in all splits", got=str(sorted(width)))
    several = width.pop()
    names = _known()["labels"].get(name)
    if several > 1:
        words = names if names and len(names) == several else [f"{name} {n}" for n in range(several)]
        return class_target(name, words, "multi-label")
    if names is None:
        there = np.unique(np.concatenate([numbers.ravel() for numbers in labels.values()]))
        names = [str(n) for n in range(int(there.max()) + 1)]
    kind: Literal["ordinal", "multi-class"] = "ordinal" if name in _known()["ordinal"] else "multi-class"
    return class_target(name, names, kind)


def _answer(target: Target, row: NDArray[np.int64], where: str) -> Fact:
    if target.kind == "multi-label":
        if not np.isin(row, (0, 1)).all():
            raise InvalidInput(f"each class is 1 or 0 ({where})", got=str(row.tolist())[:60])
        return chosen(target, np.flatnonzero(row).tolist())
    number = int(row[0])
    if not 0 <= number < len(target.labels):
        raise InvalidInput(f"a label lies between 0 and {len(target.labels) - 1} ({where})", got=str(number))
    return chosen(target, [number])
