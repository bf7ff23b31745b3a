"""Honest evaluation: one tally a case, groups resampled for the interval, and nothing left out in silence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal, TypeVar, final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import special

from skiagraph.errors import InvalidInput
from skiagraph.findings import Finding, NotApplicable
from skiagraph.task.contract import Metric
from skiagraph.task.tabular import Counts, Figures, Tabular, joined, resampler, stacked

__all__ = ["Estimate", "drawn_groups", "estimated", "evaluate", "figures_of", "merged", "undefined_of"]

F = TypeVar("F", bound=Finding)
T = TypeVar("T")

_HELD = 1 << 22  # counts of groups at once
_BLOCKS = 1000  # groups are left out one by one up to here, beyond in so many blocks


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One figure with its 95 % interval.

    Args:
        value: The figure over all cases.
        low: Lower end, from resampled groups.
        high: Upper end, from resampled groups.
        n: Cases that it rests on.
        excluded: Cases that give nothing to it: the model did not answer, or the figure is not defined for them.
        unresolved: Resamples in which the figure is not defined (a rare class was not drawn); the interval rests on
            the others.
    """

    value: float
    low: float
    high: float
    n: int
    excluded: int
    unresolved: int = 0


def evaluate(
    pairs: Iterable[tuple[str, F | NotApplicable, F]],
    metric: Metric[F, T],
    *,
    rng: Generator,
    resamples: int = 2000,
    interval: Literal["percentile", "bca"] = "percentile",
) -> Mapping[str, Estimate]:
    """The figures of a metric over many cases, with intervals from a bootstrap over groups.

    Args:
        pairs: (group, prediction, reference) of each case. A `NotApplicable` counts as excluded.
        metric: What to measure. A `Tabular` one is resampled by counts, which is fast; any other by merging.
        rng: Draws the resamples.
        resamples: How many.
        interval: ``"percentile"``, or ``"bca"``: corrected for bias and for a spread that changes with the value,
            at the price of leaving out each group once.

    Returns:
        An estimate for each figure of the metric.

    Raises:
        InvalidInput: No case was answered.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters 13 (percentile) and 14 (BCa).
    """
    groups: dict[str, list[T]] = {}
    excluded = 0
    for group, prediction, reference in pairs:
        if isinstance(prediction, NotApplicable):
            excluded += 1
        else:
            groups.setdefault(group, []).append(metric.tally(prediction, reference))
    return estimated(groups, metric, excluded=excluded, rng=rng, resamples=resamples, interval=interval)


def estimated(
    groups: Mapping[str, Sequence[T]],
    metric: Metric[F, T],
    *,
    excluded: int,
    rng: Generator,
    resamples: int = 2000,
    interval: Literal["percentile", "bca"] = "percentile",
) -> Mapping[str, Estimate]:
    """As `evaluate`, of tallies that were made before: findings need not be held until all cases are read.

    Args:
        groups: The tallies of the answered cases of each group.
        metric: That made them.
        excluded: Cases that were not answered.
        rng: Draws the resamples.
        resamples: How many.
        interval: As for `evaluate`.

    Raises:
        InvalidInput: No case was answered.
    """
    if not groups:
        raise InvalidInput("an evaluation has at least one answered case", got=f"{excluded} refused")
    tallies: list[Any] = [merged(metric, group) for group in groups.values()]
    g, n = len(tallies), sum(len(group) for group in groups.values())
    figures = figures_of(metric, tallies)
    whole = figures(np.ones((1, g)))
    drawn = joined(map(figures, drawn_groups(g, resamples, rng)))
    without = joined(map(figures, _one_out(g))) if interval == "bca" else {}
    undefined = undefined_of(metric, tallies)
    found = {}
    for name, (value,) in whole.items():
        low, high = (
            _bca(value, drawn[name], without[name]) if without else _percentiles(drawn[name], [0.025, 0.975])
        )
        missing = undefined.get(name, 0)
        found[name] = Estimate(
            value=float(value),
            low=low,
            high=high,
            n=n - missing,
            excluded=excluded + missing,
            unresolved=int(np.isnan(drawn[name]).sum()),
        )
    return found


def drawn_groups(groups: int, resamples: int, rng: Generator) -> Iterator[Counts]:
    """How often each group stands in each resample, drawn with replacement: parts of shape (resamples, groups)."""
    at_once = max(1, _HELD // groups)
    for start in range(0, resamples, at_once):
        n = min(at_once, resamples - start)
        drawn = rng.integers(groups, size=(n, groups)) + groups * np.arange(n)[:, None]
        yield np.bincount(drawn.ravel(), minlength=n * groups).reshape(n, groups).astype(np.float64)


def figures_of(metric: Metric[Any, Any], tallies: Sequence[Any]) -> Callable[[Counts], Figures]:
    """What gives the figures of totals in which each tally stands several times or not at all.

    Args:
        metric: Of the tallies.
        tallies: One a group.

    Returns:
        A function of whole numbers of shape (resamples, groups), no row of zeros.
    """
    if isinstance(metric, Tabular):
        return resampler(metric, tallies)

    def figures(times: Counts) -> Figures:
        found = [
            metric.summary(
                reduce(metric.merge, (tallies[int(i)] for i in np.repeat(np.arange(len(row)), row)))
            )
            for row in times.astype(np.intp)
        ]
        return {name: np.array([one[name] for one in found], dtype=np.float64) for name in found[0]}

    return figures


def undefined_of(metric: Metric[Any, Any], tallies: Sequence[Any]) -> Mapping[str, int]:
    """How many cases give nothing to a figure, by its name; names without such cases are missing."""
    return metric.undefined(stacked(tallies)) if isinstance(metric, Tabular) else {}


def merged(metric: Metric[Any, Any], tallies: Sequence[Any]) -> Any:
    """All tallies as one."""
    return stacked(tallies) if isinstance(metric, Tabular) else reduce(metric.merge, tallies)


def _one_out(groups: int) -> Iterator[Counts]:
    """All groups but one, or but one block of many: parts of shape (blocks, groups); one group cannot be left out."""
    blocks = min(groups, _BLOCKS)
    block, at_once = np.arange(groups) % blocks, max(1, _HELD // groups)
    for start in range(0, blocks, at_once):
        left_out = np.arange(start, min(start + at_once, blocks))
        yield np.asarray((block != left_out[:, None]) | (groups == 1), dtype=np.float64)


def _percentiles(drawn: NDArray[np.float64], at: Sequence[float]) -> tuple[float, float]:
    known = drawn[~np.isnan(drawn)]
    if not len(known):
        return float("nan"), float("nan")
    # Between a number and infinity there is nothing to interpolate.
    low, high = np.quantile(known, at, method="linear" if np.isfinite(known).all() else "inverted_cdf")
    return float(low), float(high)


def _bca(value: float, drawn: NDArray[np.float64], without: NDArray[np.float64]) -> tuple[float, float]:
    known, left = drawn[np.isfinite(drawn)], without[np.isfinite(without)]
    if not len(known) or not np.isfinite(value) or np.ptp(known) == 0:
        return _percentiles(drawn, [0.025, 0.975])
    below = (np.mean(known < value) + np.mean(known <= value)) / 2
    shift = special.ndtri(np.clip(below, 0.5 / len(known), 1 - 0.5 / len(known)))
    apart = left.mean() - left
    spread = float((apart**2).sum()) ** 1.5
    bend = float((apart**3).sum()) / (6 * spread) if spread > 0 else 0.0
    z = shift + special.ndtri(np.array([0.025, 0.975]))
    return _percentiles(known, special.ndtr(shift + z / (1 - bend * z)).tolist())
