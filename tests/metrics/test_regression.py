"""Measurements: scikit-learn and SciPy on random values, published examples, and what degenerate values leave open."""

import math

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from skiagraph import codes
from skiagraph.errors import InvalidInput
from skiagraph.findings import Interval, Measurement
from skiagraph.metrics import bland_altman, regression, wilson
from skiagraph.task import evaluate
from skiagraph.testing import check_metric


def hc(value, half=None, level=0.9):
    interval = None if half is None else Interval(low=value - half, high=value + half, level=level)
    return Measurement(concept=codes.HEAD_CIRCUMFERENCE, value=float(value), unit=codes.MM, interval=interval)


def pairs(found, true, halves=None):
    halves = [None] * len(found) if halves is None else halves
    return [(hc(f, h), hc(t)) for f, t, h in zip(found, true, halves, strict=True)]


def anova(x, y):
    """Mean squares of a table of cases and two raters, as in Shrout and Fleiss."""
    table = np.stack([x, y], axis=1)
    n, k = table.shape
    rows, columns, grand = table.mean(axis=1), table.mean(axis=0), table.mean()
    between = k * ((rows - grand) ** 2).sum() / (n - 1)
    raters = n * ((columns - grand) ** 2).sum() / (k - 1)
    rest = ((table - rows[:, None] - columns + grand) ** 2).sum() / ((n - 1) * (k - 1))
    return between, raters, rest, n, k


@pytest.mark.parametrize("offset", [0.0, 1e6], ids=["near 0", "far from 0"])
def test_the_figures_are_those_of_others(offset, rng, adds_up):
    y = rng.normal(100, 20, 40) + offset
    x = y + rng.normal(1, 5, 40)
    figures, error = adds_up(regression(), pairs(x, y)), x - y
    between, raters, rest, n, k = anova(x, y)
    expected = {
        "mean absolute error": sk.mean_absolute_error(y, x),
        "root mean square error": sk.root_mean_squared_error(y, x),
        "median absolute error": sk.median_absolute_error(y, x),
        "median error": np.median(error),
        "bias": error.mean(),
        "spread": error.std(ddof=1),
        "r2": sk.r2_score(y, x),
        "pearson": stats.pearsonr(x, y).statistic,
        "concordance": 2 * np.cov(x, y, ddof=0)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2),
        "icc(2,1)": (between - rest) / (between + (k - 1) * rest + k * (raters - rest) / n),
    }
    assert {name: figures[name] for name in expected} == pytest.approx(expected, rel=1e-6)


def test_a_correlation_does_not_see_what_agreement_sees(rng, adds_up):
    y = rng.normal(100, 10, 30)
    figures = adds_up(regression(), pairs(1.5 * y + 20, y))
    assert figures["pearson"] == pytest.approx(1.0)
    assert figures["concordance"] < 0.1
    assert figures["icc(2,1)"] < 0.1
    assert figures["r2"] < 0


def test_intervals_are_judged_by_what_they_hold_and_how_wide_they_are(rng, adds_up):
    """Four intervals of 90 %: three hold the truth, one misses it by 2; a fifth case has none."""
    given = pairs([10, 20, 30, 47, 50], [11, 19, 30, 40, 50], [2, 2, 1, 5, None])
    figures = adds_up(regression(), given)
    assert figures["coverage"] == 0.75
    assert (figures["coverage low"], figures["coverage high"]) == pytest.approx(wilson(3, 4))
    assert figures["mean interval width"] == pytest.approx((4 + 4 + 2 + 10) / 4)
    assert figures["interval score"] == pytest.approx((4 + 4 + 2 + 10 + 2 / 0.1 * 2) / 4)
    known = given[:4]
    low, high, true = ([g(p, r) for p, r in known] for g in (
        lambda p, _: p.interval.low, lambda p, _: p.interval.high, lambda _, r: r.value
    ))  # fmt: skip
    pinball = (sk.mean_pinball_loss(true, low, alpha=0.05) + sk.mean_pinball_loss(true, high, alpha=0.95)) / 2
    assert figures["pinball score"] == pytest.approx(pinball)
    found = evaluate([(str(i), *pair) for i, pair in enumerate(given)], regression(), rng=rng, resamples=20)
    assert (found["coverage"].n, found["coverage"].excluded, found["bias"].n) == (4, 1, 5)


@pytest.mark.parametrize(
    ("found", "true"), [([3.0, 4.0], [5.0, 5.0]), ([5.0], [5.0]), ([5.1] * 3, [0.1] * 3)]
)
def test_equal_references_leave_correlations_open(found, true, adds_up):
    figures = adds_up(regression(), pairs(found, true))
    for name in ("r2", "pearson", "concordance", "icc(2,1)"):
        assert math.isnan(figures[name]), name
    assert figures["bias"] == pytest.approx(np.mean(np.subtract(found, true)))
    assert math.isnan(figures["spread"]) == (len(found) == 1)


def test_the_limits_of_a_published_example():
    """Bland and Altman (Lancet 1986), peak flow by two meters: 17 cases, mean -2.1 l/min, SD 38.8.

    Limits -79.7 and 75.5 there with 2 SD; their intervals: bias -22.0 to 17.8, lower -114.3 to -45.1.
    """
    large = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
    small = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]
    metric = regression()
    total = None
    for pair in pairs(large, small):
        tally = metric.tally(*pair)
        total = tally if total is None else metric.merge(total, tally)
    limits = bland_altman(total)
    assert limits.n == 17
    assert limits.bias == pytest.approx(-2.1, abs=0.05)
    assert limits.upper - limits.bias == pytest.approx(1.96 * 38.8, abs=0.1)
    assert (limits.bias_interval.low, limits.bias_interval.high) == pytest.approx((-22.0, 17.8), abs=0.1)
    width = limits.lower_interval.high - limits.lower_interval.low
    assert width == pytest.approx(-45.1 + 114.3, rel=0.03), "there with 3 / n for the variance of a limit"
    with pytest.raises(InvalidInput, match="at least two"):
        bland_altman(metric.tally(hc(1), hc(2)))


@pytest.mark.parametrize(
    ("concept", "unit"), [(codes.BIPARIETAL_DIAMETER, codes.MM), (codes.HEAD_CIRCUMFERENCE, codes.PIXEL)]
)
def test_two_things_or_two_units_are_not_compared(concept, unit):
    other = Measurement(concept=concept, value=100.0, unit=unit)
    with pytest.raises(InvalidInput, match="one thing in one unit"):
        regression().tally(hc(100), other)
    with pytest.raises(InvalidInput, match="same columns"):
        regression().merge(regression().tally(hc(1), hc(1)), regression().tally(other, other))


def test_the_contract_holds(rng):
    y = rng.normal(100, 10, 8)
    check_metric(regression(), pairs(y + rng.normal(0, 1, 8), y, rng.random(8) + 0.1))
