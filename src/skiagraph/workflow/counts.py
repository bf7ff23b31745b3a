"""How many cases of each class were found, and how many others were not taken for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skiagraph.metrics import clopper_pearson, outcomes
from skiagraph.report.evaluated import ClassCounts, Share
from skiagraph.task import Estimate
from skiagraph.task.tabular import stacked
from skiagraph.workflow.judge import Ledger

__all__ = ["counts_in", "with_exact_intervals"]

_OF_TWO: Final = (("specificity", "sensitivity"), ("sensitivity", "specificity"))


def counts_in(
    ledger: Ledger, who: str, figures: Mapping[str, Estimate], *, only: Sequence[int] | None = None
) -> tuple[ClassCounts, ...]:
    """Sensitivity and specificity of each class as counts; none of outlines and values, or of no answer.

    The intervals are exact. Where a group (a patient) has several cases, these are no independent tries: the interval
    then reaches at least as far as that of the bootstrap over groups.

    Args:
        ledger: Of one question.
        who: Who answered.
        figures: Of this one, from the bootstrap over groups.
        only: Places of cases in the ledger; None takes all.
    """
    chosen = range(len(ledger.samples)) if only is None else only
    answers = ((ledger.samples[i].group, ledger.tallies[who][i]) for i in chosen)
    rows = [(group, table) for group, table in answers if table is not None]
    if ledger.question.kind not in ("classes", "labels") or not rows:
        return ()
    one = outcomes(stacked([table for _, table in rows]))
    alone = len({group for group, _ in rows}) == len(rows)
    two = ledger.question.kind == "classes" and len(one.labels) == 2
    found = []
    for c, label in enumerate(one.labels):
        names = _OF_TWO[c] if two else _names(label)
        wider = [None if alone else figures.get(name) for name in names]
        has, told = one.truth[:, c], one.decided[:, c] > 0.5
        found.append(
            ClassCounts(
                label=label,
                found=_share(told[has == 1], wider[0]),
                spared=_share(~told[has == 0], wider[1]),
            )
        )
    return tuple(found)


def with_exact_intervals(
    figures: Mapping[str, Estimate], counts: Sequence[ClassCounts], *, two: bool
) -> dict[str, Estimate]:
    """The same figures, with sensitivity and specificity as counted: of few cases a bootstrap may give 0 to 0.

    Args:
        figures: By name.
        counts: Of the same cases.
        two: Whether they are of two classes, whose figures are those of the second.
    """
    found = dict(figures)
    for one in counts[1:] if two else counts:
        for name, share in zip(
            _OF_TWO[1] if two else _names(one.label), (one.found, one.spared), strict=True
        ):
            if name in found and share.cases:
                found[name] = dataclasses.replace(found[name], low=share.low, high=share.high)
    return found


def _names(label: str) -> tuple[str, str]:
    return f"{label}: sensitivity", f"{label}: specificity"


def _share(right: NDArray[np.bool_], wider: Estimate | None) -> Share:
    hits, n = int(right.sum()), len(right)
    low, high = clopper_pearson(hits, n) if n else (float("nan"), float("nan"))
    if n and wider is not None:
        low, high = float(np.fmin(low, wider.low)), float(np.fmax(high, wider.high))
    return Share(hits=hits, cases=n, low=low, high=high)
