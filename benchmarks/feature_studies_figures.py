"""Figures of the studies of features with 95 % intervals: a bootstrap that draws groups, the same for all models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from feature_studies_models import Told
from numpy.typing import NDArray

from skiagraph.metrics.ranking import roc_auc

FIGURES: Final = ("AUC", "accuracy", "balanced accuracy", "sensitivity", "specificity")
RESAMPLES: Final = 2000

Array = NDArray[np.float64]
Figures = dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answers:
    """What one model says of the class that is looked for.

    Args:
        score: Higher where it is likelier, shape (cases,).
        decided: Where the model decides for it, shape (cases,).
    """

    score: Array
    decided: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Truth:
    """What is true of the cases, and how often each is drawn.

    Args:
        positive: 1 where the class that is looked for is there, shape (cases,).
        counts: Shape (1 + resamples, cases): once each, then as drawn.
    """

    positive: Array
    counts: Array


def truth_of(positive: Array, groups: Sequence[str]) -> Truth:
    """With the draws of groups; a draw without one of the classes is left out of the intervals of what needs it."""
    names, index = np.unique(groups, return_inverse=True)
    drawn = np.random.default_rng(0).multinomial(len(names), np.full(len(names), 1 / len(names)), RESAMPLES)
    counts = np.concatenate([np.ones((1, len(index))), drawn[:, index]])
    return Truth(positive=positive, counts=counts)


def as_decided(told: Told, positive: int) -> Answers:
    """By the cut that was chosen on other cases.

    Args:
        told: Log odds of the second label.
        positive: Place of the class that is looked for.
    """
    return Answers(score=told.odds * (2 * positive - 1), decided=(told.odds >= told.cuts) == bool(positive))


def likelier(told: Told, positive: int) -> Answers:
    """By the likelier class."""
    return Answers(score=told.odds * (2 * positive - 1), decided=(told.odds >= 0) == bool(positive))


def never(n: int) -> Answers:
    """Of who never decides for the class that is looked for."""
    return Answers(score=np.zeros(n), decided=np.zeros(n, dtype=np.bool_))


def _all(answers: Answers, truth: Truth) -> Array:
    """`FIGURES` of each draw, shape (1 + resamples, figures)."""
    yes, right = truth.positive, answers.decided == (truth.positive == 1)
    with np.errstate(invalid="ignore"):
        shares = [(truth.counts * right) @ of / (truth.counts @ of) for of in (yes, 1 - yes)]
    accuracy = (truth.counts @ right) / truth.counts.sum(1)
    area = roc_auc(answers.score, yes, truth.counts)
    return np.stack([area, accuracy, (shares[0] + shares[1]) / 2, *shares], axis=1)


def _ranged(values: Array) -> Figures:
    low, high = np.nanpercentile(values[1:], [2.5, 97.5], axis=0)
    return {
        name: {"value": round(float(v), 5), "low": round(float(a), 5), "high": round(float(b), 5)}
        for name, v, a, b in zip(FIGURES, values[0], low, high, strict=True)
    }


def figures(answers: Answers, truth: Truth) -> Figures:
    """Each with its interval; and how many were found of how many."""
    found = int((answers.decided & (truth.positive == 1)).sum())
    return {**_ranged(_all(answers, truth)), "found": {"n": found, "of": int(truth.positive.sum())}}


def difference(first: Answers, second: Answers, truth: Truth) -> Figures:
    """First minus second on the same draws."""
    return _ranged(_all(first, truth) - _all(second, truth))


def plain(answers: Mapping[str, Any], identifiers: Sequence[str]) -> dict[str, Any]:
    """Log odds and cuts of each model, for the record."""
    told = {
        name: {"log odds": one.odds.round(6).tolist(), "cut": one.cuts.round(6).tolist()}
        for name, one in answers.items()
    }
    return {"cases": list(identifiers), "answers": told}
