"""MONAI datalist: a json file with lists of images and labels, as the Medical Segmentation Decathlon has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from skiagraph.errors import FormatError
from skiagraph.io.datasets.listing import Ask, Listing
from skiagraph.io.datasets.parsed import json_of
from skiagraph.io.datasets.questions import Row, Wanted
from skiagraph.io.datasets.table import Table, listing_of_table
from skiagraph.io.datasets.words import split_word

__all__ = ["found", "listed"]

_ROLES: Final = (
    "image",
    "label",
    "fold",
    "group",
    "patient",
    "subject",
    "subject_id",
    "patient_id",
    "weight",
)


def found(path: Path) -> Path | None:
    """The json file with a list called training, or the only such file of a folder."""
    files = [path] if path.suffix.lower() == ".json" else sorted(path.glob("*.json")) if path.is_dir() else []
    good = [file for file in files if _is_list(file)]
    return good[0] if len(good) == 1 else None


def _is_list(file: Path) -> bool:
    try:
        said = json_of(file)
    except FormatError:
        return False
    return bool(_lists(said))


def _lists(said: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    """By split, the items that have a reference or may have one."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for key, items in said.items():
        split = split_word(key)
        if split and isinstance(items, list):
            good = [item for item in items if isinstance(item, dict) and "image" in item]
            if good:
                found.setdefault(split, []).extend(good)
    return found


def listed(path: Path, ask: Ask) -> Listing:
    """The samples of a datalist.

    Args:
        path: Lists called ``training``, ``validation``, ``test`` of objects with ``image`` (a name, or a list of the
            names of channels) and ``label`` (the name of a mask, a class, a list of classes or a number). Names are
            relative to the file.
        ask: How it is asked.

    Raises:
        FormatError: Not such a file, or nothing that can be used.
        MissingInput: A file that it names does not exist (strict).

    Source: MONAI `monai.data.load_decathlon_datalist`.
    """
    said = json_of(path)
    rows, without = [], 0
    for split, items in _lists(said).items():
        for item in items:
            if "label" not in item:
                without += 1
                continue
            rows.append(_row(item, split, _channels(said)))
    if without:
        ask.notes.say(f"{without} items of {path.name} have no label and were left out.")
    if not rows:
        raise FormatError(f"the lists of {path.name} have items with image and label", got="none")
    header = list(dict.fromkeys(key for row in rows for key in row))
    full = [(n, {key: row.get(key, "") for key in header}) for n, row in enumerate(rows, 1)]
    name = str(said.get("name") or path.resolve().parent.name)
    table = Table(name=name, file=path, rows=full, targets=_targets(path, full, said))
    return listing_of_table(table, ask)


def _channels(said: Mapping[str, Any]) -> list[str]:
    named = said.get("modality") or said.get("channel_names")
    return [str(named[key]) for key in sorted(named)] if isinstance(named, dict) else []


def _row(item: Mapping[str, Any], split: str, channels: list[str]) -> dict[str, str]:
    row = {key: str(item[key]) for key in item if key in _ROLES and not isinstance(item[key], list | dict)}
    image, label = item["image"], item["label"]
    if isinstance(image, list):
        names = channels if len(channels) == len(image) else [str(n) for n in range(len(image))]
        row |= {f"image.{name}": str(one) for name, one in zip(names, image, strict=True)}
    if isinstance(label, list):
        row["label"] = "|".join(str(one) for one in label)
    row.pop("fold", None)
    return {**row, "split": split}


def _targets(
    path: Path, rows: Sequence[tuple[int, Row]], said: Mapping[str, Any]
) -> tuple[Wanted, ...] | None:
    """The labels that the file names, where its labels are masks; None leaves the rest to the cells."""
    labels = said.get("labels")
    if not isinstance(labels, dict) or not all(str(key).isdecimal() for key in labels):
        return None
    if not (path.parent / rows[0][1]["label"]).is_file():
        return None
    named = tuple((str(key), str(word)) for key, word in labels.items() if int(key) > 0)
    return (Wanted(name="label", kind="segmentation", columns={"": "label"}, labels=named),)
