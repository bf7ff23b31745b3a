"""The one door to data sets: a path, its layout recognised or named, and its samples."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path

from skiagraph.case import Dataset, Sample
from skiagraph.codes import Code
from skiagraph.errors import InvalidInput
from skiagraph.io.datasets.layouts import LAYOUTS, layout_of
from skiagraph.io.datasets.listing import Ask, Listing, Notes
from skiagraph.io.datasets.manifest import Manifest, listing_of_rows, read_toml

__all__ = ["listed_dataset", "read_dataset"]


def read_dataset(
    path: Path | str,
    *,
    label: Code | Mapping[int, Code] | None = None,
    name: str | None = None,
    licence: str = "",
    layout: str | None = None,
    strict: bool = True,
) -> Dataset:
    """The data set at a path; images are read when a sample is asked for them.

    Args:
        path: A ``dataset.csv`` or ``dataset.toml``, an npz or json file, or a folder of any layout of `LAYOUTS`.
        label: What the masks outline, where the files do not say: one structure (inside where not 0), or each by its
            number. None leaves it to the files.
        name: Name of the data set; None takes what its files say, or the name of the folder.
        licence: Under which terms it may be used; empty takes what its files say.
        layout: The word of a layout; None recognises it.
        strict: Stop at the first line or file that does not hold. Else it is left out and named in ``problems``.

    Returns:
        Samples in a stable order, with their targets, one sentence on the layout, and what was left out or supposed.

    Raises:
        MissingInput: The path, or a file that a manifest names, does not exist.
        FormatError: No layout that is known, or nothing in it that can be used.
        InvalidInput: A line that does not hold; the message names it. Or a group in two splits.
    """
    if isinstance(label, Code):
        label = {1: label}
    if label is not None and not all(1 <= number <= 65535 for number in label):
        raise InvalidInput("the number of a segment here lies between 1 and 65535", got=str(list(label)[:5]))
    found = listed_dataset(path, structures=label, layout=layout, strict=strict)
    return dataclasses.replace(found, name=name or found.name, licence=licence or found.licence).dataset()


def listed_dataset(
    path: Path | str,
    *,
    structures: Mapping[int, Code] | None = None,
    layout: str | None = None,
    strict: bool = False,
) -> Listing:
    """As `read_dataset`, without the rule that a group lies in one split: for those who look for what is wrong.

    Args:
        path: As for `read_dataset`.
        structures: What the numbers of masks mean, where the files do not say.
        layout: As for `read_dataset`.
        strict: As for `read_dataset`.

    Raises:
        MissingInput: As for `read_dataset`.
        FormatError: As for `read_dataset`.
        InvalidInput: A line that does not hold.
    """
    path = Path(path)
    word, place = layout_of(path, layout)
    ask = Ask(notes=Notes(strict=strict), structures=structures)
    found = _of_manifest(read_toml(place), ask) if word == "toml" else LAYOUTS[word].listed(place, ask)
    return dataclasses.replace(found, layout=f"Recognised as {LAYOUTS[word].words}: {found.layout}")


def _of_manifest(manifest: Manifest, ask: Ask) -> Listing:
    if not manifest.layout:
        found = listing_of_rows(manifest, ask)
    else:
        word, place = layout_of(manifest.path or manifest.file.parent, manifest.layout)
        if word == "toml":
            raise InvalidInput("a manifest names another layout than its own", got="toml")
        found = LAYOUTS[word].listed(place, dataclasses.replace(ask, target=manifest.target))
        found = dataclasses.replace(found, name=manifest.name, licence=manifest.licence or found.licence)
    return found if manifest.group_pattern is None else _grouped(found, manifest.group_pattern)


def _grouped(found: Listing, pattern: re.Pattern[str]) -> Listing:
    samples = tuple(_with_group(sample, pattern) for sample in found.samples)
    groups, own = len({s.group for s in samples}), sum(pattern.search(s.identifier) is None for s in samples)
    start = found.layout.rpartition(";")[0] or found.layout.rstrip(".")
    rest = f", and {own} names that the pattern does not fit" if own else ""
    return dataclasses.replace(
        found, samples=samples, layout=f"{start}; {groups} groups by the pattern of names{rest}."
    )


def _with_group(sample: Sample, pattern: re.Pattern[str]) -> Sample:
    match = pattern.search(sample.identifier)
    return sample if match is None else dataclasses.replace(sample, group=match.group(1))
