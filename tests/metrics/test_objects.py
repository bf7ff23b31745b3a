"""Lesions and objects: one-to-one matches by hand and by brute force, and what Dice hides of missed lesions."""

import itertools
import math

import numpy as np
import pytest

from skiagraph.codes import Code
from skiagraph.errors import InvalidInput
from skiagraph.findings import Segment, Segmentation
from skiagraph.geometry import Grid, Plane, Timeline, derived_frame
from skiagraph.metrics import lesions, panoptic, segmentation
from skiagraph.metrics.objects import matched_objects
from skiagraph.testing import check_metric

CELL, NERVE, UNJUDGED = (Code(value=w, scheme="99TEST", meaning=w) for w in ("cell", "nerve", "unjudged"))


def drawn(*rows, codes=(CELL,), kind="exclusive"):
    """Digits are segments, '.' is background."""
    labels = np.array([[0 if c == "." else int(c) for c in row] for row in rows], dtype=np.uint8)
    space = Plane.upright(shape=labels.shape, spacing=(1.0, 1.0), frame=derived_frame("drawn"))
    segments = tuple(Segment(number=n, code=code) for n, code in enumerate(codes, 1))
    return Segmentation(space=space, labels=labels, segments=segments, kind=kind)


EMPTY = drawn("........", "........")


def figures_of(metric, *pairs):
    total = None
    for pair in pairs:
        tally = metric.tally(*pair)
        total = tally if total is None else metric.merge(total, tally)
    return metric.summary(total)


def test_lesions_are_matched_one_to_one():
    true = drawn("11..1..1", "11..1...")
    found = drawn("11......", "1...11..")
    figures = figures_of(lesions(), (found, true))
    # The first matches with 3 of 4 places, the second with 1 of 3, the third is missed.
    assert figures["sensitivity"] == pytest.approx(2 / 3)
    assert figures["precision"] == 1.0
    assert figures["f1"] == pytest.approx(4 / 5)
    assert figures["dice of lesions"] == pytest.approx((6 / 7 + 2 / 4 + 0) / 3)
    assert figures["dice of found lesions"] == pytest.approx((6 / 7 + 2 / 4) / 2)
    assert (figures["lesions"], figures["missed lesions"], figures["false lesions"]) == (3, 1, 0)


def test_one_outline_over_two_lesions_finds_one_of_them():
    figures = figures_of(lesions(), (drawn("11111111"), drawn("111..111")))
    assert (figures["sensitivity"], figures["precision"]) == (0.5, 1.0)


def test_two_outlines_in_one_lesion_find_it_once():
    figures = figures_of(lesions(), (drawn("111..111"), drawn("11111111")))
    assert (figures["sensitivity"], figures["precision"], figures["false lesions a case"]) == (1.0, 0.5, 1.0)


def test_a_touch_is_no_match_below_the_least_overlap():
    found, true = drawn("1......."), drawn("11111111")
    assert figures_of(lesions(), (found, true))["missed lesions"] == 0
    assert figures_of(lesions(overlap=0.2), (found, true))["missed lesions"] == 1


def test_fifty_of_a_hundred_lesions_missed_hide_in_dice_but_not_here():
    """The half that was found is 40 times as large: Dice and surface Dice look well, half of the lesions are gone."""
    labels = np.zeros((60, 101), np.uint8)
    for i in range(50):
        labels[2:42, 2 * i] = 1
    true = labels.copy()
    true[50, 0:100:2] = 1
    segments = (Segment(number=1, code=CELL),)
    space = Plane.upright(shape=labels.shape, spacing=(1.0, 1.0), frame=derived_frame("many"))
    a, b = (Segmentation(space=space, labels=m, segments=segments) for m in (labels, true))
    outline = figures_of(segmentation(), (a, b))
    assert outline["dice"] > 0.98
    assert outline["hd95 [mm]"] < 10
    found = figures_of(lesions(), (a, b))
    assert (found["sensitivity"], found["missed lesions"], found["lesions"]) == (0.5, 50, 100)
    assert found["dice of lesions"] == 0.5


def test_no_lesion_and_none_found_leaves_shares_open(adds_up):
    figures = adds_up(lesions(), [(EMPTY, EMPTY)])
    assert math.isnan(figures["sensitivity"])
    assert (figures["lesions"], figures["false lesions a case"]) == (0, 0)
    assert figures_of(lesions(), (EMPTY, drawn("1.......", "........")))["sensitivity"] == 0.0


def test_corners_join_a_lesion_and_moments_do_not():
    assert figures_of(lesions(), (EMPTY, drawn("1.......", ".1......")))["lesions"] == 1
    space = Plane.upright(
        shape=(2, 3), spacing=(1.0, 1.0), frame=derived_frame("t"), timeline=Timeline(times=np.arange(2.0))
    )
    moving = Segmentation(
        space=space, labels=np.ones((2, 2, 3), np.uint8), segments=(Segment(number=1, code=CELL),)
    )
    assert figures_of(lesions(), (moving, moving))["lesions"] == 2


def test_the_best_matching_is_that_of_trying_all(rng):
    for _ in range(30):
        a, b = rng.integers(0, 5, (2, 40))
        found = matched_objects(a, b, 0.05)
        places = range(1, 5)
        iou = np.array(
            [
                [((a == i) & (b == j)).sum() / max(1, ((a == i) | (b == j)).sum()) for j in places]
                for i in places
            ]
        )
        iou[iou < 0.05] = 0
        best = max(sum(iou[i, j] for i, j in enumerate(order)) for order in itertools.permutations(range(4)))
        assert found[4] == pytest.approx(best)
        assert found[0] + found[1] == len(set(a) - {0})
        assert found[0] + found[2] == len(set(b) - {0})


def test_panoptic_quality_by_hand(adds_up):
    """Kirillov et al.: sum of IoU over TP + FP / 2 + FN / 2; a match needs more than half."""
    cells = {"codes": (CELL,) * 3, "kind": "instances"}
    true = drawn("1111.222", "....3333", **cells)
    found = drawn("111..222", "......33", **cells)  # 3/4, 1, and 1/2, which is no match
    figures = adds_up(panoptic(), [(found, true)])
    assert figures["panoptic quality"] == pytest.approx((0.75 + 1) / (2 + 0.5 + 0.5))
    assert figures["recognition quality"] == pytest.approx(2 / 3)
    assert figures["segmentation quality"] == pytest.approx(1.75 / 2)
    assert (figures["objects"], figures["missed objects"], figures["false objects"]) == (3, 1, 1)


def test_panoptic_quality_of_several_classes_is_their_mean(adds_up):
    true = drawn("11..22..", codes=(CELL, NERVE), kind="instances")
    found = drawn("11......", codes=(CELL, NERVE), kind="instances")
    metric = panoptic(structures=(CELL, NERVE))
    figures = adds_up(metric, [(found, true), (true, true)])
    assert figures["cell: panoptic quality"] == 1.0
    assert figures["nerve: panoptic quality"] == pytest.approx(1 / 1.5)
    assert figures["mean: panoptic quality"] == pytest.approx((1 + 1 / 1.5) / 2)
    assert figures_of(metric, (found, found))["mean: panoptic quality"] == 1.0, "no nerve anywhere"
    assert figures_of(metric, (found, true))["nerve: panoptic quality"] == 0.0


def test_ignored_lesions_count_neither_way():
    true = drawn("11..22..", codes=(CELL, UNJUDGED))
    found = drawn("11..11..")
    assert figures_of(lesions(structure=CELL), (found, true))["false lesions"] == 1
    assert figures_of(lesions(structure=CELL, ignore=UNJUDGED), (found, true))["false lesions"] == 0


def test_a_volume_of_noise_takes_no_long_time(rng):
    grid = Grid(shape=(40, 60, 60), affine=np.eye(4), frame=derived_frame("noise"))
    noise = [
        Segmentation(
            space=grid,
            labels=(rng.random(grid.shape) < 0.02).astype(np.uint8),
            segments=(Segment(number=1, code=CELL),),
        )
        for _ in range(2)
    ]
    assert figures_of(lesions(), tuple(noise))["lesions"] > 1000


def test_settings_that_mean_nothing_are_refused():
    for overlap in (0.0, 1.5):
        with pytest.raises(InvalidInput, match="overlap above 0"):
            lesions(overlap=overlap)
    for structures in ((), (CELL, CELL)):
        with pytest.raises(InvalidInput, match="each once"):
            panoptic(structures=structures)


def test_the_contract_holds():
    a, b = drawn("11..1..1", "11..1..."), drawn("11......", "1...11..")
    check_metric(lesions(), [(a, b), (b, a), (EMPTY, a)])
    check_metric(panoptic(), [(a, b), (b, a), (EMPTY, a)])


def test_lesions_of_which_a_reference_says_nothing_count_neither_way():
    true = drawn("11......", codes=(CELL,))
    found = drawn("11..22..", codes=(CELL, NERVE))
    figures = figures_of(panoptic(structures=(CELL, NERVE)), (found, true))
    assert figures["nerve: false objects"] == 0
    assert figures["mean: panoptic quality"] == 1.0
