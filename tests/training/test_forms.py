"""Thickness tells strips from discs, ellipses are known as such, and plans follow from both."""

import dataclasses

import numpy as np
import pytest

from skiagraph import codes
from skiagraph.case import Case, Dataset, Label, Sample, Target
from skiagraph.features import Ellipse, rasterised
from skiagraph.findings import Segment, Segmentation
from skiagraph.geometry import Plane, derived_frame
from skiagraph.image import Image
from skiagraph.inference import staged
from skiagraph.inference.torch_engine import TorchEngine
from skiagraph.preprocess import Blur, Erase, Noise
from skiagraph.training import Machine, learnt_card, planned, teach, this_machine, why
from skiagraph.training.forms import ellipticity, thickness

MACHINE = Machine(cores=2, memory=8.0)
LINES = Target(
    name="line", kind="segmentation", concept=codes.HEAD, labels=(Label(number=1, code=codes.HEAD),)
)


def _strip(width, side=400):
    rows, columns = np.mgrid[:side, :side]
    return np.abs(rows - 0.8 * columns - 20) < width / 2 * np.hypot(1, 0.8)


@pytest.mark.parametrize("width", [6, 12, 40])
def test_a_strip_is_as_thick_as_it_is_wide(width):
    assert thickness(_strip(width)) * 400 == pytest.approx(width, rel=0.12)


def test_a_disc_is_as_thick_as_its_radius_and_an_empty_mask_not_at_all():
    disc = rasterised(Ellipse(centre=np.array([60.0, 60.0]), form=np.eye(2) * 40.0**2), (120, 160))
    assert thickness(disc) * 160 == pytest.approx(40, rel=0.03)
    assert thickness(np.zeros((5, 5), bool)) == 0


def test_an_ellipse_is_known_and_a_strip_or_a_rectangle_is_none():
    form = np.array([[30.0**2, 200.0], [200.0, 20.0**2]])
    assert ellipticity(rasterised(Ellipse(centre=np.array([60.0, 70.0]), form=form), (120, 160))) > 0.99
    rectangle = np.zeros((120, 160), bool)
    rectangle[30:80, 40:120] = True
    assert ellipticity(rectangle) < 0.95
    assert ellipticity(np.zeros((9, 9), bool)) == 0


def _sample(n, width, side):
    space = Plane.upright(shape=(side, side), spacing=None, frame=derived_frame(f"line {n}"))
    rng, mask = np.random.default_rng(n), _strip(width, side)
    data = (60 + 120 * mask + rng.normal(0, 6, mask.shape)).clip(0, 255).astype(np.uint8)
    truth = Segmentation(
        space=space, labels=mask.astype(np.uint8), segments=(Segment(number=1, code=codes.HEAD),)
    )
    return Sample(
        identifier=f"l{n}",
        group=f"l{n}",
        split="train",
        case=lambda: Case(identifier=f"l{n}", images={"image": Image(data=data, space=space)}),
        reference=lambda: (truth,),
    )


def _lines(width, side=400, n=4):
    samples = tuple(_sample(k, width, side) for k in range(n))
    return Dataset(name="lines", samples=samples, licence="CC0-1.0", targets=(LINES,))


def test_structures_that_would_vanish_are_learnt_in_windows():
    plan = planned(_lines(4), "segmentation", MACHINE)
    assert (plan.recipe.overlap, plan.recipe.shape) == (0.25, (192, 192))
    assert plan.balance == 3  # 400 x 400 are about four windows of 192 x 192
    assert "vanish" in {name: reason for name, _, reason in why(plan)}["recipe.shape"]


def test_thin_structures_are_neither_blurred_nor_covered():
    kinds = {type(step) for step in planned(_lines(5, side=200), "segmentation", MACHINE).steps}
    assert not kinds & {Blur, Erase}
    assert kinds & {Noise}


def test_thick_structures_are_learnt_at_one_glance():
    plan = planned(_lines(60), "segmentation", MACHINE)
    assert (plan.recipe.overlap, plan.recipe.shape) == (None, (288, 288))
    assert any(isinstance(step, Erase) for step in plan.steps)


def test_pictures_that_the_memory_does_not_hold_are_not_learnt_in_windows():
    assert planned(_lines(4), "segmentation", Machine(cores=2, memory=0.01)).recipe.overlap is None


def test_outlines_that_are_always_ellipses_are_answered_as_ellipses(dataset):
    heads = dataclasses.replace(LINES, name="head")
    plan = planned(dataclasses.replace(dataset, targets=(heads,)), "segmentation", MACHINE)
    assert plan.fingerprint.ellipses["Head"] < 0.99 or plan.recipe.prior == "ellipse"
    assert planned(_lines(60), "segmentation", MACHINE).recipe.prior == "none"


def test_a_picture_is_read_in_windows_on_its_own_pixels():
    data = _lines(4)
    plan = dataclasses.replace(
        planned(data, "segmentation", this_machine()),
        options={"widths": [4, 8]},
        epochs=15,
        warmup=2,
        average=0.5,
        settle=None,
        learning_rate=1e-2,
        precision="32-true",
    )
    taught = teach(data, plan, rng=np.random.default_rng(0), watch=lambda *_: None)
    model = staged(
        learnt_card("lines", plan.recipe, "", data), taught.plan.recipe, TorchEngine(taught.network)
    )
    (sample,) = _lines(4, n=1)
    found, true = model(sample.case()).mask(1), sample.reference()[0].mask(1)
    assert found.shape == true.shape
    assert 2 * (found & true).sum() / (found.sum() + true.sum()) > 0.8
