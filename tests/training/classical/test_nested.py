"""Nested cross-validation: noise stays noise, groups stay together, and the same chance gives the same answers."""

import dataclasses

import numpy as np
import pytest

from skiagraph.errors import InvalidInput
from skiagraph.metrics.ranking import roc_auc
from skiagraph.training.classical import Search, out_of_fold, ranked, refitted
from skiagraph.training.classical.nested import Choice


def quiet(*_):
    pass


def auc(scores, truth):
    return float(roc_auc(scores, truth.astype(float))[0])


NOISE = Search(learners=("lda",), selection="lasso", counts=(5,), outer=4, inner=2)


def test_labels_do_not_leak_through_the_selection_of_noise(table_of, rng):
    """The planted leak: 300 features of noise, the best five chosen on all cases, look as if they told something."""
    found, leaked = [], []
    for _ in range(4):
        truth = np.arange(60) % 2
        table = table_of(rng.normal(size=(60, 300)), truth)
        told = out_of_fold(table, NOISE, rng=rng, watch=quiet)
        found.append(auc(told.logits[:, 1] - told.logits[:, 0], truth))
        best = ranked("lasso", table.numbers, truth.astype(float), np.arange(60), rng)[:5]
        cheat = dataclasses.replace(NOISE, selection="none", counts=())
        told = out_of_fold(table_of(table.numbers[:, best], truth), cheat, rng=rng, watch=quiet)
        leaked.append(auc(told.logits[:, 1] - told.logits[:, 0], truth))
    assert abs(np.mean(found) - 0.5) < 0.1
    assert np.mean(leaked) > 0.75


def test_patients_that_are_recognised_do_not_help(table_of, rng):
    """Each patient has a mark of its own and four images; only who parts groups is deceived by it."""
    patient = np.repeat(np.arange(30), 4)
    truth = rng.permutation(np.arange(30) % 2)[patient]
    mark = rng.normal(size=(30, 3))[patient] + 0.01 * rng.normal(size=(120, 3))
    search = Search(learners=("k-nn",), outer=5, inner=3)
    told = out_of_fold(table_of(mark, truth, groups=patient), search, rng=rng, watch=quiet)
    assert all(len(set(told.fold[patient == p])) == 1 for p in range(30))
    assert auc(told.logits[:, 1] - told.logits[:, 0], truth) < 0.75
    told = out_of_fold(table_of(mark, truth), search, rng=rng, watch=quiet)
    assert auc(told.logits[:, 1] - told.logits[:, 0], truth) > 0.95


def test_what_tells_is_found_and_kept(tumours, rng):
    table = tumours(rng, n=100)
    search = Search(learners=("logistic", "tree"), selection="lasso", counts=(1, 2), outer=4, inner=3)
    told = out_of_fold(table, search, rng=rng, watch=quiet)
    assert auc(told.logits[:, 1] - told.logits[:, 0], table.truth) > 0.85
    assert all("feature_2" in kept for kept in told.kept)
    assert len(told.choices) == len(told.kept) == 4
    assert np.bincount(told.fold).min() >= 20


def test_the_same_chance_gives_the_same_answers(tumours):
    table = tumours(np.random.default_rng(1), n=60)
    search = Search(learners=("forest",), outer=2, inner=2)
    one, two = (
        out_of_fold(table, search, rng=np.random.default_rng(5), watch=quiet).logits for _ in range(2)
    )
    np.testing.assert_array_equal(one, two)


def test_a_case_that_is_judged_changes_nothing_in_the_model_that_judges_it(tumours, rng):
    table = tumours(rng, n=60)
    search = Search(learners=("logistic",), selection="mrmr", counts=(2,))
    choice, learn = Choice(learner="logistic", settings={"C": 1.0}, features=2, score=0.0), np.arange(40)
    numbers, truth = table.numbers.copy(), table.truth.copy()
    numbers[40:], truth[40:] = 1e9, 1 - truth[40:]
    other = dataclasses.replace(table, numbers=numbers, truth=truth)
    one, two = (refitted(t, learn, search, choice, np.random.default_rng(0)) for t in (table, other))
    assert one.columns == two.columns
    np.testing.assert_array_equal(one(table.numbers), two(table.numbers))


def test_a_class_with_one_patient_cannot_be_judged(table_of, rng):
    truth = (np.arange(30) == 0).astype(float)
    with pytest.raises(InvalidInput, match="fold"):
        out_of_fold(table_of(rng.normal(size=(30, 2)), truth), Search(), rng=rng, watch=quiet)


@pytest.mark.parametrize("wrong", [{"learners": ()}, {"outer": 1}, {"counts": (0,)}])
def test_searches_that_search_nothing_are_refused(wrong):
    with pytest.raises(InvalidInput):
        Search(**wrong)
