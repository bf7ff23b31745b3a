"""Two models on the same cases: by how much they differ, and whether chance alone would do that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar, final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput
from skiagraph.findings import Finding, NotApplicable
from skiagraph.task.contract import Metric
from skiagraph.task.evaluate import drawn_groups, figures_of, merged, undefined_of
from skiagraph.task.tabular import Counts, Figures, joined

__all__ = ["Comparison", "compare", "compared"]

F = TypeVar("F", bound=Finding)
T = TypeVar("T")

_HELD = 1 << 21  # swaps at once
_EXACT = 12  # up to so many groups, all ways to swap them are tried


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One figure of two models on the same cases.

    Args:
        first: The figure of the first model.
        second: The figure of the second model.
        difference: First minus second.
        low: Lower end of the 95 % interval of the difference (percentiles of resampled groups).
        high: Upper end.
        p_bootstrap: Two-sided: twice the smaller share of resamples on one side of no difference, 1 at most.
        p_permutation: Two-sided: the share of ways to swap the two models in whole groups that differ as much.
        n: Cases that both answered and that the figure rests on.
        excluded: Cases that only one or none answered, or for which the figure is not defined (of the
            two models the larger count).
        unresolved: Resamples in which the difference is not defined; interval and p rest on the others.
    """

    first: float
    second: float
    difference: float
    low: float
    high: float
    p_bootstrap: float
    p_permutation: float
    n: int
    excluded: int
    unresolved: int = 0


def compare(
    rows: Iterable[tuple[str, F | NotApplicable, F | NotApplicable, F]],
    metric: Metric[F, T],
    *,
    rng: Generator,
    resamples: int = 2000,
) -> Mapping[str, Comparison]:
    """The figures of two models beside each other, with the interval and the p-values of their difference.

    Args:
        rows: (group, prediction of the first, prediction of the second, reference) of each case.
        metric: What to measure.
        rng: Draws resamples and swaps.
        resamples: How many of each; up to 12 groups all swaps are tried instead.

    Returns:
        A comparison for each figure of the metric.

    Raises:
        InvalidInput: No case was answered by both.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters 13, 15 and 16; Phipson and Smyth,
        Permutation p-values should never be zero (2010), for counting the observed one among those drawn.
    """
    first: dict[str, list[T]] = {}
    second: dict[str, list[T]] = {}
    excluded = 0
    for group, a, b, reference in rows:
        if isinstance(a, NotApplicable) or isinstance(b, NotApplicable):
            excluded += 1
            continue
        first.setdefault(group, []).append(metric.tally(a, reference))
        second.setdefault(group, []).append(metric.tally(b, reference))
    return compared(first, second, metric, excluded=excluded, rng=rng, resamples=resamples)


def compared(
    first: Mapping[str, Sequence[T]],
    second: Mapping[str, Sequence[T]],
    metric: Metric[F, T],
    *,
    excluded: int,
    rng: Generator,
    resamples: int = 2000,
) -> Mapping[str, Comparison]:
    """As `compare`, of tallies that were made before.

    Args:
        first: The tallies of the first model, by group, of the cases that both answered.
        second: Those of the second, of the same cases in the same order.
        metric: That made them.
        excluded: Cases that only one or none answered.
        rng: Draws resamples and swaps.
        resamples: How many of each.

    Raises:
        InvalidInput: No case was answered by both, or the two have other groups.
    """
    if not first:
        raise InvalidInput(
            "a comparison has at least one case that both answered", got=f"{excluded} excluded"
        )
    if list(first) != list(second):
        raise InvalidInput("two models are compared on the same cases", got="other groups")
    ours, theirs = ([merged(metric, group) for group in side.values()] for side in (first, second))
    n = sum(len(group) for group in first.values())
    one, other = figures_of(metric, ours), figures_of(metric, theirs)
    drawn = joined(_difference(one(times), other(times)) for times in drawn_groups(len(ours), resamples, rng))
    either = figures_of(metric, ours + theirs)
    swapped = joined(
        _difference(either(np.hstack([1 - swaps, swaps])), either(np.hstack([swaps, 1 - swaps])))
        for swaps in _swaps(len(ours), resamples, rng)
    )
    whole = tuple(figures(np.ones((1, len(ours)))) for figures in (one, other))
    missing = undefined_of(metric, ours), undefined_of(metric, theirs)
    found = {}
    for name in whole[0]:
        lost = max(m.get(name, 0) for m in missing)
        values = float(whole[0][name][0]), float(whole[1][name][0])
        found[name] = _comparison(values, drawn[name], swapped[name], (n - lost, excluded + lost))
    return found


def _difference(a: Figures, b: Figures) -> Figures:
    with np.errstate(invalid="ignore"):
        return {name: a[name] - b[name] for name in a}


def _swaps(groups: int, resamples: int, rng: Generator) -> Iterator[Counts]:
    """Which groups are swapped: 0 or 1, parts of shape (swaps, groups); the first swaps none."""
    if groups <= _EXACT:
        yield np.asarray((np.arange(2**groups)[:, None] >> np.arange(groups)) & 1, dtype=np.float64)
        return
    yield np.zeros((1, groups))
    at_once = max(1, _HELD // groups)
    for start in range(0, resamples, at_once):
        yield rng.integers(2, size=(min(at_once, resamples - start), groups)).astype(np.float64)


def _comparison(
    values: tuple[float, float],
    drawn: NDArray[np.float64],
    swapped: NDArray[np.float64],
    cases: tuple[int, int],
) -> Comparison:
    known, swaps = drawn[np.isfinite(drawn)], swapped[np.isfinite(swapped)]
    difference = values[0] - values[1]
    low, high, p, p_swapped = (float("nan"),) * 4
    if len(known) and np.isfinite(difference):
        low, high = (float(v) for v in np.quantile(known, [0.025, 0.975]))
        tails = min(int((known <= 0).sum()), int((known >= 0).sum()))
        p = min(1.0, 2 * (tails + 1) / (len(known) + 1))
        slack = 1e-12 * max(1.0, abs(difference))  # sums of the same rows in another order
        p_swapped = float((np.abs(swaps) >= abs(difference) - slack).mean())
    return Comparison(
        first=values[0],
        second=values[1],
        difference=difference,
        low=low,
        high=high,
        p_bootstrap=p,
        p_permutation=p_swapped,
        n=cases[0],
        excluded=cases[1],
        unresolved=len(drawn) - len(known),
    )
