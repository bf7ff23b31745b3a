"""Nested, grouped, stratified cross-validation on one page: inner folds choose, outer folds tell how good that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from skiagraph.case import Case, Dataset, Sample, folds
from skiagraph.errors import InvalidInput
from skiagraph.inference.classical import logits_of
from skiagraph.metrics.ranking import roc_auc
from skiagraph.task import Watch
from skiagraph.training.classical.fitted import Fitted, fitted, scaling_of
from skiagraph.training.classical.learners import Learner, learner_of
from skiagraph.training.classical.selection import ranked
from skiagraph.training.classical.table import FeatureTable

__all__ = ["Choice", "OutOfFold", "Search", "chosen", "out_of_fold", "refitted"]

Array = NDArray[np.float64]
Places = NDArray[np.intp]
_COUNTS: Final = (2, 4, 8, 15, 30)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What may be chosen, and by how many folds.

    Args:
        learners: Names; of several the inner folds choose one.
        selection: How features are brought into an order: ``"mrmr"``, ``"lasso"``, ``"stability"`` or ``"none"``.
        counts: Numbers of features that are tried; empty tries 2, 4, 8, 15, 30 and all, without a selection all.
        outer: Folds that tell how good the choice is; fewer where there are fewer groups.
        inner: Folds that choose.

    Raises:
        InvalidInput: No learner, fewer than two folds, or a number of features below one.
    """

    learners: tuple[str, ...] = ("svm",)
    selection: str = "none"
    counts: tuple[int, ...] = ()
    outer: int = 5
    inner: int = 4

    def __post_init__(self) -> None:
        if not self.learners or min(self.outer, self.inner) < 2 or any(n < 1 for n in self.counts):
            raise InvalidInput(
                "a search has a learner, two folds or more, and at least one feature",
                got=f"{len(self.learners)} learners, {self.outer} and {self.inner} folds",
            )


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the inner folds chose.

    Args:
        learner: Name.
        settings: Of the learner.
        features: How many it is given.
        score: Mean area under the ROC curve over the inner folds (of more than two classes its mean over the
            classes); of values the mean absolute error with a minus, in deviations of the truth.
    """

    learner: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    features: int
    score: float


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutOfFold:
    """What models said of cases that they neither learnt from nor were chosen on.

    Args:
        logits: Shape (cases, outputs), as `logits_of` gives them.
        fold: The outer fold in which each case was judged, shape (cases,).
        choices: One an outer fold.
        kept: Names of the features that each fold kept, in the order of its selection.
    """

    logits: Array
    fold: Places
    choices: tuple[Choice, ...]
    kept: tuple[tuple[str, ...], ...]


def out_of_fold(table: FeatureTable, search: Search, *, rng: Generator, watch: Watch) -> OutOfFold:
    """Nested cross-validation.

    Nothing of a case reaches the model that judges it: medians, scaling, order and number of features, balance of
    classes, learner and settings are found anew in each outer fold, on its training part alone.

    Args:
        table: The cases.
        search: What may be chosen.
        rng: All chance.
        watch: Told after each outer fold.

    Raises:
        InvalidInput: Too few groups: a class that is missing from the training part of a fold.
        UnknownName: No such learner or selection.

    Source: Varma and Simon, Bias in error estimation when using cross-validation for model selection (BMC
        Bioinformatics 2006).
    """
    parts = _folds(table, np.arange(len(table)), search.outer, rng)
    told: Array | None = None
    fold, choices, kept = np.zeros(len(table), np.intp), [], []
    for n, (learn, judge) in enumerate(parts):
        _check_classes(table, learn)
        choice = chosen(table, learn, search, rng)
        model = refitted(table, learn, search, choice, rng)
        answers = logits_of(model(table.numbers[judge]), model.scores)
        told = np.zeros((len(table), answers.shape[1])) if told is None else told
        told[judge], fold[judge] = answers, n
        choices.append(choice)
        kept.append(tuple(table.columns[c] for c in model.columns))
        watch(n + 1, len(parts), {"inner score": choice.score})
    return OutOfFold(
        logits=np.zeros((0, 0)) if told is None else told, fold=fold, choices=tuple(choices), kept=tuple(kept)
    )


def chosen(table: FeatureTable, learn: Places, search: Search, rng: Generator) -> Choice:
    """The learner, the settings and the number of features with the best mean score over inner folds.

    Args:
        table: The cases.
        learn: Places of those that may be looked at.
        search: What may be chosen; of equals the first, with the fewest features.
        rng: All chance.

    Raises:
        InvalidInput: Not one inner fold has all classes on both sides.
    """
    learners = [learner_of(name, regression=table.regression) for name in search.learners]
    scores: dict[tuple[int, int, int], list[float]] = {}
    for inner_learn, inner_judge in _folds(table, learn, search.inner, rng):
        if not table.regression and any(
            len(np.unique(table.truth[part])) < len(np.unique(table.truth[learn]))
            for part in (inner_learn, inner_judge)
        ):
            continue
        order = _order(table, inner_learn, search, rng)
        for k in _counts(search, len(table.columns)):
            for i, learner in enumerate(learners):
                for j, settings in enumerate(learner.settings):
                    model = _fit(table, inner_learn, (learner, settings), order[:k], rng)
                    scores.setdefault((k, i, j), []).append(_score(table, inner_judge, model))
    if not scores:
        raise InvalidInput(
            "each class has several groups in each part of the data",
            got="a class with too few",
            way_out="take fewer folds, or leave the class out",
        )
    best = max(scores, key=lambda key: (round(float(np.mean(scores[key])), 6), -key[1], -key[0], -key[2]))
    k, i, j = best
    settings = dict(learners[i].settings[j])
    return Choice(learner=learners[i].name, settings=settings, features=k, score=float(np.mean(scores[best])))


def refitted(table: FeatureTable, learn: Places, search: Search, choice: Choice, rng: Generator) -> Fitted:
    """The chosen learner on all cases that may be learnt from."""
    learner = learner_of(choice.learner, regression=table.regression)
    order = _order(table, learn, search, rng)
    return _fit(table, learn, (learner, choice.settings), order[: choice.features], rng)


def _fit(
    table: FeatureTable,
    learn: Places,
    how: tuple[Learner, Mapping[str, Any]],
    columns: list[int],
    rng: Generator,
) -> Fitted:
    return fitted(*how, table.numbers[learn], _answers(table)[learn], columns, rng)


def _answers(table: FeatureTable) -> Array:
    """Classes as they are; values of mean 0 and deviation 1."""
    if not table.regression:
        return table.truth
    return np.asarray((table.truth - table.truth.mean()) / max(float(table.truth.std()), 1e-12))


def _order(table: FeatureTable, learn: Places, search: Search, rng: Generator) -> list[int]:
    numbers = table.numbers[learn]
    groups = np.unique([table.groups[i] for i in learn], return_inverse=True)[1]
    return ranked(search.selection, scaling_of(numbers)(numbers), _answers(table)[learn], groups, rng)


def _counts(search: Search, columns: int) -> list[int]:
    asked = search.counts or ((columns,) if search.selection == "none" else (*_COUNTS, columns))
    return sorted({min(n, columns) for n in asked})


def _score(table: FeatureTable, judge: Places, model: Fitted) -> float:
    told, truth = model(table.numbers[judge]), _answers(table)[judge]
    if table.regression:
        return -float(np.abs(told[:, 0] - truth).mean())
    if len(table.target.labels) == 2:
        return float(roc_auc(told[:, -1], (truth == 1).astype(np.float64))[0])
    classes = [int(c) for c in np.unique(truth)]
    return float(np.mean([roc_auc(told[:, c], (truth == c).astype(np.float64))[0] for c in classes]))


def _folds(table: FeatureTable, among: Places, n: int, rng: Generator) -> list[tuple[Places, Places]]:
    samples = tuple(
        Sample(
            identifier=str(i),
            group=table.groups[i],
            split="train",
            case=_no_image,
            reference=tuple,
            stratum=float(table.truth[i]),
        )
        for i in among.tolist()
    )
    dataset = Dataset(name=table.name, samples=samples)
    n = min(n, len({s.group for s in samples}))
    return [(_places(a), _places(b)) for a, b in folds(dataset, n, rng)]


def _no_image() -> Case:
    raise InvalidInput("the cases of a table are rows of numbers", got="the wish for an image")


def _places(dataset: Dataset) -> Places:
    return np.array([int(s.identifier) for s in dataset], dtype=np.intp)


def _check_classes(table: FeatureTable, learn: Places) -> None:
    if not table.regression and len(np.unique(table.truth[learn])) < len(table.target.labels):
        raise InvalidInput(
            "each class stands in the training part of each fold",
            got="a class with too few groups",
            way_out="take fewer folds, or leave the class out",
        )
