"""Two classifiers on the same cases, tested without resampling: DeLong for areas, McNemar for right and wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from skiagraph.errors import InvalidInput
from skiagraph.metrics.counted import checked
from skiagraph.metrics.intervals import binomial_p

__all__ = ["AreaDifference", "delong", "mcnemar_p"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class AreaDifference:
    """Two areas under ROC curves of the same cases.

    Args:
        first: Area of the first scores.
        second: Area of the second scores.
        difference: First minus second.
        low: Lower end of its interval.
        high: Upper end.
        p: Two-sided; 1 where both order all cases alike.
    """

    first: float
    second: float
    difference: float
    low: float
    high: float
    p: float


def delong(first: Any, second: Any, positive: Any, *, level: float = 0.95) -> AreaDifference:
    """The difference of two areas under ROC curves of the same independent cases.

    Args:
        first: Scores, shape (n,).
        second: Scores of the same cases, shape (n,).
        positive: 0 or 1, shape (n,).
        level: Of the interval.

    Raises:
        InvalidInput: Fewer than two positives or negatives, or not such numbers.

    Source: DeLong, DeLong and Clarke-Pearson (Biometrics 1988).
    """
    scores = np.stack([checked("scores", first), checked("scores", second)])
    truth = checked("truths", positive)
    yes, no = scores[:, truth == 1], scores[:, truth == 0]
    m, n = yes.shape[1], no.shape[1]
    if min(m, n) < 2 or m + n != scores.shape[1]:
        raise InvalidInput(
            "areas are compared on at least two positives and two negatives", got=f"{m} and {n}"
        )
    of_yes, of_no = _places(yes, no), 1 - _places(no, yes)
    areas = of_yes.mean(axis=1)
    covariance = np.cov(of_yes) / m + np.cov(of_no) / n
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    spread, difference = max(variance, 0.0) ** 0.5, float(areas[0] - areas[1])
    half = float(special.ndtri(0.5 + level / 2)) * spread
    if spread > 1e-12:
        p = float(2 * special.ndtr(-abs(difference) / spread))
    else:
        p = 1.0 if abs(difference) < 1e-12 else 0.0
    return AreaDifference(
        first=float(areas[0]),
        second=float(areas[1]),
        difference=difference,
        low=difference - half,
        high=difference + half,
        p=p,
    )


def _places(scores: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each score the share of the others below it, ties by half."""
    found = np.empty_like(scores)
    for k, (own, other) in enumerate(zip(scores, np.sort(others, axis=1), strict=True)):
        below, up_to = (np.searchsorted(other, own, side=side) for side in ("left", "right"))
        found[k] = (below + up_to) / (2 * len(other))
    return found


def mcnemar_p(first_right: Any, second_right: Any) -> float:
    """Whether two models are right equally often: the exact two-sided p-value.

    Args:
        first_right: 0 or 1 for each case, shape (n,).
        second_right: The same cases, shape (n,).

    Raises:
        InvalidInput: Not such numbers.

    Source: McNemar (Psychometrika 1947), with the binomial distribution of the cases on which the two differ.
    """
    a, b = checked("answers", first_right), checked("answers", second_right)
    if len(a) != len(b) or not np.isin([*a, *b], (0, 1)).all():
        raise InvalidInput("both models have an answer of 0 or 1 to each case", got=f"{len(a)} and {len(b)}")
    only_first, only_second = int(((a == 1) & (b == 0)).sum()), int(((a == 0) & (b == 1)).sum())
    n = only_first + only_second
    return binomial_p(only_first, n, 0.5) if n else 1.0
