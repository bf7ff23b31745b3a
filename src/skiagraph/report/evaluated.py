"""What an evaluation found, as values: figures with intervals, what they are held against, and what is to be drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.codes import Code
from skiagraph.errors import InvalidInput
from skiagraph.findings import Classification, Interval, Measurement, Segmentation
from skiagraph.image import Image
from skiagraph.task import Card, Comparison, Estimate
from skiagraph.values import frozen

__all__ = [
    "HEADLINES",
    "LOWER_IS_BETTER",
    "ClassCounts",
    "ClassGraphs",
    "Evaluated",
    "Graphs",
    "Judged",
    "Kind",
    "OutlineGraphs",
    "Path",
    "Rival",
    "Share",
    "Subgroup",
    "ValueGraphs",
    "Verdict",
    "Worst",
    "headline_of",
]

Kind: TypeAlias = Literal["classes", "labels", "values", "outlines"]

HEADLINES: Final[Mapping[Kind, tuple[str, ...]]] = MappingProxyType(
    {
        "classes": (
            "accuracy", "balanced accuracy", "roc auc", "macro roc auc", "pr auc", "macro pr auc", "sensitivity",
            "specificity", "f1", "macro f1", "kappa", "quadratic kappa", "brier", "calibration error",
        ),
        "labels": ("macro roc auc", "macro pr auc", "macro f1", "known labels right", "exact match", "macro brier"),
        "values": (
            "mean absolute error", "root mean square error", "r2", "bias", "concordance", "coverage",
        ),
        "outlines": (
            "dice", "mean: dice", "iou", "mean: iou", "hd95 [mm]", "mean: hd95 [mm]", "mean surface distance [mm]",
            "mean: mean surface distance [mm]", "absolute size error [%]", "mean: absolute size error [%]",
        ),
    }
)  # fmt: skip
"""The figures that stand at the head of a page, by the kind of question; those that there are."""

LOWER_IS_BETTER: Final = frozenset(
    {"brier", "macro brier", "log loss", "calibration error", "mean absolute error", "root mean square error"}
    | {"hd95 [mm]", "mean surface distance [mm]", "absolute size error [%]"}
)
"""Of the figures at the head those of which less is better, without what stands before a colon."""


def headline_of(kind: Kind, figures: Mapping[str, Estimate]) -> tuple[str, ...]:
    """The names of the figures that stand at the head, of those that there are and that are defined."""
    return tuple(n for n in HEADLINES[kind] if n in figures and np.isfinite(figures[n].value))


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Path:
    """A curve: a name, places of shape (n,), and the area under it where it has a meaning."""

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    area: float | None = None

    def __post_init__(self) -> None:
        for name in ("x", "y"):
            object.__setattr__(self, name, frozen(getattr(self, name), np.float64))


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassGraphs:
    """What is drawn of classes.

    Args:
        labels: The classes.
        roc: ROC curves.
        pr: Precision-recall curves.
        share: The share of positive cases of each precision-recall curve.
        bins: Of the reliability diagram: cases, mean confidence, share of right answers, where the bin begins and where
            it ends, shape (5, bins).
        calibration_error: Of these bins.
        confusion: How often each class (row) was taken for each (column); None where classes may be true together.
    """

    labels: tuple[str, ...]
    roc: tuple[Path, ...]
    pr: tuple[Path, ...]
    share: tuple[float, ...]
    bins: NDArray[np.float64]
    calibration_error: float
    confusion: NDArray[np.float64] | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "bins", frozen(self.bins, np.float64))
        if self.confusion is not None:
            object.__setattr__(self, "confusion", frozen(self.confusion, np.float64))


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ValueGraphs:
    """What is drawn of measured values.

    Args:
        unit: UCUM code.
        reference: Shape (cases,), in `unit`.
        prediction: Shape (cases,).
        low: Lower ends of the intervals, NaN where there is none.
        high: Upper ends.
        bias: Mean of prediction minus reference; None of fewer than two cases.
        limits: The 95 % limits of agreement.
        bias_interval: Where the true bias lies.
    """

    unit: Code
    reference: NDArray[np.float64]
    prediction: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    bias: float | None = None
    limits: tuple[float, float] | None = None
    bias_interval: Interval | None = None

    def __post_init__(self) -> None:
        for name in ("reference", "prediction", "low", "high"):
            object.__setattr__(self, name, frozen(getattr(self, name), np.float64))


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutlineGraphs:
    """What is drawn of outlines.

    Args:
        labels: The structures.
        dice: Shape (cases, structures).
        distance: The distance within which 95 % of the surfaces lie, mm, shape (cases, structures); NaN without.
    """

    labels: tuple[str, ...]
    dice: NDArray[np.float64]
    distance: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in ("dice", "distance"):
            object.__setattr__(self, name, frozen(getattr(self, name), np.float64))


Graphs: TypeAlias = ClassGraphs | ValueGraphs | OutlineGraphs


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Worst:
    """A case that went badly.

    Args:
        case: Its identifier.
        image: What was read.
        prediction: What the model said.
        reference: What is held to be true.
        score: Probability of the truth, absolute error in the unit of the value, or Dice.
    """

    case: str
    image: Image
    prediction: Classification | Measurement | Segmentation
    reference: Classification | Measurement | Segmentation
    score: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One figure of the model beside that of a baseline.

    Args:
        figure: Its name.
        baseline: ``"constant"`` or ``"simple"``.
        model: The figure of the model.
        other: The figure of the baseline.
        low: Lower end of the interval of model minus baseline.
        high: Upper end.
        answer: ``"no better"``, ``"unproven"`` (better, but chance alone may do that) or ``"better"``.
    """

    figure: str
    baseline: str
    model: float
    other: float
    low: float
    high: float
    answer: Literal["no better", "unproven", "better"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Subgroup:
    """The figures of the cases that have one value of an attribute; none where the model answered none of them."""

    attribute: str
    value: str
    cases: int
    figures: Mapping[str, Estimate]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """So many cases of so many, with the 95 % interval of the share; NaN where there was no case.

    Raises:
        InvalidInput: More than there are.
    """

    hits: int
    cases: int
    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 <= self.hits <= self.cases:
            raise InvalidInput("a share is so many of so many", got=f"{self.hits} of {self.cases}")

    @property
    def value(self) -> float:
        """The share, 0 to 1; NaN of no case."""
        return self.hits / self.cases if self.cases else float("nan")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ClassCounts:
    """How a model did on one class, in cases.

    Args:
        label: The class, in words.
        found: Of the cases of this class those that were found: sensitivity.
        spared: Of all others those that were not taken for it: specificity.
    """

    label: str
    found: Share
    spared: Share


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """Another model on the same cases, as rival or as member.

    Args:
        name: Of the other model.
        figures: Of the other model, over all cases that it answered.
        comparisons: Model minus other, on the cases that both answered.
        tests: p-values of tests that need no resampling, by name: DeLong, McNemar.
    """

    name: str
    figures: Mapping[str, Estimate]
    comparisons: Mapping[str, Comparison]
    tests: Mapping[str, float] = field(default_factory=dict)


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judged:
    """One question, judged.

    Args:
        name: What was asked, in words; empty where the model has one question only.
        kind: Of the question.
        figures: Of the model.
        graphs: What is drawn.
        baselines: The figures of each baseline, by its name.
        verdicts: The head figures of the model beside those of baselines.
        subgroups: In the order of attributes.
        rival: Another model; None where none was asked for.
        members: Others that answered the same cases; their figures stand in the one table of figures.
        counts: Of classes and labels, in their order: of two classes the second is the positive one.
        worst: The worst cases, the worst first.
        answers: What was said of each answered case, and what is true of it: probabilities of classes, or values,
            shape (2, cases, classes or 1); None of outlines.
    """

    name: str
    kind: Kind
    figures: Mapping[str, Estimate]
    graphs: Graphs
    baselines: Mapping[str, Mapping[str, Estimate]] = field(default_factory=dict)
    verdicts: tuple[Verdict, ...] = ()
    subgroups: tuple[Subgroup, ...] = ()
    rival: Rival | None = None
    members: tuple[Rival, ...] = ()
    counts: tuple[ClassCounts, ...] = ()
    worst: tuple[Worst, ...] = ()
    answers: NDArray[np.float64] | None = None

    @property
    def headline(self) -> tuple[str, ...]:
        """The names of the figures at the head."""
        return headline_of(self.kind, self.figures)

    @property
    def others(self) -> tuple[Rival, ...]:
        """All other models, the rival first."""
        return (self.rival, *self.members) if self.rival is not None else self.members


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evaluated:
    """A model on a data set: all that a page about it says.

    Args:
        card: Of the model.
        digest: SHA-256 of the model.
        engine: What computed, and with which numbers.
        data: Name of the data set.
        licence: Its terms; may be empty.
        split: Which splits were judged on.
        learnt_from: Whether the model may have learnt from these cases.
        cases: How many there were.
        groups: Patients, or whatever was resampled.
        refusals: Why the model did not answer, and how often.
        problems: Files that could not be used, one sentence each.
        fitted_on: Cases that the baselines learnt from; 0 where there are none.
        judged: Each question.
        software: Version of Skiagraph.
        seed: Of the bootstrap.
        created: When, with a time zone.

    Raises:
        InvalidInput: No question, or a time without a zone.
    """

    card: Card
    digest: str
    engine: str
    data: str
    licence: str
    split: str
    learnt_from: bool
    cases: int
    groups: int
    refusals: Mapping[str, int]
    problems: tuple[str, ...]
    fitted_on: int
    judged: tuple[Judged, ...]
    software: str
    seed: int
    created: datetime

    def __post_init__(self) -> None:
        if not self.judged or self.created.tzinfo is None:
            raise InvalidInput("an evaluation has a question and a time with its zone", got=str(self.created))
