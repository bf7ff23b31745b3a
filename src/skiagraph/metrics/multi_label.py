"""Labels that do not exclude one another: each judged for itself, where its truth is known, and all together."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from skiagraph.codes import Code
from skiagraph.errors import InvalidInput
from skiagraph.findings import Classification
from skiagraph.metrics.calibration import brier, calibration_error, log_loss
from skiagraph.metrics.classification import labels_of, probabilities_by_code
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
from skiagraph.metrics.counted import mean
from skiagraph.metrics.ranking import average_precision, roc_auc
from skiagraph.task import Counts, Figures, Table, Tabular

__all__ = ["multi_label"]

_POSITIVE = {
    "sensitivity": sensitivity,
    "specificity": specificity,
    "precision": precision,
    "npv": npv,
    "f1": f1,
}


def multi_label(
    *, classes: tuple[Code, ...] = (), threshold: float | Mapping[Code, float] = 0.5, bins: int = 15
) -> Tabular[Classification]:
    """The metric of labels each of which may be true for itself; one label alone is a yes or no.

    A label that the reference does not name is not known for that case: it counts neither as right nor as wrong, and
    `Estimate.excluded` of the figures of that label says in how many cases. ``"exact match"`` and ``"known labels
    right"`` are over the labels that are known; ``"labels without both answers"`` says how many give no area to the
    macro areas.

    Args:
        classes: All labels, in their order. Empty takes those of the first prediction.
        threshold: A label is decided from this probability on; one for all, or one for each.
        bins: Of the calibration error.

    Raises:
        InvalidInput: A label twice, a threshold outside of 0 to 1, no bin.
    """
    cuts = dict(threshold) if isinstance(threshold, Mapping) else {}
    usual = 0.5 if isinstance(threshold, Mapping) else float(threshold)
    if len(set(classes)) != len(classes) or bins < 1:
        raise InvalidInput("each label stands once, and there is a bin", got=f"{len(classes)}, {bins} bins")
    if not all(0 <= cut <= 1 for cut in (usual, *cuts.values())):
        raise InvalidInput("a threshold lies between 0 and 1", got=str(threshold))
    return Tabular(
        measure=partial(_row, classes=classes, cuts=cuts, usual=usual),
        figures=partial(_figures, bins=bins),
        undefined=_undefined,
    )


def _row(
    prediction: Classification,
    reference: Classification,
    /,
    *,
    classes: tuple[Code, ...],
    cuts: Mapping[Code, float],
    usual: float,
) -> Table:
    classes = classes or tuple(s.code for s in prediction.scores)
    if prediction.concept != reference.concept:
        raise InvalidInput(
            "prediction and reference speak of one concept",
            got=f"{prediction.concept.meaning} and {reference.concept.meaning}",
        )
    told, true = probabilities_by_code(prediction, classes), probabilities_by_code(reference, classes)
    if set(told) != set(classes):
        raise InvalidInput(
            "a prediction has a probability for each label", got=f"{len(told)} of {len(classes)}"
        )
    p = [told[code] for code in classes]
    decided = [float(told[code] >= cuts.get(code, usual)) for code in classes]
    truth = [float(true[code] >= 0.5) if code in true else np.nan for code in classes]
    labels = labels_of(classes)
    columns = (
        *(f"p of {a}" for a in labels), *(f"decided {a}" for a in labels), *(f"truth of {a}" for a in labels)
    )  # fmt: skip
    return Table(columns=columns, rows=np.array([[*p, *decided, *truth]]))


def _parts(
    table: Table,
) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    n = len(table.columns) // 3
    labels = [column.removeprefix("p of ") for column in table.columns[:n]]
    return labels, table.rows[:, :n], table.rows[:, n : 2 * n], table.rows[:, 2 * n :]


def _figures(table: Table, counts: Counts, /, *, bins: int) -> Figures:
    labels, p, decided, truth = _parts(table)
    each = [_of_label(p[:, c], decided[:, c], truth[:, c], counts, bins) for c in range(len(labels))]
    found = {f"macro {name}": macro(np.stack([one[name] for one in each], axis=1)) for name in each[0]}
    known = ~np.isnan(truth)
    right, of = ((decided == truth) & known).sum(axis=1), known.sum(axis=1)
    some = of > 0
    without = np.isnan(np.stack([one["roc auc"] for one in each], axis=1))
    found["labels without both answers"] = without.sum(axis=1).astype(np.float64)
    found["exact match"] = mean(np.where(some, right == of, np.nan), counts)
    found["known labels right"] = mean(np.where(some, right / np.maximum(of, 1), np.nan), counts)
    for label, one in zip(labels, each, strict=True):
        found |= {f"{label}: {name}": values for name, values in one.items()}
    return found


def _of_label(
    p: NDArray[np.float64],
    decided: NDArray[np.float64],
    truth: NDArray[np.float64],
    counts: Counts,
    bins: int,
) -> dict[str, NDArray[np.float64]]:
    known = ~np.isnan(truth)
    if not known.any():
        nothing = np.full(len(counts), np.nan)
        return dict.fromkeys(_names(), nothing)
    p, decided, truth, counts = p[known], decided[known], truth[known], counts[:, known]
    m = confusion(truth, decided, 2, counts)
    both = np.stack([1 - p, p], axis=1)
    values = [accuracy(m), balanced_accuracy(m), *(figure(m)[:, 1] for figure in _POSITIVE.values())]
    values += [roc_auc(p, truth, counts), average_precision(p, truth, counts), kappa(m), matthews(m)]
    values += [brier(both, truth, counts), log_loss(both, truth, counts)]
    values += [calibration_error(p, truth, counts, bins=bins)]
    values += [calibration_error(p, truth, counts, bins=bins, kind="adaptive")]
    return dict(zip(_names(), values, strict=True))


def _names() -> tuple[str, ...]:
    return (
        "accuracy", "balanced accuracy", *_POSITIVE, "roc auc", "pr auc", "kappa", "matthews", "brier", "log loss",
        "calibration error", "adaptive calibration error",
    )  # fmt: skip


def _undefined(table: Table, /) -> Mapping[str, int]:
    labels, _, _, truth = _parts(table)
    unknown = np.isnan(truth)
    found = {
        f"{label}: {name}": int(n)
        for label, n in zip(labels, unknown.sum(axis=0), strict=True)
        for name in _names()
    }
    none = int(unknown.all(axis=1).sum())
    return found | dict.fromkeys(("exact match", "known labels right"), none)
