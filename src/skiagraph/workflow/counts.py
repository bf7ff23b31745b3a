"""How many cases of each class were found, and how many others were not taken for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skiagraph.metrics import clopper_pearson, outcomes
from skiagraph.report.evaluated import ClassCounts, Share
from skiagraph.task import Estimate
from skiagraph.task.tabular import stacked
from skiagraph.workflow.judge import Ledger

__all__ = ["counts_in"]

_OF_TWO: Final = (("specificity", "sensitivity"), ("sensitivity", "specificity"))


def counts_in(ledger: Ledger, who: str, figures: Mapping[str, Estimate]) -> tuple[ClassCounts, ...]:
    """Sensitivity and specificity of each class as counts; none of outlines and values, or of no answer.

    The intervals are exact. Where a group (a patient) has several cases, these are no independent tries: the interval
    then reaches at least as far as that of the bootstrap over groups.

    Args:
        ledger: Of one question.
        who: Who answered.
        figures: Of this one, from the bootstrap over groups.
    """
    rows = [(s.group, t) for s, t in zip(ledger.samples, ledger.tallies[who], strict=True) if t is not None]
    if ledger.question.kind not in ("classes", "labels") or not rows:
        return ()
    one = outcomes(stacked([table for _, table in rows]))
    alone = len({group for group, _ in rows}) == len(rows)
    two = ledger.question.kind == "classes" and len(one.labels) == 2
    found = []
    for c, label in enumerate(one.labels):
        names = _OF_TWO[c] if two else (f"{label}: sensitivity", f"{label}: specificity")
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


def _share(right: NDArray[np.bool_], wider: Estimate | None) -> Share:
    hits, n = int(right.sum()), len(right)
    low, high = clopper_pearson(hits, n) if n else (float("nan"), float("nan"))
    if n and wider is not None:
        low, high = float(np.fmin(low, wider.low)), float(np.fmax(high, wider.high))
    return Share(hits=hits, cases=n, low=low, high=high)
