"""What differs between the tasks: the loss, the figures of validation, and what is calibrated in the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skiagraph.inference.facts import class_probabilities, gaussians
from skiagraph.metrics.ranking import roc_auc
from skiagraph.task import Recipe
from skiagraph.training.calibrate import calibrated_classes, calibrated_values
from skiagraph.training.losses import How, class_loss, gaussian_loss, with_sides
from skiagraph.training.outline_losses import boundary_loss, moments_apart, structure_loss
from skiagraph.training.plan import Plan

__all__ = ["Answers", "Lesson", "lesson_for"]

Answers: TypeAlias = Sequence[NDArray[np.floating[Any]]]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """A task as the loop sees it.

    Args:
        loss: Of the network's answer, the targets, and the weights of the losses on centre and extent and on edges,
            where the plan asks for these.
        figures: Of the answers to cases that are not learnt from, and their targets.
        calibrated: The recipe with what is chosen on such cases.
    """

    loss: Callable[[Any, Tensor, float, float], Tensor]
    figures: Callable[[Answers, Answers], Mapping[str, float]]
    calibrated: Callable[[Answers, Answers], Recipe]


def lesson_for(plan: Plan) -> Lesson:
    """What the task of a plan makes of answers."""
    recipe = plan.recipe
    how = How(
        activation=recipe.activation, loss=plan.loss, smoothing=plan.smoothing, weights=plan.class_weights
    )
    if recipe.task == "classification":
        return Lesson(
            loss=lambda answer, target, *_: with_sides(partial(class_loss, how), answer, target),
            figures=lambda answers, targets: _class_figures(recipe, np.stack(answers), np.stack(targets)),
            calibrated=lambda a, t: calibrated_classes(recipe, np.stack(a), np.stack(t)),
        )
    if recipe.task == "regression":
        return Lesson(
            loss=lambda answer, target, *_: with_sides(gaussian_loss, answer, _standard(target, recipe)),
            figures=lambda answers, targets: _value_figures(recipe, np.stack(answers), np.stack(targets)),
            calibrated=lambda a, t: calibrated_values(recipe, np.stack(a), np.stack(t)),
        )
    return Lesson(
        loss=lambda answer, target, moments, edges: _structure(how, answer, target, (moments, edges)),
        figures=lambda answers, targets: _structure_figures(recipe, answers, targets),
        calibrated=lambda _, __: recipe,
    )


def _structure(how: How, answer: Any, target: Tensor, weights: tuple[float, float]) -> Tensor:
    finest = answer[0] if isinstance(answer, tuple) else answer
    target, distance = target[:, : finest.shape[1]], target[:, finest.shape[1] :]
    loss, (moments, edges) = structure_loss(how, answer, target), weights
    if moments:
        loss = loss + moments * moments_apart(finest, target)
    if how.loss == "overlap-entropy-boundary":
        loss = loss + edges * boundary_loss(how, finest, distance)
    return loss


def _standard(target: Tensor, recipe: Recipe) -> Tensor:
    """Values as the network is to answer them."""
    centre, scale = (torch.tensor(recipe.calibration[n], device=target.device) for n in ("centre", "scale"))
    return (target - centre) / scale


def _class_figures(recipe: Recipe, logits: NDArray[Any], targets: NDArray[Any]) -> Mapping[str, float]:
    """Area under the curve (the mean over the classes that have both answers) and balanced accuracy."""
    p, true, known = class_probabilities(logits, recipe), targets > 0.5, np.isfinite(targets)
    columns = range(1, 2) if p.shape[1] == 2 and recipe.activation != "sigmoid" else range(p.shape[1])
    parted = [(p[known[:, c], c], true[known[:, c], c].astype(float)) for c in columns]
    areas = [float(roc_auc(q, t)[0]) for q, t in parted if len(t) and 0 < t.mean() < 1]
    right = p > 0.5 if recipe.activation == "sigmoid" else p == p.max(1, keepdims=True)
    shares = [float(right[true[:, c], c].mean()) for c in range(p.shape[1]) if true[:, c].any()]
    figures = {"auc": float(np.mean(areas))} if areas else {}
    return {**figures, "sensitivity": float(np.mean(shares))} if shares else figures


def _value_figures(recipe: Recipe, answers: NDArray[Any], targets: NDArray[Any]) -> Mapping[str, float]:
    """Mean absolute error, in the unit of the first concept, and the share of the variance that is explained."""
    means, _ = gaussians(answers, recipe)
    off, known = (means - targets)[:, 0], np.isfinite(targets[:, 0])
    true = targets[known, 0]
    spread = float(((true - true.mean()) ** 2).sum()) if known.any() else 0.0
    figures = {"error": float(np.abs(off[known]).mean())} if known.any() else {}
    return {**figures, "r2": 1 - float((off[known] ** 2).sum()) / spread} if spread > 0 else figures


def _structure_figures(recipe: Recipe, answers: Answers, targets: Answers) -> Mapping[str, float]:
    """The mean over cases of their mean Dice over the structures that are there or said to be, where it is known."""
    first = 1 if recipe.activation == "softmax" else 0
    cases = []
    for logits, target in zip(answers, targets, strict=True):
        dice = []
        for n in range(len(recipe.labels)):
            found = logits.argmax(0) == n + 1 if first else logits[n] > 0
            found, true = found & np.isfinite(target[n + first]), target[n + first] > 0.5
            size = found.sum() + true.sum()
            dice += [2 * (found & true).sum() / size] if size else []
        cases += [np.mean(dice)] if dice else []
    return {"dice": float(np.mean(cases)) if cases else 1.0}
