"""The errors of single cases that a model learnt from, and of those that it did not: what tells how well it fits."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.case import Dataset
from skiagraph.metrics import outcomes
from skiagraph.report.evaluated import Kind
from skiagraph.report.words import word
from skiagraph.task import Table, Watch
from skiagraph.values import frozen
from skiagraph.workflow.judge import Answerer, Ledger, sitting
from skiagraph.workflow.questions import cut_of, questions_of
from skiagraph.workflow.shelf import Reader

__all__ = ["CaseErrors", "both_sides"]

_NAMES: Final[Mapping[Kind, str]] = {
    "classes": "accuracy",
    "labels": "known labels right",
    "values": "mean absolute error",
    "outlines": "dice",
}


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CaseErrors:
    """How wrong a model is, group by group.

    Args:
        name: The figure that is one minus the mean error; of values the mean error itself. As metrics name it.
        unit: Of values, in words; else empty.
        higher: Whether more of the figure is better.
        train: Mean error of each group that was learnt from, shape (groups,).
        held: Mean error of each group that was not, shape (groups,).
        constant: Mean error of the constant answer on the latter; NaN where that was not asked.
    """

    name: str
    unit: str
    higher: bool
    train: NDArray[np.float64]
    held: NDArray[np.float64]
    constant: float

    def __post_init__(self) -> None:
        for name in ("train", "held"):
            object.__setattr__(self, name, frozen(getattr(self, name), np.float64))


def both_sides(
    reader: Reader,
    train: Dataset,
    held: Dataset,
    *,
    constant: Answerer | None,
    watch: Watch,
    most: int = 200,
) -> CaseErrors | None:
    """The errors of the first question of a model on both sides; None where one side has no answer.

    Args:
        reader: The model, opened.
        train: Cases that it learnt from.
        held: Cases that it did not learn from.
        constant: The constant answer; None for none.
        watch: Told after each case, of both sides as one.
        most: Cases of each side that are read, evenly spread.

    Raises:
        InvalidInput: No reference is about what the model answers.
    """
    who = {"model": Answerer(answer=reader, cut=cut_of(reader.recipe))}
    if constant is not None:
        who["constant"] = constant
    questions = questions_of(reader.recipe, reader.card)[:1]
    sides = [_thinned(side, most) for side in (train, held)]
    total, ledgers, before = sum(map(len, sides)), [], 0
    for side in sides:

        def told(done: int, _: int, figures: Mapping[str, float], /, *, before: int = before) -> None:
            watch(before + done, total, figures)

        ledgers.append(sitting(who, questions, side, told).ledgers[0])
        before += len(side)
    errors = [_by_group(ledger, "model") for ledger in ledgers]
    if not all(len(side) for side in errors):
        return None
    kind, unit = questions[0].kind, ledgers[1].unit
    always = _by_group(ledgers[1], "constant") if constant is not None else np.zeros(0)
    return CaseErrors(
        name=_NAMES[kind],
        unit="" if unit is None else word(unit, "en"),
        higher=kind != "values",
        train=errors[0],
        held=errors[1],
        constant=float(always.mean()) if len(always) else float("nan"),
    )


def _thinned(dataset: Dataset, most: int) -> Dataset:
    places = np.unique(np.linspace(0, len(dataset) - 1, min(most, len(dataset))).astype(np.intp))
    return dataclasses.replace(dataset, samples=tuple(dataset.samples[int(i)] for i in places))


def _by_group(ledger: Ledger, who: str) -> NDArray[np.float64]:
    groups: dict[str, list[float]] = {}
    for sample, table in zip(ledger.samples, ledger.tallies[who], strict=True):
        if table is not None:
            groups.setdefault(sample.group, []).append(_error(table, ledger.question.kind))
    return np.array([float(np.nanmean(errors)) for errors in groups.values() if np.isfinite(errors).any()])


def _error(table: Table, kind: Kind) -> float:
    """0 for a case that is right."""
    if kind == "values":
        return abs(float(table.rows[0, 0] - table.rows[0, 1]))
    if kind == "outlines":
        return 1 - float(np.mean([table[c][0] for c in table.columns if c.endswith(": dice")]))
    one = outcomes(table)
    if kind == "classes":
        return 1 - float((one.truth * one.decided).sum())
    known = ~np.isnan(one.truth[0])
    return float((one.truth[0] != one.decided[0])[known].mean()) if known.any() else float("nan")
