"""Pascal VOC: an xml file of boxes beside each image, and lists of names for the splits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final
from xml.etree.ElementTree import Element

from skiagraph.case import Target
from skiagraph.errors import InvalidInput, MissingInput, SkiagraphError
from skiagraph.io.datasets.answers import Marked
from skiagraph.io.datasets.listing import Ask, Entry, Listing, images_in, listing_of, number_in
from skiagraph.io.datasets.parsed import xml_of
from skiagraph.io.datasets.source import ImageFile
from skiagraph.io.datasets.words import class_target, in_order, split_word

__all__ = ["found", "listed"]

_BOXES: Final = ("Annotations", "annotations", "labels", "xml")
_IMAGES: Final = ("JPEGImages", "images", "Images", "imgs", "")
_CORNERS: Final = ("xmin", "ymin", "xmax", "ymax")


def found(path: Path) -> Path | None:
    """The folder, where one of its folders holds xml files with boxes."""
    return path if path.is_dir() and _annotations(path) else None


def _annotations(folder: Path) -> list[Path]:
    for name in _BOXES:
        files = sorted((folder / name).glob("*.xml"))
        if files:
            return files
    return []


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Object:
    """One box as it stands in the file: its word, and its edges (row, column) in indices."""

    word: str
    low: tuple[float, float]
    high: tuple[float, float]


def listed(folder: Path, ask: Ask) -> Listing:
    """The samples of a folder.

    Args:
        folder: Boxes name their corner pixels, counted from 1, both inside. Splits stand in train.txt, val.txt and
            test.txt, here or in ImageSets/Main; images that no list names belong to train.
        ask: How it is asked.

    Raises:
        FormatError: Not XML, or nothing that can be used.
        MissingInput: An image that is missing (strict).
        InvalidInput: A box that is none, or lies outside (strict).

    Source: Everingham et al., The PASCAL Visual Object Classes Challenge 2012, Development Kit, sections 2 and 9.
    """
    files = _annotations(folder)
    images = {
        path.stem: path for name in _IMAGES if (folder / name).is_dir() for path in images_in(folder / name)
    }
    splits = _splits(folder)
    read: list[tuple[Path, Path, list[_Object]]] = []
    for file in files:
        try:
            if file.stem not in images:
                raise MissingInput("each file of boxes has an image of its name", got=f"none for {file.name}")
            read.append((file, images[file.stem], _objects(xml_of(file), file, ask)))
        except SkiagraphError as error:
            ask.notes(error)
    target = class_target(
        "objects", in_order(o.word for _, _, objects in read for o in objects) or ["object"], "boxes"
    )
    alone = len(set(images) - {file.stem for file in files})
    if alone:
        ask.notes.say(f"{alone} images have no file of boxes and were left out.")
    entries = [
        Entry(
            identifier=file.stem,
            images=(("image", ImageFile(path=image)),),
            answers=(_marked(target, objects),),
            split=splits.get(file.stem, "train"),
        )
        for file, image, objects in read
    ]
    boxes = sum(len(objects) for _, _, objects in read)
    words = ", ".join(label.name for label in target.labels)
    said = f"{len(entries)} images with {boxes} boxes of {words}"
    return listing_of(said, entries, [target], ask, name=folder.resolve().name)


def _marked(target: Target, objects: Iterable[_Object]) -> Marked:
    number = {label.code.meaning: label.number for label in target.labels}
    return Marked(target=target, edges=tuple((number[o.word], o.low, o.high) for o in objects))


def _splits(folder: Path) -> dict[str, str]:
    places = (folder, folder / "ImageSets" / "Main")
    found: dict[str, str] = {}
    for file in (file for place in places for file in sorted(place.glob("*.txt"))):
        split = split_word(file.stem)
        if split:
            names = file.read_text(encoding="utf-8", errors="replace").split()
            found |= {Path(name).stem if "." in name else name: split for name in names}
    return found


def _objects(root: Element, file: Path, ask: Ask) -> list[_Object]:
    size = {key: _text(root, f"size/{key}") for key in ("width", "height")}
    extent = tuple(float(size[key]) if size[key].isdecimal() else float("inf") for key in ("height", "width"))
    objects = []
    for number, one in enumerate(root.iter("object"), 1):
        where = f"{file.name}, box {number}"
        try:
            objects.append(_object(one, (extent[0], extent[1]), where))
        except SkiagraphError as error:
            ask.notes(error)
    return objects


def _object(one: Element, extent: tuple[float, float], where: str) -> _Object:
    left, top, right, bottom = (number_in(_text(one, f"bndbox/{key}"), key, where) for key in _CORNERS)
    word = _text(one, "name")
    if not word:
        raise InvalidInput(f"a box has a name ({where})", got="none")
    if not (left < right and top < bottom):
        raise InvalidInput(
            f"a box has a width and a height ({where})", got=f"{right - left:g} x {bottom - top:g}"
        )
    if left < 0 or top < 0 or right > extent[1] or bottom > extent[0]:
        raise InvalidInput(
            f"a box lies in its image ({where})",
            got=f"{left:g} {top:g} to {right:g} {bottom:g} in {extent[1]:g} x {extent[0]:g}",
        )
    return _Object(word=word, low=(top - 1.5, left - 1.5), high=(bottom - 0.5, right - 0.5))


def _text(element: Element, path: str) -> str:
    return " ".join((element.findtext(path) or "").split())
