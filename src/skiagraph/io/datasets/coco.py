"""COCO: json files with images, categories and boxes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from skiagraph.case import Label, Target
from skiagraph.errors import FormatError, InvalidInput, MissingInput, SkiagraphError
from skiagraph.io.datasets.answers import Marked
from skiagraph.io.datasets.listing import Ask, Entry, Listing, listing_of
from skiagraph.io.datasets.parsed import json_of, numbers_in, objects_in, whole_in
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
    target = _target(
        [one for file, data in said.items() for one in objects_in(data, "categories", file.name)]
    )
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
            if name and "\0" not in name and (folder / name).is_file():
                return folder / name
        raise MissingInput(f"{self.file.name} names images that exist", got=name)


def _target(categories: list[Mapping[str, Any]]) -> Target:
    named = {
        whole_in(one["id"], "the id of a category", str(one["name"])[:40]): str(one["name"])
        for one in categories
        if {"id", "name"} <= set(one)
    }
    if not named:
        raise FormatError("the categories of a COCO file have an id and a name", got="none")
    labels = tuple(Label(number=number, code=local(word)) for number, word in sorted(named.items()))
    return Target(name="objects", kind="boxes", concept=local("objects"), labels=labels)


def _entries(data: Mapping[str, Any], place: _Place, target: Target, ask: Ask) -> list[Entry]:
    boxes: dict[int, list[tuple[int, tuple[float, ...], tuple[float, ...]]]] = {}
    name = place.file.name
    images = {
        whole_in(one.get("id"), "the id of an image", name): one for one in objects_in(data, "images", name)
    }
    known = {label.number for label in target.labels}
    for number, one in enumerate(objects_in(data, "annotations", name)):
        where = f"{name}, annotation {str(one.get('id', number))[:20]}"
        try:
            image = whole_in(one.get("image_id"), "image_id", where)
            boxes.setdefault(image, []).append(_edges(one, images.get(image), known, where))
        except SkiagraphError as error:
            ask.notes(error)
    entries = []
    for number, one in images.items():
        file = str(one.get("file_name", ""))
        try:
            source = ImageFile(path=place.image(file))
        except SkiagraphError as error:
            ask.notes(error)
            continue
        marked = Marked(target=target, edges=tuple(boxes.get(number, ())))
        entries.append(
            Entry(
                identifier=f"{place.split}/{file}",
                images=(("image", source),),
                answers=(marked,),
                split=place.split,
            )
        )
    return entries


def _edges(
    one: Mapping[str, Any], image: Mapping[str, Any] | None, known: set[int], where: str
) -> tuple[int, tuple[float, ...], tuple[float, ...]]:
    left, top, width, height = numbers_in(one.get("bbox"), 4, "bbox", where)
    number = whole_in(one.get("category_id"), "category_id", where)
    if number not in known or image is None:
        raise InvalidInput(f"a box has a category and an image of the file ({where})", got="another")
    if not (width > 0 and height > 0):
        raise InvalidInput(f"a box has a width and a height ({where})", got=f"{width:g} x {height:g}")
    if "height" in image and "width" in image:
        rows, columns = (
            whole_in(image[key], f"the {key} of its image", where) for key in ("height", "width")
        )
        if left < -1 or top < -1 or left + width > columns + 1 or top + height > rows + 1:
            raise InvalidInput(
                f"a box lies in its image ({where})", got=f"{one['bbox']} in {columns} x {rows}"
            )
    return number, (top - 0.5, left - 0.5), (top + height - 0.5, left + width - 0.5)
