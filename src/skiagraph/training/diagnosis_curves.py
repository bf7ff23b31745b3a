"""What a training measures of itself: one figure on both sides after each epoch, and how certain it is at the end."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from skiagraph.report.words import word
from skiagraph.task import Recipe
from skiagraph.training.diagnosis import Diagnosis, LearningCurve, Remedy, diagnosed
from skiagraph.training.fit_measures import Measure, Shares, SizeCurve, SizePoint, Within
from skiagraph.training.lesson import Answers, Lesson
from skiagraph.training.plan import Plan

__all__ = ["Fit", "Side", "diagnosis_of_fit", "fit_of", "judged_as", "side_of"]

_DRAWS: Final = 300
_KEYS: Final = {"classification": "auc", "regression": "error", "segmentation": "dice"}


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Side:
    """The figure of one network on some cases, and of resamples of them.

    Args:
        draws: Shape (resamples,).
        constant: The figure of the constant answer.
        cases: How many.
    """

    draws: NDArray[np.float64]
    constant: float
    cases: int


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fit:
    """A finished training on cases that it learnt from, and on others; of several folds their mean.

    Args:
        curve: One figure after each epoch.
        gap: Of its end, with the interval of a bootstrap over cases.
        deviation: Standard error of the figure in validation.
        constant: The figure of the constant answer in validation.
        cases: Of validation.
    """

    curve: LearningCurve
    gap: Within
    deviation: float
    constant: float
    cases: int = 0

    def point(self, n: int) -> SizePoint:
        """The validation score as a point of a data-size curve, of a training with `n` cases."""
        score = float(self.curve.validation[-1])
        return SizePoint(n=n, score=score, error=max(self.deviation, 1e-6))


def judged_as(recipe: Recipe) -> str:
    """The name of the figure in a history; with ``"train "`` before it that of cases that are learnt from."""
    return _KEYS[recipe.task]


def side_of(
    lesson: Lesson, recipe: Recipe, answers: Answers, targets: Answers, rng: Generator
) -> Side | None:
    """The figure of answers, resampled; None where it is not defined.

    Args:
        lesson: Gives the figure.
        recipe: Of the task.
        answers: Of the network, one a case.
        targets: What is true of them.
        rng: Of the bootstrap.
    """
    key, n = _KEYS[recipe.task], len(answers)
    if recipe.task == "classification":
        drawn = []
        for places in rng.integers(n, size=(_DRAWS, n)):
            found = lesson.figures([answers[i] for i in places], [targets[i] for i in places])
            drawn += [found[key]] if key in found else []
        return Side(draws=np.array(drawn), constant=0.5, cases=n) if len(drawn) > _DRAWS // 2 else None
    each = [lesson.figures([a], [t]).get(key, np.nan) for a, t in zip(answers, targets, strict=True)]
    known = np.array(each)[np.isfinite(each)]
    if not len(known):
        return None
    constant = 0.0
    if recipe.task == "regression":
        true = np.array([t[0] for t in targets], dtype=np.float64)
        constant = float(np.nanmean(np.abs(true - recipe.calibration["centre"][0])))
    draws = known[rng.integers(len(known), size=(_DRAWS, len(known)))].mean(axis=1)
    return Side(draws=draws, constant=constant, cases=len(known))


def fit_of(
    recipe: Recipe, histories: Sequence[Sequence[Mapping[str, float]]], sides: Sequence[tuple[Side, Side]]
) -> Fit | None:
    """What the networks of a training measured of themselves; None where one side was never judged.

    Args:
        recipe: Of the task.
        histories: The figures of each epoch, one sequence a network.
        sides: Of each network, on cases that it learnt from and on others.
    """
    key, measure = _KEYS[recipe.task], _measure(recipe)
    length = min((len(history) for history in histories), default=0)
    names = (f"train {key}", key)
    if not length or not sides or any(n not in row for h in histories for row in h for n in names):
        return None
    train, held = (np.mean([[row[n] for row in h[-length:]] for h in histories], axis=0) for n in names)
    curve = LearningCurve(measure=measure, train=train, validation=held)
    few = min(len(side.draws) for pair in sides for side in pair)
    drawn: Any = np.mean([[measure.error(side.draws[:few]) for side in pair] for pair in sides], axis=0)
    low, high = np.quantile(drawn[1] - drawn[0], [0.025, 0.975])
    ends = measure.error([train[-1], held[-1]])
    return Fit(
        curve=curve,
        gap=Within(value=float(ends[1] - ends[0]), low=float(low), high=float(high)),
        deviation=float(drawn[1].std(ddof=1)),
        constant=float(np.mean([pair[1].constant for pair in sides])),
        cases=sum(pair[1].cases for pair in sides),
    )


def diagnosis_of_fit(
    fit: Fit, plan: Plan, sizes: SizeCurve | None = None, shares: Shares | None = None
) -> Diagnosis:
    """What the curves of a training say.

    Args:
        fit: The curves, with what is certain of their ends.
        plan: Which remedies were in use.
        sizes: From trainings with parts of the data.
        shares: From trainings with several seeds.
    """
    found = diagnosed(fit.curve, constant=fit.constant, gap=fit.gap, sizes=sizes, shares=shares)
    used = _used(plan)
    rest = tuple(p for p in found.proposals if p.remedy not in used)
    return dataclasses.replace(found, proposals=rest, used=used, cases=fit.cases)


def _used(plan: Plan) -> tuple[Remedy, ...]:
    dropout = any("drop" in name and bool(value) for name, value in plan.options.items())
    each: tuple[tuple[Remedy, bool], ...] = (
        ("augmentation", bool(plan.steps or plan.mixup)),
        ("dropout", dropout),
        ("weight decay", plan.weight_decay > 0),
    )
    return tuple(remedy for remedy, there in each if there)


def _measure(recipe: Recipe) -> Measure:
    if recipe.task == "classification":
        alone = len(recipe.labels) == 2 and recipe.activation != "sigmoid"
        return Measure(name="roc auc" if alone else "macro roc auc", higher=True, best=1.0)
    if recipe.task == "segmentation":
        name = "dice" if len(recipe.labels) == 1 else "mean: dice"
        return Measure(name=name, higher=True, best=1.0)
    unit = word(recipe.units[0], "en")
    return Measure(name="mean absolute error", higher=False, best=0.0, unit=unit)
