"""What the columns of a table answer: classes, numbers and masks, stated by a manifest or guessed from their cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias, final

from skiagraph.case import Label, Target, TargetKind
from skiagraph.codes import Code
from skiagraph.errors import FormatError, InvalidInput
from skiagraph.io.datasets.answers import Answer, LabelMap, Masks, chosen, measured, numbers_of
from skiagraph.io.datasets.listing import Ask, number_in
from skiagraph.io.datasets.masks import mask_target
from skiagraph.io.datasets.words import class_target, coded, in_order, local, mask_labels, number_target

__all__ = ["ANNOTATED", "Find", "Question", "Row", "Wanted", "asked", "structures_in"]

Row: TypeAlias = Mapping[str, str]
Find: TypeAlias = Callable[[str, str], Path]
"""From the words of a cell and the place of its line to the file that is meant."""

ANNOTATED: Final = "annotated"
"""The column that says which structures the masks of a line outline, where these are not all."""

_SEVERAL: Final = re.compile(r"\s*[|;]\s*")
_MASKS: Final = ("segmentation", "overlapping", "instances")
_TRUE: Final = frozenset({"1", "1.0", "true", "yes", "y", "positive", "present"})
_FALSE: Final = frozenset({"0", "0.0", "false", "no", "n", "negative", "absent"})
_OPEN: Final = frozenset({"", "-1", "-1.0", "nan", "na", "n/a", "unknown", "uncertain", "u"})


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One target as it was stated or guessed.

    Args:
        name: Of the target.
        kind: What kind it is.
        columns: By the words of the label that it answers (multi-label and overlapping masks), or one under ``""``.
        labels: (what stands in a cell or a mask, words or code) in their order; empty leaves it to the cells.
        concept: Words or ``SCHEME|VALUE|MEANING``; empty for the name.
        unit: UCUM code of a number; None leaves it to the name.
    """

    name: str
    kind: TargetKind
    columns: Mapping[str, str]
    labels: tuple[tuple[str, str], ...] = ()
    concept: str = ""
    unit: Code | None = None

    @property
    def column(self) -> str:
        """The one column."""
        return next(iter(self.columns.values()))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A target, and how the cells of a line answer it."""

    wanted: Wanted
    target: Target
    cells: Mapping[str, int]
    binary: bool = False

    def answer(self, row: Row, where: str, find: Find) -> Answer | None:
        """The reference that a line states; None where its cells are empty.

        Raises:
            InvalidInput: A word that is no label, or no number where one is needed.
            MissingInput: A mask that is not there.
        """
        match self.target.kind:
            case "segmentation" | "instances":
                cell, told = row.get(self.wanted.column, ""), self._told(row)
                if not cell or told is None:
                    return None
                file = find(cell, where)
                return LabelMap(target=self.target, file=file, binary=self.binary, told=told)
            case "overlapping":
                files, told = [row.get(column, "") for column in self._columns()], self._told(row)
                if not any(files) or told is None:
                    return None
                found = tuple(find(cell, where) if cell else None for cell in files)
                return Masks(target=self.target, files=found, told=told)
            case "regression":
                cell = row.get(self.wanted.column, "")
                return measured(self.target, number_in(cell, self.wanted.column, where)) if cell else None
            case "multi-label":
                return self._several(row, where)
            case "multi-class" | "ordinal":
                return self._one(row, where)
            case "boxes":
                raise InvalidInput("boxes are not stated in a table", way_out="use VOC or COCO")

    @property
    def structures(self) -> Mapping[str, int]:
        """The numbers of the structures that a line may say to outline, by their words; empty of anything but masks."""
        return numbers_of(self.target) if self.target.kind in _MASKS else {}

    def _told(self, row: Row) -> tuple[int, ...] | None:
        """Which structures a line outlines: empty for all, None for not one of this target."""
        words = structures_in(row.get(ANNOTATED, ""))
        told = tuple(dict.fromkeys(self.structures[word] for word in words if word in self.structures))
        return told if told or not words else None

    def _columns(self) -> list[str]:
        """Of overlapping masks: the columns of the structures, and at the end that of ignored places."""
        by_number = dict(enumerate(self.wanted.columns.values(), 1))
        ignored = [] if self.target.ignore is None else [by_number.pop(self.target.ignore)]
        return [*by_number.values(), *ignored]

    def _one(self, row: Row, where: str) -> Answer | None:
        if len(self.wanted.columns) > 1:
            true = [word for word, column in self.wanted.columns.items() if _said(row, column, where)]
            if len(true) != 1:
                raise InvalidInput(f"one class of {self.target.name} is true ({where})", got=str(len(true)))
            return chosen(self.target, [self.cells[true[0]]])
        cell = row.get(self.wanted.column, "")
        return chosen(self.target, [self._number(cell, where)]) if cell else None

    def _several(self, row: Row, where: str) -> Answer | None:
        if "" in self.wanted.columns:
            cell = row.get(self.wanted.column, "")
            words = [word for word in _SEVERAL.split(cell) if word]
            return chosen(self.target, [self._number(word, where) for word in words]) if cell else None
        said = {self.cells[word]: _said(row, column, where) for word, column in self.wanted.columns.items()}
        unknown = [number for number, true in said.items() if true is None]
        if len(unknown) == len(said):
            return None
        return chosen(self.target, [number for number, true in said.items() if true], unknown=unknown)

    def _number(self, word: str, where: str) -> int:
        if word not in self.cells:
            raise InvalidInput(
                f"{self.target.name} is one of {', '.join(list(self.cells)[:12])} ({where})",
                got=repr(word[:40]),
            )
        return self.cells[word]


def structures_in(cell: str) -> list[str]:
    """The words of a cell, parted by ``|`` or ``;``."""
    return [word for word in _SEVERAL.split(cell.strip()) if word]


def _said(row: Row, column: str, where: str) -> bool | None:
    """What a cell of yes and no says; None where it is open."""
    cell = row.get(column, "").lower()
    if cell in _OPEN:
        return None
    if cell not in _TRUE | _FALSE:
        raise InvalidInput(f"{column} is 1, 0 or empty ({where})", got=repr(cell[:40]))
    return cell in _TRUE


def asked(wanted: Wanted, rows: Sequence[Row], find: Find, ask: Ask) -> Question:
    """The question that a column or several of them answer, with its list of labels.

    Args:
        wanted: Stated or guessed.
        rows: All of them, for the labels that were not listed.
        find: Finds masks.
        ask: What the caller says of structures.

    Raises:
        FormatError: Masks of which none can be read.
        InvalidInput: Labels that cannot be.
    """
    if wanted.kind in _MASKS:
        return _of_masks(wanted, rows, find, ask)
    if wanted.kind == "regression":
        target = number_target(wanted.name)
        unit, concept = (
            wanted.unit or target.unit,
            coded(wanted.concept) if wanted.concept else target.concept,
        )
        target = Target(name=wanted.name, kind="regression", concept=concept, unit=unit)
        return Question(wanted=wanted, target=target, cells={})
    listed = wanted.labels or tuple((word, word) for word in _words(wanted, rows))
    if not listed:
        raise FormatError(f"the column {wanted.column} has labels", got="empty cells")
    target = class_target(wanted.concept or wanted.name, [text for _, text in listed], wanted.kind)  # type: ignore[arg-type]
    target = Target(name=wanted.name, kind=wanted.kind, concept=target.concept, labels=target.labels)
    cells = {**numbers_of(target), **{cell: number for number, (cell, _) in enumerate(listed)}}
    return Question(wanted=wanted, target=target, cells=cells)


def _words(wanted: Wanted, rows: Iterable[Row]) -> list[str]:
    if "" not in wanted.columns:
        return list(wanted.columns)
    cells = [row[wanted.column] for row in rows if row.get(wanted.column)]
    if wanted.kind == "multi-label":
        cells = [word for cell in cells for word in _SEVERAL.split(cell) if word]
    return in_order(cells)


def _of_masks(wanted: Wanted, rows: Sequence[Row], find: Find, ask: Ask) -> Question:
    if wanted.kind == "overlapping":
        labels, ignore = mask_labels(
            [Label(number=n, code=coded(word)) for n, word in enumerate(wanted.columns, 1)]
        )
        target = Target(
            name=wanted.name, kind="overlapping", concept=local(wanted.name), labels=labels, ignore=ignore
        )
        return Question(wanted=wanted, target=target, cells={})
    structures = ask.structures
    if structures is None and wanted.labels:
        structures = {_whole(cell, wanted.name): coded(text) for cell, text in wanted.labels}
    files = (
        [] if structures is not None else [find(row[wanted.column], "") for row in rows if row[wanted.column]]
    )
    target, binary = mask_target(wanted.name, files, structures, wanted.concept)
    if wanted.kind == "instances":
        target = Target(name=wanted.name, kind="instances", concept=target.concept, labels=target.labels[:1])
        binary = False
    return Question(wanted=wanted, target=target, cells={}, binary=binary)


def _whole(text: str, name: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise InvalidInput(f"the labels of {name} are numbered from 1 to 65535", got=repr(text[:20]))
    return int(text)
