"""The rows of a table as samples, whatever file and names of columns they come with."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, final

from skiagraph.errors import InvalidInput, MissingInput, SkiagraphError
from skiagraph.io.datasets.guess import guessed, with_roles
from skiagraph.io.datasets.listing import Ask, Entry, Listing, images_in, listing_of, number_in
from skiagraph.io.datasets.questions import ANNOTATED, Question, Row, Wanted, asked, structures_in
from skiagraph.io.datasets.source import ImageFile
from skiagraph.io.datasets.words import split_word
from skiagraph.io.pixel_sizes import pixel_size_of_row

__all__ = ["Table", "listing_of_table"]

_IMAGE: Final = "image"
_LONG: Final = 1000  # letters of a path beyond which a cell names no file


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows, and what was said about their columns.

    Args:
        name: Of the data set.
        file: For messages, and the folder that names are relative to.
        rows: Each with its line, for messages.
        columns: The column that plays a role (``image``, ``image.t1``, ``group``, ``split``, ``annotated``...).
        targets: What is answered; None leaves it to the columns.
        attributes: Columns of subgroups, beside those that are known by name.
        defaults: Cells that stand for empty ones, by role or by column.
    """

    name: str
    file: Path
    rows: Sequence[tuple[int, Row]]
    columns: Mapping[str, str] = field(default_factory=dict)
    targets: tuple[Wanted, ...] | None = None
    attributes: tuple[str, ...] = ()
    defaults: Mapping[str, str] = field(default_factory=dict)


def listing_of_table(table: Table, ask: Ask) -> Listing:
    """The samples of a table.

    Raises:
        MissingInput: A file that it names does not exist (strict).
        InvalidInput: A line that does not hold (strict), or no column with images.
        FormatError: Nothing that can be used.
    """
    folder = _Folder(table.file)
    told = [_filled(row, table.defaults, new=False) for _, row in table.rows]
    rows = [_filled(row, table.defaults, new=True) for row in with_roles(told, table.columns)]
    _check_header(table, rows)
    guess = guessed(rows, taken=table.columns.values(), is_file=folder.holds)
    wanted = guess.targets if table.targets is None else table.targets
    if ask.structures is not None and table.targets is None:
        wanted = tuple(w for w in wanted if w.kind in ("segmentation", "overlapping", "regression"))
    questions = [q for w in wanted if (q := _question(w, rows, folder, ask)) is not None]
    attributes = tuple(dict.fromkeys((*guess.attributes, *table.attributes)))
    reading = _Reading(
        table=table,
        folder=folder,
        questions=tuple(questions),
        attributes=attributes,
        header=frozenset(rows[0]),
    )
    entries, names = [], set[str]()
    for (line, _), row in zip(table.rows, rows, strict=True):
        where = f"{table.file.name}, line {line}"
        try:
            entry = reading.entry(row, where, names)
        except SkiagraphError as error:
            ask.notes(error)
            continue
        names.add(entry.identifier)
        entries.append(entry)
    said = ", ".join(f"{q.target.name} ({q.target.kind})" for q in questions) or "no reference"
    layout = f"{len(rows)} lines with {said}"
    return listing_of(layout, entries, [q.target for q in questions], ask, name=table.name)


def _filled(row: Row, defaults: Row, *, new: bool) -> Row:
    """The row with its empty cells, and where `new` also its missing ones, as the defaults have them."""
    return {**row, **{k: v for k, v in defaults.items() if (new or k in row) and not row.get(k)}}


def _question(wanted: Wanted, rows: Sequence[Row], folder: _Folder, ask: Ask) -> Question | None:
    def find(cell: str, where: str) -> Path:
        return folder.found(cell, where)

    present = [row for row in rows if any(row.get(c) for c in wanted.columns.values())]
    if not present:
        ask.notes.say(f"The column of {wanted.name} is empty.")
        return None
    whole = [row for row in present if wanted.kind != "segmentation" or folder.holds(row[wanted.column])]
    return asked(wanted, whole or present, find, ask)


def _check_header(table: Table, rows: Sequence[Row]) -> None:
    if not rows or not any(c == _IMAGE or c.startswith(f"{_IMAGE}.") for c in rows[0]):
        raise InvalidInput(
            f"the table {table.file.name} has a column with the names of images, called image",
            got=", ".join(list(rows[0])[:8]) if rows else "no row",
            way_out="rename it, or say in a dataset.toml which column it is",
        )
    for wanted in table.targets or ():
        lost = [c for c in wanted.columns.values() if c not in rows[0]]
        if lost:
            raise InvalidInput(
                f"the columns of {wanted.name} stand in {table.file.name}", got=f"no {lost[0]}"
            )


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """What all lines of one table share."""

    table: Table
    folder: _Folder
    questions: tuple[Question, ...]
    attributes: tuple[str, ...]
    header: frozenset[str]

    def entry(self, row: Row, where: str, names: set[str]) -> Entry:
        empty = [role for role in ("group", "split") if role in self.header and not row.get(role)]
        images = self._images(row, where)
        if empty:
            raise InvalidInput(
                f"each line of a manifest has image, group, split ({where})", got=f"no {', '.join(empty)}"
            )
        self._check_structures(row.get(ANNOTATED, ""), where)
        answers = [q.answer(row, where, self.folder.found) for q in self.questions]
        if self.questions and not any(answer is not None for answer in answers):
            raise InvalidInput(f"each image has a reference ({where})", got="none")
        identifier = row.get(_IMAGE) or next(row[c] for c in row if c.startswith(f"{_IMAGE}.") and row[c])
        split = row.get("split", "train")
        weight = row.get("weight", "")
        return Entry(
            identifier=identifier if identifier not in names else f"{identifier} ({where})",
            images=images,
            answers=tuple(answer for answer in answers if answer is not None),
            group=row.get("group", ""),
            split=split_word(split) or split,
            weight=number_in(weight, "weight", where) if weight else 1.0,
            attributes={c.removeprefix("attribute."): row[c] for c in self.attributes if row.get(c)},
        )

    def _check_structures(self, cell: str, where: str) -> None:
        known = {word for q in self.questions for word in q.structures}
        strange = [word for word in structures_in(cell) if word not in known]
        if known and strange:
            raise InvalidInput(
                f"{ANNOTATED} names structures of the masks, {', '.join(sorted(known)[:12])} ({where})",
                got=repr(strange[0][:40]),
            )

    def _images(self, row: Row, where: str) -> tuple[tuple[str, ImageFile], ...]:
        named = {
            c.partition(".")[2] or _IMAGE: row[c] for c in row if c == _IMAGE or c.startswith(f"{_IMAGE}.")
        }
        there = {name: cell for name, cell in named.items() if cell}
        if not there:
            raise InvalidInput(f"each line of a manifest has image, group, split ({where})", got="no image")
        size = pixel_size_of_row(row, where)
        return tuple(
            (name, ImageFile(path=self.folder.found(cell, where), pixel_size=size))
            for name, cell in there.items()
        )


@final
class _Folder:
    """Files by the words of a cell: a path from the table's folder, or the name of one image with or without suffix."""

    def __init__(self, file: Path) -> None:
        self._folder = file.parent

    def holds(self, cell: str) -> bool:
        return self._of(cell) is not None

    def found(self, cell: str, where: str) -> Path:
        path = self._of(cell)
        if path is None:
            said = f" ({where})" if where else ""
            raise MissingInput(f"a manifest names files that exist{said}", got=cell)
        return path

    def _of(self, cell: str) -> Path | None:
        if not cell or "\0" in cell or len(cell) > _LONG:
            return None
        direct = self._folder / cell
        if direct.exists():
            return direct
        return self._by_name.get(Path(cell).name)

    @functools.cached_property
    def _by_name(self) -> dict[str, Path | None]:
        """Images below the folder, by name and by stem; None where a name stands for several."""
        found: dict[str, Path | None] = {}
        for path in images_in(self._folder):
            for name in {path.name, _stem(path.name)}:
                found[name] = None if name in found else path
        return found


def _stem(name: str) -> str:
    path = Path(name)
    return name[: -len(".nii.gz")] if name.lower().endswith(".nii.gz") else path.stem
