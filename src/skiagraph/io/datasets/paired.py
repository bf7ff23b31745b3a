"""Images and their masks side by side: in two folders under equal names, or in one under names with an ending."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from skiagraph.errors import FormatError, InvalidInput, MissingInput
from skiagraph.image import pixels
from skiagraph.io.datasets.answers import LabelMap
from skiagraph.io.datasets.listing import Ask, Entry, Listing, images_in, listing_of
from skiagraph.io.datasets.masks import mask_target
from skiagraph.io.datasets.source import ImageFile
from skiagraph.io.datasets.words import split_word
from skiagraph.io.formats import read_image

__all__ = ["found", "found_names", "listed", "listed_names"]

_IMAGES: Final = ("images", "image", "imgs", "img", "imagestr", "scans", "volumes", "inputs")
_MASKS: Final = (
    "masks",
    "mask",
    "labels",
    "label",
    "labelstr",
    "segmentations",
    "segmentation",
    "gt",
    "annotations",
)
_ENDING: Final = re.compile(r"[_-](mask|seg|segmentation|label|labels|gt|image|img)$", re.IGNORECASE)
_ROLES: Final = re.compile(r"(?P<key>.+)_(?P<role>[A-Za-z0-9]+)")


def found(path: Path) -> Path | None:
    """The folder, where it (or a folder of a split in it) holds a folder of images and one of masks."""
    if not path.is_dir():
        return None
    return path if any(_pair(root) for root in _roots(path)) else None


def _roots(folder: Path) -> dict[Path, str]:
    """The folders that may hold pairs, with their splits."""
    below = {one: split_word(one.name) or "" for one in sorted(folder.iterdir()) if one.is_dir()}
    return {folder: "train", **{one: split for one, split in below.items() if split}}


def _pair(root: Path) -> tuple[Path, Path] | None:
    folders = {one.name.lower(): one for one in sorted(root.iterdir()) if one.is_dir()}
    images = next((folders[name] for name in _IMAGES if name in folders), None)
    masks = next((folders[name] for name in _MASKS if name in folders), None)
    return (images, masks) if images and masks and images_in(masks) else None


def listed(folder: Path, ask: Ask) -> Listing:
    """The samples of two folders whose files have equal names, without suffix and without an ending such as ``_mask``.

    Raises:
        FormatError: Nothing that can be used.
        MissingInput: An image without a mask (strict).
    """
    pairs: list[tuple[str, Path, Path, str]] = []
    for root, split in _roots(folder).items():
        both = _pair(root)
        if both is None:
            continue
        masks = {_key(path, both[1]): path for path in images_in(both[1])}
        for image in images_in(both[0]):
            mask = masks.get(_key(image, both[0]))
            name = image.relative_to(folder).as_posix()
            if mask is None:
                ask.notes(
                    MissingInput(
                        f"each image of {both[0].name} has a mask in {both[1].name}", got=f"none for {name}"
                    )
                )
            else:
                pairs.append((name, image, mask, split))
    return _listing(pairs, folder, "mask", ask)


def _key(path: Path, folder: Path) -> str:
    return f"{path.relative_to(folder).parent.as_posix()}/{_ENDING.sub('', _stem(path))}"


def _stem(path: Path) -> str:
    name = path.name
    return name[: -len(".nii.gz")] if name.lower().endswith(".nii.gz") else path.stem


def _listing(pairs: list[tuple[str, Path, Path, str]], folder: Path, name: str, ask: Ask) -> Listing:
    if not pairs:
        raise FormatError(f"{folder.name} holds images with a mask", got="none")
    target, binary = mask_target(name, [mask for _, _, mask, _ in pairs], ask.structures)
    entries = [
        Entry(
            identifier=identifier,
            images=(("image", ImageFile(path=image)),),
            answers=(LabelMap(target=target, file=mask, binary=binary),),
            split=split,
        )
        for identifier, image, mask, split in pairs
    ]
    what = (
        "objects that are counted"
        if target.kind == "instances"
        else ", ".join(label.name for label in target.labels)
    )
    said = f"{len(pairs)} images with a mask each ({'one structure' if binary else what})"
    return listing_of(said, entries, [target], ask, name=folder.resolve().name)


def found_names(path: Path) -> Path | None:
    """The folder, where one part after the last underscore of names comes often and beside another or none."""
    if not path.is_dir():
        return None
    return path if len(_by_role(path)) > 1 else None


def _by_role(folder: Path) -> Mapping[str, dict[str, Path]]:
    """Files by the role at the end of their names, and by the rest of them; role ``""`` for those without one."""
    files = [path for path in images_in(folder) if path.parent == folder]
    ends = Counter(match["role"] for path in files if (match := _ROLES.fullmatch(_stem(path))))
    roles = {role for role, times in ends.items() if times > 1}
    found: dict[str, dict[str, Path]] = {}
    for path in files:
        match = _ROLES.fullmatch(_stem(path))
        role = match["role"] if match and match["role"] in roles else ""
        key = match["key"] if match and role else _stem(path)
        found.setdefault(role, {})[key] = path
    keys = Counter(key for paths in found.values() for key in paths)
    several = {key for key, times in keys.items() if times > 1}
    return {role: paths for role, paths in found.items() if set(paths) & several}


def listed_names(folder: Path, ask: Ask) -> Listing:
    """The samples of a folder whose names end in a role: ``1011_SS``, ``1011_classified``; ``07L``, ``07L_1stHO``.

    The image is the role without an ending, or the one with the most different values. Of several references the first
    by the alphabet is taken, or the one that the manifest wants.

    Raises:
        FormatError: Nothing that can be used.
        InvalidInput: A reference that is wanted and is not there.
        MissingInput: An image without a mask (strict).
    """
    by_role = _by_role(folder)
    image = (
        "" if "" in by_role else max(by_role, key=lambda role: _values(next(iter(by_role[role].values()))))
    )
    others = sorted(role for role in by_role if role != image)
    if ask.target and ask.target not in others:
        raise InvalidInput(f"the target of a manifest is one of {', '.join(others)}", got=ask.target)
    if not others:
        raise FormatError(f"{folder.name} holds images with a mask", got="none")
    chosen = ask.target or others[0]
    if len(others) > 1:
        rest = ", ".join(role for role in others if role != chosen)
        ask.notes.say(
            f"Of several references {chosen} is taken; {rest} can be named as target in a dataset.toml."
        )
    pairs = []
    for key, path in by_role[image].items():
        mask = by_role[chosen].get(key)
        if mask is None:
            ask.notes(
                MissingInput(f"each image has a file that ends in _{chosen}", got=f"none for {path.name}")
            )
        else:
            pairs.append((path.name, path, mask, "train"))
    return _listing(pairs, folder, chosen, ask)


def _values(path: Path) -> int:
    return len(np.unique(pixels(read_image(path).image)))
