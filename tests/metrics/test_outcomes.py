"""The arrays behind a tally of classes give the figures of its summary again."""

import math

import numpy as np
import pytest
from sklearn.metrics import auc

from skiagraph.codes import Code
from skiagraph.errors import InvalidInput
from skiagraph.findings import Classification, ClassScore
from skiagraph.metrics import classification, curves, multi_label, outcomes, roc_auc
from skiagraph.task import Table

KIND, *CODES = (Code(value=w, scheme="99TEST", meaning=w) for w in ("kind", "benign", "malignant", "cyst"))


def told(p, exclusive):
    scores = tuple(
        ClassScore(code=c, probability=float(v)) for c, v in zip(CODES, p, strict=True) if not math.isnan(v)
    )
    return Classification(concept=KIND, scores=scores, exclusive=exclusive)


def total(metric, p, truth, *, exclusive):
    tallies = [metric.tally(told(a, exclusive), told(b, exclusive)) for a, b in zip(p, truth, strict=True)]
    whole = tallies[0]
    for tally in tallies[1:]:
        whole = metric.merge(whole, tally)
    return whole


def test_exclusive_classes(rng):
    p, truth = rng.dirichlet([1, 1, 1], 40), np.eye(3)[rng.integers(0, 3, 40)]
    metric = classification()
    table = total(metric, p, truth, exclusive=True)
    found, figures = outcomes(table), metric.summary(table)
    assert found.labels == ("benign", "malignant", "cyst")
    assert np.trace(found.truth.T @ found.decided) / 40 == pytest.approx(figures["accuracy"])
    assert roc_auc(found.probabilities[:, 2], found.truth[:, 2])[0] == pytest.approx(figures["cyst: roc auc"])
    line = curves(found.probabilities[:, 2], found.truth[:, 2])
    area = auc(line.one_minus_specificity, line.sensitivity)
    assert area == pytest.approx(figures["cyst: roc auc"])


def test_labels_whose_truth_is_not_known(rng):
    p, truth = rng.random((10, 3)), rng.integers(0, 2, (10, 3)).astype(float)
    truth[:4, 1] = np.nan
    found = outcomes(total(multi_label(), p, truth, exclusive=False))
    assert np.isnan(found.truth).sum(axis=0).tolist() == [0, 4, 0]
    assert found.decided.sum() == (p >= 0.5).sum()


def test_a_tally_of_something_else_is_refused():
    with pytest.raises(InvalidInput, match="a tally of classes"):
        outcomes(Table(columns=("error",), rows=np.ones((1, 1))))
