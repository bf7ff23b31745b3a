"""Pictures of ellipses, a tiny plan, and a network that was learnt once for all tests of a room."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy import ndimage

from skiagraph import codes
from skiagraph.case import Case, Dataset, Sample
from skiagraph.features import Ellipse, rasterised
from skiagraph.findings import Segment, Segmentation
from skiagraph.geometry import Plane, derived_frame
from skiagraph.image import Image
from skiagraph.image.quantity import GREY
from skiagraph.preprocess import Affine, Gamma, Speckle
from skiagraph.task import Recipe
from skiagraph.training import Plan


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    """Sums of floats in one order, and no fight over two cores."""
    torch.set_num_threads(1)


def _sample(number, shape):
    rng = np.random.default_rng(number)
    middle, scale = (np.array(shape) - 1) / 2, np.array([shape[0], shape[0]])
    centre = middle + rng.uniform(-0.08, 0.08, 2) * scale
    form = np.diag((rng.uniform(0.2, 0.38, 2) * scale) ** 2)
    mask = rasterised(Ellipse(centre=centre, form=form), shape)
    picture = ndimage.gaussian_filter(np.where(mask, 150.0, 60.0), 1.0) + rng.normal(0, 8, shape)
    space = Plane.upright(shape=shape, spacing=(0.5, 0.5), frame=derived_frame(f"ellipse {number}"))
    image = Image(data=picture.clip(0, 255).astype(np.uint8), space=space, quantity=GREY, modality="US")
    truth = Segmentation(
        space=space, labels=mask.astype(np.uint8), segments=(Segment(number=1, code=codes.HEAD),)
    )
    return Sample(
        identifier=f"e{number:02}",
        group=f"g{number // 2:02}",
        split="train",
        case=lambda: Case(identifier=f"e{number:02}", images={"image": image}),
        reference=lambda: (truth,),
        stratum=float(mask.mean()),
    )


@pytest.fixture(scope="session")
def dataset():
    """Twelve bright ellipses, two a group, half of them in pictures of other proportions."""
    shapes = [(40, 60), (60, 60)]
    return Dataset(
        name="ellipses", samples=tuple(_sample(n, shapes[n % 2]) for n in range(12)), licence="CC0-1.0"
    )


@pytest.fixture(scope="session")
def plan():
    """As small as a plan can be and still learn: two levels, seconds."""
    return Plan(
        recipe=Recipe(labels=(codes.HEAD,), shape=(32, 48), normalise="root-zscore"),
        network="residual-unet",
        options={"widths": [8, 16]},
        loss="overlap-entropy",
        epochs=4,
        batch=4,
        warmup=2,
        average=0.5,
        learning_rate=1e-2,
        precision="32-true",
        balance=0.2,
        steps=(Affine(turn=10.0, any_turn=0.0), Gamma(), Speckle()),
    )


@pytest.fixture
def changed(plan):
    """The plan with some choices changed."""
    return lambda **changes: dataclasses.replace(plan, **changes)
