"""How well scores part two classes, whatever the threshold: areas under the ROC and the precision-recall curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput
from skiagraph.metrics.counted import Ties, Values, checked, once, ratio
from skiagraph.task import Counts
from skiagraph.values import frozen

__all__ = ["Curves", "average_precision", "curves", "roc_auc"]


def _two(scores: Any, positive: Any) -> tuple[Values, NDArray[np.float64]]:
    values, truth = checked("scores", scores), checked("truths", positive)
    if len(values) != len(truth) or not np.isin(truth, (0, 1)).all():
        raise InvalidInput("each score has its truth, 0 or 1", got=f"{len(values)} and {len(truth)}")
    return values, truth


def roc_auc(scores: Any, positive: Any, counts: Counts | None = None) -> Values:
    """The chance that a positive case scores above a negative one; half of it where they tie.

    Args:
        scores: Shape (rows,), higher for positive.
        positive: 0 or 1, shape (rows,).
        counts: Shape (resamples, rows); None counts each row once.

    Returns:
        Shape (resamples,); NaN where one of the two classes was not drawn.

    Raises:
        InvalidInput: Not such numbers.

    Source: Hanley and McNeil, The meaning and use of the area under a ROC curve (Radiology 1982).
    """
    values, truth = _two(scores, positive)
    counts = once(len(values)) if counts is None else counts
    ties = Ties(values)
    yes, no = ties.sums(counts * truth), ties.sums(counts * (1 - truth))
    below = np.cumsum(no, axis=1) - no / 2
    return ratio((yes * below).sum(axis=1), yes.sum(axis=1) * no.sum(axis=1))


def average_precision(scores: Any, positive: Any, counts: Counts | None = None) -> Values:
    """The precision at each threshold, weighted by the recall that it adds: no interpolation, which flatters.

    Args:
        scores: Shape (rows,), higher for positive.
        positive: 0 or 1, shape (rows,).
        counts: Shape (resamples, rows); None counts each row once.

    Returns:
        Shape (resamples,); NaN where no positive was drawn.

    Raises:
        InvalidInput: Not such numbers.

    Source: Davis and Goadrich, The relationship between precision-recall and ROC curves (ICML 2006).
    """
    values, truth = _two(scores, positive)
    counts = once(len(values)) if counts is None else counts
    ties = Ties(-values)
    yes, every = ties.sums(counts * truth), ties.sums(counts)
    right, taken = np.cumsum(yes, axis=1), np.cumsum(every, axis=1)
    at = np.where(taken > 0, right / np.maximum(taken, 1), 0.0)
    return ratio((yes * at).sum(axis=1), yes.sum(axis=1))


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curves:
    """One point a threshold, from "none is positive" (threshold infinity) to "all are".

    Args:
        thresholds: Falling, shape (points,); a case is positive from this score on.
        sensitivity: True positives of all positives, shape (points,); NaN without positives.
        one_minus_specificity: False positives of all negatives, shape (points,); NaN without negatives.
        precision: True positives of all taken for positive, shape (points,); 1 where none is.
    """

    thresholds: NDArray[np.float64]
    sensitivity: NDArray[np.float64]
    one_minus_specificity: NDArray[np.float64]
    precision: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in self.__slots__:
            object.__setattr__(self, name, frozen(getattr(self, name), np.float64))


def curves(scores: Any, positive: Any) -> Curves:
    """The ROC and the precision-recall curve.

    Args:
        scores: Shape (rows,), higher for positive.
        positive: 0 or 1, shape (rows,).

    Raises:
        InvalidInput: Not such numbers.
    """
    values, truth = _two(scores, positive)
    ties = Ties(-values)
    yes, no = (ties.sums(once(len(truth)) * t)[0] for t in (truth, 1 - truth))
    right, wrong = (np.concatenate([[0.0], np.cumsum(part)]) for part in (yes, no))
    taken = right + wrong
    return Curves(
        thresholds=np.concatenate([[np.inf], -ties.values]),
        sensitivity=ratio(right, right[-1]),
        one_minus_specificity=ratio(wrong, wrong[-1]),
        precision=np.where(taken > 0, right / np.maximum(taken, 1), 1.0),
    )
