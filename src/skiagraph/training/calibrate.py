"""What is chosen on cases that were not learnt from: temperature, thresholds, prediction sets, widths of intervals."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from skiagraph.inference.facts import class_probabilities, gaussians
from skiagraph.task import Recipe

__all__ = ["calibrated_classes", "calibrated_values"]

Array = NDArray[np.floating[Any]]
_LEAST: Final = 20  # cases below which nothing is chosen on them
_LEVEL: Final = 0.9


def calibrated_classes(recipe: Recipe, logits: Array, targets: Array) -> Recipe:
    """The recipe with the numbers that fit cases it was not learnt from.

    Args:
        recipe: Of a classification.
        logits: Shape (cases, outputs).
        targets: Shape (cases, labels), 0 or 1; NaN where it is not known.

    Returns:
        A recipe whose calibration has ``"temperature"`` and ``"bias"``; ``"threshold"`` of two classes or of each
        label that stands for itself (sensitivity plus specificity are largest there, or as good as these cases can
        tell); and ``"set"`` of classes that exclude one another. Fewer than 20 cases choose nothing.

    Source: Alexandari et al., Maximum likelihood with bias-corrected calibration is hard-to-beat at label shift
        adaptation (ICML 2020); Youden, Index for rating diagnostic tests (1950); Sadinle et al., Least ambiguous
        set-valued classifiers (JASA 2019).
    """
    if len(logits) < _LEAST:
        return recipe

    recipe = _fitted(recipe, logits, targets)
    p = class_probabilities(logits, recipe)
    if recipe.activation == "sigmoid":
        recipe = _with(recipe, threshold=[_of_known(q, t) for q, t in zip(p.T, targets.T, strict=True)])
    elif len(recipe.labels) == 2:
        recipe = _with(recipe, threshold=_threshold(p[:, 1], targets[:, 1]))
    if recipe.activation != "sigmoid":
        least = 1 - _conformal(1 - p[targets > 0.5], _LEVEL)
        recipe = _with(recipe, set={"level": _LEVEL, "least": round(max(0.0, least), 6)})
    return recipe


def _fitted(recipe: Recipe, logits: Array, targets: Array) -> Recipe:
    """The temperature and the bias under which the truth is likeliest, where a bias is thought to be about one."""
    exclusive = recipe.activation != "sigmoid"
    yes, no = targets > 0.5, targets < 0.5

    def of(numbers: Array) -> Recipe:
        return _with(recipe, temperature=math.exp(numbers[0]), bias=numbers[1:])

    def unlikeliness(numbers: Array) -> float:
        p = class_probabilities(logits, of(numbers)).clip(1e-12, 1 - 1e-12)
        told = np.log(p[yes]).sum() + (0.0 if exclusive else np.log1p(-p[no]).sum())
        return float((numbers[1:] @ numbers[1:]) / 2 - told) / len(logits)

    start = np.zeros(1 + logits.shape[1])
    bounds = [(math.log(0.2), math.log(5.0)), *[(-10.0, 10.0)] * logits.shape[1]]
    best = of(minimize(unlikeliness, start, method="L-BFGS-B", bounds=bounds).x).calibration
    return _with(
        recipe, temperature=round(best["temperature"], 4), bias=[round(float(b), 4) for b in best["bias"]]
    )


def calibrated_values(recipe: Recipe, answers: Array, targets: Array) -> Recipe:
    """The recipe with intervals that held the true value in nine of ten cases it was not learnt from.

    Args:
        recipe: Of a regression.
        answers: Shape (cases, outputs).
        targets: Shape (cases, labels); NaN where it is not known.

    Returns:
        A recipe whose calibration has ``"interval"``; fewer than 20 cases choose none.

    Source: Lei et al., Distribution-free predictive inference for regression (JASA 2018), section 5.2.
    """
    means, deviations = gaussians(answers, recipe)
    off = np.abs(targets - means) / deviations
    if np.isfinite(off).sum(0).min() < _LEAST:
        return recipe
    widths = [round(_conformal(column[np.isfinite(column)], _LEVEL), 6) for column in off.T]
    return _with(recipe, interval={"level": _LEVEL, "width": widths})


def _with(recipe: Recipe, **numbers: Any) -> Recipe:
    return dataclasses.replace(recipe, calibration={**recipe.calibration, **numbers})


def _conformal(scores: Array, level: float) -> float:
    """The score that a new case exceeds in at most one minus `level` of all cases."""
    n = len(scores)
    rank = min(n, math.ceil((n + 1) * level))
    return float(np.sort(scores)[rank - 1])


def _of_known(p: Array, truth: Array) -> float:
    known = np.isfinite(truth)
    return _threshold(p[known], truth[known])


def _threshold(p: Array, truth: Array) -> float:
    """Of the cuts that the cases cannot tell from the best, the nearest to the share of the class.

    The best cut makes sensitivity plus specificity largest; of few cases that place is mostly chance. Under calibrated
    probabilities it lies where they equal the share of the class, and cuts there are taken that lie within one
    standard error of the best. A half where one class is missing.

    Source: Breiman et al., Classification and Regression Trees (1984), section 3.4.3: the rule of one standard error.
    """
    order = np.argsort(p)
    told, true = p[order], truth[order] > 0.5
    yes, no = int(true.sum()), int((~true).sum())
    if not yes or not no:
        return 0.5
    found = np.concatenate([[yes], yes - np.cumsum(true)]) / yes
    spared = np.concatenate([[0], np.cumsum(~true)]) / no
    edges = np.concatenate([[0.0], (told[1:] + told[:-1]) / 2, [1.0]])
    apart = np.concatenate([[True], told[1:] > told[:-1], [True]])
    gain = np.where(apart, found + spared, -np.inf)
    best = int(gain.argmax())
    error = math.sqrt(found[best] * (1 - found[best]) / yes + spared[best] * (1 - spared[best]) / no)
    equal = edges[gain >= gain[best] - error - 1e-12]
    return round(float(equal[np.abs(equal - yes / len(told)).argmin()]), 6)
