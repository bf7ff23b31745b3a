"""The loss on edges: distances by hand, its value and its direction, and how a plan asks for it."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy import ndimage

from skiagraph import codes
from skiagraph.case import Case, Dataset, Sample
from skiagraph.errors import InvalidInput
from skiagraph.findings import Segment, Segmentation
from skiagraph.geometry import Plane, derived_frame
from skiagraph.image import Image
from skiagraph.image.quantity import GREY
from skiagraph.inference import staged
from skiagraph.inference.torch_engine import TorchEngine
from skiagraph.metrics import segmentation
from skiagraph.task import evaluate
from skiagraph.training import learnt_card, teach
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


def test_windows_of_volumes_with_several_structures_are_learnt_by_their_edges(plan):
    """What is not known costs nothing, and a coarser answer is looked at without edges."""
    labels = (codes.HEAD, codes.FETUS)
    recipe = dataclasses.replace(
        plan.recipe,
        labels=labels,
        activation="softmax",
        shape=(8, 8, 8),
        spacing=(2.0, 1.0, 1.0),
        overlap=0.5,
    )
    plan = dataclasses.replace(bounded(plan), recipe=recipe, foreground=0.9)
    target = np.zeros((3, 10, 12, 12), np.float32)
    target[1, 2:5, 3:7, 3:7], target[2, 5:8, 3:7, 5:9] = 1, 1
    target[0] = 1 - target[1:].sum(0)
    target[:, :, 5] = np.nan
    one = Prepared(picture=target[1:2].copy(), target=target, spacing=np.array(recipe.spacing))
    one = dataclasses.replace(one, picture=np.nan_to_num(one.picture))
    (stage,) = stages_of([one] * 4, plan)
    (_, targets), *_ = stage.batches(np.random.default_rng(0), 0)
    assert targets.shape == (2, 5, 8, 8, 8)
    unknown = torch.from_numpy(np.isnan(targets[:, :1]))
    assert unknown.any()
    assert not targets[:, 3:][unknown.expand(2, 2, 8, 8, 8).numpy()].any()
    fine = torch.randn(2, 3, 8, 8, 8, generator=torch.Generator().manual_seed(0), requires_grad=True)
    coarse = torch.zeros(2, 3, 4, 4, 4)
    loss = stage.loss((fine, coarse), torch.from_numpy(targets), 1.0)
    loss.backward()
    assert loss.isfinite()
    assert (fine.grad[unknown.expand_as(fine)] == 0).all()
    assert (fine.grad[~unknown.expand_as(fine)] != 0).all()


def disc_and_decoys(number):
    """A disc of 8 to 14 mm at the left, and small ones at the right that are none."""
    rng = np.random.default_rng([8, number])
    rows, columns = np.indices((32, 48))

    def round_at(row, column, radius, stretch=1.0):
        return np.hypot((rows - row) / stretch, columns - column) < radius

    true = round_at(*rng.uniform(10, 22, 2), rng.uniform(4, 7), rng.uniform(0.8, 1.3))
    decoys = [round_at(rng.uniform(3, 29), rng.uniform(32, 45), rng.uniform(1.5, 3.5)) for _ in range(3)]
    shade = ndimage.gaussian_filter(true + 0.9 * np.any(decoys, axis=0), 1.0)
    data = (100 + 40 * shade + rng.normal(0, 18, true.shape)).clip(0, 255).astype(np.uint8)
    space = Plane.upright(shape=true.shape, spacing=(1.0, 1.0), frame=derived_frame(f"decoys {number}"))
    case = Case(
        identifier=f"c{number}", images={"image": Image(data=data, space=space, quantity=GREY, modality="DX")}
    )
    truth = Segmentation(
        space=space, labels=true.astype(np.uint8), segments=(Segment(number=1, code=codes.HEAD),)
    )
    return Sample(
        identifier=f"c{number}",
        group=f"c{number}",
        split="train",
        case=lambda: case,
        reference=lambda: (truth,),
    )


def test_it_brings_the_largest_distances_down_and_overlap_stays(plan):
    """Sixteen cases, three trainings each way: HD95 over forty others, the mean of the trainings."""
    learnt, judged = (
        Dataset(name="decoys", samples=tuple(map(disc_and_decoys, numbers)), licence="CC0-1.0")
        for numbers in (range(16), range(100, 140))
    )
    plan = dataclasses.replace(
        plan, steps=(), balance=0.0, epochs=20, warmup=4, average=0.9, learning_rate=5e-3
    )

    def figures(loss, seed):
        taught = teach(
            learnt,
            dataclasses.replace(plan, loss=loss),
            rng=np.random.default_rng(seed),
            watch=lambda *_: None,
        )
        model = staged(learnt_card("x", plan.recipe, "DX", learnt), plan.recipe, TorchEngine(taught.network))
        pairs = ((s.group, model(s.case()), s.reference()[0]) for s in judged)
        found = evaluate(pairs, segmentation(), rng=np.random.default_rng(0), resamples=10)
        return found["dice"].value, found["hd95 [mm]"].value

    losses = ("overlap-entropy", "overlap-entropy-boundary")
    plain, edges = (np.mean([figures(loss, seed) for seed in range(3)], axis=0) for loss in losses)
    assert edges[1] < plain[1]
    assert edges[0] > plain[0] - 0.02


def test_a_user_asks_for_it_by_its_name(plan):
    assert overridden(plan, ["loss=overlap-entropy-boundary"]).loss == "overlap-entropy-boundary"
    with pytest.raises(InvalidInput, match="overlap-entropy or overlap-entropy-boundary; got focal"):
        overridden(plan, ["loss=focal"])
