"""Findings that are facts about the whole: classes, measurements, curves, text, embeddings, rankings, refusals."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.codes import Code
from skiagraph.errors import InvalidInput
from skiagraph.findings.checks import check_finite, check_fraction
from skiagraph.values import checked_when_unpickled, frozen

__all__ = [
    "ClassScore",
    "Classification",
    "Curve",
    "Embedding",
    "Interval",
    "Measurement",
    "NotApplicable",
    "RankedItem",
    "Ranking",
    "Text",
]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ClassScore:
    """One class and its calibrated probability, 0 to 1."""

    code: Code
    probability: float

    def __post_init__(self) -> None:
        check_fraction("a probability", self.probability)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """Which of several classes.

    Args:
        concept: What is being classified.
        scores: Each class with its calibrated probability.
        exclusive: Whether exactly one class is true (the probabilities then sum to 1) or each is true for itself.
        prediction_set: The classes that cannot be excluded at `level`.
        level: The share of cases in which the prediction set holds the truth; None where no set is given.

    Raises:
        InvalidInput: No class, a class twice, exclusive probabilities that do not sum to 1, a set with a strange class.
    """

    concept: Code
    scores: tuple[ClassScore, ...]
    exclusive: bool = True
    prediction_set: tuple[Code, ...] = ()
    level: float | None = None

    def __post_init__(self) -> None:
        known = [s.code for s in self.scores]
        if not known or len(set(known)) != len(known):
            raise InvalidInput("a classification has classes, each once", got=str([c.value for c in known]))
        total = sum(s.probability for s in self.scores)
        if self.exclusive and abs(total - 1.0) > 1e-3:
            raise InvalidInput("probabilities of exclusive classes sum to 1", got=str(total))
        if not set(self.prediction_set) <= set(known):
            raise InvalidInput("a prediction set holds classes of the classification", got="another class")
        check_fraction("the level of a prediction set", self.level)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Where the true value lies in a share `level` of all cases, in the unit of its measurement.

    Raises:
        InvalidInput: Not finite, low above high, or a level outside of 0 to 1.
    """

    low: float
    high: float
    level: float = 0.95

    def __post_init__(self) -> None:
        check_finite("the end of an interval", self.low)
        check_finite("the end of an interval", self.high)
        check_fraction("the level of an interval", self.level)
        if self.low > self.high:
            raise InvalidInput("an interval rises", got=f"{self.low} to {self.high}")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One number with its unit.

    Args:
        concept: What was measured.
        value: The number, in `unit`.
        unit: UCUM code.
        interval: How sure it is; None where the model does not tell.
        method: How it came about, a sentence with its source; empty where there is nothing to say.

    Raises:
        InvalidInput: Not finite, or a unit that is not UCUM.
    """

    concept: Code
    value: float
    unit: Code
    interval: Interval | None = None
    method: str = ""

    def __post_init__(self) -> None:
        check_finite("the value of a measurement", self.value)
        if self.unit.scheme != "UCUM":
            raise InvalidInput("the unit of a measurement is a UCUM code", got=self.unit.scheme)


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """A quantity over time or over another quantity.

    Args:
        concept: What was measured.
        at: Shape (n,), rising.
        at_unit: UCUM code of `at`.
        values: Shape (n,); NaN where it could not be measured.
        unit: UCUM code of `values`.
    """

    concept: Code
    at: NDArray[np.float64]
    at_unit: Code
    values: NDArray[np.float64]
    unit: Code

    def __post_init__(self) -> None:
        at, values = frozen(self.at, np.float64), frozen(self.values, np.float64)
        if at.ndim != 1 or at.shape != values.shape or not len(at) or not (np.diff(at) > 0).all():
            raise InvalidInput(
                "a curve has one value at each of its rising places", got=f"{at.shape}, {values.shape}"
            )
        object.__setattr__(self, "at", at)
        object.__setattr__(self, "values", values)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Words about the case, by a model or a template.

    Args:
        text: The words.
        language: BCP 47, e.g. ``"en"`` or ``"zh"``.
        concept: Which part of a report it is, e.g. findings or impression; None for free text.
    """

    text: str
    language: str = "en"
    concept: Code | None = None

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise InvalidInput("a text has words", got="none")


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Embedding:
    """The place of a case in the feature space of a model.

    Args:
        vector: Shape (n,), finite.
        model: Name and version of the model whose space this is; vectors of others are not comparable.
    """

    vector: NDArray[np.floating[Any]]
    model: str

    def __post_init__(self) -> None:
        vector = frozen(self.vector)
        if vector.ndim != 1 or vector.dtype.kind != "f" or not np.isfinite(vector).all():
            raise InvalidInput(
                "an embedding is one finite vector", got=f"{vector.dtype} of shape {vector.shape}"
            )
        object.__setattr__(self, "vector", vector)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RankedItem:
    """One retrieved item, by its identifier in the index (never a patient's name), and its score."""

    identifier: str
    score: float

    def __post_init__(self) -> None:
        check_finite("the score of a ranked item", self.score)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Retrieved items, the best first.

    Raises:
        InvalidInput: Scores that rise.
    """

    items: tuple[RankedItem, ...]

    def __post_init__(self) -> None:
        scores = [i.score for i in self.items]
        if any(a < b for a, b in pairwise(scores)):
            raise InvalidInput("a ranking has its best item first", got="scores that rise")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class NotApplicable:
    """The model does not answer, and why.

    Args:
        reason: A stable word for programs.
        explanation: One sentence for people.
        concept: What is not answered, where the rest is; None where nothing is.
        score: How well the input fits the model, 0 to 1, where a gate gives one.
    """

    reason: Literal[
        "wrong-content",
        "wrong-modality",
        "wrong-shape",
        "unknown-size",
        "no-outline",
        "poor-quality",
        "out-of-range",
    ]
    explanation: str
    concept: Code | None = None
    score: float | None = None

    def __post_init__(self) -> None:
        if not self.explanation.strip():
            raise InvalidInput("a refusal says why", got="no explanation")
        check_fraction("the score of a refusal", self.score)
