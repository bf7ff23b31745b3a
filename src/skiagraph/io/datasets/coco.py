"""COCO: json files with images, categories and boxes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from skiagraph.case import Label, Target
from skiagraph.errors import FormatError, InvalidInput, MissingInput, SkiagraphError
from skiagraph.io.datasets.answers import Marked
from skiagraph.io.datasets.listing import Ask, Entry, Listing, listing_of
from skiagraph.io.datasets.parsed import json_of
from skiagraph.io.datasets.source import ImageFile
from skiagraph.io.datasets.words import local, split_word

__all__ = ["found", "listed"]

_KEYS: Final = frozenset({"images", "annotations", "categories"})


def found(path: Path) -> Path | None:
    """The json file, or the folder that has some, itself or in annotations."""
    if path.is_dir():
        return path if _files(path) else None
    return path if path.suffix.lower() == ".json" and _is_coco(path) else None


def _files(folder: Path) -> list[Path]:
    places = (folder, folder / "annotations")
    return [file for place in places for file in sorted(place.glob("*.json")) if _is_coco(file)]


def _is_coco(file: Path) -> bool:
    try:
        return set(json_of(file)) >= _KEYS
    except FormatError:
        return False


def listed(path: Path, ask: Ask) -> Listing:
    """The samples of one file, or of one a split: the split stands in the name of the file.

    Args:
        path: ``bbox`` is (left, top, width, height) from the outer corner of the first pixel; outlines are left alone.
        ask: How it is asked.

    Raises:
        FormatError: Not such files, or nothing that can be used.
        MissingInput: An image that is missing (strict).
        InvalidInput: A box that is none (strict).

    Source: https://cocodataset.org/#format-data (object detection).
    """
    files = _files(path) if path.is_dir() else [path]
    folder = path if path.is_dir() else path.parent
    said = {file: json_of(file) for file in files}
    target = _target([one for data in said.values() for one in data["categories"]])
    entries: list[Entry] = []
    for file, data in said.items():
        split = next(
            (s for part in file.stem.replace("-", "_").split("_") if (s := _split_of(part))), "train"
        )
        entries += _entries(data, _Place(folder, file, split), target, ask)
    boxes = sum(len(a.edges) for e in entries for a in e.answers if isinstance(a, Marked))
    words = ", ".join(label.name for label in target.labels)
    return listing_of(
        f"{len(entries)} images with {boxes} boxes of {words}",
        entries,
        [target],
        ask,
        name=folder.resolve().name,
    )


def _split_of(word: str) -> str | None:
    return split_word(word.rstrip("0123456789"))


class _Place:
    """Where a file of annotations lies, and where its images may."""

    def __init__(self, folder: Path, file: Path, split: str) -> None:
        self.file, self.split = file, split
        roots = (file.parent, folder, folder.parent)
        self._folders = [
            root / part for root in roots for part in ("", "images", split, f"images/{split}", f"{split}2017")
        ]

    def image(self, name: str) -> Path:
        for folder in self._folders:
            if (folder / name).is_file():
                return folder / name
        raise MissingInput(f"{self.file.name} names images that exist", got=name)


def _target(categories: list[Mapping[str, Any]]) -> Target:
    named = {int(one["id"]): str(one["name"]) for one in categories if {"id", "name"} <= set(one)}
    if not named:
        raise FormatError("the categories of a COCO file have an id and a name", got="none")
    labels = tuple(Label(number=number, code=local(word)) for number, word in sorted(named.items()))
    return Target(name="objects", kind="boxes", concept=local("objects"), labels=labels)


def _entries(data: Mapping[str, Any], place: _Place, target: Target, ask: Ask) -> list[Entry]:
    boxes: dict[Any, list[tuple[int, tuple[float, ...], tuple[float, ...]]]] = {}
    sizes = {one.get("id"): one for one in data["images"]}
    known = {label.number for label in target.labels}
    for number, one in enumerate(data["annotations"]):
        where = f"{place.file.name}, annotation {one.get('id', number)}"
        try:
            boxes.setdefault(one.get("image_id"), []).append(_edges(one, sizes, known, where))
        except SkiagraphError as error:
            ask.notes(error)
    entries = []
    for one in data["images"]:
        name = str(one.get("file_name", ""))
        try:
            image = ImageFile(path=place.image(name))
        except SkiagraphError as error:
            ask.notes(error)
            continue
        marked = Marked(target=target, edges=tuple(boxes.get(one.get("id"), ())))
        entries.append(
            Entry(
                identifier=f"{place.split}/{name}",
                images=(("image", image),),
                answers=(marked,),
                split=place.split,
            )
        )
    return entries


def _edges(
    one: Mapping[str, Any], sizes: Mapping[Any, Mapping[str, Any]], known: set[int], where: str
) -> tuple[int, tuple[float, ...], tuple[float, ...]]:
    box, number = one.get("bbox"), one.get("category_id")
    image = sizes.get(one.get("image_id"))
    if not isinstance(box, list) or len(box) != 4 or number not in known or image is None:
        raise InvalidInput(f"a box has four numbers, a category and an image ({where})", got=str(box)[:60])
    left, top, width, height = (float(n) for n in box)
    if not (width > 0 and height > 0):
        raise InvalidInput(f"a box has a width and a height ({where})", got=f"{width:g} x {height:g}")
    rows, columns = image.get("height"), image.get("width")
    if rows and columns and (left < -1 or top < -1 or left + width > columns + 1 or top + height > rows + 1):
        raise InvalidInput(f"a box lies in its image ({where})", got=f"{box} in {columns} x {rows}")
    return int(str(number)), (top - 0.5, left - 0.5), (top + height - 0.5, left + width - 0.5)
