"""Of all cases that a calibrated model calls so likely, so many are so: also where its network leans to one side."""

import dataclasses

import numpy as np
import pytest

from skiagraph.codes import Code
from skiagraph.inference.facts import class_probabilities
from skiagraph.task import Recipe
from skiagraph.training.calibrate import calibrated_classes

LABELS = tuple(Code(value=str(n), scheme="99TEST", meaning=f"kind {n}") for n in range(3))
QUESTION = Code(value="q", scheme="99TEST", meaning="which kind")

IS_ONE = np.arange(4000) % 2 == 0
NEW = np.random.default_rng(9).normal(size=4000) + IS_ONE - 0.5


def recipe(activation, outputs):
    return Recipe(
        task="classification",
        labels=LABELS[:outputs],
        concept=QUESTION,
        activation=activation,
        shape=(8, 8),
        normalise="zscore",
    )


def leaning(activation, n, rng):
    """Logits that are twice too sure and lean to one side, and the truth drawn by what they should have been."""
    outputs, lean = (3, [1.5, -0.5, -1.0]) if activation == "softmax" else (2, [1.5, -0.5])
    right = rng.normal(size=(n, outputs)) * 1.5
    p = class_probabilities(right, recipe(activation, outputs))
    if activation == "softmax":
        drawn = (p.cumsum(1) > rng.random((n, 1))).argmax(1)
        truth = np.eye(outputs)[drawn]
    else:
        truth = (rng.random(p.shape) < p).astype(float)
    return recipe(activation, outputs), 2 * (right + lean), truth, np.array(lean)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_temperature_and_bias_of_a_network_that_leans_to_one_side_are_found(activation, rng):
    plain, logits, truth, lean = leaning(activation, 4000, rng)
    found = calibrated_classes(plain, logits, truth)
    assert found.calibration["temperature"] == pytest.approx(2.0, rel=0.1)
    bias = np.array(found.calibration["bias"])
    assert bias - bias.mean() == pytest.approx(-(lean - lean.mean()), abs=0.15)
    said = class_probabilities(logits, found).ravel()
    for low in np.arange(0, 1, 0.2):
        inside = (said >= low) & (said < low + 0.2)
        assert truth.ravel()[inside].mean() == pytest.approx(said[inside].mean(), abs=0.03)


def test_few_cases_move_the_bias_little_and_what_is_not_known_counts_for_nothing(rng):
    plain, logits, truth, _ = leaning("sigmoid", 4000, rng)
    few = calibrated_classes(plain, logits[:20] * 0, np.ones((20, 2))).calibration["bias"]
    assert 1 < max(few) < 4, "all of twenty are so, and yet it is not sure"
    half = truth.copy()
    half[::2, 1] = np.nan
    known = calibrated_classes(plain, logits, half).calibration
    assert known["bias"] == pytest.approx(
        calibrated_classes(plain, logits, truth).calibration["bias"], abs=0.2
    )


def test_a_recipe_without_a_bias_reads_as_before():
    plain = recipe("softmax", 3)
    logits = np.array([[1.0, 3.0, -2.0]])
    with_zero = dataclasses.replace(plain, calibration={"bias": [0.0, 0.0, 0.0]})
    assert (class_probabilities(logits, plain) == class_probabilities(logits, with_zero)).all()


def test_the_cut_of_few_cases_stays_near_the_share_of_the_class_and_serves_new_cases_better(rng):
    """The very best cut of 60 cases is mostly chance: it finds few of one class in many a draw."""
    found, best = [], []
    for _ in range(60):
        truth = rng.random(60) < 0.5
        logit = rng.normal(size=60) + truth - 0.5
        logits, targets = np.stack([-logit / 2, logit / 2], axis=1), np.stack([~truth, truth], axis=1) * 1.0
        calibrated = calibrated_classes(recipe("softmax", 2), logits, targets)
        p = class_probabilities(logits, calibrated)[:, 1]
        cuts = np.sort(p)
        index = [(p >= c)[truth].mean() + (p < c)[~truth].mean() for c in cuts]
        for kept, cut in ((found, calibrated.calibration["threshold"]), (best, cuts[int(np.argmax(index))])):
            new = class_probabilities(np.stack([-NEW / 2, NEW / 2], axis=1), calibrated)[:, 1]
            kept.append(((new >= cut)[IS_ONE].mean(), (new < cut)[~IS_ONE].mean()))
    worst, worst_best = (np.percentile(np.array(one).min(axis=1), 10) for one in (found, best))
    assert worst > worst_best + 0.05
    assert np.array(found).mean() > np.array(best).mean()


def test_cases_that_a_model_tells_apart_wholly_are_cut_between_them():
    logit = np.concatenate([np.linspace(-3, -2, 30), np.linspace(0.5, 4, 10)])
    truth = np.arange(40) >= 30
    logits, targets = np.stack([-logit / 2, logit / 2], axis=1), np.stack([~truth, truth], axis=1) * 1.0
    found = calibrated_classes(recipe("softmax", 2), logits, targets)
    p = class_probabilities(logits, found)[:, 1]
    assert p[29] < found.calibration["threshold"] < p[30]
