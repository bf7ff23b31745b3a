"""What every metric owes: tallies that add up in any order, and figures whose names never change."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

from skiagraph.errors import ContractError
from skiagraph.findings import Finding
from skiagraph.task import Metric

__all__ = ["check_metric"]


def check_metric(metric: Metric[Any, Any], pairs: Sequence[tuple[Finding, Finding]]) -> None:
    """Tallies pairs, merges them in several orders, and holds the figures together.

    Args:
        metric: Any metric.
        pairs: At least three of (prediction, reference), as different as they come.

    Raises:
        ContractError: The first promise that is broken, or fewer than three pairs.
    """
    if len(pairs) < 3:
        raise ContractError("a metric is checked with at least three pairs", got=str(len(pairs)))
    tallies = [metric.tally(prediction, reference) for prediction, reference in pairs]
    alone = [_figures(metric, tally) for tally in tallies]
    whole = _figures(metric, reduce(metric.merge, tallies))
    for figures in alone:
        if list(figures) != list(whole):
            raise ContractError("the figures of a metric have the same names always", got=f"{list(figures)}")
    if not all(math.isfinite(value) for value in whole.values()):
        raise ContractError("the figures over all cases are finite", got=str(whole))
    for a, b, c in zip(tallies, tallies[1:], tallies[2:], strict=False):
        forth, back = metric.merge(a, b), metric.merge(b, a)
        _check_same("merging is commutative", _figures(metric, forth), _figures(metric, back))
        left, right = metric.merge(forth, c), metric.merge(a, metric.merge(b, c))
        _check_same("merging is associative", _figures(metric, left), _figures(metric, right))
    turned = _figures(metric, reduce(metric.merge, reversed(tallies)))
    _check_same("the order of cases does not matter", whole, turned)
    for (prediction, reference), tally, figures in zip(pairs, tallies, alone, strict=True):
        _check_same("merging leaves its tallies alone", figures, _figures(metric, tally))
        again = metric.tally(prediction, reference)
        _check_same("the same pair gives the same tally", figures, _figures(metric, again))


def _figures(metric: Metric[Any, Any], tally: Any) -> Mapping[str, float]:
    figures: Mapping[Any, Any] = metric.summary(tally)
    if not figures or not all(isinstance(n, str) and isinstance(v, int | float) for n, v in figures.items()):
        raise ContractError("a summary maps names to numbers", got=str(figures))
    return figures


def _check_same(rule: str, a: Mapping[str, float], b: Mapping[str, float]) -> None:
    for name, value in a.items():
        both_unknown = math.isnan(value) and math.isnan(b[name])
        if not both_unknown and not math.isclose(value, b[name], rel_tol=1e-9, abs_tol=1e-12):
            raise ContractError(rule, got=f"{name} {value} and {b[name]}")
