"""The manifest of a data set: a table `dataset.csv`, or `dataset.toml` that also says what its columns mean."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, final, get_args

from skiagraph.case import TargetKind
from skiagraph.codes import Code
from skiagraph.errors import FormatError, InvalidInput, MissingInput, NotPermitted
from skiagraph.io.datasets.listing import Ask, Listing
from skiagraph.io.datasets.questions import Row, Wanted
from skiagraph.io.datasets.table import Table, listing_of_table
from skiagraph.io.pixel_sizes import rows_of

__all__ = ["Manifest", "listing_of_csv", "listing_of_rows", "read_toml"]

_VERSION: Final = 1
_KEYS: Final = frozenset(
    {"version", "name", "licence", "table", "columns", "defaults", "targets", "samples", "layout", "path"}
    | {"group_pattern", "target"}
)
_TARGET_KEYS: Final = frozenset({"name", "kind", "column", "columns", "labels", "concept", "unit"})
_KINDS: Final = tuple(kind for kind in get_args(TargetKind) if kind != "boxes")
_BY_LABEL: Final = ("overlapping", "multi-label")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A `dataset.toml`, checked.

    Args:
        file: Where it lies.
        name: Of the data set.
        licence: Terms of use.
        table: The CSV file with its rows; None where `samples` or `layout` gives them.
        samples: Rows that stand in the manifest itself.
        columns: The column that plays a role.
        attributes: Columns of subgroups.
        defaults: Cells that stand for empty ones.
        targets: What is answered; None leaves it to the columns.
        layout: Name of the layout that `path` has, where the manifest only adds to one.
        path: Of that layout.
        group_pattern: A regular expression whose first group is the patient, searched in the identifier of a sample.
        target: Which reference is wanted, where a layout offers several.
    """

    file: Path
    name: str
    licence: str = ""
    table: Path | None = None
    samples: tuple[Row, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    attributes: tuple[str, ...] = ()
    defaults: Mapping[str, str] = field(default_factory=dict)
    targets: tuple[Wanted, ...] | None = None
    layout: str = ""
    path: Path | None = None
    group_pattern: re.Pattern[str] | None = None
    target: str = ""


def listing_of_csv(path: Path, ask: Ask) -> Listing:
    """The data set that a CSV file lists.

    Raises:
        MissingInput: No such file, or a file that it names does not exist (strict).
        FormatError: Not such a file.
        InvalidInput: A line that does not hold (strict).
    """
    return listing_of_table(Table(name=path.resolve().parent.name, file=path, rows=rows_of(path)), ask)


def listing_of_rows(manifest: Manifest, ask: Ask) -> Listing:
    """The data set of a manifest with rows: its own, or those of its table.

    Raises:
        MissingInput: A file that it names does not exist (strict).
        InvalidInput: A line that does not hold (strict).
        FormatError: Nothing that can be used.
    """
    table = manifest.table
    rows: Sequence[tuple[int, Row]] = (
        [(n, row) for n, row in enumerate(manifest.samples, 1)] if table is None else rows_of(table)
    )
    listed = listing_of_table(
        Table(
            name=manifest.name,
            file=table or manifest.file,
            rows=rows,
            columns=manifest.columns,
            targets=manifest.targets,
            attributes=manifest.attributes,
            defaults=manifest.defaults,
        ),
        ask,
    )
    return dataclasses.replace(listed, licence=manifest.licence)


def read_toml(path: Path) -> Manifest:
    """A `dataset.toml`.

    Raises:
        MissingInput: No such file.
        NotPermitted: It may not be read.
        FormatError: Not TOML, or of another version.
        InvalidInput: A key that is not known, or a value that does not hold; the message names it.
    """
    said = _parsed(path)
    if said.get("version", _VERSION) != _VERSION:
        raise FormatError(f"{path.name} is of version {_VERSION}", got=str(said["version"])[:20])
    _check_keys(said, _KEYS, path.name)
    rows = _rows(said.get("samples", []), path)
    layout = _text(said, "layout", path)
    table = None if rows or layout else path.parent / (_text(said, "table", path) or "dataset.csv")
    columns, attributes = _columns(said.get("columns", {}), path)
    targets = said.get("targets")
    return Manifest(
        file=path,
        name=_text(said, "name", path) or path.resolve().parent.name,
        licence=_text(said, "licence", path),
        table=table,
        samples=rows,
        columns=columns,
        attributes=attributes,
        defaults=_flat(said.get("defaults", {}), path),
        targets=None
        if targets is None
        else tuple(_wanted(one, path) for one in _tables(targets, "targets", path)),
        layout=layout,
        path=path.parent / _text(said, "path", path) if layout or "path" in said else None,
        group_pattern=_pattern(_text(said, "group_pattern", path), path),
        target=_text(said, "target", path),
    )


def _parsed(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MissingInput(f"the manifest {path.name} does not exist", way_out="check the path") from error
    except PermissionError as error:
        raise NotPermitted(f"the manifest {path.name} may not be read by you") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError, RecursionError) as error:
        raise FormatError(f"{path.name} is TOML in UTF-8", got=str(error)[:120]) from error


def _check_keys(said: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    strange = sorted(set(said) - known)
    if strange:
        raise InvalidInput(
            f"{where} has the keys {', '.join(sorted(known))}", got=", ".join(key[:40] for key in strange[:5])
        )


def _text(said: Mapping[str, Any], key: str, path: Path) -> str:
    value = said.get(key, "")
    if not isinstance(value, str) or "\0" in value:
        raise InvalidInput(f"{key} is a text ({path.name})", got=type(value).__name__)
    return value


def _tables(value: Any, key: str, path: Path) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
        raise InvalidInput(f"{key} is a list of tables ({path.name})", got=type(value).__name__)
    return value


def _flat(value: Any, path: Path) -> dict[str, str]:
    """A table of words, with those of tables inside of it as ``outer.inner``."""
    if not isinstance(value, Mapping):
        raise InvalidInput(f"a table of words stands here ({path.name})", got=type(value).__name__)
    flat: dict[str, str] = {}
    for key, one in value.items():
        if isinstance(one, Mapping):
            flat |= {f"{key}.{name}": inner for name, inner in _flat(one, path).items()}
        elif isinstance(one, list):
            flat[key] = "|".join(str(item) for item in one)
        else:
            flat[key] = str(one)
    return flat


def _rows(value: Any, path: Path) -> tuple[Row, ...]:
    rows = [_flat(row, path) for row in _tables(value, "samples", path)]
    header = list(dict.fromkeys(key for row in rows for key in row))
    return tuple({key: row.get(key, "") for key in header} for row in rows)


def _columns(value: Any, path: Path) -> tuple[dict[str, str], tuple[str, ...]]:
    if not isinstance(value, Mapping):
        raise InvalidInput(f"columns is a table ({path.name})", got=type(value).__name__)
    attributes = value.get("attributes", [])
    if not isinstance(attributes, list) or not all(isinstance(name, str) for name in attributes):
        raise InvalidInput(f"attributes is a list of columns ({path.name})", got=type(attributes).__name__)
    return _flat({k: v for k, v in value.items() if k != "attributes"}, path), tuple(attributes)


def _pattern(text: str, path: Path) -> re.Pattern[str] | None:
    if not text:
        return None
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise InvalidInput(f"group_pattern is a regular expression ({path.name})", got=str(error)) from error
    if pattern.groups < 1:
        raise InvalidInput(
            f"group_pattern has a group in brackets that is the patient ({path.name})", got=text
        )
    return pattern


def _wanted(said: Mapping[str, Any], path: Path) -> Wanted:
    _check_keys(said, _TARGET_KEYS, f"a target of {path.name}")
    name, kind = _text(said, "name", path), _text(said, "kind", path)
    where = f"the target {name or 'without a name'} of {path.name}"
    if not name or kind not in _KINDS:
        raise InvalidInput(
            f"a target has a name, and a kind of {', '.join(_KINDS)} ({where})", got=kind or "none"
        )
    columns = _flat(said.get("columns", {}), path) or {"": _text(said, "column", path) or name}
    if "" not in columns and kind not in (*_BY_LABEL, "multi-class"):
        raise InvalidInput(f"a {kind} stands in one column ({where})", got=f"{len(columns)} columns")
    unit, labels = _text(said, "unit", path), said.get("labels", [])
    if not isinstance(labels, list):
        raise InvalidInput(f"labels is a list ({where})", got=type(labels).__name__)
    return Wanted(
        name=name,
        kind=kind,  # type: ignore[arg-type]
        columns=columns,
        labels=tuple(_label(one, n, where) for n, one in enumerate(labels)),
        concept=_text(said, "concept", path),
        unit=Code(value=unit, scheme="UCUM", meaning=unit) if unit else None,
    )


def _label(said: Any, place: int, where: str) -> tuple[str, str]:
    if isinstance(said, str):
        return said, said
    if not isinstance(said, Mapping) or not {"value", "name", "code"} >= set(said) or not said:
        raise InvalidInput(
            f"a label is a word, or a table of value, name and code ({where})", got=str(said)[:60]
        )
    words = str(said.get("code") or said.get("name") or said.get("value", place))
    return str(said.get("value", said.get("name", place))), words
