"""From the answer of a network back to the image: probabilities, shape prior, confidence, labels on its lattice."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from skiagraph.features import Ellipse, fitted_ellipse, rasterised
from skiagraph.findings import Finding, Segment, Segmentation
from skiagraph.findings.resample import resample
from skiagraph.geometry import Space
from skiagraph.image import Image
from skiagraph.inference.facts import classified, measured
from skiagraph.inference.refine import carried, refined
from skiagraph.preprocess import network_space
from skiagraph.task import Engine, Recipe

__all__ = ["agreement", "findings_of", "finished"]


def findings_of(
    answer: NDArray[np.float32], image: Image, recipe: Recipe, second: Engine | None = None
) -> tuple[Finding, ...]:
    """What the answer of a network stands for.

    Args:
        answer: Shape (outputs, spatial...) on the lattice that `network_space` gives, or (outputs,).
        image: What was read.
        recipe: Says what the answer is.
        second: What looks at an outline again, where the recipe asks for it.
    """
    if recipe.task == "classification":
        return (classified(answer, recipe),)
    if recipe.task == "regression":
        return measured(answer, recipe)
    return (finished(answer, image, recipe, second),)


def finished(
    logits: NDArray[np.float32], image: Image, recipe: Recipe, second: Engine | None = None
) -> Segmentation:
    """The segmentation that logits stand for, on the lattice of the image.

    Args:
        logits: Shape (label, spatial...) on the lattice that `network_space` gives.
        image: What was read.
        recipe: Threshold, shape prior, second look, calibration.
        second: What looks at the outline again, where the recipe asks for it.
    """
    lattice = network_space(image.space, recipe)
    logits = np.asarray(logits, dtype=np.float32)
    p = softmax(logits, axis=0)[1:] if recipe.activation == "softmax" else expit(logits)
    if recipe.prior == "ellipse":
        return _elliptic(p[0], image, recipe, second)
    segments = tuple(Segment(number=n, code=code) for n, code in enumerate(recipe.labels, 1))
    found = _decided(p, lattice, recipe, segments)
    back = resample(found, onto=image.space)
    return Segmentation(space=back.space, labels=back.labels, segments=segments, kind=found.kind)


def _decided(
    p: NDArray[np.float32], space: Space, recipe: Recipe, segments: tuple[Segment, ...]
) -> Segmentation:
    """Labels of probabilities: several that stand each for itself may overlap."""
    if recipe.activation == "sigmoid" and len(segments) > 1:
        above = p >= recipe.threshold
        return Segmentation(space=space, labels=above, segments=segments, kind="overlapping", probabilities=p)
    least = recipe.threshold if recipe.activation == "sigmoid" else 1 - p.sum(0)
    labels = np.where(p.max(0) >= least, p.argmax(0) + 1, 0).astype(np.uint8)
    return Segmentation(space=space, labels=labels, segments=segments, probabilities=p)


def _elliptic(p: NDArray[np.float32], image: Image, recipe: Recipe, second: Engine | None) -> Segmentation:
    """One structure whose outline is an ellipse; no ellipse, no segment."""
    space, lattice = image.space, network_space(image.space, recipe)
    ellipse = fitted_ellipse(np.clip(p - recipe.threshold + 0.5, 0.0, 1.0))
    if ellipse is None:
        return Segmentation(space=space, labels=np.zeros(space.shape, np.uint8), segments=())
    if recipe.refine is not None and second is not None:
        ellipse = refined(ellipse, lattice, image, recipe, second)
    back = carried(ellipse, lattice, space)
    segment = Segment(number=1, code=recipe.labels[0], confidence=_confidence(p, ellipse, recipe.calibration))
    labels = rasterised(back, (space.shape[0], space.shape[1])).astype(np.uint8)
    return Segmentation(space=space, labels=labels, segments=(segment,))


def agreement(p: NDArray[np.float32], ellipse: Ellipse) -> float:
    """Soft Dice between probabilities and the ellipse fitted to them: low where they are unsure or not elliptic."""
    inside = rasterised(ellipse, (p.shape[0], p.shape[1]))
    return float(2 * p[inside].sum() / (p.sum() + inside.sum()))


def _confidence(p: NDArray[np.float32], ellipse: Ellipse, calibration: Any) -> float | None:
    """A logistic curve over `agreement`, fitted by cross-validation; see the model's card for what it promises."""
    curve = calibration.get("confidence")
    if curve is None:
        return None
    x = math.log(max(1e-6, 1.0 - agreement(p, ellipse)))
    return float(expit(curve["intercept"] + curve["slope"] * x))
