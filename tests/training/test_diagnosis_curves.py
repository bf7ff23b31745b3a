"""What a training measures of itself: one figure on both sides, its interval, and the words that come of it."""

import dataclasses

import numpy as np
import pytest

from skiagraph import codes
from skiagraph.codes import Code
from skiagraph.task import Recipe
from skiagraph.training.diagnosis_curves import diagnosis_of_fit, fit_of, side_of
from skiagraph.training.diagnosis_words import sentences_of
from skiagraph.training.fit_measures import Within
from skiagraph.training.lesson import lesson_for
from skiagraph.training.plan import Plan

LABELS = tuple(Code(scheme="99TEST", value=v, meaning=v) for v in ("a", "b"))
RECIPE = Recipe(
    task="classification",
    concept=codes.HEAD,
    labels=LABELS,
    activation="softmax",
    shape=(8, 8),
    normalise="zscore",
)
PLAN = Plan(recipe=RECIPE, network="resnet-18", epochs=4, loss="cross-entropy", mixup=0.2)


def said(n, skill, seed):
    """Logits of classes that are told apart by a distance of `skill`."""
    rng = np.random.default_rng(seed)
    truth = np.arange(n) % 2
    logits = np.stack([np.zeros(n), rng.normal(0, 1, n) + skill * (truth - 0.5)], axis=1)
    return list(logits), list(np.eye(2)[truth])


def sides(train, held, n=200):
    rng, lesson = np.random.default_rng(0), lesson_for(PLAN)
    return tuple(side_of(lesson, RECIPE, *said(n, skill, k), rng) for k, skill in enumerate((train, held)))


def history(train, held):
    return [{"loss": 1.0, "train auc": a, "auc": b} for a, b in zip(train, held, strict=True)]


def test_a_model_that_knows_its_own_cases_only_over_fits_with_an_interval_and_what_was_in_use():
    pair = sides(6.0, 1.0)
    fit = fit_of(RECIPE, [history([0.8, 0.9, 0.99, 1.0], [0.7, 0.75, 0.76, 0.76])], [pair])
    assert fit.gap.low < fit.gap.value < fit.gap.high
    assert fit.gap.value == pytest.approx(0.24)
    assert (fit.constant, fit.cases) == (0.5, 200)
    assert fit.point(400).error == pytest.approx(0.034, abs=0.01), (
        "standard error of an area of 0.76 on 200 cases"
    )
    told = " ".join(sentences_of(diagnosis_of_fit(fit, PLAN)))
    assert told.startswith("Over-fits: ROC AUC is 1.000 in training and 0.760 in validation")
    assert "In use already: augmentation, weight decay" in told
    assert "Not tried: a simpler model, dropout." in told
    assert "Validation was best" not in told


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.70, 0.80, "harder, or of another kind"),
        (0.85, 0.95, None),
        (0.96, 0.99, "easier, or of another kind"),
    ],
)
def test_a_test_split_that_is_unlike_validation_is_said(low, high, words):
    fit = fit_of(RECIPE, [history([0.9, 0.9], [0.9, 0.9])], [sides(2.0, 2.0)])
    found = diagnosis_of_fit(fit, PLAN)
    within = Within(value=(low + high) / 2, low=low, high=high)
    told = " ".join(sentences_of(dataclasses.replace(found, elsewhere=within)))
    assert ("On the test split" in told) == (words is not None)
    assert words is None or words in told


def test_few_cases_are_said_to_prove_little():
    pair = sides(5.0, 5.0, n=8)
    fit = fit_of(RECIPE, [history([1.0, 1.0], [1.0, 1.0])], [pair])
    assert "Validation had 8 cases only" in " ".join(sentences_of(diagnosis_of_fit(fit, PLAN)))


def test_folds_are_the_mean_of_their_curves_over_the_epochs_that_all_had():
    first, second = history([0.6, 0.7, 0.8], [0.5, 0.6, 0.7]), history([0.9, 1.0], [0.7, 0.8])
    fit = fit_of(RECIPE, [first, second], [sides(2.0, 1.0), sides(2.0, 1.0)])
    np.testing.assert_allclose(fit.curve.train, [0.8, 0.9])
    np.testing.assert_allclose(fit.curve.validation, [0.65, 0.75])
    assert fit.cases == 400


@pytest.mark.parametrize(
    "histories",
    [[], [[]], [[{"loss": 1.0}]], [[{"loss": 1.0, "auc": 0.7}]]],
    ids=["no network", "no epoch", "no figure", "one side"],
)
def test_a_training_that_was_not_judged_on_both_sides_has_no_fit(histories):
    assert fit_of(RECIPE, histories, [sides(2.0, 1.0)] if histories else []) is None


def test_one_class_alone_has_no_figure():
    answers, targets = said(20, 1.0, 0)
    alone = [np.array([1.0, 0.0]) for _ in targets]
    assert side_of(lesson_for(PLAN), RECIPE, answers, alone, np.random.default_rng(0)) is None


def test_values_have_the_error_of_their_centre_as_constant():
    recipe = dataclasses.replace(
        RECIPE,
        task="regression",
        concept=None,
        labels=LABELS[:1],
        units=(codes.MM,),
        activation="gaussian",
        calibration={"centre": [10.0], "scale": [2.0]},
    )
    plan = dataclasses.replace(PLAN, recipe=recipe, loss="gaussian", mixup=0.0)
    truth = np.random.default_rng(0).normal(10, 2, 300)
    answers = [np.array([(t - 10) / 2 + 0.1, 0.0]) for t in truth]
    side = side_of(
        lesson_for(plan), recipe, answers, [np.array([t]) for t in truth], np.random.default_rng(0)
    )
    assert side.draws.mean() == pytest.approx(0.2, abs=0.01)
    assert side.constant == pytest.approx(1.6, abs=0.2)
