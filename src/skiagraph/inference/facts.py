"""From the answer of a network about a whole image to facts: calibrated classes, and measurements with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from skiagraph.errors import InvalidInput
from skiagraph.findings import Classification, ClassScore, Interval, Measurement
from skiagraph.task import Recipe

__all__ = ["class_probabilities", "classified", "gaussians", "measured"]

_METHOD: Final = (
    "Regression by a network; the interval holds the true value in {level:g} % of the cases of validation."
)


def class_probabilities(logits: NDArray[np.floating[Any]], recipe: Recipe) -> NDArray[np.float64]:
    """Calibrated probabilities of the labels of a recipe.

    Args:
        logits: Shape (cases, outputs).
        recipe: Its calibration may have ``"temperature"``, which divides the logits, and ``"bias"``, one number an
            output, which is added then.

    Returns:
        Shape (cases, labels). Rows sum to 1 unless the labels stand each for itself.

    Source: Guo et al., On calibration of modern neural networks (ICML 2017), section 4.2; Alexandari et al., Maximum
        likelihood with bias-corrected calibration is hard-to-beat at label shift adaptation (ICML 2020), section 2.3;
        ordered classes after McCullagh, Regression models for ordinal data (1980).
    """
    numbers = recipe.calibration
    bias = np.asarray(numbers.get("bias", 0.0), dtype=np.float64)
    scaled = np.asarray(logits, dtype=np.float64) / float(numbers.get("temperature", 1.0)) + bias
    if recipe.activation == "sigmoid":
        return np.asarray(expit(scaled))
    if recipe.activation == "softmax":
        return np.asarray(softmax(scaled, axis=-1))
    beyond = np.minimum.accumulate(
        expit(scaled), axis=-1
    )  # more than label 1 is never likelier than more than label 0
    edge = np.ones((*beyond.shape[:-1], 1))
    return np.asarray(-np.diff(np.concatenate([edge, beyond, 0 * edge], axis=-1), axis=-1))


def classified(logits: NDArray[np.floating[Any]], recipe: Recipe) -> Classification:
    """The classification that the answer of a network stands for.

    Args:
        logits: Shape (outputs,).
        recipe: Its calibration may have ``"temperature"``, and for classes that exclude one another ``"set"`` with
            ``"level"`` and ``"least"``: the set holds the classes at least that likely, and always the likeliest.

    Raises:
        InvalidInput: An answer of another length, or not finite.

    Source: prediction sets by split conformal prediction, Sadinle et al., Least ambiguous set-valued classifiers with
        bounded error levels (JASA 2019).
    """
    if recipe.concept is None:
        raise InvalidInput("the recipe of a classification has a concept", got="none")
    p = class_probabilities(_checked(logits, recipe)[None], recipe)[0]
    scores = tuple(ClassScore(code=c, probability=float(q)) for c, q in zip(recipe.labels, p, strict=True))
    exclusive, rule = recipe.activation != "sigmoid", recipe.calibration.get("set")
    if not exclusive or rule is None:
        return Classification(concept=recipe.concept, scores=scores, exclusive=exclusive)
    kept = (p >= float(rule["least"])) | (np.arange(len(p)) == p.argmax())
    return Classification(
        concept=recipe.concept,
        scores=scores,
        prediction_set=tuple(c for c, keep in zip(recipe.labels, kept, strict=True) if keep),
        level=float(rule["level"]),
    )


def gaussians(
    answer: NDArray[np.floating[Any]], recipe: Recipe
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means and standard deviations of what is measured, in its units.

    Args:
        answer: Shape (cases, outputs).
        recipe: Its calibration has ``"centre"`` and ``"scale"``, one number a concept.

    Returns:
        Two arrays of shape (cases, concepts).
    """
    n, numbers = len(recipe.labels), recipe.calibration
    centre, scale = np.asarray(numbers["centre"], np.float64), np.asarray(numbers["scale"], np.float64)
    answer = np.asarray(answer, dtype=np.float64)
    return centre + scale * answer[..., :n], scale * np.exp(answer[..., n:].clip(-20, 20) / 2)


def measured(answer: NDArray[np.floating[Any]], recipe: Recipe) -> tuple[Measurement, ...]:
    """The measurements that the answer of a network stands for, in the order of the recipe's labels.

    Args:
        answer: Shape (outputs,).
        recipe: As `gaussians`; its calibration may have ``"interval"`` with ``"level"`` and ``"width"``: how many
            standard deviations the interval reaches to each side, one number a concept.

    Raises:
        InvalidInput: An answer of another length, or not finite.
    """
    (means,), (deviations,) = gaussians(_checked(answer, recipe)[None], recipe)
    rule: Mapping[str, Any] | None = recipe.calibration.get("interval")
    items = []
    for n, (concept, unit) in enumerate(zip(recipe.labels, recipe.units, strict=True)):
        value, interval, method = float(means[n]), None, ""
        if rule is not None:
            reach, level = float(rule["width"][n]) * float(deviations[n]), float(rule["level"])
            interval = Interval(low=value - reach, high=value + reach, level=level)
            method = _METHOD.format(level=100 * level)
        items.append(Measurement(concept=concept, value=value, unit=unit, interval=interval, method=method))
    return tuple(items)


def _checked(answer: NDArray[np.floating[Any]], recipe: Recipe) -> NDArray[np.floating[Any]]:
    if answer.shape != (recipe.outputs,) or not np.isfinite(answer).all():
        raise InvalidInput(
            f"the network answers with {recipe.outputs} finite numbers", got=f"shape {answer.shape}"
        )
    return answer
