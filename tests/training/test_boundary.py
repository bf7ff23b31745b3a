"""The loss on edges: distances by hand, its value and its direction, and how a plan asks for it."""

import dataclasses

import numpy as np
import pytest
import torch

from skiagraph.errors import InvalidInput
from skiagraph.training.distances import signed_distances
from skiagraph.training.lesson import lesson_for
from skiagraph.training.losses import How
from skiagraph.training.outline_losses import boundary_loss, structure_loss
from skiagraph.training.plan import overridden
from skiagraph.training.samples import Prepared, batches, prepared
from skiagraph.training.teach import stages_of

SIGMOID, SOFTMAX = How(activation="sigmoid"), How(activation="softmax")


def test_distances_are_below_zero_inside_and_count_to_the_other_side():
    (found,) = signed_distances(np.array([[[0, 0, 1, 1, 1, 0]]], np.float32))
    assert found.tolist() == [[2, 1, -1, -2, -1, 1]]


def test_distances_are_measured_in_mm():
    """Rows are 3 mm apart and columns 1.5: the way along the columns is shorter; in smallest steps."""
    mask = np.zeros((1, 3, 5), np.float32)
    mask[0, 1, 2] = 1
    (found,) = signed_distances(mask, (3.0, 1.5))
    assert found[1].tolist() == [2, 1, -1, 1, 2]
    assert found[0].tolist() == pytest.approx([8**0.5, 5**0.5, 2, 5**0.5, 8**0.5])


def test_distances_in_volumes_are_those_of_each_structure():
    masks = np.zeros((2, 5, 5, 5), np.float32)
    masks[0, 2, 2, 2] = masks[1, 0] = 1
    found = signed_distances(masks)
    assert found.shape == masks.shape
    assert found[0, 0, 0, 0] == pytest.approx(12**0.5)
    assert found[1, :, 3, 1].tolist() == [-1, 1, 2, 3, 4]


@pytest.mark.parametrize("value", [0.0, 1.0, np.nan], ids=["nowhere", "everywhere", "not known"])
def test_a_structure_without_an_edge_has_no_distances(value):
    assert not signed_distances(np.full((1, 4, 4), value, np.float32)).any()


def test_what_is_not_known_is_neither_side_of_an_edge():
    (found,) = signed_distances(np.array([[[1, 1, np.nan, np.nan, 0, 0]]], np.float32))
    assert found.tolist() == [[-4, -3, 0, 0, 3, 4]]


def test_the_loss_on_edges_by_hand():
    distance = torch.tensor([[[[2.0, 1.0, -1.0, -2.0]]]])
    p = torch.tensor([[[[0.1, 0.2, 0.5, 0.9]]]])
    expected = (0.2 + 0.2 - 0.5 - 1.8) / 4
    assert float(boundary_loss(SIGMOID, torch.logit(p), distance)) == pytest.approx(expected, abs=1e-6)
    logits = torch.log(torch.cat([1 - p, p], 1))
    assert float(boundary_loss(SOFTMAX, logits, distance)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("how", [SIGMOID, SOFTMAX], ids=["sigmoid", "softmax"])
@pytest.mark.parametrize("shape", [(9, 9), (7, 8, 9)], ids=["pictures", "volumes"])
def test_it_pushes_the_more_the_farther_a_place_lies_from_the_edge(how, shape):
    first = int(how.activation == "softmax")
    masks = np.zeros((2, *shape), np.float32)
    masks[(0, *(slice(2, 6),) * len(shape))] = masks[(1, *(slice(5, 7),) * len(shape))] = 1
    distance = torch.from_numpy(signed_distances(masks))[None]
    logits = torch.zeros(1, 2 + first, *shape, requires_grad=True)
    boundary_loss(how, logits, distance).backward()
    slope = logits.grad[:, first:]
    if how is SIGMOID:
        torch.testing.assert_close(slope, distance * 0.25 / distance.numel())
    else:
        assert (slope[0, 0][masks[0] > 0.5] < 0).all()
        far = slope[0, 0][(distance[0, 0] > 0) & (distance[0, 1] == 1)]
        assert (far > slope[0, 0][masks[0] > 0.5].max()).all()


def bounded(plan, activation="sigmoid", **changes):
    recipe = dataclasses.replace(plan.recipe, activation=activation)
    return dataclasses.replace(
        plan, recipe=recipe, loss="overlap-entropy-boundary", steps=(), balance=0.0, batch=2, **changes
    )


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_batches_bring_the_distances_behind_the_targets(plan, activation):
    first = int(activation == "softmax")
    target = np.zeros((1 + first, 8, 12), np.float32)
    target[-1, 2:5, 3:7] = 1
    target[:first] = 1 - target[-1]
    one = Prepared(picture=target[-1:], target=target, spacing=np.array([2.0, 1.0]))
    ((_, targets),) = batches([one, one], bounded(plan, activation), np.random.default_rng(0))
    assert targets.shape == (2, 2 + first, 8, 12)
    np.testing.assert_array_equal(targets[0, : 1 + first], target)
    np.testing.assert_allclose(targets[0, 1 + first :], signed_distances(target[first:], (2.0, 1.0)))


def test_a_sample_knows_the_steps_of_its_lattice(dataset, plan):
    wide, square = prepared(dataset, plan.recipe)[:2]
    np.testing.assert_allclose(wide.spacing, [0.5 * 40 / 32] * 2, rtol=0.01)
    np.testing.assert_allclose(square.spacing, [0.5 * 60 / 32] * 2, rtol=0.01)


def test_the_weight_of_edges_rises_with_the_training(plan):
    plan = bounded(plan)
    lesson = lesson_for(plan)
    logits = torch.randn(1, 1, 8, 12, generator=torch.Generator().manual_seed(0))
    mask = torch.zeros(1, 1, 8, 12)
    mask[..., 2:5, 3:7] = 1
    distance = torch.from_numpy(signed_distances(mask[0].numpy()))[None]
    target = torch.cat([mask, distance], 1)
    costs = [float(lesson.loss(logits, target, 0.0, share)) for share in (0.0, 0.5, 1.0)]
    assert costs[0] == pytest.approx(float(structure_loss(SIGMOID, logits, mask)))
    edge = float(boundary_loss(SIGMOID, logits, distance))
    assert costs[2] - costs[1] == pytest.approx(costs[1] - costs[0], rel=1e-3)
    assert (costs[1] - costs[0]) / edge > 0
    coarse = torch.nn.functional.avg_pool2d(logits, 2)
    assert lesson.loss((logits, coarse), target, 0.0, 1.0).isfinite()


def test_a_stage_tells_the_loss_how_far_it_has_come(plan):
    plan = bounded(plan)
    one = Prepared(picture=np.zeros((1, 8, 12), np.float32), target=np.eye(8, 12, dtype=np.float32)[None])
    (stage,) = stages_of([one] * 4, plan)
    (_, targets), *_ = stage.batches(np.random.default_rng(0), 0)
    answer, truth = torch.full((2, 1, 8, 12), -2.0), torch.from_numpy(targets)
    assert float(stage.loss(answer, truth, 1.0)) > float(stage.loss(answer, truth, 0.0))


def test_a_user_asks_for_it_by_its_name(plan):
    assert overridden(plan, ["loss=overlap-entropy-boundary"]).loss == "overlap-entropy-boundary"
    with pytest.raises(InvalidInput, match="overlap-entropy or overlap-entropy-boundary; got focal"):
        overridden(plan, ["loss=focal"])
