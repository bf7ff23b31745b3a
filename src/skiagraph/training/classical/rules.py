"""Trees as sentences: if this feature is above that and another below, then this class (17 of 19)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput
from skiagraph.training.classical.fitted import Fitted, fitted
from skiagraph.training.classical.learners import CLASSIFIERS
from skiagraph.training.classical.table import FeatureTable

__all__ = ["Rule", "imitated", "rules_of"]

_LEAF: Final = -1  # of scikit-learn: a node without children


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One way through a tree.

    Args:
        bounds: (column, low, high) of each feature that it asks for: above low, at most high, in the unit of the
            feature; infinite where it asks for one side.
        answer: Words of the class.
        right: Cases that it is right about.
        cases: That it speaks of.
    """

    bounds: tuple[tuple[str, float, float], ...]
    answer: str
    right: int
    cases: int

    def __str__(self) -> str:
        asked = [_said(*bound) for bound in self.bounds]
        start = f"if {' and '.join(asked)} then" if asked else "always"
        return f"{start} {self.answer} ({self.right} of {self.cases})"


def _said(column: str, low: float, high: float) -> str:
    name = column.replace("_", " ")
    if math.isinf(low):
        return f"{name} <= {high:.4g}"
    return f"{name} > {low:.4g}" if math.isinf(high) else f"{low:.4g} < {name} <= {high:.4g}"


def rules_of(tree: Fitted, table: FeatureTable) -> tuple[Rule, ...]:
    """The rules of a decision tree, those that speak of most cases first.

    Args:
        tree: A fitted decision tree.
        table: The cases that are counted; a feature without a value counts as typical.

    Raises:
        InvalidInput: Another learner than a tree.
    """
    if tree.learner.name != "tree":
        raise InvalidInput(
            "rules are read from a decision tree", got=tree.learner.words, way_out="use `imitated`"
        )
    x = tree.scaling(table.numbers[:, list(tree.columns)])
    leaves, nodes = tree.estimator.apply(x), tree.estimator.tree_
    rules = []
    for leaf, bounds in _paths(nodes, 0, {}):
        truth = table.truth[leaves == leaf].astype(np.intp)
        decided = int(np.argmax(nodes.value[leaf][0]))
        rules.append(
            Rule(
                bounds=tuple(_named(tree, table, column, bound) for column, bound in bounds.items()),
                answer=table.target.labels[decided].name,
                right=int((truth == decided).sum()),
                cases=len(truth),
            )
        )
    return tuple(sorted(rules, key=lambda rule: -rule.cases))


def _paths(
    nodes: Any, node: int, bounds: dict[int, tuple[float, float]]
) -> Iterator[tuple[int, dict[int, tuple[float, float]]]]:
    """Each leaf with what the way to it asks for, the tightest bounds of each feature."""
    if nodes.children_left[node] == _LEAF:
        yield node, bounds
        return
    column, at = int(nodes.feature[node]), float(nodes.threshold[node])
    low, high = bounds.get(column, (-math.inf, math.inf))
    yield from _paths(nodes, int(nodes.children_left[node]), {**bounds, column: (low, min(high, at))})
    yield from _paths(nodes, int(nodes.children_right[node]), {**bounds, column: (max(low, at), high)})


def _named(
    tree: Fitted, table: FeatureTable, column: int, bound: tuple[float, float]
) -> tuple[str, float, float]:
    low, high = (float(b * tree.scaling.deviation[column] + tree.scaling.mean[column]) for b in bound)
    return table.columns[tree.columns[column]], low, high


def imitated(
    model: Fitted, table: FeatureTable, decided: NDArray[np.intp], *, depth: int = 3
) -> tuple[tuple[Rule, ...], float]:
    """The rules of a small tree that imitates another learner, and how often it decides as that one does.

    The counts of its rules are those of the truth, not of the imitation.

    Args:
        model: What is imitated, on the features that it keeps.
        table: The cases that it learnt from.
        decided: Places of the classes that the model decides for, shape (cases,).
        depth: Of the tree: conditions in a rule at most.

    Source: Craven and Shavlik, Extracting tree-structured representations of trained networks (NIPS 1996).
    """
    settings = {"max_depth": depth, "min_samples_leaf": max(1, min(5, len(table) // 10))}
    learner, rng = CLASSIFIERS["tree"], np.random.default_rng(0)
    tree = fitted(learner, settings, table.numbers, decided.astype(np.float64), model.columns, rng)
    said = tree.estimator.classes_[tree(table.numbers).argmax(axis=1)]
    return rules_of(tree, table), float((said == decided).mean())
