"""Labels that do not exclude one another: scikit-learn label by label, and truths that are not known."""

import math

import numpy as np
import pytest
from sklearn import metrics as sk

from skiagraph.codes import Code
from skiagraph.errors import InvalidInput
from skiagraph.findings import Classification, ClassScore
from skiagraph.metrics import multi_label
from skiagraph.task import evaluate
from skiagraph.testing import check_metric

SIGNS = Code(value="signs", scheme="99TEST", meaning="Signs")
CODES = tuple(
    Code(value=f"s{i}", scheme="99TEST", meaning=w) for i, w in enumerate(("effusion", "mass", "tube"))
)


def signs(values):
    scores = tuple(
        ClassScore(code=c, probability=float(v))
        for c, v in zip(CODES, values, strict=True)
        if not math.isnan(v)
    )
    return Classification(concept=SIGNS, scores=scores, exclusive=False)


def pairs(p, truth):
    return [(signs(a), signs(b)) for a, b in zip(p, truth, strict=True)]


@pytest.mark.parametrize("seed", range(3))
def test_each_label_is_what_scikit_learn_says_and_the_macro_their_mean(seed, adds_up):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, (50, 3)).astype(float)
    p = np.round(np.clip(truth * 0.3 + rng.random((50, 3)) * 0.7, 0, 1), 1)
    figures, said = adds_up(multi_label(), pairs(p, truth)), p >= 0.5
    for c, code in enumerate(CODES):
        expected = {
            "f1": sk.f1_score(truth[:, c], said[:, c]),
            "balanced accuracy": sk.balanced_accuracy_score(truth[:, c], said[:, c]),
            "roc auc": sk.roc_auc_score(truth[:, c], p[:, c]),
            "pr auc": sk.average_precision_score(truth[:, c], p[:, c]),
            "brier": sk.brier_score_loss(truth[:, c], p[:, c]),
            "log loss": sk.log_loss(truth[:, c], p[:, c]),
        }
        assert {n: figures[f"{code.meaning}: {n}"] for n in expected} == pytest.approx(expected)
    assert figures["macro roc auc"] == pytest.approx(sk.roc_auc_score(truth, p))
    assert figures["macro f1"] == pytest.approx(sk.f1_score(truth, said, average="macro"))
    assert figures["exact match"] == pytest.approx(sk.accuracy_score(truth, said))
    assert figures["known labels right"] == pytest.approx(1 - sk.hamming_loss(truth, said))


def test_a_label_that_is_not_known_is_neither_right_nor_wrong_and_counted(rng, adds_up):
    truth = np.array([[1, 0, np.nan], [0, np.nan, np.nan], [1, 1, np.nan], [np.nan] * 3])[:3]
    p = np.array([[0.9, 0.1, 0.5], [0.2, 0.9, 0.5], [0.4, 0.8, 0.5]])
    figures = adds_up(multi_label(), pairs(p, truth))
    assert figures["mass: accuracy"] == 1.0
    assert math.isnan(figures["tube: accuracy"])
    assert figures["exact match"] == pytest.approx(2 / 3)
    assert figures["known labels right"] == pytest.approx((1 + 1 + 0.5) / 3)
    given = [(str(i), *pair) for i, pair in enumerate(pairs(p, truth))]
    found = evaluate(given, multi_label(), rng=rng, resamples=20)
    assert [found[f"{c.meaning}: f1"].n for c in CODES] == [3, 2, 0]
    assert [found[f"{c.meaning}: f1"].excluded for c in CODES] == [0, 1, 3]


def test_each_label_may_have_a_threshold_of_its_own():
    metric = multi_label(threshold={CODES[0]: 0.1, CODES[1]: 0.9})
    figures = metric.summary(metric.tally(signs([0.2, 0.8, 0.6]), signs([1, 0, 1])))
    assert figures["exact match"] == 1.0


def test_what_does_not_fit_is_refused():
    metric = multi_label(classes=CODES)
    with pytest.raises(InvalidInput, match="a probability for each label"):
        metric.tally(signs([0.1, math.nan, 0.2]), signs([0, 0, 0]))
    with pytest.raises(InvalidInput, match="the classes here are effusion"):
        multi_label(classes=CODES[:1]).tally(signs([0.1, math.nan, math.nan]), signs([0, 0, math.nan]))
    for settings in (
        {"threshold": 1.5},
        {"classes": CODES[:1] * 2},
        {"bins": 0},
        {"threshold": {CODES[0]: -1}},
    ):
        with pytest.raises(InvalidInput):
            multi_label(**settings)


def test_the_contract_holds(rng):
    truth = rng.integers(0, 2, (30, 3))
    check_metric(multi_label(), pairs(rng.random((30, 3)), truth))
