"""Honest evaluation: figures over cases, intervals over groups, and refusals that are counted."""

import math
from dataclasses import dataclass

import numpy as np
import pytest

from skiagraph import codes
from skiagraph.errors import InvalidInput
from skiagraph.findings import Measurement, NotApplicable
from skiagraph.task import Estimate, evaluate
from skiagraph.testing import check_metric


@dataclass(frozen=True)
class MeanError:
    """Sum of errors and number of cases; the mean, and a figure that is never known."""

    def tally(self, prediction, reference, /):
        return prediction.value - reference.value, 1

    def merge(self, a, b, /):
        return a[0] + b[0], a[1] + b[1]

    def summary(self, total, /):
        return {"error": total[0] / total[1], "n": float(total[1])}


class NeverKnown(MeanError):
    def summary(self, total, /):
        return {"unknown": math.nan}


def millimetres(value):
    return Measurement(concept=codes.HEAD_CIRCUMFERENCE, value=float(value), unit=codes.MM)


def pairs(errors, groups=None):
    groups = range(len(errors)) if groups is None else groups
    return [(str(g), millimetres(100 + e), millimetres(100)) for g, e in zip(groups, errors, strict=True)]


REFUSAL = NotApplicable(reason="wrong-content", explanation="This is a brain.")


def test_the_toy_metric_keeps_the_contract():
    check_metric(MeanError(), [(p, r) for _, p, r in pairs([1.0, -2.0, 5.0])])


def test_the_figure_is_over_all_cases_and_refusals_are_counted(rng):
    given = [*pairs([1.0, 2.0, 6.0], "aab"), ("c", REFUSAL, millimetres(1))]
    found = evaluate(given, MeanError(), rng=rng, resamples=50)
    assert found["error"].value == pytest.approx(3.0)
    assert (found["error"].n, found["error"].excluded) == (3, 1)


def test_the_interval_of_a_mean_is_that_of_statistics(rng):
    errors = rng.normal(0.5, 2.0, 400)
    estimate = evaluate(pairs(errors), MeanError(), rng=rng)["error"]
    half = 1.96 * errors.std() / np.sqrt(400)
    assert estimate.value - estimate.low == pytest.approx(half, rel=0.1)
    assert estimate.high - estimate.value == pytest.approx(half, rel=0.1)


def test_cases_of_one_group_count_as_one_for_the_interval(rng):
    of_groups = rng.normal(0, 1, 40)
    errors, groups = np.repeat(of_groups, 10), np.repeat(np.arange(40), 10)

    def width(estimate):
        return estimate.high - estimate.low

    apart = width(evaluate(pairs(errors), MeanError(), rng=rng, resamples=500)["error"])
    together = width(evaluate(pairs(errors, groups), MeanError(), rng=rng, resamples=500)["error"])
    assert together == pytest.approx(apart * np.sqrt(10), rel=0.2)


def test_the_same_generator_gives_the_same_intervals():
    given = pairs([1.0, 5.0, 2.0, 8.0])
    one, two = (evaluate(given, MeanError(), rng=np.random.default_rng(3), resamples=100) for _ in range(2))
    assert one == two


def test_a_figure_that_is_never_known_has_no_interval_and_no_warning(rng):
    estimate = evaluate(pairs([1.0, 2.0]), NeverKnown(), rng=rng, resamples=20)["unknown"]
    assert all(map(math.isnan, (estimate.value, estimate.low, estimate.high)))


def test_one_group_has_no_spread(rng):
    estimate = evaluate(pairs([1.0, 3.0], "aa"), MeanError(), rng=rng, resamples=20)["error"]
    assert estimate == Estimate(value=2.0, low=2.0, high=2.0, n=2, excluded=0)


@pytest.mark.parametrize("given", [[], [("a", REFUSAL, millimetres(1))]], ids=["no case", "only refusals"])
def test_an_evaluation_of_nothing_is_refused(given, rng):
    with pytest.raises(InvalidInput, match="at least one answered case"):
        evaluate(given, MeanError(), rng=rng)
