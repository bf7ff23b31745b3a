"""How well boxes find objects: average precision at several overlaps, and sensitivity against false alarms."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from skiagraph.codes import Code
from skiagraph.errors import GeometryError, InvalidInput
from skiagraph.findings import Box, Boxes
from skiagraph.metrics.classification import labels_of
from skiagraph.metrics.confusion import macro
from skiagraph.metrics.counted import Ties, Values, ratio
from skiagraph.task import Counts, Figures, Table, Tabular

__all__ = ["COCO_OVERLAPS", "detection"]

COCO_OVERLAPS = tuple(round(0.5 + 0.05 * k, 2) for k in range(10))
"""Intersection over union 0.50, 0.55, ..., 0.95."""

_RECALLS = np.linspace(0.0, 1.0, 101)


def detection(
    *,
    classes: tuple[Code, ...] = (),
    overlaps: tuple[float, ...] = COCO_OVERLAPS,
    alarms: tuple[float, ...] = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0),
) -> Tabular[Boxes]:
    """The metric of boxes with confidences.

    In each case the most confident box takes the free reference of its class and moment that it overlaps most, if by
    enough; then the next. Average precision is the mean, at 101 recalls from 0 to 1, of the best precision at that
    recall or a higher one (0 where it is never reached), as COCO has it; boxes of equal confidence are one step of the
    curve, so that no order of cases flatters, and no number of boxes is cut off. ``"average precision"`` is the mean
    over overlaps and over the classes that have references; ``"average precision at 0.5"`` and the like of one overlap;
    ``"sensitivity at 1 false a case"`` and the like are points of the FROC curve at the first overlap, without
    interpolation, and ``"froc score"`` is their mean. ``"objects"`` counts the references, ``"objects never found"``
    those that no box of any confidence finds.

    Args:
        classes: Which codes; empty takes all boxes as one class.
        overlaps: Intersections over union from which a box counts as found, rising.
        alarms: False boxes a case of the FROC points.

    Raises:
        InvalidInput: A class twice, overlaps that do not rise from above 0 to at most 1, or negative alarms.

    Source: Lin et al., Microsoft COCO (2014), and its detection evaluation; Bunch et al., A free response approach to
        the measurement and characterization of radiographic observer performance (1977); Setio et al., LUNA16 (2017).
    """
    rising = all(a < b for a, b in zip((0.0, *overlaps), overlaps, strict=False))
    proper = bool(overlaps) and rising and overlaps[-1] <= 1 and min(alarms, default=0.0) >= 0
    if len(set(classes)) != len(classes) or not proper:
        raise InvalidInput(
            "classes stand once, overlaps rise from above 0 to 1 at most, alarms are not negative",
            got=f"{len(classes)} classes, {overlaps}, {alarms}",
        )
    return Tabular(
        measure=partial(_measure, classes=classes, overlaps=overlaps),
        figures=partial(_figures, labels=labels_of(classes), alarms=alarms),
    )


def _measure(
    prediction: Boxes, reference: Boxes, /, *, classes: tuple[Code, ...], overlaps: tuple[float, ...]
) -> Table:
    _check(prediction, reference)
    rows = [
        row
        for number, code in enumerate(classes or (None,))
        for row in _rows(_of(prediction, code), _of(reference, code), number, overlaps)
    ]
    hits = tuple(f"found at {o:g}" for o in overlaps)
    return Table(columns=("class", "confidence", "objects", "cases", *hits), rows=np.array(rows))


def _figures(
    table: Table, counts: Counts, /, *, labels: tuple[str, ...], alarms: tuple[float, ...]
) -> Figures:
    each = [_of_class(table, counts, number, alarms) for number in range(max(1, len(labels)))]
    found = {name: macro(np.stack([one[name] for one in each], axis=1)) for name in each[0]}
    for name in ("objects", "objects never found"):
        found[name] = np.sum([one[name] for one in each], axis=0)
    for label, one in zip(labels, each, strict=False):
        found |= {f"{label}: {name}": values for name, values in one.items()}
    return found


def _check(prediction: Boxes, reference: Boxes) -> None:
    a, b = prediction.space, reference.space
    if a.shape != b.shape or not np.allclose(a.affine, b.affine, atol=1e-4):
        raise GeometryError(
            "both sets of boxes lie on one lattice", got=f"shapes {a.shape} and {b.shape}, or places"
        )
    if any(box.confidence is None for box in prediction.items):
        raise InvalidInput("boxes are ranked by their confidence", got="a predicted box without one")


def _of(boxes: Boxes, code: Code | None) -> list[Box]:
    return [box for box in boxes.items if code is None or box.code == code]


def _rows(found: list[Box], true: list[Box], number: int, overlaps: tuple[float, ...]) -> list[list[float]]:
    """One row a box, and one for the case itself with the number of its references."""
    order = sorted(range(len(found)), key=lambda i: -float(found[i].confidence or 0.0))
    iou = _overlaps([found[i] for i in order], true)
    hits = np.stack([_taken(iou, least) for least in overlaps], axis=1)
    rows = [
        [number, float(found[i].confidence or 0.0), 0.0, 0.0, *hit]
        for i, hit in zip(order, hits.tolist(), strict=True)
    ]
    return [*rows, [number, np.nan, len(true), 1.0, *[np.nan] * len(overlaps)]]


def _overlaps(a: list[Box], b: list[Box]) -> NDArray[np.float64]:
    """Intersection over union of each with each, 0 in different moments: shape (a, b)."""
    result = np.zeros((len(a), len(b)))
    if not a or not b:
        return result
    (low, high), (their_low, their_high) = (
        (np.stack([box.low for box in boxes]), np.stack([box.high for box in boxes])) for boxes in (a, b)
    )
    sides = np.minimum(high[:, None], their_high) - np.maximum(low[:, None], their_low)
    both = np.clip(sides, 0, None).prod(axis=-1)
    either = (high - low).prod(axis=1)[:, None] + (their_high - their_low).prod(axis=1) - both
    together = np.array([[x.moment == y.moment for y in b] for x in a])
    return np.where(together, both / either, result)


def _taken(iou: NDArray[np.float64], least: float) -> NDArray[np.float64]:
    """Which boxes, the most confident first, find a reference that is still free: 0 or 1, shape (boxes,)."""
    hits, free = np.zeros(len(iou)), np.ones(iou.shape[1], np.bool_)
    for i, row in enumerate(iou):
        open_ = np.where(free, row, -1.0)
        if len(row) and open_.max() >= least:
            free[int(open_.argmax())] = False
            hits[i] = 1.0
    return hits


def _of_class(
    table: Table, counts: Counts, number: int, alarms: tuple[float, ...]
) -> dict[str, NDArray[np.float64]]:
    mine = table["class"] == number
    case, box = mine & ~np.isnan(table["objects"]) & (table["cases"] == 1), mine & (table["cases"] == 0)
    objects, cases = counts[:, case] @ table["objects"][case], counts[:, case].sum(axis=1)
    ties = Ties(-table["confidence"][box])
    every = np.cumsum(ties.sums(counts[:, box]), axis=1)
    precisions, first = {}, None
    for column in table.columns[4:]:
        right = np.cumsum(ties.sums(counts[:, box] * table[column][box]), axis=1)
        first = right if first is None else first
        precisions[f"average precision at {column.removeprefix('found at ')}"] = _interpolated(
            right, every, objects
        )
    right = every[:, :0] if first is None else first
    found = {"average precision": macro(np.stack(list(precisions.values()), axis=1)), **precisions}
    points = {f"sensitivity at {a:g} false a case": _froc(right, every, objects, cases * a) for a in alarms}
    if points:
        found |= points | {"froc score": macro(np.stack(list(points.values()), axis=1))}
    never = objects - (right[:, -1] if right.shape[1] else 0.0)
    return found | {"objects": objects, "objects never found": never}


def _interpolated(right: NDArray[np.float64], every: NDArray[np.float64], objects: Values) -> Values:
    result = np.full(len(objects), np.nan)
    precision = right / np.maximum(every, 1)
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    best = np.concatenate([best, np.zeros((len(best), 1))], axis=1)
    for r in np.flatnonzero(objects > 0):
        place = np.searchsorted(right[r] / objects[r], _RECALLS, side="left")
        result[r] = best[r, place].mean()
    return result


def _froc(right: NDArray[np.float64], every: NDArray[np.float64], objects: Values, most: Values) -> Values:
    """The highest sensitivity with no more than so many false boxes in all."""
    allowed = np.where(every - right <= most[:, None], right, 0.0)
    return ratio(allowed.max(axis=1, initial=0.0), objects)
