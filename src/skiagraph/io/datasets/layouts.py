"""The layouts that are read, in the order in which they are tried, and how one is told from the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from skiagraph.errors import FormatError, InvalidInput, MissingInput
from skiagraph.io.datasets import (
    bids,
    class_folders,
    coco,
    datalist,
    medmnist,
    nnunet,
    paired,
    voc,
)
from skiagraph.io.datasets.listing import Ask, Listing
from skiagraph.io.datasets.manifest import listing_of_csv

__all__ = ["LAYOUTS", "Layout", "layout_of"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One way in which data sets lie on a disk.

    Args:
        words: What it is called in a sentence.
        found: The file or folder to read where a path has this layout, else None.
        listed: Reads it.
    """

    words: str
    found: Callable[[Path], Path | None]
    listed: Callable[[Path, Ask], Listing]


def _toml(path: Path) -> Path | None:
    return _file(path, "dataset.toml", ".toml")


def _csv(path: Path) -> Path | None:
    named = _file(path, "dataset.csv", ".csv")
    if named is not None or not path.is_dir():
        return named
    tables = sorted(path.glob("*.csv"))
    return tables[0] if len(tables) == 1 and not any(path.glob("sub-*")) else None


def _file(path: Path, name: str, suffix: str) -> Path | None:
    if path.is_dir():
        return path / name if (path / name).is_file() else None
    return path if path.name.lower().endswith(suffix) else None


def _through_manifest(path: Path, ask: Ask) -> Listing:
    raise FormatError("a manifest is read by the door of data sets", got=f"{path.name}, {ask.target}")


LAYOUTS: Final[Mapping[str, Layout]] = {
    "toml": Layout(words="a manifest", found=_toml, listed=_through_manifest),
    "nnunet": Layout(words="nnU-Net raw", found=nnunet.found, listed=nnunet.listed),
    "csv": Layout(words="a table", found=_csv, listed=listing_of_csv),
    "medmnist": Layout(words="MedMNIST", found=medmnist.found, listed=medmnist.listed),
    "monai": Layout(words="a MONAI datalist", found=datalist.found, listed=datalist.listed),
    "coco": Layout(words="COCO", found=coco.found, listed=coco.listed),
    "voc": Layout(words="Pascal VOC", found=voc.found, listed=voc.listed),
    "bids": Layout(words="BIDS", found=bids.found, listed=bids.listed),
    "paired-folders": Layout(words="folders of images and masks", found=paired.found, listed=paired.listed),
    "class-folders": Layout(words="a folder a class", found=class_folders.found, listed=class_folders.listed),
    "paired-names": Layout(
        words="images and masks by name", found=paired.found_names, listed=paired.listed_names
    ),
}
"""By the word that forces one; the first that recognises a path reads it."""


def layout_of(path: Path, forced: str | None = None) -> tuple[str, Path]:
    """The layout of a path, and the file or folder that it is read from.

    Args:
        path: A file or a folder.
        forced: The word of a layout; None recognises it.

    Raises:
        MissingInput: No such path.
        InvalidInput: Not the word of a layout.
        FormatError: None that is known, or not the one that was asked for.
    """
    if not path.exists():
        raise MissingInput(f"{path.name} does not exist", way_out="check the path")
    if forced is not None and forced not in LAYOUTS:
        raise InvalidInput(f"a layout is one of {', '.join(LAYOUTS)}", got=forced)
    for word in LAYOUTS if forced is None else (forced,):
        found = LAYOUTS[word].found(path)
        if found is not None:
            return word, found
    raise FormatError(
        f"{path.name} is laid out as {', '.join(LAYOUTS) if forced is None else LAYOUTS[forced].words}",
        got="nothing of the kind",
        way_out="write a dataset.csv with the columns image, mask or label, group and split",
    )
