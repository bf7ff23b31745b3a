"""The gate that looks at the content: does this image show what the model learnt to read?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from skiagraph.errors import InvalidInput
from skiagraph.features.head_evidence import HEAD_EVIDENCE, head_evidence
from skiagraph.findings import NotApplicable
from skiagraph.image import Image, pixels
from skiagraph.values import checked_when_unpickled, frozen

__all__ = ["ContentGate", "content_gate"]

Array = NDArray[np.float64]

_REFUSAL: Final = "This image does not look like a fetal head in the standard plane."
_NOTHING: Final = "It is smaller than 16 pixels along a side, or of one grey level."
_NO_RING: Final = "No bright oval outline of a skull stands out."
_NO_LIKENESS: Final = "Its grey levels and texture are not those of such a picture."
_FAINT: Final = -2.0  # standard deviations below the mean of heads, from which a ring counts as not seen
_FAR: Final = 8.0  # standard deviations beyond which more says no more, for the distance
_NEAR: Final = 6.0  # the same, for the weights
_USUAL: Final = 6.0  # distance at which heads lie from their centre, about the root of the number of features


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ContentGate:
    """A logistic model of the evidence for a head: of z, of its size, and of its distance to the heads it learnt from.

    With n the number of features, z the evidence in standard deviations of heads:

    Args:
        mean: Of each feature over heads, shape (n,).
        deviation: Standard deviation of each feature over heads, shape (n,).
        centre: Mean of z over heads after cutting, shape (n,).
        precision: Inverse covariance of z over heads, shape (n, n).
        weights: Of z, of ``abs(z) - 1`` and of the distance, shape (2 n + 1,).
        threshold: Score from which an image is let through.
        slope: Turns the score beyond the threshold into the logit of what a refusal reports.

    Raises:
        InvalidInput: Other shapes, or numbers that are not finite or not positive where they must be.

    Source: own; the distance after Lee et al., A simple unified framework for detecting out-of-distribution samples
    and adversarial attacks (NeurIPS 2018).
    """

    mean: Array
    deviation: Array
    centre: Array
    precision: Array
    weights: Array
    threshold: float
    slope: float = 1.0

    def __post_init__(self) -> None:
        n = len(HEAD_EVIDENCE)
        shapes = {
            "mean": (n,),
            "deviation": (n,),
            "centre": (n,),
            "precision": (n, n),
            "weights": (2 * n + 1,),
        }
        for name, shape in shapes.items():
            array = frozen(getattr(self, name), np.float64)
            if array.shape != shape or not np.isfinite(array).all():
                raise InvalidInput(
                    f"the {name} of a content gate holds finite numbers of shape {shape}",
                    got=f"shape {array.shape}",
                )
            object.__setattr__(self, name, array)
        if not (
            (self.deviation > 0).all() and self.slope > 0 and np.isfinite([self.threshold, self.slope]).all()
        ):
            raise InvalidInput(
                "the deviations and the slope of a content gate are positive, and its threshold is finite",
                got=f"threshold {self.threshold}, slope {self.slope}",
            )

    def __call__(self, image: Image, /) -> NotApplicable | None:
        """None lets the image through.

        Args:
            image: In one plane, with one grey channel.

        Raises:
            InvalidInput: Another kind of image.
        """
        evidence = head_evidence(pixels(image))
        if evidence is None:
            return NotApplicable(reason="wrong-content", explanation=f"{_REFUSAL} {_NOTHING}", score=0.0)
        score = self.score(evidence)
        if score >= self.threshold:
            return None
        faint = (evidence[0] - self.mean[0]) / self.deviation[0] < _FAINT
        return NotApplicable(
            reason="wrong-content",
            explanation=f"{_REFUSAL} {_NO_RING if faint else _NO_LIKENESS}",
            score=float(expit(self.slope * (score - self.threshold))),
        )

    def score(self, evidence: Array) -> float:
        """How much evidence of shape (n,) speaks for a head, in logits up to a constant."""
        return float(
            likeness(evidence, self.mean, self.deviation, self.centre, self.precision) @ self.weights
        )


def likeness(evidence: Array, mean: Array, deviation: Array, centre: Array, precision: Array) -> Array:
    """What `ContentGate` weighs: z, ``abs(z) - 1`` and the scaled distance to heads.

    Args:
        evidence: Shape (..., n).
        mean: As for `ContentGate`, likewise the rest.
        deviation: Shape (n,).
        centre: Shape (n,).
        precision: Shape (n, n).

    Returns:
        Shape (..., 2 n + 1).
    """
    z = (evidence - mean) / deviation
    off = np.clip(z, -_FAR, _FAR) - centre
    distance = np.sqrt(np.maximum(((off @ precision) * off).sum(-1, keepdims=True), 0.0))
    near = np.clip(z, -_NEAR, _NEAR)
    return np.concatenate([near, np.abs(near) - 1.0, (distance - _USUAL) / 2.0], axis=-1)


def content_gate(numbers: Mapping[str, Any]) -> ContentGate:
    """The gate that a recipe describes.

    Args:
        numbers: The fields of `ContentGate` as numbers and lists of them, and its ``"kind"``.

    Raises:
        InvalidInput: A number is missing, is none, or there are others.
    """
    fields = {name: value for name, value in numbers.items() if name != "kind"}
    try:
        plain = {
            name: float(value) if name in ("threshold", "slope") else np.array(value, dtype=np.float64)
            for name, value in fields.items()
        }
        return ContentGate(**plain)  # type: ignore[arg-type]
    except TypeError as error:
        raise InvalidInput("a content gate has its own numbers", got=", ".join(sorted(fields))) from error
    except ValueError as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput("the numbers of a content gate are numbers", got=type(error).__name__) from error
