"""Objects found one by one: lesions matched to lesions, and panoptic quality, so that missed ones cannot hide."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse
from scipy.optimize import linear_sum_assignment

from skiagraph.errors import InvalidInput
from skiagraph.findings import Segmentation
from skiagraph.metrics.confusion import macro
from skiagraph.metrics.counted import ratio
from skiagraph.metrics.masks import (
    Structure,
    check_same_lattice,
    judged,
    label_of,
    mask_of,
    numbers_of,
    speaks_of,
)
from skiagraph.task import Counts, Figures, Table, Tabular

__all__ = ["lesions", "matched_objects", "panoptic"]

_FIELDS = ("matched", "false", "missed", "sum of dice", "sum of iou")


def lesions(
    *, structure: Structure = None, ignore: Structure = None, overlap: float = 0.1
) -> Tabular[Segmentation]:
    """The metric of lesions: how many were found, how many were not, and how well each was outlined.

    Lesions are the objects of instance segmentations, otherwise connected components (neighbours by face, edge or
    corner; in a moving image of one moment). They are matched one to one, so that the sum of their overlaps is largest;
    a pair counts from an intersection over union of `overlap` on. The counts are pooled over all cases: sensitivity,
    precision, f1, ``"dice of lesions"`` (0 for each that was missed), ``"dice of found lesions"``, ``"false lesions a
    case"``, and the numbers of lesions, of missed lesions and of false lesions.

    Args:
        structure: Which segments; None for all.
        ignore: Segments of the reference whose places count for nothing.
        overlap: The least intersection over union of a match, above 0.

    Raises:
        InvalidInput: An overlap outside of 0 to 1.
    """
    if not 0 < overlap <= 1:
        raise InvalidInput("objects match from an overlap above 0 and up to 1", got=str(overlap))
    return Tabular(
        measure=partial(_measure, structures=(structure,), ignore=ignore, overlap=overlap),
        figures=partial(_lesion_figures, label=label_of(structure)),
    )


def _lesion_figures(table: Table, counts: Counts, /, *, label: str) -> Figures:
    right, false, missed, dice, _ = (counts @ table[f"{label}: {f}"] for f in _FIELDS)
    return {
        "sensitivity": ratio(right, right + missed),
        "precision": ratio(right, right + false),
        "f1": ratio(2 * right, 2 * right + false + missed),
        "dice of lesions": ratio(dice, right + missed),
        "dice of found lesions": ratio(dice, right),
        "false lesions a case": ratio(false, counts.sum(axis=1)),
        "lesions": right + missed,
        "missed lesions": missed,
        "false lesions": false,
    }


def panoptic(
    *, structures: tuple[Structure, ...] = (None,), ignore: Structure = None
) -> Tabular[Segmentation]:
    """Panoptic quality of objects, pooled over all cases, and its parts: quality of recognition and of segmentation.

    Objects match where their intersection over union is above 1/2, which makes matches unique. Of several structures,
    figures stand for each and as their mean over those that occur in prediction or reference.

    Args:
        structures: The classes of objects.
        ignore: Segments of the reference whose places count for nothing.

    Raises:
        InvalidInput: No structure, or one twice.

    Source: Kirillov et al., Panoptic segmentation (CVPR 2019), section 4.
    """
    labels = [label_of(s) for s in structures]
    if not labels or len(set(labels)) != len(labels):
        raise InvalidInput("structures are one or more, each once", got=str(labels))
    above_half = math.nextafter(0.5, 1.0)
    return Tabular(
        measure=partial(_measure, structures=structures, ignore=ignore, overlap=above_half),
        figures=partial(_panoptic_figures, labels=labels),
    )


def _panoptic_figures(table: Table, counts: Counts, /, *, labels: list[str]) -> Figures:
    each = {label: _quality(table, label, counts) for label in labels}
    if labels == [""]:
        return each[""]
    found = {}
    for name in each[labels[0]]:
        found[f"mean: {name}"] = macro(np.stack([one[name] for one in each.values()], axis=1))
    return found | {f"{label}: {name}": v for label, one in each.items() for name, v in one.items()}


def _quality(table: Table, label: str, counts: Counts) -> dict[str, NDArray[np.float64]]:
    right, false, missed, _, iou = (counts @ table[f"{label}: {f}"] for f in _FIELDS)
    recognised = ratio(right, right + false / 2 + missed / 2)
    return {
        "panoptic quality": ratio(iou, right + false / 2 + missed / 2),
        "recognition quality": recognised,
        # Where nothing matched there is no outline to judge, and the panoptic quality is 0.
        "segmentation quality": np.where(recognised == 0, 0.0, ratio(iou, right)),
        "objects": right + missed,
        "missed objects": missed,
        "false objects": false,
    }


def _measure(
    prediction: Segmentation,
    reference: Segmentation,
    /,
    *,
    structures: tuple[Structure, ...],
    ignore: Structure,
    overlap: float,
) -> Table:
    check_same_lattice(prediction, reference)
    told = judged(reference, ignore)
    row: list[float] = []
    for structure in structures:
        if not speaks_of(reference, structure):
            row.extend([0.0] * len(_FIELDS))
            continue
        masks = [mask_of(part, structure) for part in (prediction, reference)]
        if told is not None:
            masks = [mask & told for mask in masks]
        where = ndimage.find_objects((masks[0] | masks[1]).view(np.uint8))
        box = where[0] if where else (slice(0),) * masks[0].ndim
        found, true = (
            _objects(part, structure, mask[box], box)
            for part, mask in zip((prediction, reference), masks, strict=True)
        )
        row.extend(matched_objects(found, true, overlap))
    columns = tuple(f"{label_of(s)}: {field}" for s in structures for field in _FIELDS)
    return Table(columns=columns, rows=np.array([row]))


def _objects(
    segmentation: Segmentation, structure: Structure, mask: NDArray[np.bool_], box: tuple[slice, ...]
) -> NDArray[np.intp]:
    """Each object by a number from 1, 0 elsewhere, in the box that the mask is a part of."""
    if segmentation.kind == "instances":
        objects = np.zeros(mask.shape, np.intp)
        numbers = np.sort(numbers_of(segmentation, structure))
        objects[mask] = np.searchsorted(numbers, segmentation.labels[box][mask]) + 1
        return objects
    near = np.ones((3,) * mask.ndim, np.bool_)
    if segmentation.space.timeline is not None:
        near[0] = near[2] = False
    return np.asarray(ndimage.label(mask, near)[0], dtype=np.intp)


def matched_objects(
    found: NDArray[np.intp], true: NDArray[np.intp], overlap: float
) -> tuple[float, float, float, float, float]:
    """Objects matched one to one, so that the sum of their intersections over unions is largest.

    Args:
        found: Each object of the prediction by a small number from 1, 0 elsewhere.
        true: Each object of the reference likewise, the same shape.
        overlap: The least intersection over union of a match.

    Returns:
        (matched, false, missed, sum of Dice of the matched, sum of their intersection over union).
    """
    our_size, their_size = np.bincount(found.ravel()), np.bincount(true.ravel())
    there = (found > 0) & (true > 0)
    ours, theirs = found[there], true[there]
    shared = sparse.coo_matrix(
        (np.ones(len(ours), np.int64), (ours, theirs)), shape=(len(our_size), len(their_size))
    )
    pairs = shared.tocsr().tocoo()  # which sums what stands several times
    i, j, both = pairs.row, pairs.col, pairs.data
    iou = both / (our_size[i] + their_size[j] - both)
    i, j, iou = (part[iou >= overlap] for part in (i, j, iou))
    matched = _best(i, j, iou, (len(our_size), len(their_size)))
    n, dice = len(matched), 2 * matched / (1 + matched)
    false, missed = (int(np.count_nonzero(size[1:])) - n for size in (our_size, their_size))
    return float(n), float(false), float(missed), float(dice.sum()), float(matched.sum())


def _best(
    i: NDArray[np.intp], j: NDArray[np.intp], iou: NDArray[np.float64], shape: tuple[int, int]
) -> NDArray[np.float64]:
    """The overlaps of the best matching; objects that share no candidate are matched apart."""
    graph = sparse.coo_matrix((iou, (i, shape[0] + j)), shape=(sum(shape),) * 2)
    _, part = sparse.csgraph.connected_components(graph, directed=False)
    of_pair = part[i]
    order = np.argsort(of_pair, kind="stable")
    matched: list[float] = []
    for block in np.split(order, np.flatnonzero(np.diff(of_pair[order])) + 1):
        (_, a), (_, b) = (np.unique(side[block], return_inverse=True) for side in (i, j))
        weights = np.zeros((a.max(initial=-1) + 1, b.max(initial=-1) + 1))
        weights[a, b] = iou[block]
        chosen = weights[linear_sum_assignment(weights, maximize=True)]
        matched.extend(chosen[chosen > 0].tolist())
    return np.sort(np.array(matched, dtype=np.float64))
