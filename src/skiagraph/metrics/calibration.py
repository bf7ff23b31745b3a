"""Whether probabilities mean what they say: Brier score, log loss, calibration error and reliability diagram."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput
from skiagraph.metrics.counted import Ties, Values, checked, mean, once, ratio
from skiagraph.task import Counts
from skiagraph.values import frozen

__all__ = ["Reliability", "brier", "calibration_error", "log_loss", "reliability"]

_LEAST = float(np.finfo(np.float64).eps)  # a certain answer that is wrong costs 36, not infinity


def brier(probabilities: NDArray[np.float64], truth: Values, counts: Counts) -> Values:
    """The mean over cases of the squared distance between probabilities and truth, 0 to 2; of two classes half of it.

    Args:
        probabilities: Shape (rows, classes).
        truth: Class numbers from 0, shape (rows,).
        counts: Shape (resamples, rows).

    Source: Brier, Verification of forecasts expressed in terms of probability (1950); halved for two classes, as is
        usual, so that it is the squared error of the probability of one of them.
    """
    wrong = probabilities.copy()
    wrong[np.arange(len(truth)), truth.astype(np.intp)] -= 1
    scale = 0.5 if probabilities.shape[1] == 2 else 1.0
    return mean(scale * (wrong**2).sum(axis=1), counts)


def log_loss(probabilities: NDArray[np.float64], truth: Values, counts: Counts) -> Values:
    """The mean of -ln(probability of the truth), probabilities kept 2.2e-16 away from 0.

    Args:
        probabilities: Shape (rows, classes).
        truth: Class numbers from 0, shape (rows,).
        counts: Shape (resamples, rows).
    """
    told = probabilities[np.arange(len(truth)), truth.astype(np.intp)]
    return mean(-np.log(np.clip(told, _LEAST, 1.0)), counts)


def _bins(confidence: Values, counts: Counts, bins: int, kind: str) -> tuple[Ties, NDArray[np.intp]]:
    """Equal confidences as one, and the bin of each: (resamples, values)."""
    ties = Ties(confidence)
    if kind == "fixed":
        # (0, 1/n], (1/n, 2/n], ... and 0 in the first.
        each = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], ties.values, side="left")
        return ties, np.broadcast_to(each, (len(counts), len(each)))
    sums = ties.sums(counts)
    before = np.cumsum(sums, axis=1) - sums
    total = np.maximum(sums.sum(axis=1, keepdims=True), 1)
    return ties, np.minimum((before * bins) // total, bins - 1).astype(np.intp)


def _binned(
    confidence: Values, right: Values, counts: Counts, bins: int, kind: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Counts, sums of confidence and sums of right answers, each (resamples, bins)."""
    ties, place = _bins(confidence, counts, bins, kind)
    flat = (place + bins * np.arange(len(counts))[:, None]).ravel()

    def total(weights: Counts) -> NDArray[np.float64]:
        summed = np.bincount(flat, ties.sums(weights).ravel(), minlength=bins * len(counts))
        return np.asarray(summed.reshape(len(counts), bins), dtype=np.float64)

    return total(counts), total(counts * confidence), total(counts * right)


def calibration_error(
    confidence: Any,
    right: Any,
    counts: Counts | None = None,
    *,
    bins: int = 15,
    kind: Literal["fixed", "adaptive"] = "fixed",
) -> Values:
    """The expected difference between confidence and the share that was right, bin by bin.

    Args:
        confidence: 0 to 1, shape (rows,).
        right: 0 or 1, shape (rows,).
        counts: Shape (resamples, rows); None counts each row once.
        bins: How many.
        kind: ``"fixed"``: equally wide, closed above. ``"adaptive"``: about equally many cases in each; equal
            confidences are never parted.

    Raises:
        InvalidInput: Not as many confidences from 0 to 1 as answers of 0 or 1, or no bin.

    Source: Naeini et al., Obtaining well calibrated probabilities using Bayesian binning (AAAI 2015); Guo et al., On
        calibration of modern neural networks (ICML 2017), 15 bins; Nguyen and O'Connor, Posterior calibration and
        exploratory analysis for NLP models (EMNLP 2015), adaptive bins.
    """
    confidence, right = _answers(confidence, right, bins)
    counts = once(len(right)) if counts is None else counts
    n, told, hits = _binned(confidence, right, counts, bins, kind)
    return ratio(np.abs(told - hits).sum(axis=1), n.sum(axis=1))


def _answers(confidence: Any, right: Any, bins: int) -> tuple[Values, Values]:
    told, hit = checked("confidences", confidence), checked("answers", right)
    if len(told) != len(hit) or bins < 1 or not np.isin(hit, (0, 1)).all():
        raise InvalidInput(
            "each confidence has its answer, 0 or 1", got=f"{len(told)} and {len(hit)}, {bins} bins"
        )
    if told.min() < 0 or told.max() > 1:
        raise InvalidInput("a confidence lies between 0 and 1", got=f"{told.min()} to {told.max()}")
    return told, hit


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reliability:
    """The bins of a reliability diagram; empty bins are left out.

    Args:
        n: Cases in each bin, shape (bins,).
        confidence: Their mean confidence, shape (bins,).
        right: The share that was right, shape (bins,).
    """

    n: NDArray[np.float64]
    confidence: NDArray[np.float64]
    right: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in self.__slots__:
            object.__setattr__(self, name, frozen(getattr(self, name), np.float64))


def reliability(
    confidence: Any, right: Any, *, bins: int = 15, kind: Literal["fixed", "adaptive"] = "fixed"
) -> Reliability:
    """The reliability diagram behind `calibration_error`.

    Raises:
        InvalidInput: Not as many confidences from 0 to 1 as answers of 0 or 1, or no bin.
    """
    told, hit = _answers(confidence, right, bins)
    n, sums, hits = (part[0] for part in _binned(told, hit, once(len(told)), bins, kind))
    filled = n > 0
    return Reliability(n=n[filled], confidence=sums[filled] / n[filled], right=hits[filled] / n[filled])
