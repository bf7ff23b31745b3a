"""Areas under curves: scikit-learn on random and degenerate scores, weights as repeated cases, DeLong and McNemar."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk

from skiagraph.errors import InvalidInput
from skiagraph.metrics import average_precision, curves, delong, mcnemar_p, roc_auc

scored = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 1)), min_size=2, max_size=40)


@given(cases=scored)
def test_areas_are_those_of_scikit_learn_also_with_ties(cases):
    scores, truth = (np.array(part, dtype=float) for part in zip(*cases, strict=True))
    if truth.min() == truth.max():
        assert math.isnan(roc_auc(scores, truth)[0])
        return
    assert roc_auc(scores, truth)[0] == pytest.approx(sk.roc_auc_score(truth, scores), abs=1e-12)
    assert average_precision(scores, truth)[0] == pytest.approx(sk.average_precision_score(truth, scores))


@given(cases=scored, seed=st.integers(0, 99))
def test_a_count_is_a_case_written_out(cases, seed):
    scores, truth = (np.array(part, dtype=float) for part in zip(*cases, strict=True))
    counts = np.random.default_rng(seed).integers(0, 4, (3, len(cases))).astype(float)
    for area in (roc_auc, average_precision):
        for row, found in zip(counts.astype(int), area(scores, truth, counts), strict=True):
            if row.sum():
                expected = area(np.repeat(scores, row), np.repeat(truth, row))[0]
                assert found == pytest.approx(expected, nan_ok=True)


def test_equal_scores_are_a_coin_toss():
    assert roc_auc([0.3] * 4, [0, 1, 1, 0])[0] == 0.5
    assert average_precision([0.3] * 4, [0, 1, 0, 0])[0] == 0.25
    assert math.isnan(average_precision([0.1, 0.2], [0, 0])[0])


def test_the_curves_are_those_of_scikit_learn(rng):
    truth, scores = rng.integers(0, 2, 50), rng.integers(0, 12, 50)
    found = curves(scores, truth)
    fpr, tpr, thresholds = sk.roc_curve(truth, scores, drop_intermediate=False)
    np.testing.assert_allclose(found.one_minus_specificity, fpr)
    np.testing.assert_allclose(found.sensitivity, tpr)
    np.testing.assert_allclose(found.thresholds, thresholds)
    precision, recall, _ = sk.precision_recall_curve(truth, scores)
    np.testing.assert_allclose(found.precision[::-1], precision)
    np.testing.assert_allclose(found.sensitivity[::-1], recall)


@pytest.mark.parametrize(
    ("scores", "truth"),
    [([0.1, math.nan], [0, 1]), ([0.1, math.inf], [0, 1]), ([0.1], [0, 1]), ([0.1, 0.2], [0, 2]), ([], [])],
    ids=["NaN", "infinity", "another length", "another class", "nothing"],
)
def test_scores_that_cannot_be_ranked_are_refused(scores, truth):
    for function in (roc_auc, average_precision, curves):
        with pytest.raises(InvalidInput):
            function(scores, truth)


def test_nan_is_refused_with_how_many_there_are():
    with pytest.raises(InvalidInput, match="the scores are finite numbers; got 2 NaN or infinite of 3"):
        roc_auc([math.nan, 1.0, math.inf], [0, 1, 1])


def by_definition(first, second, truth):
    """DeLong's formulas as printed: the kernel of each positive with each negative."""
    yes, no = np.array(truth) == 1, np.array(truth) == 0
    areas, v10, v01 = [], [], []
    for s in (np.array(first), np.array(second)):
        psi = (s[yes][:, None] > s[no]) + 0.5 * (s[yes][:, None] == s[no])
        areas.append(psi.mean())
        v10.append(psi.mean(axis=1))
        v01.append(psi.mean(axis=0))
    s = np.cov(v10) / yes.sum() + np.cov(v01) / no.sum()
    z = (areas[0] - areas[1]) / math.sqrt(s[0, 0] + s[1, 1] - 2 * s[0, 1])
    return *areas, 2 * stats.norm.sf(abs(z))


@pytest.mark.parametrize("seed", range(4))
def test_delong_follows_the_paper(seed):
    rng = np.random.default_rng(seed)
    truth = rng.permutation([0] * 25 + [1] * 15)
    first, second = truth + rng.integers(0, 5, 40), truth * 0.5 + rng.normal(0, 1, 40)
    found = delong(first, second, truth)
    assert (found.first, found.second, found.p) == pytest.approx(by_definition(first, second, truth))
    assert found.first == pytest.approx(sk.roc_auc_score(truth, first))
    assert (found.low > 0 or found.high < 0) == (found.p < 0.05)


def test_delong_of_equal_orders_and_of_too_few():
    assert delong([1, 2, 3, 4], [10, 20, 30, 40], [0, 1, 0, 1]).p == 1.0
    assert delong([1, 2, 3, 4], [4, 3, 2, 1], [0, 0, 1, 1]).p == 0.0
    with pytest.raises(InvalidInput, match="two positives and two negatives; got 1 and 3"):
        delong([1, 2, 3, 4], [1, 2, 3, 4], [0, 0, 0, 1])


def test_delong_keeps_its_level_where_nothing_differs(rng):
    truth = np.repeat([0, 1], 40)
    called = sum(
        delong(truth + rng.normal(0, 1, 80), truth + rng.normal(0, 1, 80), truth).p < 0.05 for _ in range(300)
    )
    assert 4 <= called <= 28


@pytest.mark.parametrize(("only_first", "only_second"), [(10, 2), (0, 6), (5, 5), (0, 0), (1, 0)])
def test_mcnemar_is_the_binomial_test_of_the_cases_that_differ(only_first, only_second):
    a = [1] * only_first + [0] * only_second + [1, 0, 1]
    b = [0] * only_first + [1] * only_second + [1, 0, 1]
    n = only_first + only_second
    assert mcnemar_p(a, b) == pytest.approx(stats.binomtest(only_first, n).pvalue if n else 1.0)


def test_mcnemar_refuses_what_is_no_answer():
    with pytest.raises(InvalidInput, match="0 or 1"):
        mcnemar_p([0, 1], [0, 2])
