"""A table of features: one row a case, with its answer and group; from a CSV file or from images with masks."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.case import Dataset, Label, Sample, Target
from skiagraph.codes import Code
from skiagraph.errors import FormatError, InvalidInput, MissingInput, SkiagraphError
from skiagraph.features.account import Account, account_beside
from skiagraph.features.feature import Feature
from skiagraph.features.region import Region
from skiagraph.features.sets import FAMILIES
from skiagraph.findings import Classification, Finding, Measurement, Segmentation
from skiagraph.inference.classical import Describe, described
from skiagraph.inference.regions import brought, masked
from skiagraph.values import frozen

__all__ = ["FeatureTable", "features_of_cases", "table_of_csv"]

Row: TypeAlias = tuple[Sample, dict[str, float], float]
_MOST_CLASSES: Final = 20
_LARGEST: Final = 1e100  # what can be squared and summed


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
        region: What a row is of (`skiagraph.task.Described`).
        sized: Whether the size of a sample in mm was known.
        image: Name of the image that was described.
        ndim: 2 of pictures, 3 of volumes.
        modality: DICOM Modality of the images; empty where nobody says.
        licence: Of the data.
        problems: What was left out, one sentence each.

    Raises:
        InvalidInput: Rows that do not fit, a number that is infinite or beyond 1e100, a column twice, a truth that is
            no label.
    """

    name: str
    columns: tuple[str, ...]
    numbers: NDArray[np.float64]
    truth: NDArray[np.float64]
    groups: tuple[str, ...]
    target: Target
    sets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    structure: Code | None = None
    region: Literal["outline", "each", "image"] = "outline"
    sized: bool = True
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
        if (np.abs(self.numbers) > _LARGEST).any() or not (np.abs(self.truth) <= _LARGEST).all():
            raise InvalidInput(
                f"features are missing or within {_LARGEST:g}, and each case has its truth", got="another"
            )
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
            `skiagraph features` the other columns (case, structure, split, further answers) are left aside, and the
            file beside it says how the numbers were made, so that the model can make them of images.
        label: Column of the answers: classes, or with a `unit` values. Classes are in the order of their names (of
            numbers: of their size), or as their data set has them; of two the second is the positive one.
        group: Column of the patients; None takes the column ``case`` where there is one, else each row as a group of
            its own.
        unit: UCUM code of the values of a regression; None asks for classes.

    Raises:
        MissingInput: No such file.
        FormatError: Not a CSV file in UTF-8, or the file beside it is damaged or of a later release.
        InvalidInput: No row, no such column, no column of numbers, an answer that is missing, or more than 20 classes.
    """
    rows = _rows(path)
    header = [name for name in rows[0] if name]  # without a name: a count of lines, or cells too many
    group = "case" if group is None and "case" in header else group
    for name in (label, *(() if group is None else (group,))):
        if name not in header:
            raise InvalidInput(
                "a column is asked for by its name", got=name, way_out=f"there are {', '.join(header)}"
            )
    account = account_beside(path)
    described = header if account is None else [name for name in header if name in account.columns]
    cells = {name: [_number(row[name]) for row in rows] for name in described if name not in (label, group)}
    columns = tuple(name for name, column in cells.items() if None not in column)
    left_out = [name for name in cells if name not in columns]
    if not columns:
        raise InvalidInput("a table has at least one column of numbers", got="none")
    asked = None if account is None else account.targets.get(label)
    target, truth = _answered([(row[label] or "").strip() for row in rows], label, unit, asked)
    problems = [f"columns that are no numbers are left out: {', '.join(left_out)}"] if left_out else []
    if account is not None and account.problem:
        problems.append(account.problem)
    return FeatureTable(
        name=path.stem,
        columns=columns,
        numbers=np.array([cells[name] for name in columns], dtype=np.float64).T,
        truth=truth,
        groups=tuple(str(n) if group is None else str(row[group]) for n, row in enumerate(rows)),
        target=target,
        problems=tuple(problems),
        **({} if account is None else _images(account)),
    )


def _images(account: Account) -> dict[str, Any]:
    """What a table keeps of how its numbers were made."""
    kept = ("sets", "structure", "region", "sized", "image", "ndim", "modality")
    return {name: getattr(account, name) for name in kept}


def _rows(path: Path) -> list[dict[str, str]]:
    """The lines of a table, each by the names of its columns; at least one."""
    if not path.is_file():
        raise MissingInput(f"{path.name} does not exist", way_out="check the path")
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = list(csv.DictReader(stream))
    except (UnicodeDecodeError, csv.Error) as error:
        raise FormatError("a table is a CSV file in UTF-8", got=path.name) from error
    if not rows:
        raise InvalidInput(
            "a table has a line of names, and a line a case below it", got=f"{path.name} without"
        )
    return rows


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


def _answered(
    answers: Sequence[str], label: str, unit: Code | None, asked: Target | None
) -> tuple[Target, NDArray[np.float64]]:
    """The target of a column, as its data set asks it (`asked`) where it does, and the truth of each row."""
    concept = _own(label) if asked is None else asked.concept
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
    if len(numbers) < 2:
        raise InvalidInput(
            "there are two classes or more", got=next(iter(numbers), "none"), way_out="name another column"
        )
    if len(numbers) > _MOST_CLASSES:
        raise InvalidInput(
            f"there are at most {_MOST_CLASSES} classes",
            got=str(len(numbers)),
            way_out="state the unit of a regression, or another column",
        )
    if asked is not None and asked.kind in ("multi-class", "ordinal"):
        places = {one.code.meaning or one.code.value: n for n, one in enumerate(asked.labels)}
        if set(places) == set(numbers):
            target = dataclasses.replace(asked, kind="multi-class")
            return target, np.array([places[a] for a in answers], np.float64)
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
    problems, ndims, modalities, sized = [], set(), set(), set()
    for sample in dataset:
        try:
            region, truth, modality = _of_sample(sample, target, image, structure)
            found: tuple[Feature, ...] = described(region, describe, sets)
        except SkiagraphError as error:
            problems.append(f"{sample.identifier}: {error}")
            continue
        rows.append((sample, {f.key: f.value for f in found}, truth))
        ndims.add(region.ndim)
        modalities.add(modality)
        sized.add(region.spacing is not None)
    if not rows or len(ndims) != 1 or len(sized) != 1:
        raise InvalidInput(
            "features describe cases that all are pictures or all volumes, all of known size or all of none",
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
        sized=sized == {True},
        image=image,
        ndim=ndims.pop(),
        modality=modalities.pop() if len(modalities) == 1 else "",
        licence=dataset.licence,
        problems=tuple(problems),
    )


def _of_sample(
    sample: Sample, target: Target, image: str, structure: Code | None
) -> tuple[Region, float, str]:
    """The region of a case, the answer to what is asked, and the modality of the image."""
    case, true = sample.case(), sample.reference()
    truth = _truth(true, target)
    outline = next((f for f in (*true, *case.known.values()) if isinstance(f, Segmentation)), None)
    if truth is None or outline is None or image not in case.images:
        raise InvalidInput("a case has an answer, an outline and the image", got="one without")
    shown = case.images[image]
    return masked(shown, brought(outline, shown.space), structure), truth, shown.modality or ""


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
