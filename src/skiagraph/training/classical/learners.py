"""The classical learners, each a small description: what it is, how it is made, and which settings are tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal, final

from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

from skiagraph.errors import UnknownName

__all__ = ["CLASSIFIERS", "REGRESSORS", "Learner", "learner_of"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """One way to learn from features.

    Args:
        name: As the field calls it, lower case with hyphens.
        words: What it is, for people.
        make: The estimator of scikit-learn; the settings as keywords.
        settings: That are tried; of equally good ones the first is taken.
        balance: How each class comes to count the same: by ``"weights"`` of cases, or, where the estimator takes no
            weights, by cases of rarer classes that are ``"repeated"``.
        seeded: Whether it takes a ``random_state``.
        classes: Whether it tells classes apart; else it learns values.
    """

    name: str
    words: str
    make: Callable[..., Any]
    settings: tuple[Mapping[str, Any], ...] = (MappingProxyType({}),)
    balance: Literal["weights", "repeated"] = "weights"
    seeded: bool = False
    classes: bool = True


def _one(name: str, *values: Any) -> tuple[Mapping[str, Any], ...]:
    return tuple(MappingProxyType({name: value}) for value in values)


def _rbf(**settings: Any) -> SVC:
    return SVC(kernel="rbf", **settings)


def _linear(**settings: Any) -> SVC:
    return SVC(kernel="linear", **settings)


def _forest(**settings: Any) -> RandomForestClassifier:
    return RandomForestClassifier(n_estimators=100, **settings)


def _lda(**settings: Any) -> LinearDiscriminantAnalysis:
    return LinearDiscriminantAnalysis(solver="lsqr", **settings)


def _network(**settings: Any) -> MLPClassifier:
    return MLPClassifier(hidden_layer_sizes=(8,), solver="lbfgs", max_iter=300, **settings)


def _logistic(**settings: Any) -> LogisticRegression:
    return LogisticRegression(max_iter=2000, **settings)


def _regression_forest(**settings: Any) -> RandomForestRegressor:
    return RandomForestRegressor(n_estimators=100, **settings)


def _named(*learners: Learner) -> Mapping[str, Learner]:
    return MappingProxyType({one.name: one for one in learners})


CLASSIFIERS: Final = _named(
    Learner(
        name="svm",
        words="support vector machine, radial basis functions",
        make=_rbf,
        settings=tuple(
            MappingProxyType({"C": c, "gamma": gamma}) for gamma in (0.01, "scale") for c in (0.1, 1.0, 10.0)
        ),
    ),
    Learner(
        name="linear-svm",
        words="support vector machine, linear",
        make=_linear,
        settings=_one("C", 0.01, 0.1, 1.0, 10.0),
    ),
    Learner(
        name="k-nn",
        words="nearest neighbours",
        make=KNeighborsClassifier,
        settings=_one("n_neighbors", 15, 9, 5, 3),
        balance="repeated",
    ),
    Learner(
        name="naive-bayes",
        words="naive Bayes, normal distributions",
        make=GaussianNB,
        settings=_one("var_smoothing", 1e-1, 1e-3, 1e-9),
    ),
    Learner(
        name="tree",
        words="decision tree",
        make=DecisionTreeClassifier,
        settings=tuple(
            MappingProxyType({"max_depth": depth, "min_samples_leaf": 5}) for depth in (1, 2, 3, 4)
        ),
        seeded=True,
    ),
    Learner(
        name="forest",
        words="random forest",
        make=_forest,
        settings=_one("min_samples_leaf", 5, 1),
        seeded=True,
    ),
    Learner(
        name="boosting",
        words="gradient boosting of trees",
        make=GradientBoostingClassifier,
        settings=tuple(
            MappingProxyType({"n_estimators": n, "max_depth": 2, "subsample": 0.8}) for n in (30, 100)
        ),
        seeded=True,
    ),
    Learner(
        name="lda",
        words="linear discriminant analysis",
        make=_lda,
        settings=_one("shrinkage", "auto", 0.5, None),
        balance="repeated",
    ),
    Learner(
        name="network",
        words="small neural network, one hidden layer of 8",
        make=_network,
        settings=_one("alpha", 10.0, 1.0, 0.1),
        seeded=True,
    ),
    Learner(
        name="logistic",
        words="logistic regression",
        make=_logistic,
        settings=_one("C", 1.0, 0.1, 0.01, 10.0),
    ),
)
"""By name. Decision functions of support vector machines and probabilities of all others are what is calibrated."""

REGRESSORS: Final = _named(
    Learner(
        name="ridge",
        words="ridge regression",
        classes=False,
        make=Ridge,
        settings=_one("alpha", 100.0, 10.0, 1.0, 0.1),
    ),
    Learner(
        name="svr",
        words="support vector regression, radial basis functions",
        classes=False,
        make=SVR,
        settings=_one("C", 0.1, 1.0, 10.0),
    ),
    Learner(
        name="forest",
        words="random forest",
        classes=False,
        make=_regression_forest,
        settings=_one("min_samples_leaf", 5, 1),
        seeded=True,
    ),
)
"""By name; they learn values of mean 0 and deviation 1."""


def learner_of(name: str, *, regression: bool) -> Learner:
    """The learner of a name.

    Raises:
        UnknownName: There is none for this question.
    """
    known = REGRESSORS if regression else CLASSIFIERS
    if name not in known:
        raise UnknownName(
            f"a learner of {'values' if regression else 'classes'} has a known name",
            got=name,
            way_out=f"use one of {', '.join(known)}",
        )
    return known[name]
