"""How well a model fits, told from its curves: over, under or well, by which numbers, and what would help."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput
from skiagraph.training.fit_measures import Measure, Shares, SizeCurve, Within, gap_between
from skiagraph.values import frozen

__all__ = [
    "Diagnosis",
    "LearningCurve",
    "Proposal",
    "Remedy",
    "Trial",
    "Verdict",
    "diagnosed",
    "diagnosed_from_cases",
]

Verdict: TypeAlias = Literal["over", "under", "well"]
Remedy: TypeAlias = Literal[
    "more data",
    "augmentation",
    "simpler model",
    "dropout",
    "weight decay",
    "early stop",
    "larger model",
    "longer training",
    "less regularisation",
]

_WIDE: Final = 0.25  # share of the validation error from which a gap counts
_SOME: Final = 0.02  # share of the error of a constant below which nothing counts
_POOR: Final = 0.5  # share of the error of a constant that is left in training from which a model under-fits
_RISE: Final = 0.1  # share by which validation has got worse after its best epoch
_FALL: Final = 0.05  # share by which validation still got better in the last quarter
_FEW_EPOCHS: Final = 10  # below which a model that under-fits may only have been trained too briefly
_AGAINST_OVER: Final[tuple[Remedy, ...]] = ("augmentation", "simpler model", "dropout", "weight decay")


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LearningCurve:
    """A measure after each epoch.

    Args:
        measure: What is told.
        train: On training cases, shape (epochs,).
        validation: On cases that were not learnt from, shape (epochs,).

    Raises:
        InvalidInput: No epoch, other lengths, or a score that is not finite.
    """

    measure: Measure
    train: NDArray[np.float64]
    validation: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in ("train", "validation"):
            object.__setattr__(self, name, frozen(getattr(self, name), np.float64))
        if self.train.ndim != 1 or self.train.shape != self.validation.shape or not len(self.train):
            raise InvalidInput(
                "a learning curve has both scores of each epoch",
                got=f"{self.train.shape} and {self.validation.shape}",
            )
        if not np.isfinite([*self.train, *self.validation]).all():
            raise InvalidInput("the scores of a learning curve are finite", got="NaN or infinity")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A remedy that was tried: the validation score without and with it, and the interval of what it won.

    Args:
        remedy: Which.
        before: Score without it.
        after: Score with it.
        won: How much smaller the error got.
    """

    remedy: Remedy
    before: float
    after: float
    won: Within


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What would help.

    Args:
        remedy: Which.
        expected: What it is expected to win, with its interval; None where only a bound is known.
        most: What it can win at most; NaN where that is not known.
        epoch: After which epoch to stop, from 1; 0 for other remedies.
    """

    remedy: Remedy
    expected: Within | None = None
    most: float = math.nan
    epoch: int = 0


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Diagnosis:
    """What the curves of a training say.

    Args:
        verdict: How it fits.
        curve: The curves.
        train: Training score at the end.
        validation: Validation score at the end.
        gap: Error of validation minus that of training; without an interval where single cases are not known.
        left: Share of the error of a constant answer that is left in training; NaN where that is not known.
        best_epoch: From 1, in validation.
        risen: By how much validation got worse since then, 0 or more.
        falling: By how much validation got better in the last quarter of the epochs.
        sizes: Data-size curve; None where there is none.
        shares: Bias, variance and noise; None where there is one seed.
        tried: Remedies that were tried.
        proposals: Remedies that were not.
        used: Remedies that were in use all along.
        cases: That the validation score rests on; 0 where nobody has counted.
        elsewhere: The same score on cases from elsewhere, a test split; None where there are none.
    """

    verdict: Verdict
    curve: LearningCurve
    train: float
    validation: float
    gap: Within
    left: float
    best_epoch: int
    risen: float
    falling: float
    sizes: SizeCurve | None = None
    shares: Shares | None = None
    tried: tuple[Trial, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    used: tuple[Remedy, ...] = ()
    cases: int = 0
    elsewhere: Within | None = None


def diagnosed(
    curve: LearningCurve,
    *,
    constant: float | None = None,
    gap: Within | None = None,
    sizes: SizeCurve | None = None,
    shares: Shares | None = None,
    tried: Sequence[Trial] = (),
) -> Diagnosis:
    """What the curves of a training say.

    A model over-fits where the gap is certain, a quarter of the validation error and 2 % of the error of a constant
    answer or more; or where validation got a tenth worse after its best epoch. Else it under-fits where more than half
    of the error of a constant is left in training, or where validation still got 5 % better in the last quarter and has
    more than 2 % of that error left. Else it fits well.

    Args:
        curve: Scores after each epoch; scores of a finished training may stand there as one epoch.
        constant: Validation score of the constant answer; None where it is not known.
        gap: With its interval, from the errors of single cases; None takes the ends of the curves.
        sizes: From trainings with parts of the data.
        shares: From trainings with several seeds.
        tried: Remedies that were tried.

    Source: own; on bias, variance and curves Hastie, Tibshirani and Friedman, The elements of statistical learning
        (2009), chapter 7.
    """
    error = curve.measure.error
    train, validation = _smooth(error(curve.train)), _smooth(error(curve.validation))
    e_train, e_valid, best = float(train[-1]), float(validation[-1]), int(validation.argmin())
    nothing = math.nan if constant is None else float(error(constant))
    floor = 0.0 if math.isnan(nothing) else _SOME * nothing
    apart = gap or Within(value=e_valid - e_train, low=e_valid - e_train, high=e_valid - e_train)
    risen = e_valid - float(validation[best])
    quarter = float(validation[max(0, len(validation) - 1 - len(validation) // 4)])
    falling, left = quarter - e_valid, e_train / nothing if nothing > 0 else math.nan
    wide = apart.low > 0 and apart.value >= _WIDE * e_valid and apart.value >= floor
    worse = risen >= max(_RISE * float(validation[best]), floor) and risen > 0
    verdict: Verdict = "well"
    if wide or worse:
        verdict = "over"
    elif left > _POOR or (falling > max(_FALL * e_valid, floor) and e_valid > floor):
        verdict = "under"
    found = Diagnosis(
        verdict=verdict,
        curve=curve,
        train=_score(curve.measure, e_train),
        validation=_score(curve.measure, e_valid),
        gap=apart,
        left=left,
        best_epoch=best + 1,
        risen=risen,
        falling=falling,
        sizes=sizes,
        shares=shares,
        tried=tuple(tried),
    )
    return _with_proposals(found, e_train, floor)


def diagnosed_from_cases(
    measure: Measure,
    train: Sequence[float],
    validation: Sequence[float],
    *,
    constant: float | None,
    rng: Generator,
) -> Diagnosis:
    """What a finished model says by its errors on cases that it learnt from and on others.

    Args:
        measure: The figure that the errors are distances from the best of.
        train: The mean error of each group that was learnt from.
        validation: That of each group that was not.
        constant: Mean error of the constant answer on the latter; None where it is not known.
        rng: Of the bootstrap.
    """
    scores = [[_score(measure, float(np.mean(side)))] for side in (train, validation)]
    curve = LearningCurve(measure=measure, train=np.array(scores[0]), validation=np.array(scores[1]))
    return diagnosed(
        curve,
        constant=None if constant is None else _score(measure, constant),
        gap=gap_between(train, validation, rng),
    )


def _smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of a twentieth of the epochs up to each."""
    width = max(1, len(values) // 20)
    sums = np.cumsum(np.concatenate([np.zeros(1), values]))
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - width, 0)
    return np.asarray((sums[ends] - sums[starts]) / (ends - starts))


def _score(measure: Measure, error: float) -> float:
    return measure.best - error if measure.higher else measure.best + error


def _with_proposals(found: Diagnosis, e_train: float, floor: float) -> Diagnosis:
    done = {trial.remedy for trial in found.tried}
    proposals = tuple(p for p in _proposals(found, e_train, floor) if p.remedy not in done)
    return dataclasses.replace(found, proposals=proposals)


def _proposals(found: Diagnosis, e_train: float, floor: float) -> Iterator[Proposal]:
    if found.sizes is not None or found.verdict == "over":
        yield Proposal(
            remedy="more data",
            expected=None if found.sizes is None else found.sizes.doubling,
            most=found.gap.value if found.verdict == "over" else math.nan,
        )
    if found.verdict == "over":
        if found.risen > floor:
            won = Within(value=found.risen, low=found.risen, high=found.risen)
            yield Proposal(remedy="early stop", expected=won, epoch=found.best_epoch)
        for remedy in _AGAINST_OVER:
            yield Proposal(remedy=remedy, most=found.gap.value)
    if found.verdict == "under":
        if found.falling > floor or len(found.curve.train) < _FEW_EPOCHS:
            yield Proposal(remedy="longer training", most=math.nan)
        yield Proposal(remedy="larger model", most=e_train)
        yield Proposal(remedy="less regularisation", most=e_train)
