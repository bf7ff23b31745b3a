"""A table of features: one row a case, with its answer and group; from a CSV file or from images with masks."""

from __future__ import annotations

import csv
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.case import Dataset, Label, Sample, Target
from skiagraph.codes import Code
from skiagraph.errors import InvalidInput, MissingInput, SkiagraphError
from skiagraph.features.feature import Feature
from skiagraph.features.sets import FAMILIES
from skiagraph.findings import Classification, Finding, Measurement, Segmentation
from skiagraph.inference.classical import Describe, described, masked
from skiagraph.values import frozen

__all__ = ["FeatureTable", "features_of_cases", "table_of_csv"]

Row: TypeAlias = tuple[Sample, dict[str, float], float]
_MOST_CLASSES: Final = 20


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeatureTable:
    """Features of many cases, and what is true of them.

    Args:
        name: Of the data.
        columns: Keys of the features.
        numbers: Shape (cases, columns), float64; NaN where a feature has no value.
        truth: Shape (cases,): places in the labels of `target`, or values in its unit.
        groups: The patient of each case; no fold parts them.
        target: What is asked: ``"multi-class"`` or ``"regression"``.
        sets: Parameters of each named set that the columns come from; empty where they came as numbers.
        structure: Which segment was described; None for the whole mask.
        image: Name of the image that was described.
        ndim: 2 of pictures, 3 of volumes.
        modality: DICOM Modality of the images; empty where nobody says.
        licence: Of the data.
        problems: What was left out, one sentence each.

    Raises:
        InvalidInput: Rows that do not fit, an infinite number, a column twice, a truth that is no label.
    """

    name: str
    columns: tuple[str, ...]
    numbers: NDArray[np.float64]
    truth: NDArray[np.float64]
    groups: tuple[str, ...]
    target: Target
    sets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    structure: Code | None = None
    image: str = "image"
    ndim: int = 2
    modality: str = ""
    licence: str = ""
    problems: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("numbers", "truth"):
            object.__setattr__(self, name, frozen(getattr(self, name), np.float64))
        n = len(self.groups)
        if self.numbers.shape != (n, len(self.columns)) or self.truth.shape != (n,) or not self.numbers.size:
            raise InvalidInput(
                "a table has a row of features, a truth and a group for each case",
                got=f"{self.numbers.shape}, {self.truth.shape} and {n}",
            )
        if len(set(self.columns)) != len(self.columns):
            raise InvalidInput("each column of a table has a name of its own", got="one twice")
        if np.isinf(self.numbers).any() or not np.isfinite(self.truth).all():
            raise InvalidInput("features are finite or missing, and each case has its truth", got="another")
        if self.target.kind not in ("multi-class", "regression"):
            raise InvalidInput("a table answers with one class or one value", got=self.target.kind)
        if not self.regression and not np.isin(self.truth, np.arange(len(self.target.labels))).all():
            raise InvalidInput("the truth of a case is the place of a label", got="another number")

    def __len__(self) -> int:
        return len(self.groups)

    @property
    def regression(self) -> bool:
        """Whether values are asked for, not classes."""
        return self.target.kind == "regression"

    def digest(self) -> str:
        """SHA-256 of columns, numbers and truth, hexadecimal."""
        total = hashlib.sha256("\n".join(self.columns).encode())
        for array in (self.numbers, self.truth):
            total.update(np.ascontiguousarray(array).tobytes())
        return total.hexdigest()


def table_of_csv(
    path: Path, *, label: str, group: str | None = None, unit: Code | None = None
) -> FeatureTable:
    """A table of numbers with a column of answers.

    Args:
        path: CSV with a header; an empty cell, ``nan`` or ``NA`` is a feature without a value. Of a table of
            `skiagraph features` the other columns (case, structure, split, further answers) are left aside.
        label: Column of the answers: classes, or with a `unit` values. Classes are in the order of their names (of
            numbers: of their size); of two the second is the positive one.
        group: Column of the patients; None takes the column ``case`` where there is one, else each row as a group of
            its own.
        unit: UCUM code of the values of a regression; None asks for classes.

    Raises:
        MissingInput: No such file.
        InvalidInput: No such column, no column of numbers, an answer that is missing, or more than 20 classes.
    """
    if not path.is_file():
        raise MissingInput("a table is a CSV file", got=path.name)
    with path.open(newline="", encoding="utf-8-sig") as stream:
        rows = list(csv.DictReader(stream))
    header = [] if not rows else [name for name in rows[0] if name is not None]
    group = "case" if group is None and "case" in header else group
    for name in (label, *(() if group is None else (group,))):
        if name not in header:
            raise InvalidInput(
                "a column is asked for by its name", got=name, way_out=f"there are {', '.join(header)}"
            )
    asked = [name for name in _described(path, header) if name not in (label, group)]
    cells = {name: [_number(row[name]) for row in rows] for name in asked}
    columns = tuple(name for name, column in cells.items() if None not in column)
    left_out = [name for name in cells if name not in columns]
    if not columns:
        raise InvalidInput("a table has at least one column of numbers", got="none")
    target, truth = _answered([(row[label] or "").strip() for row in rows], label, unit)
    return FeatureTable(
        name=path.stem,
        columns=columns,
        numbers=np.array([cells[name] for name in columns], dtype=np.float64).T,
        truth=truth,
        groups=tuple(str(n) if group is None else str(row[group]) for n, row in enumerate(rows)),
        target=target,
        problems=(f"columns that are no numbers are left out: {', '.join(left_out)}",) if left_out else (),
    )


def _described(path: Path, header: Sequence[str]) -> Sequence[str]:
    """The columns that are features: those that `skiagraph features` names in the file beside its table, else all."""
    beside = path.with_suffix(".json")
    if not beside.is_file():
        return header
    try:
        told = json.loads(beside.read_text("utf-8"))
    except (OSError, ValueError):
        return header
    if not isinstance(told, dict) or told.get("format") != "skiagraph-features":
        return header
    return [name for name in header if name in told.get("columns", {})]


def _number(cell: str | None) -> float | None:
    """NaN of an empty cell; None of words."""
    text = (cell or "").strip()
    if text.lower() in {"", "na", "nan", "none"}:
        return math.nan
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else math.nan


def _answered(answers: Sequence[str], label: str, unit: Code | None) -> tuple[Target, NDArray[np.float64]]:
    concept = _own(label)
    if unit is not None:
        values = [_number(answer) for answer in answers]
        if any(v is None or math.isnan(v) for v in values):
            raise InvalidInput(
                "each row of a regression has its value", got="a row without", way_out="leave it out"
            )
        return Target(name=label, kind="regression", concept=concept, unit=unit), np.array(values, np.float64)
    numbers = {a: _number(a) for a in set(answers)}
    if "" in numbers:
        raise InvalidInput("each row has its class", got="a row without", way_out="leave it out")
    if len(numbers) > _MOST_CLASSES:
        raise InvalidInput(
            f"there are at most {_MOST_CLASSES} classes",
            got=str(len(numbers)),
            way_out="state the unit of a regression, or another column",
        )
    by_size = all(n is not None for n in numbers.values())
    names = sorted(numbers, key=lambda a: (numbers[a] or 0.0 if by_size else 0.0, a))
    labels = tuple(Label(number=n, code=_own(name)) for n, name in enumerate(names))
    target = Target(name=label, kind="multi-class", concept=concept, labels=labels)
    return target, np.array([names.index(a) for a in answers], np.float64)


def _own(words: str) -> Code:
    """A local code; of words that are too long for one, a part of their digest."""
    value = words if 0 < len(words) <= 16 else hashlib.sha256(words.encode()).hexdigest()[:16]
    return Code(value=value, scheme="99LOCAL", meaning=words)


def features_of_cases(
    dataset: Dataset,
    target: Target,
    *,
    sets: Mapping[str, Mapping[str, Any]],
    describe: Mapping[str, Describe] = FAMILIES,
    structure: Code | None = None,
    image: str = "image",
) -> FeatureTable:
    """The features of a data set of images with masks.

    Args:
        dataset: Each case with a segmentation and an answer in its reference; cases that lack one are left out, and
            `problems` says so.
        target: What is asked.
        sets: Which features are computed, with their parameters as keywords, all plain data: ``{"glcm": {"levels":
            {"bins": 16}}}``.
        describe: Functions from a region to features, by the name of the set.
        structure: The segment that is described; None for the whole mask.
        image: Name of the image.

    Raises:
        InvalidInput: Not one case can be described.
    """
    rows: list[Row] = []
    problems, ndims, modalities = [], set(), set()
    for sample in dataset:
        try:
            case, true = sample.case(), sample.reference()
            truth = _truth(true, target)
            outline = next((f for f in (*true, *case.known.values()) if isinstance(f, Segmentation)), None)
            if truth is None or outline is None or image not in case.images:
                problems.append(f"{sample.identifier}: no answer, no outline or no image of that name")
                continue
            region = masked(case.images[image], outline, structure)
            found: tuple[Feature, ...] = described(region, describe, sets)
        except SkiagraphError as error:
            problems.append(f"{sample.identifier}: {error}")
            continue
        rows.append((sample, {f.key: f.value for f in found}, truth))
        ndims.add(region.ndim)
        modalities.add(case.images[image].modality or "")
    if not rows or len(ndims) != 1:
        raise InvalidInput(
            "features describe cases that all are pictures or all volumes",
            got=f"{len(rows)} cases",
            way_out=problems[0] if problems else None,
        )
    columns = tuple(dict.fromkeys(key for _, found, _ in rows for key in found))
    return FeatureTable(
        name=dataset.name,
        columns=columns,
        numbers=np.array([[found.get(key, math.nan) for key in columns] for _, found, _ in rows]),
        truth=np.array([truth for *_, truth in rows]),
        groups=tuple(sample.group for sample, *_ in rows),
        target=target,
        sets={name: dict(parameters) for name, parameters in sets.items()},
        structure=structure,
        image=image,
        ndim=ndims.pop(),
        modality=modalities.pop() if len(modalities) == 1 else "",
        licence=dataset.licence,
        problems=tuple(problems),
    )


def _truth(findings: Sequence[Finding], target: Target) -> float | None:
    for finding in findings:
        if (
            isinstance(finding, Measurement)
            and target.kind == "regression"
            and finding.concept == target.concept
        ):
            return finding.value
        if isinstance(finding, Classification) and finding.concept == target.concept:
            told = {s.code: s.probability for s in finding.scores}
            true = [n for n, one in enumerate(target.labels) if told.get(one.code, 0.0) > 0.5]
            return float(true[0]) if len(true) == 1 else None
    return None
