"""What is written beside a table of features, read again: how the numbers were made, so that a model can make them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, final

from skiagraph.case import Target
from skiagraph.codes import Code
from skiagraph.errors import FormatError
from skiagraph.plain import from_plain

__all__ = ["FORMAT", "VERSION", "Account", "account_beside"]

FORMAT: Final = "skiagraph-features"
VERSION: Final = 2


def _since_1(document: dict[str, Any]) -> dict[str, Any]:
    """Version 1 says nothing of the images, so that its numbers cannot be made again."""
    return {**document, "answers": {}, "rows": []}


_MIGRATIONS: Final[Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]]] = MappingProxyType({1: _since_1})


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """How a table of features was made.

    Args:
        columns: Keys of the features.
        sets: Parameters of each family that was computed; empty where the numbers cannot be made again.
        targets: What its data set asks, by the name of a column: concept, classes with their codes, unit.
        image: Name of the image that was described.
        ndim: 2 of pictures, 3 of volumes.
        modality: DICOM Modality; empty where nobody says, or of several.
        region: See `skiagraph.task.Described.region`.
        structure: The one structure that was described; None of several, and of whole images.
        sized: Whether the size of a sample in mm was known.
        problem: Why the numbers cannot be made again, one sentence; empty where they can.
    """

    columns: tuple[str, ...]
    sets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    targets: Mapping[str, Target] = field(default_factory=dict)
    image: str = "image"
    ndim: Literal[2, 3] = 2
    modality: str = ""
    region: Literal["outline", "each", "image"] = "outline"
    structure: Code | None = None
    sized: bool = False
    problem: str = ""


def account_beside(table: Path) -> Account | None:
    """What the JSON file beside a table says; None where there is none of `skiagraph features`.

    Raises:
        FormatError: A damaged file, or one of a version that this release does not know.
    """
    beside = table.with_suffix(".json")
    try:
        document = json.loads(beside.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        return None
    version = document.get("version", 1)
    if version not in (*_MIGRATIONS, VERSION):
        raise FormatError(
            f"this release reads accounts of features up to version {VERSION}",
            got=f"version {version}",
            way_out="update skiagraph, or move the file away to learn from the numbers alone",
        )
    for step in range(version, VERSION):
        document = _MIGRATIONS[step](document)
    try:
        return _account(document)
    except (KeyError, TypeError, AttributeError) as error:
        raise FormatError(
            f"{beside.name} says how the features of {table.name} were made",
            got=f"a file without {error}",
            way_out="describe the images again, or move the file away",
        ) from error


def _account(document: dict[str, Any]) -> Account:
    columns, rows = tuple(document["columns"]), document["rows"]
    targets = {name: from_plain(Target, said) for name, said in document["answers"].items()}
    unlike = _unlike(rows) or _of_network(document.get("embedding"))
    if unlike:
        return Account(columns=columns, targets=targets, problem=unlike)
    kinds = {None if row["code"] is None else from_plain(Code, row["code"]) for row in rows}
    first, modalities = rows[0], {row["modality"] for row in rows}
    each = len(kinds) > 1 or any(row["object"] for row in rows)
    whole = kinds == {None}
    return Account(
        columns=columns,
        sets={name: said for name, said in document["parameters"].items() if name not in first["left_out"]},
        targets=targets,
        image=first["image"],
        ndim=3 if first["axes"] == 3 else 2,
        modality=(modalities.pop() or "") if len(modalities) == 1 else "",
        region="image" if whole else "each" if each else "outline",
        structure=kinds.pop() if len(kinds) == 1 else None,
        sized=first["sized"],
    )


def _of_network(embedding: Mapping[str, Any] | None) -> str:
    """Why a table with columns that a network made cannot be made again; empty where it has none."""
    if embedding is None:
        return ""
    return f"the model will judge numbers, not images: the table has the embedding of {embedding['name']}."


def _unlike(rows: Sequence[Mapping[str, Any]]) -> str:
    """Why rows cannot be described alike; empty where they can."""
    start = "the model will judge numbers, not images:"
    if not rows:
        return f"{start} the file beside the table is of an older release, so describe the images again."
    if len({row["image"] for row in rows}) > 1:
        return f"{start} the table describes several images of each case."
    if len({row["axes"] for row in rows}) > 1:
        return f"{start} the table describes both pictures and volumes."
    if len({row["sized"] for row in rows}) > 1:
        return f"{start} the size of a pixel is known of some images and not of others; state it for all."
    if len({row["code"] is None for row in rows}) > 1:
        return f"{start} the table describes both outlines and whole images."
    return ""
