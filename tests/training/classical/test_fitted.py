"""A fitted learner: scikit-learn's own pipeline beside it, its graph equal to it, every learner of the table."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skiagraph.errors import BundleError, UnknownName
from skiagraph.inference.classical import GraphOfFeatures, logits_of
from skiagraph.training.classical import CLASSIFIERS, REGRESSORS, fitted, graph_of, learner_of

CASES = [
    *((name, k) for name in CLASSIFIERS for k in (2, 3)),
    *((name, 0) for name in REGRESSORS),
]


@pytest.mark.parametrize(("name", "classes"), CASES)
def test_the_graph_says_what_scikit_learn_says(name, classes, tumours, rng):
    table, new = tumours(rng, classes=classes), tumours(rng, n=400, classes=classes).numbers
    learner = learner_of(name, regression=not classes)
    truth = table.truth if classes else (table.truth - table.truth.mean()) / table.truth.std()
    for settings in learner.settings[-1:] if name == "network" else learner.settings[-2:]:
        model = fitted(learner, settings, table.numbers, truth, [2, 0, 1, 5], rng)
        told = GraphOfFeatures(graph_of(model), name)(new[:, [2, 0, 1, 5]])
        assert told.shape == model(new).shape
        told, ours = (_as_probabilities(scores, model.scores) for scores in (told, model(new)))
        np.testing.assert_allclose(told, ours, rtol=0, atol=1e-5)


def _as_probabilities(scores, kind):
    return scores if kind == "value" else softmax(logits_of(scores, kind), axis=1)


def test_filling_and_scaling_are_those_of_scikit_learn(tumours, rng):
    table, new = tumours(rng), tumours(rng, n=50).numbers
    logistic = learner_of("logistic", regression=False)
    model = fitted(logistic, {"C": 1.0}, table.numbers, table.truth, range(6), rng)
    other = make_pipeline(
        SimpleImputer(strategy="median"),
        StandardScaler(),
        LogisticRegression(C=1.0, max_iter=2000, class_weight="balanced"),
    ).fit(table.numbers, table.truth)
    np.testing.assert_allclose(model(new), other.predict_proba(new), atol=1e-4)


def test_columns_without_a_value_or_a_spread_say_nothing(tumours, rng):
    table = tumours(rng)
    numbers = table.numbers.copy()
    numbers[:, 3], numbers[:, 4] = np.nan, 0.1
    model = fitted(learner_of("lda", regression=False), {}, numbers, table.truth, range(6), rng)
    changed = numbers.copy()
    changed[:, 3] = np.nan
    told = GraphOfFeatures(graph_of(model), "lda")(changed)
    assert np.isfinite(told).all()
    np.testing.assert_allclose(told, model(numbers), atol=1e-5)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_rare_class_counts_as_much_as_a_frequent_one(name, table_of, rng):
    truth = (np.arange(120) < 12).astype(float)
    x = rng.normal(size=(120, 2))
    x[:, 0] += 1.5 * truth
    learner = learner_of(name, regression=False)
    model = fitted(learner, learner.settings[-1], x, truth, [0, 1], rng)
    told = model(x)[:, -1]
    decided = told > (0.0 if model.scores == "margins" else 0.5)
    # One side in ten is malignant; a learner that did not care would call next to none so.
    assert decided[truth == 1].mean() > 0.6


def test_an_unknown_learner_and_a_graph_that_is_none_are_refused():
    with pytest.raises(UnknownName, match="svm"):
        learner_of("perceptron", regression=False)
    with pytest.raises(BundleError):
        GraphOfFeatures(b"nothing", "tumours")


@pytest.mark.parametrize("settings", [{"C": 0.001, "gamma": 0.01}, {"C": 10.0, "gamma": "scale"}])
def test_margins_of_any_settings_lie_about_the_middle_between_the_classes(settings, tumours, rng):
    table = tumours(rng)
    rare = np.flatnonzero(table.truth == 0).tolist() + np.flatnonzero(table.truth == 1)[:12].tolist()
    numbers, truth = table.numbers[rare], table.truth[rare]
    told = fitted(learner_of("svm", regression=False), settings, numbers, truth, range(6), rng)(numbers)
    benign, malignant = (told[truth == c].mean() for c in (0, 1))
    assert malignant == pytest.approx(-benign, abs=1e-9)
    assert malignant > 0.3
