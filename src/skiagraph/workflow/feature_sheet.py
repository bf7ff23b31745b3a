"""A sheet of features as plain data, and as files: the table, and beside it all that it was made with."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from skiagraph.codecs import written
from skiagraph.features.account import FORMAT, VERSION
from skiagraph.features.stability import Perturbation
from skiagraph.plain import to_plain
from skiagraph.task import Estimate
from skiagraph.version import __version__
from skiagraph.workflow.features import Row, Sheet

__all__ = ["plain", "write_sheet"]

_COMPUTES: Final = ("numpy", "scipy", "scikit-image", "PyWavelets")


def plain(sheet: Sheet) -> dict[str, Any]:
    """The sheet as plain data: parameters, columns, and of each row its values, reasons and digests."""
    columns = sheet.columns
    settings = sheet.settings
    document: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "software": {"skiagraph": __version__, **{name: version(name) for name in _COMPUTES}},
        "set": settings.features.name,
        "parameters": to_plain(settings.features.parameters(**settings.levels)),
        **_embedding(sheet),
        "columns": {
            key: {"family": one.family, "name": one.name, "unit": one.unit, "ibsi": one.ibsi}
            for key, one in columns.items()
        },
        "answers": {one.name: to_plain(one) for one in sheet.targets if one.name in sheet.known},
        "rows": [_plain_row(row) for row in sheet.rows],
        "notes": list(sheet.notes),
    }
    if settings.shakes:
        document["stability"] = {
            "shakes": settings.shakes,
            "seed": settings.seed,
            "perturbation": to_plain(Perturbation()),
            "icc": {
                kind: {key: _plain_agreement(one) for key, one in found.items()}
                for kind, found in sheet.steady.items()
            },
        }
    return document


def _embedding(sheet: Sheet) -> dict[str, Any]:
    """Whose embedding the columns of that family are; nothing where there are none."""
    embedder = sheet.settings.embedding
    if embedder is None:
        return {}
    card = embedder.card
    said = {"name": card.name, "version": card.version, "digest": embedder.digest, "numbers": embedder.width}
    return {"embedding": said}


def _plain_row(row: Row) -> dict[str, Any]:
    return {
        "case": row.case,
        "image": row.image,
        "structure": row.structure,
        "code": to_plain(row.code),
        "object": row.kind != row.structure,
        "axes": row.axes,
        "modality": row.modality,
        "sized": row.sized,
        **({"known": dict(row.known)} if row.known else {}),
        "image_sha256": row.digests[0],
        "mask_sha256": row.digests[1],
        "values": {one.key: one.value for one in row.features if not one.reason},
        "reasons": {one.key: one.reason for one in row.features if one.reason},
        "left_out": dict(row.left_out),
    }


def _plain_agreement(one: Estimate) -> dict[str, Any]:
    if why := _why_none(one):
        return {"cases": one.n, "reason": why}
    return {"icc": one.value, "low": one.low, "high": one.high, "cases": one.n}


def _why_none(one: Estimate) -> str:
    """Why a correlation has no value; empty where it has one."""
    if math.isfinite(one.value):
        return ""
    return "fewer than two cases have a value each time" if one.n < 2 else "it is the same in all cases"


def write_sheet(sheet: Sheet, path: Path) -> tuple[Path, ...]:
    """Writes the table as CSV, the parameters beside it as JSON, and where asked the stability as a second CSV.

    Args:
        sheet: What was described.
        path: The CSV file. The others are called as it is, with ``.json`` and ``-stability.csv`` at the end.

    Returns:
        The files; all are written whole, or none.

    Raises:
        MissingInput: The folder does not exist.
        NotPermitted: It may not be written to.
        WriteFailed: The disk does not take them.
    """
    beside, second = path.with_suffix(".json"), path.with_name(f"{path.stem}-stability.csv")
    document = plain(sheet)
    for row in document["rows"]:
        del row["values"]
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    with written(path) as table, written(beside) as told:
        _write_csv(table, _lines(sheet))
        told.write_text(text, "utf-8")
        if not sheet.steady:
            return path, beside
        with written(second) as steady:
            _write_csv(steady, _steady_lines(sheet))
    return path, beside, second


def _write_csv(path: Path, lines: Iterator[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(lines)


def _lines(sheet: Sheet) -> Iterator[Sequence[str]]:
    """The heading, and a line a row; numbers so that reading them gives the same bits, nothing where there is none."""
    keys = tuple(sheet.columns)
    yield ("case", "image", "structure", *sheet.known, *keys)
    for row in sheet.rows:
        values = {one.key: "" if one.reason else repr(one.value) for one in row.features}
        known = (row.known.get(name, "") for name in sheet.known)
        yield (row.case, row.image, row.structure, *known, *(values.get(key, "") for key in keys))


def _steady_lines(sheet: Sheet) -> Iterator[Sequence[str]]:
    yield ("structure", "feature", "icc", "low", "high", "cases", "reason")
    for kind, found in sheet.steady.items():
        for key, one in found.items():
            why = _why_none(one)
            numbers = ("", "", "") if why else tuple(map(repr, (one.value, one.low, one.high)))
            yield (kind, key, *numbers, str(one.n), why)
