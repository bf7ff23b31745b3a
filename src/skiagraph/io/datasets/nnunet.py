"""nnU-Net raw: dataset.json, imagesTr and labelsTr, one file a channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

from skiagraph.case import Label, Target
from skiagraph.errors import FormatError, InvalidInput, MissingInput, SkiagraphError
from skiagraph.io.datasets.answers import LabelMap
from skiagraph.io.datasets.listing import Ask, Entry, Listing, listing_of
from skiagraph.io.datasets.parsed import json_of
from skiagraph.io.datasets.source import ImageFile
from skiagraph.io.datasets.words import local, mask_labels

__all__ = ["found", "listed"]

_FILE: Final = "dataset.json"
_PARTS: Final = (("imagesTr", "labelsTr", "train"), ("imagesTs", "labelsTs", "test"))
_BACKGROUND: Final = "background"


def found(path: Path) -> Path | None:
    """The folder, where it holds dataset.json and imagesTr with numbered channels."""
    folder = path.parent if path.name == _FILE else path
    if not (folder / _FILE).is_file() or not (folder / "imagesTr").is_dir():
        return None
    try:
        said = json_of(folder / _FILE)
    except FormatError:
        return None
    return folder if "channel_names" in said or any((folder / "imagesTr").glob("*_0000.*")) else None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What dataset.json says: names of channels in their order, the end of file names, and the target."""

    channels: tuple[str, ...]
    ending: str
    target: Target
    members: Mapping[int, tuple[int, ...]]


def listed(folder: Path, ask: Ask) -> Listing:
    """The samples of a folder.

    Args:
        folder: As nnU-Net takes it. Regions (labels that are lists of numbers) become overlapping structures; the
            places of a label that is called ignore are neither learnt nor judged.
        ask: How it is asked.

    Raises:
        FormatError: dataset.json without channels or labels.
        MissingInput: A channel or label file that is missing (strict).

    Source: nnU-Net v2, documentation/dataset_format.md; region_based_training.md; ignore_label.md.
    """
    said = _said(json_of(folder / _FILE), folder)
    entries = []
    unlabelled = 0
    for images, labels, split in _PARTS:
        names = _names(folder / images, said.ending)
        if names and not (folder / labels).is_dir():
            unlabelled += len(names)
            continue
        for name in names:
            try:
                entries.append(_entry(folder, name, (images, labels, split), said))
            except SkiagraphError as error:
                ask.notes(error)
    if unlabelled:
        ask.notes.say(f"{unlabelled} images of imagesTs have no reference and were left out.")
    words = ", ".join(label.name for label in said.target.labels)
    layout = f"{len(entries)} samples with the channels {', '.join(said.channels)} and the labels {words}"
    return listing_of(layout, entries, [said.target], ask, name=folder.resolve().name)


def _said(data: Mapping[str, Any], folder: Path) -> _Said:
    channels = data.get("channel_names") or data.get("modality")
    labels = data.get("labels")
    if not isinstance(channels, dict) or not isinstance(labels, dict) or not channels or not labels:
        raise FormatError(f"{_FILE} says channel_names and labels", got=", ".join(sorted(data))[:80])
    if all(str(key).isdecimal() for key in labels):  # version 1 had them the other way round
        labels = {str(name): int(number) for number, name in labels.items()}
    numbers = {name: _numbers(value, name) for name, value in labels.items() if name.lower() != _BACKGROUND}
    regions = any(len(value) > 1 for value in numbers.values())
    structures, ignore = mask_labels(
        [
            Label(number=place if regions else value[0], code=local(name))
            for place, (name, value) in enumerate(numbers.items(), 1)
        ]
    )
    target = Target(
        name="label",
        kind="overlapping" if regions else "segmentation",
        concept=local("label"),
        labels=structures,
        ignore=ignore,
    )
    ending = data.get("file_ending") or _ending(folder)
    names = [str(channels[key]) for key in sorted(channels, key=_rank)]
    return _Said(
        channels=tuple(names if len(set(names)) == len(names) else [f"{n}-{w}" for n, w in enumerate(names)]),
        ending=str(ending),
        target=target,
        members=dict(enumerate(numbers.values(), 1)) if regions else {},
    )


def _rank(key: str) -> tuple[int, str]:
    return (int(key), "") if str(key).isdecimal() else (2**31, str(key))


def _numbers(value: Any, name: str) -> tuple[int, ...]:
    numbers = value if isinstance(value, list) else [value]
    if not numbers or not all(isinstance(n, int) and n > 0 for n in numbers):
        raise InvalidInput(
            f"the label {name} of {_FILE} is a number from 1, or a list of them", got=str(value)[:40]
        )
    return tuple(numbers)


def _ending(folder: Path) -> str:
    first = next((p.name for p in sorted((folder / "imagesTr").glob("*_0000.*"))), "_0000.nii.gz")
    return first.partition("_0000")[2]


def _names(folder: Path, ending: str) -> list[str]:
    tail = f"_0000{ending}"
    return sorted(path.name[: -len(tail)] for path in folder.glob(f"*{tail}")) if folder.is_dir() else []


def _entry(folder: Path, name: str, part: tuple[str, str, str], said: _Said) -> Entry:
    images, labels, split = part
    files = [folder / images / f"{name}_{n:04d}{said.ending}" for n in range(len(said.channels))]
    mask = folder / labels / f"{name}{said.ending}"
    lost = next((path for path in (*files, mask) if not path.exists()), None)
    if lost is not None:
        raise MissingInput(f"each sample has its channels and its label ({name})", got=f"no {lost.name}")
    one = len(files) == 1
    channels = ("image",) if one else said.channels
    return Entry(
        identifier=name,
        images=tuple((c, ImageFile(path=path)) for c, path in zip(channels, files, strict=True)),
        answers=(LabelMap(target=said.target, file=mask, members=said.members),),
        split=split,
    )
