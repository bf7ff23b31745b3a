"""What a fit is judged by: the gap between training and validation, what more data would bring, bias and variance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput

__all__ = [
    "Measure",
    "Shares",
    "SizeCurve",
    "SizePoint",
    "Within",
    "bias_variance",
    "fitted_sizes",
    "gap_between",
]

_EXPONENTS: Final = np.linspace(0.05, 1.5, 59)
_USUAL: Final = (0.5, 0.4)  # exponent of learning curves, and how much it differs from task to task
_DRAWS: Final = 2000


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """The figure in which a fit is told.

    Args:
        name: As metrics name it, e.g. ``"roc auc"``, or in words.
        higher: Whether more is better.
        best: What a perfect model has.
        unit: Of the figure; empty for none.
    """

    name: str
    higher: bool
    best: float
    unit: str = ""

    def error(self, score: Any) -> Any:
        """How far scores are from the best, 0 or more; the shape of `score`."""
        return np.abs(np.asarray(score, dtype=np.float64) - self.best)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """A number and its 95 % interval."""

    value: float
    low: float
    high: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SizePoint:
    """A training with part of the data.

    Args:
        n: Cases that it learnt from.
        score: Of validation, in the measure.
        error: Standard error of the score, above 0.

    Raises:
        InvalidInput: No case, or no positive standard error.
    """

    n: int
    score: float
    error: float

    def __post_init__(self) -> None:
        if self.n < 1 or not (math.isfinite(self.score) and math.isfinite(self.error) and self.error > 0):
            raise InvalidInput(
                "a point of a data-size curve has cases, a score and a positive standard error",
                got=f"{self.n}, {self.score}, {self.error}",
            )


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SizeCurve:
    """Error against number of cases: floor + scale * (n / largest n) ** -exponent.

    Args:
        points: What was measured, rising in n.
        floor: The error that is left with any number of cases.
        scale: What more cases take away, at the largest n.
        exponent: How fast.
        doubling: How much better the score gets by doubling the largest n, 0 or more.
        at: Shape (steps,): numbers of cases up to twice the largest.
        middle: Shape (steps,): the fitted error.
        low: Shape (steps,): lower end of its 95 % interval.
        high: Shape (steps,): upper end.
    """

    points: tuple[SizePoint, ...]
    floor: float
    scale: float
    exponent: float
    doubling: Within
    at: NDArray[np.float64]
    middle: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """The parts of a mean squared error; they add up to it exactly.

    Args:
        bias2: Squared bias of the mean prediction; by chance it may come out below 0. With `noise` where that is not
            known.
        variance: Of the predictions over seeds, or over drawn training sets.
        noise: Of the truth.
        error: Their sum.
        seeds: Trainings.
    """

    bias2: float
    variance: float
    noise: float
    error: float
    seeds: int


def gap_between(
    train: Sequence[float], validation: Sequence[float], rng: Generator, *, resamples: int = 2000
) -> Within:
    """How much larger the error of validation is than that of training.

    Args:
        train: The error of each training case, or of each group of them.
        validation: The error of each case of validation, or group.
        rng: Of the bootstrap.
        resamples: How many.

    Raises:
        InvalidInput: No case on one side, or a number that is not finite.
    """
    sides = [np.asarray(side, dtype=np.float64) for side in (train, validation)]
    if any(not len(side) or not np.isfinite(side).all() for side in sides):
        raise InvalidInput("training and validation have finite errors", got=f"{[len(s) for s in sides]}")
    means = [side[rng.integers(len(side), size=(resamples, len(side)))].mean(axis=1) for side in sides]
    low, high = np.quantile(means[1] - means[0], [0.025, 0.975])
    value = float(sides[1].mean() - sides[0].mean())
    return Within(value=value, low=float(low), high=float(high))


def fitted_sizes(points: Sequence[SizePoint], measure: Measure, rng: Generator) -> SizeCurve:
    """A power law through the scores of trainings with parts of the data.

    The exponent is drawn to what is usual (0.5 +- 0.4), as by one more measurement, for three points do not tell it
    well; the interval comes from fits to points, and to such a measurement, that are drawn within their errors.

    Args:
        points: At least two numbers of cases, e.g. a quarter, half and all.
        measure: Of the scores.
        rng: Draws.

    Raises:
        InvalidInput: Fewer than two numbers of cases.

    Source: Cortes et al., Learning curves: asymptotic values and rate of convergence (NIPS 1993); Hestness et al.,
        Deep learning scaling is predictable, empirically (2017); Figueroa et al., Predicting sample size required for
        classification performance (2012).
    """
    ordered = tuple(sorted(points, key=lambda p: p.n))
    if len({p.n for p in ordered}) < 2:
        raise InvalidInput("a data-size curve has at least two sizes", got=str([p.n for p in ordered]))
    n = np.array([p.n for p in ordered], dtype=np.float64) / ordered[-1].n
    errors, spread = measure.error([p.score for p in ordered]), np.array([p.error for p in ordered])
    drawn = np.maximum(errors + spread * rng.standard_normal((_DRAWS, len(n))), 0.0)
    prior = _USUAL[0] + _USUAL[1] * rng.standard_normal(_DRAWS)
    floor, scale, exponent = _power_laws(
        n, np.vstack([errors, drawn]), spread, np.concatenate([[_USUAL[0]], prior])
    )
    at = np.linspace(float(n[0]), 2.0, 60)
    curves = floor[:, None] + scale[:, None] * at ** -exponent[:, None]
    gains = scale * (1 - 2.0**-exponent)
    low, high = np.quantile(curves[1:], [0.025, 0.975], axis=0)
    ends = np.quantile(gains[1:], [0.025, 0.975])
    return SizeCurve(
        points=ordered,
        floor=float(floor[0]),
        scale=float(scale[0]),
        exponent=float(exponent[0]),
        doubling=Within(value=float(gains[0]), low=float(ends[0]), high=float(ends[1])),
        at=at * ordered[-1].n,
        middle=curves[0],
        low=low,
        high=high,
    )


def _power_laws(
    n: NDArray[np.float64],
    errors: NDArray[np.float64],
    spread: NDArray[np.float64],
    usual: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Floor, scale and exponent with the least loss for each row of errors, of shape (rows, points)."""
    weight, rows = 1 / spread**2, len(errors)
    best = np.full((4, rows), np.inf)
    for exponent in _EXPONENTS:
        u = n**-exponent
        s0, s1, s2 = weight.sum(), (weight * u).sum(), (weight * u**2).sum()
        e0, e1 = errors @ weight, errors @ (weight * u)
        floor = (e0 * s2 - e1 * s1) / (s0 * s2 - s1**2)
        scale = (e1 - floor * s1) / s2
        floor, scale = (
            np.where(scale < 0, e0 / s0, np.where(floor < 0, 0.0, floor)),
            np.where(scale < 0, 0.0, np.where(floor < 0, e1 / s2, scale)),
        )
        off = errors - floor[:, None] - scale[:, None] * u
        loss = (weight * off**2).sum(axis=1) + ((exponent - usual) / _USUAL[1]) ** 2
        here = np.stack([loss, floor, scale, np.full(rows, exponent)])
        best = np.where(loss < best[0], here, best)
    return best[1], best[2], best[3]


def bias_variance(predictions: Any, truth: Any, *, noise: float = 0.0) -> Shares:
    """What the mean squared error of several trainings is made of.

    Args:
        predictions: Shape (seeds, cases): each training's predictions of the same cases.
        truth: What was measured of them, shape (cases,).
        noise: Variance of `truth` around what is really true; 0 counts it as bias.

    Returns:
        bias2 and variance are unbiased estimates over seeds; they and the noise add up to the mean squared error.

    Raises:
        InvalidInput: Fewer than two seeds, or shapes that do not fit.

    Source: Geman, Bienenstock and Doursat, Neural networks and the bias/variance dilemma (1992).
    """
    told, true = np.asarray(predictions, np.float64), np.asarray(truth, np.float64)
    if told.ndim != 2 or len(told) < 2 or told.shape[1:] != true.shape or not true.size or noise < 0:
        raise InvalidInput(
            "bias and variance need at least two trainings that answered the same cases",
            got=f"shapes {told.shape} and {true.shape}",
        )
    seeds = len(told)
    variance = float(told.var(axis=0, ddof=1).mean())
    off = float(((told.mean(axis=0) - true) ** 2).mean())
    bias2 = off - variance / seeds - noise
    error = float(((told - true) ** 2).mean())
    return Shares(bias2=bias2, variance=variance, noise=noise, error=error, seeds=seeds)
