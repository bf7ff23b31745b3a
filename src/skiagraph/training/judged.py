"""A model beside a constant one on cases that it did not learn from, so that a useless network is seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, final

import numpy as np
from numpy.random import Generator

from skiagraph import codes
from skiagraph.case import Dataset
from skiagraph.errors import InvalidInput, SkiagraphError
from skiagraph.findings import (
    Classification,
    ClassScore,
    Finding,
    Interval,
    Measurement,
    Segment,
    Segmentation,
)
from skiagraph.inference import Staged
from skiagraph.metrics import classification, multi_label, regression, segmentation
from skiagraph.task import Estimate, Metric, Recipe, Watch, evaluate
from skiagraph.training.fingerprint import Fingerprint
from skiagraph.training.targets import reference_of

__all__ = ["Judged", "judged", "usual_figures"]

_USUAL: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "classification": (
            "roc auc",
            "macro roc auc",
            "pr auc",
            "macro pr auc",
            "accuracy",
            "balanced accuracy",
            "sensitivity",
            "specificity",
            "macro f1",
            "f1",
            "kappa",
            "quadratic kappa",
            "brier",
            "calibration error",
            "coverage of sets",
        ),
        "regression": ("mean absolute error", "root mean square error", "bias", "r2", "coverage"),
        "segmentation": ("dice", "mean: dice", "hd95 [mm]", "mean: hd95 [mm]"),
    }
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The figures of a model and of a constant.

    Args:
        about: What is judged: the concept, where there are several; else empty.
        model: Figures by name, with 95 % intervals.
        constant: The same of one that says always the same: the shares of the classes, the mean value, background.
        n: Cases.
        problems: Cases that could not be judged, one sentence each.
    """

    about: str
    model: Mapping[str, Estimate]
    constant: Mapping[str, Estimate]
    n: int
    problems: tuple[str, ...] = ()


def judged(
    model: Staged, dataset: Dataset, found: Fingerprint, *, rng: Generator, watch: Watch
) -> tuple[Judged, ...]:
    """How good a model is, one value for each question that it answers.

    Args:
        model: With its recipe.
        dataset: That it did not learn from.
        found: Of the data that it learnt from, for the constant.
        rng: Of the bootstrap over groups.
        watch: Told after each case.

    Raises:
        InvalidInput: Not one case could be judged.
    """
    recipe, seed = model.recipe, int(rng.integers(2**31))
    rows: list[tuple[str, tuple[Finding, ...], tuple[Finding, ...]]] = []
    problems: list[str] = []
    for done, sample in enumerate(dataset, 1):
        try:
            truth = tuple(reference_of(sample, kind, concept) for kind, concept in _questions(recipe))
            rows.append((sample.group, model.findings(sample.case()), truth))
        except SkiagraphError as error:
            problems.append(f"{sample.identifier} was not judged: {error}")
        watch(done, len(dataset), {})
    if not rows:
        raise InvalidInput("some case can be judged", got=problems[0] if problems else "none")
    result = []
    for n, (metric, constant) in enumerate(zip(_metrics(recipe), _constants(recipe, found), strict=True)):

        def pairs(which: Any = None, n: int = n) -> Iterator[tuple[str, Finding, Finding]]:
            for group, said, true in rows:
                yield group, said[n] if which is None else _placed(which, true[n]), true[n]

        result.append(
            Judged(
                about=recipe.labels[n].meaning if recipe.task == "regression" else "",
                model=evaluate(pairs(), metric, rng=np.random.default_rng(seed)),
                constant=evaluate(pairs(constant), metric, rng=np.random.default_rng(seed)),
                n=len(rows),
                problems=tuple(problems),
            )
        )
    return tuple(result)


def usual_figures(recipe: Recipe, figures: Mapping[str, Estimate]) -> tuple[str, ...]:
    """The names of the figures that one looks at first."""
    names = _USUAL[recipe.task]
    each = [f"{label.meaning}: dice" for label in recipe.labels] if recipe.task == "segmentation" else []
    return tuple(
        name for name in (*names, *each) if name in figures and figures[name].value == figures[name].value
    )


def _questions(recipe: Recipe) -> list[tuple[type[Finding], Any]]:
    if recipe.task == "classification":
        return [(Classification, recipe.concept)]
    if recipe.task == "regression":
        return [(Measurement, concept) for concept in recipe.labels]
    return [(Segmentation, None)]


def _metrics(recipe: Recipe) -> list[Metric[Any, Any]]:
    threshold = recipe.calibration.get("threshold")
    if recipe.task == "regression":
        return [regression() for _ in recipe.labels]
    if recipe.task == "segmentation":
        structures = recipe.labels if len(recipe.labels) > 1 else (None,)
        return [segmentation(structures=structures, ignore=codes.IGNORE)]
    if recipe.activation == "sigmoid":
        cuts = dict(zip(recipe.labels, threshold or [0.5] * len(recipe.labels), strict=True))
        return [multi_label(classes=recipe.labels, threshold=cuts)]
    return [
        classification(classes=recipe.labels, ordinal=recipe.activation == "ordinal", threshold=threshold)
    ]


def _constants(recipe: Recipe, found: Fingerprint) -> list[Any]:
    """What says always the same; None for a segmentation, whose constant takes the place of its image."""
    if recipe.task == "segmentation":
        return [recipe]
    if recipe.task == "regression":
        numbers = recipe.calibration
        return [
            Measurement(
                concept=c,
                value=m,
                unit=u,
                interval=Interval(low=m - 1.645 * s, high=m + 1.645 * s, level=0.9),
            )
            for c, u, m, s in zip(
                recipe.labels, recipe.units, numbers["centre"], numbers["scale"], strict=True
            )
        ]
    counts = np.array([found.counts.get(c.meaning or c.value, 0) for c in recipe.labels], dtype=float)
    exclusive = recipe.activation != "sigmoid"
    shares = counts / max(1.0, counts.sum() if exclusive else float(found.samples))
    scores = tuple(
        ClassScore(code=c, probability=float(min(1.0, p))) for c, p in zip(recipe.labels, shares, strict=True)
    )
    if recipe.concept is None:
        raise InvalidInput("the recipe of a classification has a concept", got="none")
    return [Classification(concept=recipe.concept, scores=scores, exclusive=exclusive)]


def _placed(constant: Any, truth: Finding) -> Finding:
    """The constant about the case of a reference."""
    if not isinstance(constant, Recipe) or not isinstance(truth, Segmentation):
        finding: Finding = constant
        return finding
    segments = tuple(Segment(number=n, code=code) for n, code in enumerate(constant.labels, 1))
    shape = tuple(truth.space.shape)
    if constant.activation == "sigmoid" and len(segments) > 1:
        none = np.zeros((len(segments), *shape), np.bool_)
        return Segmentation(space=truth.space, labels=none, segments=segments, kind="overlapping")
    return Segmentation(space=truth.space, labels=np.zeros(shape, np.uint8), segments=segments)
