"""The tree that `skiagraph info` prints: studies, series, images, and what is wrong with each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rich.tree import Tree

__all__ = ["extent", "meaning", "part_of", "size", "times", "tree_of", "unit_words"]

_FEW: Final = 6  # values of a condition that are listed
_UNITS: Final = {"b_value": "s/mm2", "echo_time": "ms", "trigger_time": "ms"}
_SAID: Final = {"[hnsf'U]": "HU", "g/ml{SUVbw}": "g/ml"}  # UCUM codes as people say them
_Rows = list[dict[str, Any]]


def tree_of(path: Path, images: _Rows, problems: list[str], studies: _Rows) -> Tree:
    """The tree of a path.

    Args:
        path: What was looked at.
        images: One row an image, as `info` describes it.
        problems: Of the whole path.
        studies: As `info` describes them.
    """
    from rich.markup import escape
    from rich.tree import Tree

    root = Tree(f"[bold]{escape(path.resolve().name)}[/bold]{_counted(images, studies)}")
    rest = dict.fromkeys(problems)
    for at, study in enumerate(studies):
        branch = root.add(escape(_study(study, several=_patients(studies) > 1)))
        for n, series in enumerate(study["series"]):
            leaf = branch.add(f"[cyan]{escape(_series(series))}[/cyan]")
            rows = [row for row in images if (row["study"], row["series"]) == (at, n)]
            _add_images(leaf, rows, series["uid"])
            for said in [said for said in rest if series["uid"] and series["uid"] in said]:
                _add_problem(leaf, said, series["uid"])
                del rest[said]
    for row in images:
        if row["study"] is None:
            _add_images(root.add(f"[cyan]{escape(row['case'])}[/cyan]"), [row], "")
    for said in rest:
        _add_problem(root, said)
    return root


def _add_problem(leaf: Tree, said: str, uid: str = "", *, word: str = "problem") -> None:
    from rich.markup import escape

    shown = said.replace(f"series {uid}", "this series") if uid else said
    leaf.add(f"[yellow]{word}:[/yellow] {escape(shown)}")


def _add_images(leaf: Tree, rows: _Rows, uid: str) -> None:
    from rich.markup import escape

    said: dict[str, None] = {}
    for row in rows:
        name = [] if len(rows) == 1 else [part_of(row) or row["image"]]
        words = [*name, extent(row), *_field(row), *_tilt(row), meaning(row), *times(row)]
        leaf.add(escape("; ".join(words)))
        said |= dict.fromkeys(row["problems"])
    for problem in said:  # of what was read; what was refused is a problem
        _add_problem(leaf, problem, uid, word="note")


def part_of(row: dict[str, Any]) -> str:
    """What sets an image apart from the others of its series; empty where nothing does."""
    whole, _, part = row["case"].partition("/")
    image = "" if row["image"] == "image" else str(row["image"])
    return image or (part if whole == row["uid"] else "")


def _counted(images: _Rows, studies: _Rows) -> str:
    words = []
    if studies:
        series = sum(len(study["series"]) for study in studies)
        patients = _patients(studies)
        words = [
            _many(patients, "patient"),
            _many(len(studies), "study", "studies"),
            _many(series, "series", "series"),
        ]
    return f"  {', '.join([*words, _many(len(images), 'image')])}"


def _patients(studies: _Rows) -> int:
    return len({study["patient"]["number"] for study in studies})


def _many(n: int, one: str, more: str = "") -> str:
    return f"{n} {one if n == 1 else more or one + 's'}"


def _study(study: dict[str, Any], *, several: bool) -> str:
    who = study["patient"]
    words = [f"study of {study['date']}" if study["date"] else "study without a date"]
    if "name" in who:
        words.append(f"patient {who['name'] or 'without a name'}, ID {who['id'] or 'not stated'}")
        words += [f"born {who['birth_date']}"] if who["birth_date"] else []
        words += [who["problem"]] if who["problem"] else []
    elif several:
        words.append(f"patient {who['number']}")
    words += [study["description"]] if study["description"] else []
    return "; ".join(words)


def _series(series: dict[str, Any]) -> str:
    words = [series["modality"] or "modality not stated", *filter(None, [series["description"]])]
    number = f"{series['number']}: " if series["number"] else ""
    return f"{number}{' '.join(words)}; {series['kind']}; {_many(series['files'], 'file')}"


def extent(row: dict[str, Any]) -> str:
    """Shape, axes and spacing in words; for a volume, to which side of the patient each axis points."""
    axes = ", ".join(_axis(name, row["orientation"]) for name in row["axes"])
    return size(row).replace(";", f" ({axes});")


def size(row: dict[str, Any]) -> str:
    """Shape and spacing in words."""
    shape = " x ".join(map(str, row["shape"]))
    spacing = "size not stated" if row["spacing_mm"] is None else f"{_mm(row['spacing_mm'])} mm"
    return f"{shape}; {spacing}"


def _axis(name: str, orientation: str | None) -> str:
    at = "ijk".find(name)
    return name if at < 0 or orientation is None else f"to {orientation[at]}"


def _field(row: dict[str, Any]) -> list[str]:
    field = row["field_of_view_mm"]
    return [] if field is None else [f"field of view {_mm(field)} mm"]


def _tilt(row: dict[str, Any]) -> list[str]:
    return [f"slices tilted by {row['tilt_degrees']:.3g} degrees"] if row["tilt_degrees"] else []


def unit_words(unit: str) -> str:
    """A UCUM code as people say it."""
    return _SAID.get(unit, unit.replace("{", "").replace("}", ""))


def meaning(row: dict[str, Any]) -> str:
    """Quantity, unit and type in words."""
    said = unit_words(row["unit"] or "")
    unit = f" in {said}" if said not in ("", row["quantity"]) else ""
    modality = f"{row['modality']} " if row["modality"] else ""
    quantity = "quantity unknown" if row["quantity"] == "unknown" else row["quantity"]
    return f"{modality}{quantity}{unit}, {row['type']}"


def times(row: dict[str, Any]) -> list[str]:
    """Timeline and conditions in words."""
    timeline = row["timeline"]
    if timeline is None:
        return []
    ends = timeline["times"]
    if timeline["unit"] == "s":
        said = [f"{len(ends)} times, {ends[0]:.4g} to {ends[-1]:.4g} s"]
    else:
        said = [f"{len(ends)} frames in order"]
    for name, values in timeline["conditions"].items():
        if values and isinstance(values[0], list):
            said.append(name.replace("_", " ") + "s kept")
            continue
        known = sorted(set(values))
        listed = ", ".join(f"{v:g}" for v in known[:_FEW]) + (", ..." if len(known) > _FEW else "")
        said.append(f"{name.replace('_', ' ')} {listed} {_UNITS.get(name, '')}".strip())
    return said


def _mm(values: list[float]) -> str:
    return " x ".join(f"{v:.5g}" for v in values)
