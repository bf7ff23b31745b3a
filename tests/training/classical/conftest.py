"""Tables of made-up features with a known answer."""

import numpy as np
import pytest

from skiagraph import codes
from skiagraph.case import Label, Target
from skiagraph.codes import Code
from skiagraph.training.classical import FeatureTable

MALIGNANCY = Code(value="malignancy", scheme="99LOCAL", meaning="Malignancy")
GRADES = tuple(Code(value=w, scheme="99LOCAL", meaning=w) for w in ("benign", "malignant", "normal"))


def _classes_target(n=2):
    labels = tuple(Label(number=i, code=code) for i, code in enumerate(GRADES[:n]))
    return Target(name="diagnosis", kind="multi-class", concept=MALIGNANCY, labels=labels)


def _table_of(numbers, truth, *, groups=None, classes=2, **others):
    target = (
        _classes_target(classes)
        if classes
        else Target(name="area", kind="regression", concept=MALIGNANCY, unit=codes.MM2)
    )
    numbers = np.asarray(numbers, float)
    return FeatureTable(
        name="made-up",
        columns=tuple(f"feature_{j}" for j in range(numbers.shape[1])),
        numbers=numbers,
        truth=np.asarray(truth, float),
        groups=tuple(map(str, range(len(numbers)) if groups is None else groups)),
        target=target,
        **others,
    )


def _tumours(rng, n=120, classes=2, columns=6, missing=0.05):
    """Columns of very different size; the third tells the classes apart, the first a little; the others nothing."""
    truth = rng.integers(classes, size=n) if classes else rng.normal(size=n)
    x = rng.normal(size=(n, columns))
    x[:, 2] += 2.0 * truth
    x[:, 0] -= 0.7 * truth
    x[:, 0] *= 1e4
    x[:, 1] += 1e5
    x[rng.random(x.shape) < missing] = np.nan
    return _table_of(x, 50 + 900 * truth if not classes else truth, classes=classes)


@pytest.fixture(scope="session")
def table_of():
    return _table_of


@pytest.fixture(scope="session")
def tumours():
    return _tumours


@pytest.fixture(scope="session")
def grades():
    return GRADES


@pytest.fixture(scope="session")
def malignancy():
    return _classes_target()
