"""What a confusion matrix says: right and wrong answers by class, and agreement beyond chance."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from skiagraph.metrics.counted import Ties, Values, ratio
from skiagraph.task import Counts

__all__ = [
    "accuracy",
    "balanced_accuracy",
    "confusion",
    "f1",
    "kappa",
    "macro",
    "matthews",
    "npv",
    "precision",
    "sensitivity",
    "specificity",
]


def confusion(truth: Values, decided: Values, classes: int, counts: Counts) -> NDArray[np.float64]:
    """How often each class was taken for each.

    Args:
        truth: Class numbers from 0, shape (rows,).
        decided: Class numbers from 0, shape (rows,).
        classes: How many there are.
        counts: Shape (resamples, rows).

    Returns:
        Shape (resamples, true class, decided class).
    """
    cells = Ties(truth * classes + decided)
    result = np.zeros((len(counts), classes * classes))
    result[:, cells.values.astype(np.intp)] = cells.sums(counts)
    return result.reshape(-1, classes, classes)


def _diagonal(m: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.einsum("rcc->rc", m), dtype=np.float64)


def accuracy(m: NDArray[np.float64]) -> Values:
    """The share of cases decided rightly, shape (resamples,)."""
    return ratio(_diagonal(m).sum(axis=1), m.sum(axis=(1, 2)))


def sensitivity(m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the cases of a class, the share that was found: (resamples, classes); NaN of a class without a case."""
    return ratio(_diagonal(m), m.sum(axis=2))


def specificity(m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the cases of other classes, the share not taken for it: (resamples, classes); NaN where there is no other."""
    of_others = m.sum(axis=(1, 2))[:, None] - m.sum(axis=2)
    return ratio(of_others - (m.sum(axis=1) - _diagonal(m)), of_others)


def precision(m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the cases taken for a class, the share that belongs to it: (resamples, classes).

    0 where a class has cases and none was ever taken for it; NaN where it has none and none was taken for it.
    """
    taken = m.sum(axis=1)
    missed = (taken == 0) & (m.sum(axis=2) > 0)
    return np.where(missed, 0.0, ratio(_diagonal(m), taken))


def npv(m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the cases not taken for a class, the share that does not belong to it; NaN where all were taken for it."""
    not_taken = m.sum(axis=(1, 2))[:, None] - m.sum(axis=1)
    return ratio(not_taken - (m.sum(axis=2) - _diagonal(m)), not_taken)


def f1(m: NDArray[np.float64]) -> NDArray[np.float64]:
    """2 TP / (2 TP + FP + FN): (resamples, classes); NaN of a class without a case that nothing was taken for."""
    return ratio(2 * _diagonal(m), m.sum(axis=1) + m.sum(axis=2))


def macro(by_class: NDArray[np.float64]) -> Values:
    """The mean over classes in which the figure is defined: (resamples, classes) to (resamples,)."""
    known = ~np.isnan(by_class)
    return ratio(np.where(known, by_class, 0.0).sum(axis=1), known.sum(axis=1))


def balanced_accuracy(m: NDArray[np.float64]) -> Values:
    """The mean sensitivity over the classes that have cases.

    Source: Brodersen et al., The balanced accuracy and its posterior distribution (ICPR 2010).
    """
    return macro(sensitivity(m))


def kappa(m: NDArray[np.float64], weights: Literal["none", "linear", "quadratic"] = "none") -> Values:
    """Agreement beyond chance; NaN where all cases have one class and were taken for it.

    Args:
        m: Shape (resamples, classes, classes), classes in their order where they are weighted.
        weights: How disagreement grows with the distance of two classes.

    Source: Cohen, A coefficient of agreement for nominal scales (1960); Weighted kappa (1968).
    """
    place = np.arange(m.shape[1], dtype=np.float64)
    apart = np.abs(place[:, None] - place)
    cost = {"none": (apart > 0).astype(np.float64), "linear": apart, "quadratic": apart**2}[weights]
    both = np.einsum("rt,rd->rtd", m.sum(axis=2), m.sum(axis=1))
    by_chance = ratio(both, m.sum(axis=(1, 2))[:, None, None])
    return 1 - ratio((cost * m).sum(axis=(1, 2)), (cost * by_chance).sum(axis=(1, 2)))


def matthews(m: NDArray[np.float64]) -> Values:
    """The correlation of truth and decision, also of several classes.

    0 where one of the two never changes but they differ: such a decision tells nothing. NaN where both are one and the
    same class throughout.

    Source: Matthews (1975); Gorodkin, Comparing two K-category assignments by a K-category correlation coefficient
        (2004).
    """
    true, decided, n = m.sum(axis=2), m.sum(axis=1), m.sum(axis=(1, 2))
    together = _diagonal(m).sum(axis=1) * n - (true * decided).sum(axis=1)
    of_true, of_decided = n**2 - (true**2).sum(axis=1), n**2 - (decided**2).sum(axis=1)
    constant = (of_true * of_decided == 0) & (of_true + of_decided > 0)
    return np.where(constant, 0.0, ratio(together, np.sqrt(of_true) * np.sqrt(of_decided)))
