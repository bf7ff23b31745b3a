"""How well measured values agree with a reference: errors, Bland-Altman limits, correlations, and honest intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
from scipy import special

from skiagraph.errors import InvalidInput
from skiagraph.findings import Interval, Measurement
from skiagraph.metrics.counted import Values, mean, quantile, ratio, wilson_bounds
from skiagraph.task import Counts, Figures, Table, Tabular

__all__ = ["Limits", "bland_altman", "regression"]

_OF_INTERVALS = (
    "coverage", "coverage low", "coverage high", "mean interval width", "interval score", "pinball score",
)  # fmt: skip


def regression() -> Tabular[Measurement]:
    """The metric of measurements of one concept in one unit.

    Figures: mean absolute error, root mean square error, median absolute error, median error, bias and spread (SD with
    n - 1) with the 95 % limits of agreement, R2, Pearson's and Lin's correlation (the second knows bias), ICC(2,1)
    (absolute agreement, single measurement, both raters drawn at random); of the intervals the share that holds the
    reference with its Wilson bounds, their mean width, the interval score and the pinball score of their ends, over the
    cases that have one. R2 and correlations are not defined (NaN) where the references are all equal.

    Source: Bland and Altman, Statistical methods for assessing agreement (Lancet 1986); Lin, A concordance correlation
        coefficient to evaluate reproducibility (Biometrics 1989); Shrout and Fleiss, Intraclass correlations (1979);
        Gneiting and Raftery, Strictly proper scoring rules (JASA 2007), section 6.2; Wilson (JASA 1927).
    """
    return Tabular(measure=_measure, figures=_figures, undefined=_undefined)


def _measure(prediction: Measurement, reference: Measurement, /) -> Table:
    if (prediction.concept, prediction.unit) != (reference.concept, reference.unit):
        raise InvalidInput(
            "prediction and reference measure one thing in one unit",
            got=f"{prediction.concept.meaning} in {prediction.unit.value}, "
            f"{reference.concept.meaning} in {reference.unit.value}",
        )
    ends = (np.nan,) * 3
    if prediction.interval is not None:
        ends = (prediction.interval.low, prediction.interval.high, prediction.interval.level)
    unit = f" of {prediction.concept.scheme} {prediction.concept.value} [{prediction.unit.value}]"
    columns = (f"prediction{unit}", f"reference{unit}", "low", "high", "level")
    return Table(columns=columns, rows=np.array([[prediction.value, reference.value, *ends]]))


def _figures(table: Table, counts: Counts, /) -> Figures:
    found, true = table.rows[:, 0], table.rows[:, 1]
    error, n = found - true, counts.sum(axis=1)
    bias, middle = mean(error, counts), float(np.mean(true))
    # Squares are summed around the middle of the references, so that large values do not eat small errors.
    x, y = found - middle, true - middle
    mx, my = mean(x, counts), mean(y, counts)
    vx, vy, vxy = mean(x**2, counts) - mx**2, mean(y**2, counts) - my**2, mean(x * y, counts) - mx * my
    vx, vy = (_not_rounding(v, np.square(z)) for v, z in ((vx, x), (vy, y)))
    squared = mean(error**2, counts)
    spread = np.sqrt(ratio(np.maximum(squared - bias**2, 0) * n, np.maximum(n - 1, 0)))
    spread = np.where(n > 1, spread, np.nan)
    half = float(special.ndtri(0.975)) * spread
    return {
        "mean absolute error": mean(np.abs(error), counts),
        "root mean square error": np.sqrt(squared),
        "median absolute error": quantile(np.abs(error), counts, 0.5),
        "median error": quantile(error, counts, 0.5),
        "bias": bias,
        "spread": spread,
        "lower limit of agreement": bias - half,
        "upper limit of agreement": bias + half,
        "r2": 1 - _defined(squared, vy),
        "pearson": np.clip(_defined(vxy, np.sqrt(vx) * np.sqrt(vy)), -1, 1),
        "concordance": np.where(vy > 0, _defined(2 * vxy, vx + vy + (mx - my) ** 2), np.nan),
        "icc(2,1)": np.where(vy > 0, _icc(vx, vy, vxy, mx - my, n), np.nan),
        **_of_intervals(table, counts),
    }


def _not_rounding(variance: Values, squares: Values) -> Values:
    """0 where a variance is no more than what rounding leaves."""
    return np.where(variance > 1e-14 * squares.max(), variance, 0.0)


def _defined(above: Values, below: Values) -> Values:
    return np.where(below > 0, ratio(above, np.where(below > 0, below, 1.0)), np.nan)


def _icc(vx: Values, vy: Values, vxy: Values, apart: Values, n: Values) -> Values:
    """From the variances (divided by n) of two raters: mean squares of cases, raters and rest."""
    of_cases = n * (vx + vy + 2 * vxy) / 2
    of_raters = n * apart**2 / 2
    rest = np.maximum(n * (vx + vy - 2 * vxy) / 2, 0)
    ms_cases, ms_rest = ratio(of_cases, n - 1), ratio(rest, n - 1)
    return ratio(ms_cases - ms_rest, ms_cases + ms_rest + 2 * ratio(of_raters - ms_rest, n))


def _of_intervals(table: Table, counts: Counts) -> dict[str, Values]:
    true, low, high, level = table.rows[:, 1], table["low"], table["high"], table["level"]
    known = ~np.isnan(low)
    hit = np.where(known, (low <= true) & (true <= high), np.nan)
    hits, n = counts[:, known] @ hit[known], counts[:, known].sum(axis=1)
    below, above = wilson_bounds(hits, n)
    alpha = 1 - level
    beyond = np.maximum(low - true, 0) + np.maximum(true - high, 0)
    score = high - low + 2 / np.maximum(alpha, np.finfo(np.float64).eps) * beyond
    pinball = (_pinball(true, low, alpha / 2) + _pinball(true, high, 1 - alpha / 2)) / 2
    figures = (
        ratio(hits, n),
        below,
        above,
        mean(high - low, counts),
        mean(score, counts),
        mean(pinball, counts),
    )
    return dict(zip(_OF_INTERVALS, figures, strict=True))


def _pinball(true: Values, told: Values, share: Values) -> Values:
    return np.maximum(share * (true - told), (share - 1) * (true - told))


def _undefined(table: Table, /) -> Mapping[str, int]:
    return dict.fromkeys(_OF_INTERVALS, int(np.isnan(table["low"]).sum()))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """A Bland-Altman analysis: what stands in the picture, with intervals, in the unit of the measurement.

    Args:
        bias: Mean of prediction minus reference.
        lower: Lower 95 % limit of agreement.
        upper: Upper 95 % limit of agreement.
        bias_interval: Where the true bias lies.
        lower_interval: Where the true lower limit lies.
        upper_interval: Where the true upper limit lies.
        n: Cases.
    """

    bias: float
    lower: float
    upper: float
    bias_interval: Interval
    lower_interval: Interval
    upper_interval: Interval
    n: int


def bland_altman(total: Table, *, level: float = 0.95) -> Limits:
    """The limits of agreement with their t intervals, for cases that are independent of each other.

    Args:
        total: A tally of `regression`; where several cases are of one patient, take the bootstrap of `evaluate`.
        level: Of the intervals.

    Raises:
        InvalidInput: Fewer than two cases.

    Source: Bland and Altman (Lancet 1986), and Measuring agreement in method comparison studies (1999), section 2:
        the variance of a limit is (1/n + 1.96^2 / (2 (n - 1))) of the variance of the differences.
    """
    error, n = total.rows[:, 0] - total.rows[:, 1], len(total)
    if n < 2:
        raise InvalidInput("limits of agreement need at least two cases", got=str(n))
    z, t = float(special.ndtri(0.975)), float(special.stdtrit(n - 1, 0.5 + level / 2))
    bias, spread = float(error.mean()), float(error.std(ddof=1))
    of_bias, of_limit = spread / n**0.5, spread * (1 / n + z**2 / (2 * (n - 1))) ** 0.5

    def around(middle: float, half: float) -> Interval:
        return Interval(low=middle - t * half, high=middle + t * half, level=level)

    lower, upper = bias - z * spread, bias + z * spread
    return Limits(
        bias=bias,
        lower=lower,
        upper=upper,
        bias_interval=around(bias, of_bias),
        lower_interval=around(lower, of_limit),
        upper_interval=around(upper, of_limit),
        n=n,
    )
