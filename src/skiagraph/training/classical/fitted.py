"""One learner, fitted: what is missing is filled, features are scaled, it learns; and the same as ONNX-ML."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, final

import numpy as np
import onnx
from numpy.random import Generator
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from skiagraph.training.classical.learners import Learner

__all__ = ["Fitted", "Scaling", "fitted", "graph_of", "scaling_of"]

Array = NDArray[np.float64]
_OPSETS: Final = {"": 17, "ai.onnx.ml": 3}


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scaling:
    """How features become numbers of mean 0 and deviation 1; each array has shape (columns,).

    Args:
        median: Stands for what is missing; 0 where a column has no value at all.
        mean: Becomes 0.
        deviation: Becomes 1; 1 of a column that never changes.
    """

    median: Array
    mean: Array
    deviation: Array

    def __call__(self, numbers: Array) -> Array:
        """(cases, columns) to the same, rounded to float32: what the graph computes to the last bit."""
        filled = np.where(np.isnan(numbers), self.median, numbers)
        scaled = ((filled - self.mean) / self.deviation).astype(np.float32)
        return np.asarray(scaled, dtype=np.float64)

    def of(self, columns: Sequence[int]) -> Scaling:
        """Of some columns."""
        at = list(columns)
        return Scaling(median=self.median[at], mean=self.mean[at], deviation=self.deviation[at])


def scaling_of(numbers: Array) -> Scaling:
    """The scaling that fits cases that are learnt from, shape (cases, columns)."""
    known = ~np.isnan(numbers)
    median = np.array([np.median(c[k]) if k.any() else 0.0 for c, k in zip(numbers.T, known.T, strict=True)])
    filled = np.where(known, numbers, median)
    deviation, mean = filled.std(axis=0), filled.mean(axis=0)
    # What rounding alone makes is no spread.
    deviation[deviation <= 1e-12 * np.maximum(1.0, np.abs(mean))] = 1.0
    return Scaling(median=median, mean=mean, deviation=deviation)


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fitted:
    """A learner that has learnt.

    Args:
        learner: Which.
        settings: With which settings.
        columns: Places of the features that it keeps.
        scaling: Of these.
        estimator: Of scikit-learn.
        scores: What it answers (`skiagraph.task.Described`).
        centre: Is taken from the scores, one an output: of margins the middle of the means of the classes that were
            learnt from, else 0. Support vector machines of different settings then speak alike, and answers of
            several folds can be calibrated together.
        spread: Divides the scores then: of margins their deviation over the cases that were learnt from, else 1.
    """

    learner: Learner
    settings: Mapping[str, Any]
    columns: tuple[int, ...]
    scaling: Scaling
    estimator: Any
    scores: Literal["probabilities", "margins", "value"]
    centre: tuple[float, ...] = (0.0,)
    spread: float = 1.0

    def __call__(self, numbers: Array) -> Array:
        """All features of cases, (cases, all columns), to scores, (cases, scores)."""
        raw = _raw(self.estimator, self.scaling(numbers[:, list(self.columns)]))
        return np.asarray((raw - self.centre) / self.spread)


def fitted(
    learner: Learner,
    settings: Mapping[str, Any],
    numbers: Array,
    truth: Array,
    columns: Sequence[int],
    rng: Generator,
) -> Fitted:
    """A learner on some features of cases that are learnt from; each class counts the same.

    Args:
        learner: Which.
        settings: One of its settings.
        numbers: Shape (cases, all columns).
        truth: Numbers of classes; of a regression values of mean 0 and deviation 1.
        columns: Places of the features that it is given.
        rng: All chance.
    """
    scaling = scaling_of(numbers[:, list(columns)])
    x, classes = scaling(numbers[:, list(columns)]), learner.classes
    seed = {"random_state": int(rng.integers(2**31))} if learner.seeded else {}
    estimator = learner.make(**settings, **seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the inner folds judge what came of it
        if not classes:
            estimator.fit(x, truth)
        elif learner.balance == "weights":
            counts = np.bincount(truth.astype(np.intp))
            weights = len(truth) / (np.count_nonzero(counts) * counts[truth.astype(np.intp)])
            estimator.fit(x, truth.astype(np.intp), sample_weight=weights)
        else:
            rows = _repeated(truth, rng)
            estimator.fit(x[rows], truth[rows].astype(np.intp))
    margins = hasattr(estimator, "decision_function") and not hasattr(estimator, "predict_proba")
    scores: Literal["probabilities", "margins", "value"] = "probabilities" if not margins else "margins"
    centre, spread = _middle(_raw(estimator, x), truth) if margins and classes else ((0.0,), 1.0)
    return Fitted(
        learner=learner,
        settings=settings,
        columns=tuple(int(c) for c in columns),
        scaling=scaling,
        estimator=estimator,
        scores=scores if classes else "value",
        centre=centre,
        spread=spread,
    )


def _middle(margins: Array, truth: Array) -> tuple[tuple[float, ...], float]:
    """Midway between the classes, one an output, and the deviation of all margins, (cases, outputs)."""
    middle = np.mean([margins[truth == c].mean(axis=0) for c in np.unique(truth)], axis=0)
    return tuple(middle.tolist()), max(float(margins.std()), 1e-9)


def _repeated(truth: Array, rng: Generator) -> NDArray[np.intp]:
    """Places of all cases, and of cases of rarer classes again until all classes are equally many."""
    places = [np.flatnonzero(truth == c) for c in np.unique(truth)]
    most = max(map(len, places))
    return np.concatenate(
        [np.concatenate([np.tile(p, most // len(p)), rng.permutation(p)[: most % len(p)]]) for p in places]
    )


def _raw(estimator: Any, x: Array) -> Array:
    if hasattr(estimator, "predict_proba"):
        told = estimator.predict_proba(x)
    else:
        told = getattr(estimator, "decision_function", estimator.predict)(x)
    return np.asarray(told, dtype=np.float64).reshape(len(x), -1)


def graph_of(model: Fitted) -> bytes:
    """The graph of a fitted learner: ``features``, float64 of shape (cases, its columns), to ``scores``.

    Filling and scaling are computed in double precision, and what is scaled is rounded to float32, as it was while the
    learner learnt; the learner itself is what skl2onnx makes of it.
    """
    estimator, n = _spoken(model.estimator), len(model.columns)
    learnt = _converted(estimator, model)
    graph = learnt.graph
    told = graph.output[-1].name
    front = [
        helper.make_node("IsNaN", ["features"], ["missing"]),
        helper.make_node("Where", ["missing", "median", "features"], ["filled"]),
        helper.make_node("Sub", ["filled", "mean"], ["centred"]),
        helper.make_node("Div", ["centred", "deviation"], ["scaled"]),
        helper.make_node("Cast", ["scaled"], ["ready"], to=TensorProto.FLOAT),
    ]
    if model.scores == "margins" and len(estimator.classes_) == 2:
        behind = [helper.make_node("Gather", [told, "second"], ["one"], axis=1)]
    else:
        behind = [helper.make_node("Identity", [told], ["one"])]
    behind.append(helper.make_node("Sub", ["one", "centre"], ["placed"]))
    behind.append(helper.make_node("Div", ["placed", "spread"], ["scores"]))
    graph.initializer.extend(
        numpy_helper.from_array(np.asarray(array), name)
        for name, array in (
            ("median", model.scaling.median),
            ("mean", model.scaling.mean),
            ("deviation", model.scaling.deviation),
            ("second", np.array([1], dtype=np.int64)),
            ("centre", np.array(model.centre, dtype=np.float32)),
            ("spread", np.array([model.spread], dtype=np.float32)),
        )
    )
    nodes = [*front, *graph.node, *behind]
    del graph.node[:], graph.input[:], graph.output[:]
    graph.node.extend(nodes)
    graph.input.append(helper.make_tensor_value_info("features", TensorProto.DOUBLE, [None, n]))
    graph.output.append(helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, None]))
    onnx.checker.check_model(learnt)
    return bytes(learnt.SerializeToString())


def _converted(estimator: Any, model: Fitted) -> Any:
    """The learner alone, of scaled features, by skl2onnx."""
    options = {"zipmap": False} if model.scores != "value" else {}
    if model.scores == "margins":
        options["raw_scores"] = True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # skl2onnx asks whether a machine has old attributes
        return to_onnx(
            estimator,
            initial_types=[("ready", FloatTensorType([None, len(model.columns)]))],
            options={id(estimator): options} if options else None,
            target_opset=dict(_OPSETS),
        )


def _spoken(estimator: Any) -> Any:
    """The same estimator in a form that skl2onnx converts rightly: it errs in discriminant analysis of two classes."""
    if not (isinstance(estimator, LinearDiscriminantAnalysis) and len(estimator.classes_) == 2):
        return estimator
    same = LogisticRegression()
    same.classes_, same.coef_, same.intercept_ = estimator.classes_, estimator.coef_, estimator.intercept_
    same.n_features_in_ = estimator.n_features_in_
    return same
