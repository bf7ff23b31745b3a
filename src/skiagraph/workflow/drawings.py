"""From the tallies of a question to what a page draws: curves, bins, agreement, distributions."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from skiagraph.codes import ONE
from skiagraph.errors import InvalidInput
from skiagraph.metrics import (
    Outcomes,
    average_precision,
    bland_altman,
    calibration_error,
    curves,
    outcomes,
    reliability,
    roc_auc,
)
from skiagraph.metrics.masks import label_of
from skiagraph.report.evaluated import ClassGraphs, Graphs, OutlineGraphs, Path, ValueGraphs
from skiagraph.task import Table
from skiagraph.task.tabular import stacked
from skiagraph.workflow.judge import Ledger

__all__ = ["graphs_of", "score_of"]

_BINS: Final = 15  # as the figures have them
_CURVES: Final = 6  # that can still be told apart in one chart


def graphs_of(ledger: Ledger, who: str) -> Graphs:
    """What is drawn of the answers of one of those who were asked.

    Raises:
        InvalidInput: Not one answer.
    """
    tables = [t for t in ledger.tallies[who] if t is not None]
    if not tables:
        raise InvalidInput("what is drawn has at least one answered case", got="none")
    total = stacked(tables)
    if ledger.question.kind == "values":
        return _values(total, ledger)
    if ledger.question.kind == "outlines":
        labels = [label_of(structure) for structure in ledger.question.structures]
        return OutlineGraphs(
            labels=tuple(labels),
            dice=np.stack([total[f"{label}: dice"] for label in labels], axis=1),
            distance=np.stack([total[f"{label}: hd95 [mm]"] for label in labels], axis=1),
        )
    return _classes(outcomes(total), exclusive=ledger.question.kind == "classes")


def score_of(table: Table, kind: str) -> tuple[float, float]:
    """How badly one case went (more is worse), and the number that is said of it.

    Args:
        table: Its tally.
        kind: Of the question.

    Returns:
        (rank, score): the score is the probability of the truth, the absolute error, or the mean Dice.
    """
    if kind == "values":
        error = abs(float(table.rows[0, 0] - table.rows[0, 1]))
        return error, error
    if kind == "outlines":
        dice = float(np.nanmean([table[c][0] for c in table.columns if c.endswith(": dice")]))
        return -dice, dice
    one = outcomes(table)
    told = np.where(one.truth[0] > 0.5, one.probabilities[0], 1 - one.probabilities[0])
    if kind == "classes":
        true = float(one.probabilities[0, int(one.truth[0].argmax())])
        return -true, true
    least = float(np.nanmin(np.where(np.isnan(one.truth[0]), np.nan, told), initial=1.0))
    return -least, least


def _classes(found: Outcomes, *, exclusive: bool) -> ClassGraphs:
    n = len(found.labels)
    columns = [1] if exclusive and n == 2 else list(range(n))
    roc: list[Path] = []
    pr: list[Path] = []
    share: list[float] = []
    for c in columns:
        known = ~np.isnan(found.truth[:, c])
        p, true = found.probabilities[known, c], found.truth[known, c]
        if len(roc) == _CURVES or not len(true) or not 0 < true.mean() < 1:
            continue
        line = curves(p, true)
        name = found.labels[c]
        area, precision = float(roc_auc(p, true)[0]), float(average_precision(p, true)[0])
        roc.append(Path(name=name, x=line.one_minus_specificity, y=line.sensitivity, area=area))
        pr.append(Path(name=name, x=line.sensitivity, y=line.precision, area=precision))
        share.append(float(true.mean()))
    told, right = _sure(found, exclusive=exclusive)
    bins = reliability(told, right, bins=_BINS)
    start = np.maximum(np.ceil(bins.confidence * _BINS - 1e-9) - 1, 0) / _BINS
    return ClassGraphs(
        labels=found.labels,
        roc=tuple(roc),
        pr=tuple(pr),
        share=tuple(share),
        bins=np.stack([bins.n, bins.confidence, bins.right, start, start + 1 / _BINS]),
        calibration_error=float(calibration_error(told, right, bins=_BINS)[0]),
        confusion=found.truth.T @ found.decided if exclusive else None,
    )


def _sure(found: Outcomes, *, exclusive: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How sure the model was of something, and whether it was so.

    Of two classes the second, of more the decided one, of labels that stand each for itself all that are known.
    """
    if not exclusive:
        known = ~np.isnan(found.truth)
        return found.probabilities[known], found.truth[known]
    if len(found.labels) == 2:
        return found.probabilities[:, 1], found.truth[:, 1]
    decided = found.decided.argmax(axis=1)
    rows = np.arange(len(decided))
    return found.probabilities[rows, decided], found.truth[rows, decided]


def _values(total: Table, ledger: Ledger) -> ValueGraphs:
    limits = bland_altman(total) if len(total) > 1 else None
    return ValueGraphs(
        unit=ledger.unit or ONE,
        reference=total.rows[:, 1],
        prediction=total.rows[:, 0],
        low=total["low"],
        high=total["high"],
        bias=None if limits is None else limits.bias,
        limits=None if limits is None else (limits.lower, limits.upper),
        bias_interval=None if limits is None else limits.bias_interval,
    )
