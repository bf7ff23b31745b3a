"""A folder a class, with the folders of splits above where there are some."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

from skiagraph.io.datasets.answers import chosen
from skiagraph.io.datasets.listing import Ask, Entry, Listing, images_in, listing_of
from skiagraph.io.datasets.source import ImageFile
from skiagraph.io.datasets.words import class_target, in_order, split_word

__all__ = ["found", "listed"]

_NO_CLASS: Final = frozenset({"images", "image", "img", "imgs", "labels", "masks", "mask", "annotations"})


def found(path: Path) -> Path | None:
    """The folder, where it has two or more folders of images, or such folders below those of splits."""
    if not path.is_dir():
        return None
    folders = _folders(path)
    splits = [folder for folder in folders if split_word(folder.name)]
    if splits and len(splits) == len([f for f in folders if _holds(f)]):
        return path if any(_classes(split) for split in splits) else None
    return path if len(_classes(path)) > 1 else None


def _folders(path: Path) -> list[Path]:
    return sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith((".", "__")))


def _holds(folder: Path) -> bool:
    return bool(images_in(folder))


def _classes(folder: Path) -> list[Path]:
    return [one for one in _folders(folder) if one.name.lower() not in _NO_CLASS and _holds(one)]


def listed(folder: Path, ask: Ask) -> Listing:
    """The samples of a folder.

    Args:
        folder: ``class/image``, or ``split/class/image``. Where a class has folders of its own, these are the groups.
        ask: How it is asked.

    Raises:
        FormatError: Nothing that can be used.
    """
    splits = {one: split_word(one.name) for one in _folders(folder) if split_word(one.name) and _classes(one)}
    roots = splits or {folder: "train"}
    classes = in_order(one.name for root in roots for one in _classes(root))
    target = class_target("class", classes)
    number = {label.code.meaning: label.number for label in target.labels}
    entries = []
    counts = Counter[str]()
    for root, split in roots.items():
        for one in _classes(root):
            for file in images_in(one):
                inner = file.relative_to(one).parts
                counts[one.name] += 1
                entries.append(
                    Entry(
                        identifier=file.relative_to(folder).as_posix(),
                        images=(("image", ImageFile(path=file)),),
                        answers=(chosen(target, [number[" ".join(one.name.split())]]),),
                        group=inner[0] if len(inner) > 1 else "",
                        split=split or "train",
                    )
                )
    said = ", ".join(f"{counts[word]} {word}" for word in classes)
    return listing_of(
        f"images of {len(classes)} classes ({said})", entries, [target], ask, name=folder.resolve().name
    )
