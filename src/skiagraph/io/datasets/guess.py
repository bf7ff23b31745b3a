"""What the columns of a table are, where no manifest says it: told by their names and by their cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

from skiagraph.io.datasets.questions import ANNOTATED, Row, Wanted
from skiagraph.io.datasets.words import ATTRIBUTES

__all__ = ["ROLES", "guessed", "with_roles"]

ROLES: Final[Mapping[str, tuple[str, ...]]] = {
    "image": (
        *("image", "images", "file", "filename", "file_name", "filepath", "path", "image_path", "img"),
        *(
            "image_file",
            "imagepath",
            "image_name",
            "image index",
            "image_index",
            "image_id",
            "imageid",
            "scan",
            "id",
        ),
    ),
    "group": (
        *("group", "patient", "patient_id", "patientid", "patient id", "subject", "subject_id"),
        *("participant_id", "case_id"),
    ),
    "split": ("split", "subset", "partition", "set"),
    "weight": ("sample_weight",),
    ANNOTATED: ("annotated_structures",),
}
_MASKS: Final = ("mask", "segmentation", "seg", "mask_path", "label_path", "annotation", "ground_truth")
_CLASSES: Final = ("label", "labels", "class", "target", "category", "diagnosis", "dx", "finding", "findings")
_MORE: Final = (*_CLASSES, "finding labels", "y", "label_name", "class_name")
_GRADES: Final = ("grade", "stage", "severity", "score")
_SIZES: Final = ("pixel_size_mm", "row_mm", "column_mm")
_MEASURED: Final = ("head_circumference_mm",)
_MANY: Final = 20  # different whole numbers beyond which a column counts or measures instead of naming
_MOST_OF: Final = 0.7  # of the columns that are left over are yes and no where they are classes
_FEW: Final = 3  # columns that are left over and may all be taken for numbers to learn
_YES_NO: Final = frozenset({"0", "1", "-1", "0.0", "1.0", "-1.0", ""})


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What was told from names and cells.

    Args:
        targets: What is answered.
        attributes: Columns of subgroups.
    """

    targets: tuple[Wanted, ...]
    attributes: tuple[str, ...]


def with_roles(rows: Sequence[Row], given: Row) -> list[Row]:
    """The rows with the columns of a manifest under its own names: ``image``, ``group``, ``split`` ...

    Args:
        rows: As they stand in the table.
        given: The column that plays a role, where it was stated; the others are told by their names.
    """
    header = {column.lower().strip(): column for column in (rows[0] if rows else {})}
    plays, moved = dict(given), set[str]()
    for role, names in ROLES.items():
        if role in plays or role in header.values() or any(c.startswith(f"{role}.") for c in header.values()):
            continue
        found = next((header[name] for name in names if name in header), None)
        if found is not None:
            plays[role] = found
            moved.add(found)
    return [
        {
            **{column: cell for column, cell in row.items() if column not in moved},
            **{role: row.get(column, "") for role, column in plays.items()},
        }
        for row in rows
    ]


def guessed(rows: Sequence[Row], *, taken: Iterable[str], is_file: Callable[[str], bool]) -> Guess:
    """What the columns that play no role are.

    Args:
        rows: With their roles.
        taken: Columns that are spoken for.
        is_file: Whether the words of a cell name a file.
    """
    used = {*taken, *ROLES, *_SIZES}
    free = [c for c in rows[0] if c not in used and not c.startswith("image.")]
    cells = {column: [row.get(column, "") for row in rows] for column in free}
    attributes = tuple(
        c for c in free if (c.lower() in ATTRIBUTES or c.startswith("attribute.")) and any(cells[c])
    )
    targets = _named(free, cells, is_file)
    if not targets:
        rest = [c for c in free if c not in attributes and any(cells[c])]
        targets = _left_over(rest, cells)
    return Guess(targets=tuple(targets), attributes=attributes)


def _named(free: Sequence[str], cells: dict[str, list[str]], is_file: Callable[[str], bool]) -> list[Wanted]:
    found = []
    for prefix, kind in (("mask", "overlapping"), ("label", "multi-label")):
        columns = {c.removeprefix(f"{prefix}."): c for c in free if c.startswith(f"{prefix}.")}
        if columns:
            found.append(Wanted(name=prefix, kind=kind, columns=columns))  # type: ignore[arg-type]
    for column in free:
        name, one = column.lower(), {"": column}
        told = [cell for cell in cells[column] if cell]
        if not told:
            continue
        files = name in (*_MASKS, *_MORE) and is_image_name_like(told[0]) and is_file(told[0])
        if files or name == "mask":
            found.append(Wanted(name=column, kind="segmentation", columns=one))
        elif column.startswith("value.") or name in _MEASURED:
            found.append(Wanted(name=column.removeprefix("value."), kind="regression", columns=one))
        elif name in _MORE or name in _GRADES:
            found.append(_of_words(column, told, graded=name in _GRADES))
    return found


def is_image_name_like(cell: str) -> bool:
    """Whether the words of a cell look like the name of an image, or of a folder with one."""
    from_name = re.search(r"\.[A-Za-z0-9]{2,5}$|/", cell)
    return from_name is not None


def _of_words(column: str, told: Sequence[str], *, graded: bool) -> Wanted:
    one = {"": column}
    if any("|" in cell or ";" in cell for cell in told):
        return Wanted(name=column, kind="multi-label", columns=one)
    if _is_number(told) and (len(set(told)) > _MANY or any(not float(c).is_integer() for c in told)):
        return Wanted(name=column, kind="regression", columns=one)
    return Wanted(name=column, kind="ordinal" if graded and _is_number(told) else "multi-class", columns=one)


def _left_over(rest: Sequence[str], cells: dict[str, list[str]]) -> list[Wanted]:
    """Columns of yes and no are classes; of at most three others, those full of numbers are numbers to learn."""
    yes_no = {
        c: c for c in rest if set(cells[c]) <= _YES_NO and {float(x) for x in cells[c] if x} <= {0, 1, -1}
    }
    if len(yes_no) < _MOST_OF * len(rest):
        yes_no = {}
    if len(yes_no) == 1:
        (column,) = yes_no
        return [Wanted(name=column, kind="multi-class", columns={"": column})]
    if yes_no:
        lines = zip(*(cells[c] for c in yes_no), strict=True)
        exclusive = all(
            sorted(float(cell or -1) for cell in line) == [0.0] * (len(line) - 1) + [1.0] for line in lines
        )
        return [Wanted(name="label", kind="multi-class" if exclusive else "multi-label", columns=yes_no)]
    numbers = [c for c in rest if all(cells[c]) and _is_number(cells[c])]
    if len(rest) <= _FEW:
        return [Wanted(name=c, kind="regression", columns={"": c}) for c in numbers]
    return []


def _is_number(told: Iterable[str]) -> bool:
    try:
        return all(float(cell) == float(cell) for cell in told)
    except ValueError:
        return False
