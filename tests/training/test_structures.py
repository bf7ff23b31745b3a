"""Structures in volumes and pictures: windows, classes that exclude one another or overlap, and the way to a bundle."""

import dataclasses

import numpy as np
import pytest
import torch

from skiagraph import codes
from skiagraph.case import Case, Dataset, Label, Sample, Target
from skiagraph.codes import Code
from skiagraph.findings import Segment, Segmentation
from skiagraph.geometry import Grid, derived_frame
from skiagraph.image import Image
from skiagraph.image.quantity import HU, SIGNAL
from skiagraph.inference import opened, staged
from skiagraph.inference.torch_engine import TorchEngine
from skiagraph.metrics import segmentation
from skiagraph.task import evaluate, load_bundle
from skiagraph.testing import check_model
from skiagraph.training import freeze, learnt_card, planned, prepared, teach
from skiagraph.training.losses import How
from skiagraph.training.outline_losses import structure_loss
from skiagraph.training.samples import Prepared, batches
from skiagraph.training.windows import drawn_window

BALL, BOX = (Code(value=v, scheme="99TEST", meaning=v.lower()) for v in ("BALL", "BOX"))


def volume(number, quantity, kind):
    """A bright ball and a dark box in noise, 20 x 22 x 24 voxels of 2 x 1.5 x 1.5 mm."""
    rng = np.random.default_rng([9, number])
    shape = (20, 22, 24)
    at = np.indices(shape) - np.array([9.5, 10.5, 11.5])[:, None, None, None]
    ball = (
        np.linalg.norm(at - rng.uniform(-2, 2, 3)[:, None, None, None] - [[[[0]]], [[[0]]], [[[4]]]], axis=0)
        < 4.5
    )
    box = (abs(at + rng.uniform(-1, 1, 3)[:, None, None, None] + [[[[0]]], [[[0]]], [[[5]]]]) < 3.5).all(
        0
    ) & ~ball
    data = (100 * ball - 80 * box + rng.normal(0, 12, shape)).astype(np.float32)
    affine = np.diag([2.0, 1.5, 1.5, 1.0])[[2, 1, 0, 3]]
    space = Grid(shape=shape, affine=affine, frame=derived_frame(f"ball and box {number}"))
    image = Image(data=data, space=space, quantity=quantity, modality="CT" if quantity is HU else "MR")
    segments = (Segment(number=1, code=BALL), Segment(number=2, code=BOX))
    labels = np.stack([ball, box]) if kind == "overlapping" else (ball + 2 * box).astype(np.uint8)
    kinds = {"kind": "overlapping"} if kind == "overlapping" else {}
    truth = Segmentation(space=space, labels=labels, segments=segments, **kinds)
    return Case(identifier=f"v{number:02}", images={"image": image}), truth


def volumes(n, quantity=SIGNAL, kind="segmentation"):
    def sample(number):
        case, truth = volume(number, quantity, kind)
        return Sample(
            identifier=case.identifier,
            group=case.identifier,
            split="train" if number < n - 3 else "test",
            case=lambda: case,
            reference=lambda: (truth,),
        )

    labels = tuple(Label(number=i, code=c) for i, c in enumerate((BALL, BOX), 1))
    target = Target(name="parts", kind=kind, concept=codes.HEAD, labels=labels)
    return Dataset(name="balls", samples=tuple(map(sample, range(n))), licence="CC0-1.0", targets=(target,))


def small(plan, **changes):
    levels = [{**level, "width": 8 * 2**i, "blocks": 1} for i, level in enumerate(plan.options["levels"][:3])]
    fitting = {"options": {"levels": levels, "supervision": True}, "epochs": 10, "steps": (), "average": 0.8}
    return dataclasses.replace(plan, **{**fitting, "warmup": 3, "learning_rate": 5e-3, **changes})


def silent(*_):
    pass


def test_a_plan_for_volumes_follows_their_spacing_and_window(machine):
    plan = planned(volumes(7), "segmentation", machine)
    recipe = plan.recipe
    assert (recipe.activation, recipe.outputs, recipe.overlap) == ("softmax", 3, 0.5)
    assert recipe.spacing == (2.0, 1.5, 1.5)
    strides = np.prod([level["stride"] for level in plan.options["levels"]], axis=0)
    assert all(n % s == 0 for n, s in zip(recipe.shape, strides, strict=True))
    assert plan.network == "unet-resenc"
    assert planned(volumes(7, kind="overlapping"), "segmentation", machine).recipe.activation == "sigmoid"


def test_hounsfield_units_are_cut_to_the_window_of_the_structures(machine):
    plan = planned(volumes(7, HU), "segmentation", machine)
    window = plan.recipe.intensity
    assert plan.recipe.normalise == "window"
    assert -130 < window.low < -80
    assert 90 < window.high < 150
    (sample, *_) = prepared(volumes(7, HU), plan.recipe)
    assert 0 <= sample.picture.min() < sample.picture.max() <= 1
    assert sample.target.shape[0] == 3
    np.testing.assert_allclose(sample.target.sum(0), 1, atol=1e-5)


def test_volumes_are_learnt_in_windows_frozen_and_read(machine, tmp_path):
    data = volumes(11)
    plan = small(planned(data.split("train"), "segmentation", machine))
    recipe = dataclasses.replace(plan.recipe, shape=(16, 16, 16))
    taught = teach(
        data.split("train"),
        dataclasses.replace(plan, recipe=recipe),
        rng=np.random.default_rng(0),
        watch=silent,
    )
    card = learnt_card("balls", taught.plan.recipe, "MR", data)
    model = staged(card, taught.plan.recipe, TorchEngine(taught.network))
    truth = segmentation(structures=(BALL, BOX))
    pairs = [(s.group, model(s.case()), s.reference()[0]) for s in data.split("test")]
    assert evaluate(pairs, truth, rng=np.random.default_rng(0))["mean: dice"].value > 0.7
    frozen = opened(
        load_bundle(freeze(taught.network, card, taught.plan.recipe, taught.plan, tmp_path / "balls").folder)
    )
    case = data.samples[-1].case()
    check_model(frozen, case)
    found, same = frozen(case), model(case)
    assert found.space == case.image.space
    assert (found.labels == same.labels).mean() > 0.999


@pytest.mark.parametrize("kind", ["segmentation", "overlapping"])
def test_training_and_reading_see_a_volume_alike(kind, machine):
    """Where the window holds the whole volume, padding included."""
    data = volumes(4, kind=kind)
    plan = small(planned(data, "segmentation", machine), batch=1)
    (picture, target), *_ = batches(prepared(data, plan.recipe)[:1], plan, np.random.default_rng(0))
    seen = []

    class Spy:
        name, precision = "spy", "fp32"

        def __call__(self, batch, /):
            seen.append(batch)
            return np.zeros((1, plan.recipe.outputs, *batch.shape[2:]), np.float32)

    staged(learnt_card("x", plan.recipe, "MR", data), plan.recipe, Spy())(data.samples[0].case())
    assert len(seen) == 1
    np.testing.assert_allclose(picture, seen[0], atol=1e-3)
    assert target.shape == (1, plan.recipe.outputs, *plan.recipe.shape)


def test_windows_hold_a_structure_as_often_as_the_plan_says(machine):
    data = volumes(4)
    plan = planned(data, "segmentation", machine)
    recipe = dataclasses.replace(plan.recipe, shape=(8, 8, 8))
    picture = np.zeros((1, 60, 60, 60), np.float32)
    target = np.zeros((3, 60, 60, 60), np.float32)
    target[1, 3:5, 50:52, 30:32] = 1
    target[0] = 1 - target[1]
    rng = np.random.default_rng(0)

    def share(foreground):
        changed = dataclasses.replace(plan, recipe=recipe, foreground=foreground)
        drawn = [drawn_window(picture, target, changed, rng)[1] for _ in range(100)]
        assert all(np.allclose(t.sum(0), 1) for t in drawn)
        return np.mean([t[1].any() for t in drawn])

    assert share(0.0) < 0.15
    assert share(0.5) == pytest.approx(0.5, abs=0.15)


def test_the_loss_of_structures_looks_at_coarser_answers_too():
    target = torch.zeros(1, 2, 8, 8, 8)
    target[:, 1, 2:6, 2:6, 2:6] = 1
    target[:, 0] = 1 - target[:, 1]
    sure = (target * 2 - 1) * 20
    coarse = torch.nn.functional.avg_pool3d(sure, 2)
    how = How(activation="softmax")
    assert float(structure_loss(how, sure, target)) == pytest.approx(0, abs=1e-2)
    assert float(structure_loss(how, (sure, coarse), target)) == pytest.approx(0, abs=1e-2)
    half_wrong = float(structure_loss(how, (sure, -coarse), target))
    assert half_wrong == pytest.approx(
        float(structure_loss(how, -coarse, coarse.sigmoid().round())) / 3, rel=0.05
    )


def test_a_sample_in_memory_need_not_be_a_volume(changed):
    flat = [
        Prepared(picture=np.zeros((3, 4, 4), np.float32), target=np.ones(2, np.float32)) for _ in range(4)
    ]
    (pictures, targets), *_ = batches(flat, changed(steps=(), balance=0.0), np.random.default_rng(0))
    assert pictures.shape == (4, 3, 4, 4)
    assert targets.shape == (4, 2)
