"""Which features come first: relevant and not redundant, by the LASSO, or chosen again on half of the cases."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import lars_path

from skiagraph.errors import InvalidInput, UnknownName

__all__ = ["SELECTIONS", "lasso", "mrmr", "ranked", "stable"]

Array = NDArray[np.float64]
_BINS: Final = 5
_HALVES: Final = 50
_STAYS: Final = 0.6
_MOST: Final = 60  # features that are ranked one by one; the others follow in the order of their relevance


def mrmr(x: Array, y: Array, _groups: NDArray[np.intp], _rng: Generator) -> list[int]:
    """Features by minimal redundancy and maximal relevance, the best first.

    Args:
        x: Shape (cases, features), finite.
        y: Numbers of classes, or values, shape (cases,).

    Returns:
        All features. The next is the one whose mutual information with the answer, less its mean mutual information
        with those before it, is largest; of features and values in five bins of equally many cases. Features that
        never change tell nothing and repeat nothing: they come last.

    Source: Peng, Long and Ding, Feature selection based on mutual information: criteria of max-dependency,
        max-relevance, and min-redundancy (PAMI 2005), equation 6.
    """
    answer = np.unique(y, return_inverse=True)[1] if len(np.unique(y)) <= 2 * _BINS else _binned(y)
    bins = np.stack([_binned(column) for column in x.T], axis=1)
    wide = max(int(bins.max()), int(answer.max())) + 1
    marks = (bins[:, :, None] == np.arange(wide)).astype(np.float64)
    relevance = _information(marks, answer)
    order = [int(relevance.argmax())]
    left = [j for j in range(x.shape[1]) if j != order[0] and np.ptp(bins[:, j]) > 0]
    same = [j for j in range(x.shape[1]) if j != order[0] and np.ptp(bins[:, j]) == 0]
    redundancy = np.zeros(x.shape[1])
    while left and len(order) < _MOST:
        redundancy += _information(marks, bins[:, order[-1]])
        best = max(left, key=lambda j: float(relevance[j] - redundancy[j] / len(order)))
        order.append(best)
        left.remove(best)
    return [*order, *sorted(left, key=lambda j: -float(relevance[j])), *same]


def _binned(column: Array) -> NDArray[np.intp]:
    edges = np.unique(np.quantile(column, np.arange(1, _BINS) / _BINS))
    return np.searchsorted(edges, column, side="right")


def _information(marks: Array, other: NDArray[np.intp]) -> Array:
    """Mutual information in nats of each feature, given by marks of shape (cases, features, bins), with another."""
    n, features, wide = marks.shape
    own = (other[:, None] == np.arange(wide)).astype(np.float64)
    joint = (own.T @ marks.reshape(n, -1)).reshape(wide, features, wide) / n
    apart = joint.sum(axis=2, keepdims=True) * joint.sum(axis=0)
    told = joint * np.log(np.where(joint > 0, joint / np.where(apart > 0, apart, 1.0), 1.0))
    return np.asarray(told.sum(axis=(0, 2)))


def lasso(x: Array, y: Array, _groups: NDArray[np.intp], _rng: Generator) -> list[int]:
    """Features in the order in which they enter the path of the LASSO; those that never enter are left out.

    Args:
        x: Shape (cases, features), of mean 0 and deviation 1.
        y: Numbers of classes, or values, shape (cases,). Of several classes each is held against the others, and a
            feature comes as early as it does for any.

    Source: Efron et al., Least angle regression (Annals of Statistics 2004), section 3.1.
    """
    classes = np.unique(y)
    asked = [(y == c).astype(np.float64) for c in classes] if 2 < len(classes) <= 2 * _BINS else [y]
    paths = [_entering(x, one) for one in asked]
    first: dict[int, int] = {}
    for path in paths:
        for place, j in enumerate(path):
            first[j] = min(place, first.get(j, place))
    return sorted(first, key=lambda j: (first[j], j)) or [0]


def _entering(x: Array, y: Array) -> list[int]:
    most = min(_MOST, len(x) - 1, x.shape[1])
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", ConvergenceWarning
        )  # features that are copies of others end the path early
        entered = lars_path(x, y - y.mean(), method="lasso", max_iter=most)[1]
    return [int(j) for j in dict.fromkeys(entered)]


def stable(x: Array, y: Array, groups: NDArray[np.intp], rng: Generator) -> list[int]:
    """Features that the LASSO chooses again and again on halves of the groups, the most often chosen first.

    Args:
        x: Shape (cases, features), of mean 0 and deviation 1.
        y: Numbers of classes, or values, shape (cases,).
        groups: Whole numbers from 0, shape (cases,); a group is taken or left as a whole.
        rng: Draws the halves.

    Returns:
        Those that are among the first q of the path in at least 0.6 of 50 halves, at least one. q is the root of
        0.2 times the number of features, at least 1: about one feature too many is then expected.

    Source: Meinshausen and Buehlmann, Stability selection (JRSS B 2010), section 2 and theorem 1.
    """
    # q^2 / ((2 * 0.6 - 1) features) <= 1
    q = max(1, int(np.sqrt((2 * _STAYS - 1) * x.shape[1])))
    chosen, names = np.zeros(x.shape[1]), np.unique(groups)
    for _ in range(_HALVES):
        half = np.isin(groups, rng.permutation(names)[: max(2, len(names) // 2)])
        if np.ptp(y[half]) > 0:
            chosen[lasso(x[half], y[half], groups[half], rng)[:q]] += 1 / _HALVES
    order = np.argsort(-chosen, kind="stable")
    return [int(j) for j in order if chosen[j] >= _STAYS] or [int(order[0])]


def _all(x: Array, _y: Array, _groups: NDArray[np.intp], _rng: Generator) -> list[int]:
    return list(range(x.shape[1]))


Selection = Callable[[Array, Array, NDArray[np.intp], Generator], list[int]]

SELECTIONS: Final[Mapping[str, Selection]] = MappingProxyType(
    {"none": _all, "mrmr": mrmr, "lasso": lasso, "stability": stable}
)
"""By name."""


def ranked(name: str, x: Array, y: Array, groups: NDArray[np.intp], rng: Generator) -> list[int]:
    """The features that a selection keeps, the best first; never empty.

    Args:
        name: A key of `SELECTIONS`.
        x: Shape (cases, features), of mean 0 and deviation 1, of cases that are learnt from and no others.
        y: Numbers of classes, or values, shape (cases,).
        groups: Whole numbers from 0, shape (cases,).
        rng: All chance.

    Raises:
        UnknownName: No such selection.
        InvalidInput: No case or no feature.
    """
    if name not in SELECTIONS:
        raise UnknownName(
            "a selection has a known name", got=name, way_out=f"use one of {', '.join(SELECTIONS)}"
        )
    if not x.size:
        raise InvalidInput("features are chosen on cases that have some", got=f"{x.shape}")
    return SELECTIONS[name](x, y, groups, rng)
