"""Honest evaluation: one tally a case, groups resampled for the interval, and nothing left out in silence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import TypeVar, final

import numpy as np
from numpy.random import Generator

from skiagraph.errors import InvalidInput
from skiagraph.findings import Finding, NotApplicable
from skiagraph.task.contract import Metric

__all__ = ["Estimate", "evaluate"]

F = TypeVar("F", bound=Finding)
T = TypeVar("T")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One figure with its 95 % interval.

    Args:
        value: The figure over all cases.
        low: 2.5th percentile over resampled groups.
        high: 97.5th percentile over resampled groups.
        n: Cases that it rests on.
        excluded: Cases on which the model did not answer.
    """

    value: float
    low: float
    high: float
    n: int
    excluded: int


def evaluate(
    pairs: Iterable[tuple[str, F | NotApplicable, F]],
    metric: Metric[F, T],
    *,
    rng: Generator,
    resamples: int = 2000,
) -> Mapping[str, Estimate]:
    """The figures of a metric over many cases, with intervals from a bootstrap over groups.

    Args:
        pairs: (group, prediction, reference) of each case. A `NotApplicable` counts as excluded.
        metric: What to measure.
        rng: Draws the resamples.
        resamples: How many.

    Returns:
        An estimate for each figure of the metric.

    Raises:
        InvalidInput: No case was answered.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13 (percentile interval).
    """
    groups: dict[str, list[T]] = {}
    excluded = 0
    for group, prediction, reference in pairs:
        if isinstance(prediction, NotApplicable):
            excluded += 1
        else:
            groups.setdefault(group, []).append(metric.tally(prediction, reference))
    if not groups:
        raise InvalidInput("an evaluation has at least one answered case", got=f"{excluded} refused")
    tallies = [reduce(metric.merge, group) for group in groups.values()]
    whole = metric.summary(reduce(metric.merge, tallies))
    drawn = [
        metric.summary(
            reduce(metric.merge, (tallies[i] for i in rng.integers(len(tallies), size=len(tallies))))
        )
        for _ in range(resamples)
    ]
    n = sum(len(group) for group in groups.values())
    return {name: _estimate(value, [d[name] for d in drawn], n, excluded) for name, value in whole.items()}


def _estimate(value: float, drawn: list[float], n: int, excluded: int) -> Estimate:
    finite = np.array(drawn)[np.isfinite(drawn)]
    low, high = np.percentile(finite, [2.5, 97.5]) if len(finite) else (float("nan"), float("nan"))
    return Estimate(value=value, low=float(low), high=float(high), n=n, excluded=excluded)
