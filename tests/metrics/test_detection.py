"""Boxes: average precision by hand and by another program of the same definition, FROC points, missed objects."""

import math

import numpy as np
import pytest

from skiagraph.codes import Code
from skiagraph.errors import GeometryError, InvalidInput
from skiagraph.findings import Box, Boxes
from skiagraph.geometry import Plane, derived_frame
from skiagraph.metrics import COCO_OVERLAPS, detection
from skiagraph.testing import check_metric

NODULE, MASS = (Code(value=w, scheme="99TEST", meaning=w) for w in ("nodule", "mass"))


def boxes(*items, shape=(40, 40)):
    """Each item is (low, high, confidence or None[, code])."""
    space = Plane.upright(shape=shape, spacing=(1.0, 1.0), frame=derived_frame("boxes"))
    made = tuple(
        Box(
            code=(*item, NODULE)[3],
            low=np.array(item[0], float),
            high=np.array(item[1], float),
            confidence=item[2],
        )
        for item in items
    )
    return Boxes(space=space, items=made)


def at(x, confidence=None, code=NODULE, size=4):
    return (x, 0), (x + size, size), confidence, code


def figures_of(metric, *pairs):
    total = metric.tally(*pairs[0])
    for pair in pairs[1:]:
        total = metric.merge(total, metric.tally(*pair))
    return metric.summary(total)


def average_precision_by_coco(pairs, least):
    """The evaluation of COCO, step by step, without ties of confidence."""
    scored, objects = [], 0
    for prediction, reference in pairs:
        objects += len(reference.items)
        used = set()
        for box in sorted(prediction.items, key=lambda b: -b.confidence):
            best, chosen = least, None
            for k, other in enumerate(reference.items):
                sides = np.minimum(box.high, other.high) - np.maximum(box.low, other.low)
                both = np.prod(np.maximum(sides, 0))
                iou = both / (np.prod(box.high - box.low) + np.prod(other.high - other.low) - both)
                if k not in used and iou >= best:
                    best, chosen = iou, k
            used.add(chosen)
            scored.append((box.confidence, chosen is not None))
    right = np.cumsum([hit for _, hit in sorted(scored, reverse=True)])
    recall, precision = right / objects, right / np.arange(1, len(right) + 1)
    return np.mean([max(precision[recall >= r], default=0.0) for r in np.linspace(0, 1, 101)])


@pytest.mark.parametrize("seed", range(4))
def test_average_precision_is_that_of_coco(seed, adds_up):
    rng = np.random.default_rng(seed)
    pairs = []
    for _ in range(12):
        true = [at(x, size=5) for x in (0, 10, 20, 30)[: rng.integers(1, 5)]]
        found = [at(t[0][0] + rng.integers(-2, 3), rng.random(), size=5) for t in true if rng.random() < 0.8]
        found += [at(rng.integers(0, 35), rng.random(), size=5) for _ in range(rng.integers(0, 3))]
        pairs.append((boxes(*found), boxes(*true)))
    figures = adds_up(detection(), pairs)
    expected = [average_precision_by_coco(pairs, least) for least in COCO_OVERLAPS]
    assert [figures[f"average precision at {o:g}"] for o in COCO_OVERLAPS] == pytest.approx(expected)
    assert figures["average precision"] == pytest.approx(np.mean(expected))


def test_by_hand():
    """Right, wrong, right of three objects: precision 1 up to recall 1/3, 2/3 up to recall 2/3, then never."""
    found = boxes(at(0, 0.9), at(30, 0.8), at(10, 0.7))
    figures = figures_of(detection(overlaps=(0.5,)), (found, boxes(at(0), at(10), at(20))))
    assert figures["average precision at 0.5"] == pytest.approx((34 * 1 + 33 * 2 / 3) / 101)
    assert (figures["objects"], figures["objects never found"]) == (3, 1)


def test_boxes_of_equal_confidence_are_one_step_in_any_order():
    right, wrong = at(0, 0.5), at(30, 0.5)
    for order in ((right, wrong), (wrong, right)):
        figures = figures_of(detection(overlaps=(0.5,)), (boxes(*order), boxes(at(0))))
        assert figures["average precision at 0.5"] == pytest.approx(0.5)


def test_a_second_box_on_one_object_is_a_false_alarm():
    figures = figures_of(detection(overlaps=(0.5,)), (boxes(at(0, 0.9), at(0, 0.8)), boxes(at(0), at(10))))
    assert figures["average precision at 0.5"] == pytest.approx(51 / 101)
    assert figures["sensitivity at 1 false a case"] == 0.5


def test_the_points_of_the_froc_curve(adds_up):
    found = boxes(at(0, 0.9), at(30, 0.8), at(10, 0.7), at(34, 0.6), at(20, 0.5))
    pairs = [(found, boxes(at(0), at(10), at(20))), (boxes(), boxes(at(0)))]
    figures = adds_up(detection(alarms=(0.25, 0.5, 1.0)), pairs)
    assert figures["sensitivity at 0.25 false a case"] == 0.25
    assert figures["sensitivity at 0.5 false a case"] == 0.5
    assert figures["sensitivity at 1 false a case"] == 0.75
    assert figures["froc score"] == 0.5
    assert figures["objects never found"] == 1


def test_classes_are_judged_apart_and_those_without_objects_left_out(adds_up):
    true = boxes(at(0), at(10, code=MASS))
    found = boxes(at(0, 0.9), at(10, 0.8))
    figures = adds_up(detection(classes=(NODULE, MASS)), [(found, true)])
    assert (figures["nodule: average precision"], figures["mass: average precision"]) == (1.0, 0.0)
    assert figures["average precision"] == 0.5
    only = adds_up(detection(classes=(NODULE, MASS)), [(boxes(at(0, 0.9)), boxes(at(0)))])
    assert only["average precision"] == 1.0
    assert math.isnan(only["mass: average precision"])
    assert figures_of(detection(), (found, true))["average precision"] == 1.0, "as one class"


def test_no_object_and_no_box_leaves_precision_open(adds_up):
    figures = adds_up(detection(), [(boxes(), boxes())])
    assert math.isnan(figures["average precision"])
    assert figures["objects"] == 0
    assert adds_up(detection(), [(boxes(), boxes(at(0)))])["average precision"] == 0.0


def test_what_does_not_fit_is_refused():
    with pytest.raises(InvalidInput, match="ranked by their confidence"):
        detection().tally(boxes(at(0)), boxes(at(0)))
    with pytest.raises(GeometryError, match="one lattice"):
        detection().tally(boxes(shape=(9, 9)), boxes())
    for settings in (
        {"classes": (MASS, MASS)},
        {"overlaps": ()},
        {"overlaps": (0.5, 0.4)},
        {"alarms": (-1.0,)},
    ):
        with pytest.raises(InvalidInput):
            detection(**settings)


def test_the_contract_holds():
    pair = boxes(at(0, 0.9), at(11, 0.8)), boxes(at(0), at(10))
    check_metric(detection(), [pair, (boxes(at(1, 0.3)), boxes(at(0))), (boxes(), boxes(at(0)))])
