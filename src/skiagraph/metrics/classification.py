"""Exclusive classes, of two or of many, ranked or not: how often right, how well parted, how well calibrated."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from skiagraph.codes import Code
from skiagraph.errors import InvalidInput
from skiagraph.findings import Classification
from skiagraph.metrics.calibration import brier, calibration_error, log_loss
from skiagraph.metrics.confusion import (
    accuracy,
    balanced_accuracy,
    confusion,
    f1,
    kappa,
    macro,
    matthews,
    npv,
    precision,
    sensitivity,
    specificity,
)
from skiagraph.metrics.counted import Values, mean
from skiagraph.metrics.ranking import average_precision, roc_auc
from skiagraph.task import Counts, Figures, Table, Tabular

__all__ = ["classification", "labels_of", "probabilities_by_code"]

_SET = ("set holds truth", "set size")
_BY_CLASS = {
    "sensitivity": sensitivity,
    "specificity": specificity,
    "precision": precision,
    "npv": npv,
    "f1": f1,
}


def classification(
    *,
    classes: tuple[Code, ...] = (),
    ordinal: bool = False,
    threshold: float | None = None,
    top: tuple[int, ...] = (2, 5),
    bins: int = 15,
) -> Tabular[Classification]:
    """The metric of exclusive classes.

    Each figure is over all cases. Of two classes, the second is the positive one, and sensitivity, specificity,
    precision, npv, f1 and the areas are its own. Of more classes they stand for each class (``"benign: f1"``) and as
    their mean over the classes in which they are defined (``"macro f1"``); ``"absent classes"`` says how many have no
    case. Beside them: accuracy, balanced accuracy, top-k accuracy (a tie counts by the chance of a fair draw, so that
    a constant is not right by luck), kappa (for ranked classes also with linear and quadratic weights, and the mean
    distance in ranks), Matthews' correlation, Brier score, log loss, calibration error (of the positive class, or of
    the decided one where there are more than two) in bins of equal width and of equal size, and of prediction sets
    the share that holds the truth, their mean size, and the share that is empty.

    Args:
        classes: All of them, in their order; the positive one of two last. Empty takes those of the first prediction,
            in its order.
        ordinal: Whether the order of the classes has a meaning.
        threshold: Of two classes, the positive one is decided from this probability on; None decides for the
            likelier, the first where two are equal.
        top: The k of top-k accuracy; those below the number of classes are taken.
        bins: Of the calibration error.

    Raises:
        InvalidInput: A class twice, fewer than two, a threshold outside of 0 to 1 or of more than two classes.
    """
    if classes and (len(set(classes)) != len(classes) or len(classes) < 2):
        raise InvalidInput("a classification has at least two classes, each once", got=f"{len(classes)}")
    if threshold is not None and not 0 <= threshold <= 1:
        raise InvalidInput("a threshold lies between 0 and 1", got=str(threshold))
    if bins < 1 or any(k < 1 for k in top):
        raise InvalidInput("bins and the k of top-k are at least 1", got=f"{bins} and {top}")
    return Tabular(
        measure=partial(_row, classes=classes, threshold=threshold),
        figures=partial(_figures, ordinal=ordinal, top=top, bins=bins),
        undefined=_undefined,
    )


def labels_of(classes: tuple[Code, ...]) -> tuple[str, ...]:
    """Words for classes, each its own: the meaning of its code, with the code itself where meanings repeat."""
    words = [c.meaning or c.value for c in classes]
    return tuple(
        word if words.count(word) == 1 else f"{word} ({c.scheme} {c.value})"
        for word, c in zip(words, classes, strict=True)
    )


def probabilities_by_code(finding: Classification, classes: tuple[Code, ...]) -> Mapping[Code, float]:
    """The probabilities of a finding.

    Raises:
        InvalidInput: It speaks of a class that is none of `classes`.
    """
    found = {s.code: s.probability for s in finding.scores}
    strange = set(found) - set(classes)
    if strange:
        raise InvalidInput(
            f"the classes here are {', '.join(labels_of(classes))}",
            got=", ".join(sorted(labels_of(tuple(strange)))),
            way_out="state all classes of the metric",
        )
    return found


def _row(
    prediction: Classification,
    reference: Classification,
    /,
    *,
    classes: tuple[Code, ...],
    threshold: float | None,
) -> Table:
    classes = classes or tuple(s.code for s in prediction.scores)
    if prediction.concept != reference.concept or not (prediction.exclusive and reference.exclusive):
        raise InvalidInput(
            "prediction and reference are exclusive classes of one concept",
            got=f"{prediction.concept.meaning} and {reference.concept.meaning}",
            way_out="measure labels that do not exclude one another with `multi_label`",
        )
    told, true = probabilities_by_code(prediction, classes), probabilities_by_code(reference, classes)
    truth = [i for i, code in enumerate(classes) if true.get(code, 0.0) > 0.5]
    if len(truth) != 1 or set(told) != set(classes) or len(classes) < 2:
        raise InvalidInput(
            "a prediction has a probability for each of at least two classes, a reference names one",
            got=f"{len(told)} of {len(classes)} classes, and {len(truth)} true ones",
        )
    if threshold is not None and len(classes) != 2:
        raise InvalidInput("a threshold is for two classes", got=f"{len(classes)}", way_out="leave it out")
    p = np.array([told[code] for code in classes])
    decided = int(np.argmax(p)) if threshold is None else int(p[1] >= threshold)
    in_set = (np.nan, np.nan)
    if prediction.level is not None:
        in_set = (
            float(classes[truth[0]] in prediction.prediction_set),
            float(len(prediction.prediction_set)),
        )
    columns = ("truth", "decided", *_SET, *(f"p of {label}" for label in labels_of(classes)))
    return Table(columns=columns, rows=np.array([[truth[0], decided, *in_set, *p]]))


def _figures(table: Table, counts: Counts, /, *, ordinal: bool, top: tuple[int, ...], bins: int) -> Figures:
    labels = [column.removeprefix("p of ") for column in table.columns[4:]]
    p, truth, decided = table.rows[:, 4:], table["truth"], table["decided"]
    m = confusion(truth, decided, len(labels), counts)
    found = {"accuracy": accuracy(m), "balanced accuracy": balanced_accuracy(m)}
    found |= {f"top-{k} accuracy": mean(_in_top(p, truth, k), counts) for k in top if k < len(labels)}
    by_class = {name: figure(m) for name, figure in _BY_CLASS.items()}
    members = [1] if len(labels) == 2 else list(range(len(labels)))
    for name, area in (("roc auc", roc_auc), ("pr auc", average_precision)):
        areas = [area(p[:, c], (truth == c).astype(np.float64), counts) for c in members]
        by_class[name] = areas[0][:, None].repeat(2, 1) if len(labels) == 2 else np.stack(areas, axis=1)
    if len(labels) == 2:
        found |= {name: values[:, 1] for name, values in by_class.items()}
    else:
        found |= {f"macro {name}": macro(values) for name, values in by_class.items()}
        found["absent classes"] = (m.sum(axis=2) == 0).sum(axis=1).astype(np.float64)
    found |= {"kappa": kappa(m), "matthews": matthews(m)}
    if ordinal:
        found |= {"linear kappa": kappa(m, "linear"), "quadratic kappa": kappa(m, "quadratic")}
        found["mean distance in ranks"] = mean(np.abs(truth - decided), counts)
    found |= _probabilistic(p, truth, decided, counts, bins)
    found |= _sets(table, counts)
    if len(labels) > 2:
        for c, label in enumerate(labels):
            found |= {f"{label}: {name}": values[:, c] for name, values in by_class.items()}
    return found


def _in_top(p: NDArray[np.float64], truth: Values, k: int) -> Values:
    own = p[np.arange(len(p)), truth.astype(np.intp)][:, None]
    above, equal = (p > own).sum(axis=1), (p == own).sum(axis=1)
    return np.asarray(np.clip((k - above) / equal, 0.0, 1.0), dtype=np.float64)


def _probabilistic(
    p: NDArray[np.float64], truth: Values, decided: Values, counts: Counts, bins: int
) -> dict[str, NDArray[np.float64]]:
    two = p.shape[1] == 2
    confidence = p[:, 1] if two else p[np.arange(len(p)), decided.astype(np.intp)]
    right = truth if two else (truth == decided).astype(np.float64)
    return {
        "brier": brier(p, truth, counts),
        "log loss": log_loss(p, truth, counts),
        "calibration error": calibration_error(confidence, right, counts, bins=bins),
        "adaptive calibration error": calibration_error(
            confidence, right, counts, bins=bins, kind="adaptive"
        ),
    }


def _sets(table: Table, counts: Counts) -> dict[str, NDArray[np.float64]]:
    size = table["set size"]
    return {
        "coverage of sets": mean(table["set holds truth"], counts),
        "mean set size": mean(size, counts),
        "empty sets": mean(np.where(np.isnan(size), np.nan, size == 0), counts),
    }


def _undefined(table: Table, /) -> Mapping[str, int]:
    without = int(np.isnan(table["set size"]).sum())
    return dict.fromkeys(("coverage of sets", "mean set size", "empty sets"), without)
