"""Exclusive classes: golden figures, scikit-learn on random cases, and where other figures would hide failures."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from skiagraph.codes import Code
from skiagraph.errors import InvalidInput
from skiagraph.findings import Classification, ClassScore
from skiagraph.metrics import classification
from skiagraph.task import evaluate
from skiagraph.testing import check_metric

KIND = Code(value="kind", scheme="99TEST", meaning="Kind of lesion")
WORDS = ("benign", "malignant", "cyst", "scar")
CODES = tuple(Code(value=f"c{i}", scheme="99TEST", meaning=word) for i, word in enumerate(WORDS))


def told(p, in_set=None, concept=KIND):
    scores = tuple(ClassScore(code=c, probability=float(v)) for c, v in zip(CODES, p, strict=False))
    chosen = () if in_set is None else tuple(CODES[i] for i in in_set)
    level = None if in_set is None else 0.9
    return Classification(concept=concept, scores=scores, prediction_set=chosen, level=level)


def true(i):
    return Classification(concept=KIND, scores=(ClassScore(code=CODES[i], probability=1.0),))


def pairs(p, truth):
    return [(told(row, np.flatnonzero(row >= 0.2)), true(t)) for row, t in zip(p, truth, strict=True)]


def random_cases(rng, n, classes, decimals=1):
    """Probabilities with many ties."""
    p = np.round(rng.dirichlet(np.ones(classes), n), decimals)
    p[:, 0] += 1 - p.sum(axis=1)
    p = np.clip(p, 0, 1)
    p /= p.sum(axis=1, keepdims=True)
    truth = np.array([rng.choice(classes, p=row) for row in p])
    return p, truth


def test_ten_malignant_and_ninety_benign_of_which_2_and_82_are_right(adds_up):
    """Accuracy 84 % is below the 90 % of saying benign always; the other figures show what it hides."""
    rows = [(1, 1)] * 2 + [(1, 0)] * 8 + [(0, 0)] * 82 + [(0, 1)] * 8
    given = [(told([1 - said, said]), true(truth)) for truth, said in rows]
    figures = adds_up(classification(), given)
    assert figures["accuracy"] == pytest.approx(0.84)
    assert figures["balanced accuracy"] == pytest.approx(0.556, abs=5e-4)
    assert figures["f1"] == pytest.approx(0.20)
    assert figures["kappa"] == pytest.approx(0.11, abs=5e-3)
    assert figures["sensitivity"] == pytest.approx(0.2)
    assert figures["specificity"] == pytest.approx(82 / 90)
    assert figures["precision"] == pytest.approx(0.2)
    assert figures["npv"] == pytest.approx(82 / 90)

    always_benign = [(told([1, 0]), true(truth)) for truth, _ in rows]
    constant = adds_up(classification(), always_benign)
    assert constant["accuracy"] == pytest.approx(0.9)
    assert (constant["balanced accuracy"], constant["roc auc"]) == (0.5, 0.5)
    assert (constant["kappa"], constant["matthews"], constant["f1"], constant["precision"]) == (0, 0, 0, 0)


@pytest.mark.parametrize("seed", range(5))
def test_two_classes_as_scikit_learn_has_them(seed, adds_up):
    p, truth = random_cases(np.random.default_rng(seed), 60, 2)
    figures, said, score = adds_up(classification(), pairs(p, truth)), p.argmax(axis=1), p[:, 1]
    expected = {
        "accuracy": sk.accuracy_score(truth, said),
        "balanced accuracy": sk.balanced_accuracy_score(truth, said),
        "sensitivity": sk.recall_score(truth, said),
        "specificity": sk.recall_score(truth, said, pos_label=0),
        "precision": sk.precision_score(truth, said),
        "npv": sk.precision_score(truth, said, pos_label=0),
        "f1": sk.f1_score(truth, said),
        "roc auc": sk.roc_auc_score(truth, score),
        "pr auc": sk.average_precision_score(truth, score),
        "kappa": sk.cohen_kappa_score(truth, said),
        "matthews": sk.matthews_corrcoef(truth, said),
        "brier": sk.brier_score_loss(truth, score),
        "log loss": sk.log_loss(truth, p),
    }
    assert {name: figures[name] for name in expected} == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(5))
def test_four_classes_as_scikit_learn_has_them(seed, adds_up):
    p, truth = random_cases(np.random.default_rng(seed), 80, 4, decimals=2)
    figures, said = adds_up(classification(ordinal=True), pairs(p, truth)), p.argmax(axis=1)
    expected = {
        "accuracy": sk.accuracy_score(truth, said),
        "balanced accuracy": sk.balanced_accuracy_score(truth, said),
        "macro precision": sk.precision_score(truth, said, average="macro"),
        "macro f1": sk.f1_score(truth, said, average="macro"),
        "macro roc auc": sk.roc_auc_score(truth, p, multi_class="ovr"),
        "macro pr auc": sk.average_precision_score(np.eye(4)[truth], p),
        "kappa": sk.cohen_kappa_score(truth, said),
        "linear kappa": sk.cohen_kappa_score(truth, said, weights="linear"),
        "quadratic kappa": sk.cohen_kappa_score(truth, said, weights="quadratic"),
        "matthews": sk.matthews_corrcoef(truth, said),
        "brier": ((p - np.eye(4)[truth]) ** 2).sum(axis=1).mean(),
        "log loss": sk.log_loss(truth, p),
        "mean distance in ranks": np.abs(truth - said).mean(),
        "coverage of sets": (p[np.arange(80), truth] >= 0.2).mean(),
        "mean set size": (p >= 0.2).sum(axis=1).mean(),
        "absent classes": 0,
    }
    for c, word in enumerate(WORDS):
        expected[f"{word}: sensitivity"] = sk.recall_score(truth == c, said == c)
        expected[f"{word}: specificity"] = sk.recall_score(truth != c, said != c)
        expected[f"{word}: roc auc"] = sk.roc_auc_score(truth == c, p[:, c])
    assert {name: figures[name] for name in expected} == pytest.approx(expected)


def test_top_k_without_ties_is_that_of_scikit_learn(rng, adds_up):
    p, truth = random_cases(rng, 50, 4, decimals=9)
    figures = adds_up(classification(top=(1, 2, 3)), pairs(p, truth))
    for k in (1, 2, 3):
        assert figures[f"top-{k} accuracy"] == pytest.approx(sk.top_k_accuracy_score(truth, p, k=k))


def test_a_constant_is_never_right_by_luck(adds_up):
    """All classes equally likely: top-2 of 4 is a fair draw, wherever the truth stands in the list of classes."""
    figures = adds_up(classification(), pairs(np.full((6, 4), 0.25), [0, 0, 0, 1, 1, 2]))
    assert figures["top-2 accuracy"] == pytest.approx(0.5)
    assert figures["macro roc auc"] == 0.5
    assert figures["absent classes"] == 1
    assert figures["balanced accuracy"] == pytest.approx(1 / 3), (
        "the class without a case is left out, and counted"
    )
    assert math.isnan(figures["scar: sensitivity"])


def test_a_class_that_is_never_found_counts_in_the_macro_precision(adds_up):
    p = np.eye(4)[[0, 0, 1, 1, 0, 1]]
    figures = adds_up(classification(), pairs(p, [0, 0, 1, 1, 2, 3]))
    assert figures["cyst: precision"] == 0.0
    assert figures["macro precision"] == pytest.approx((2 / 3 + 2 / 3) / 4)


def test_one_class_only_leaves_undefined_what_needs_two(adds_up):
    figures = adds_up(classification(), pairs(np.array([[0.9, 0.1], [0.6, 0.4], [0.8, 0.2]]), [0, 0, 0]))
    assert figures["accuracy"] == 1.0
    for name in ("roc auc", "pr auc", "kappa", "matthews", "f1", "sensitivity"):
        assert math.isnan(figures[name]), name


def test_a_certain_answer_that_is_wrong_costs_much_but_not_infinity(adds_up):
    figures = adds_up(classification(), pairs(np.array([[1.0, 0.0]] * 3), [1, 1, 0]))
    assert figures["log loss"] == pytest.approx(sk.log_loss([1, 1, 0], [[1.0, 0.0]] * 3))


def test_a_threshold_decides_for_the_positive_class():
    metric = classification(threshold=0.2)
    figures = metric.summary(metric.tally(told([0.8, 0.2]), true(1)))
    assert figures["sensitivity"] == 1.0


def test_cases_without_a_set_are_counted(rng):
    given = [(str(i), told([0.3, 0.7], [1] if i < 4 else None), true(i % 2)) for i in range(10)]
    found = evaluate(given, classification(), rng=rng, resamples=50)
    assert (found["coverage of sets"].value, found["mean set size"].value) == (0.5, 1.0)
    assert (found["coverage of sets"].n, found["coverage of sets"].excluded) == (4, 6)
    assert (found["accuracy"].n, found["accuracy"].excluded) == (10, 0)


def test_resamples_that_lack_a_class_are_counted(rng):
    given = [(str(i), told([0.3, 0.7]), true(int(i == 0))) for i in range(10)]
    found = evaluate(given, classification(), rng=rng, resamples=400)
    share = (9 / 10) ** 10
    assert found["roc auc"].unresolved == pytest.approx(400 * share, rel=0.2)
    assert found["accuracy"].unresolved == 0


@pytest.mark.parametrize(
    ("metric", "prediction", "reference", "message"),
    [
        (classification(), told([0.5, 0.5]), true(2), "the classes here are benign, malignant; got cyst"),
        (classification(classes=CODES[:3]), told([0.5, 0.5]), true(1), "a probability for each"),
        (classification(), told([0.5, 0.5]), told([0.5, 0.5]), "names one; got 2 of 2 classes, and 0 true"),
        (classification(), told([0.5, 0.5], concept=CODES[3]), true(0), "one concept"),
        (classification(threshold=0.5), told([0.2, 0.3, 0.5]), true(0), "a threshold is for two"),
    ],
    ids=[
        "a strange class",
        "a class that is missing",
        "a truth in doubt",
        "another thing",
        "a threshold of three",
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(metric, prediction, reference, message):
    with pytest.raises(InvalidInput, match=message):
        metric.tally(prediction, reference)


@pytest.mark.parametrize(
    "settings",
    [{"classes": CODES[:1]}, {"classes": CODES[:1] * 2}, {"threshold": 2.0}, {"bins": 0}, {"top": (0,)}],
)
def test_settings_that_mean_nothing_are_refused(settings):
    with pytest.raises(InvalidInput):
        classification(**settings)


def test_tallies_of_other_classes_do_not_merge():
    metric = classification()
    with pytest.raises(InvalidInput, match="same columns"):
        metric.merge(metric.tally(told([0.5, 0.5]), true(0)), metric.tally(told([0.2, 0.3, 0.5]), true(0)))


def test_the_contract_holds(rng):
    check_metric(classification(), pairs(*random_cases(rng, 30, 2)))
    check_metric(classification(ordinal=True), pairs(*random_cases(rng, 60, 3)))


@given(
    rows=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1)), min_size=1, max_size=12),
    cut=st.integers(0, 12),
)
def test_sites_add_up_in_any_order(rows, cut):
    metric = classification()
    tallies = [metric.tally(told([1 - k / 4, k / 4]), true(t)) for k, t in rows]

    def total(parts):
        result = parts[0]
        for part in parts[1:]:
            result = metric.merge(result, part)
        return result

    here, there = tallies[:cut], tallies[cut:]
    one = total(tallies)
    if here and there:
        two = metric.merge(total(there), total(here))
        assert one == two
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            np.testing.assert_equal(dict(metric.summary(one)), dict(metric.summary(two)))
