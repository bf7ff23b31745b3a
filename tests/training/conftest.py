"""Pictures of ellipses, a tiny plan, and a network that was learnt once for all tests of a room."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy import ndimage

from skiagraph import codes
from skiagraph.case import Case, Dataset, Label, Sample, Target
from skiagraph.codes import Code
from skiagraph.features import Ellipse, rasterised
from skiagraph.findings import Classification, ClassScore, Measurement, Segment, Segmentation
from skiagraph.geometry import Plane, derived_frame
from skiagraph.image import Image
from skiagraph.image.quantity import GREY
from skiagraph.preprocess import Affine, Gamma, Speckle
from skiagraph.task import Recipe
from skiagraph.training import Machine, Plan


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


SHAPES = tuple(Code(value=name.upper(), scheme="99TEST", meaning=name) for name in ("dark", "disc", "ring"))
KIND = Code(value="KIND", scheme="99TEST", meaning="Kind")
RADIUS = Code(value="RADIUS", scheme="99TEST", meaning="Radius")
HEIGHT = Code(value="HEIGHT", scheme="99TEST", meaning="Height")


def _drawn(number, kinds):
    """A picture of 16 x 16: noise, a disc or a ring, of a radius, at a height above the middle."""
    rng = np.random.default_rng([5, number])
    kind, radius, bright = number % kinds, rng.uniform(2.5, 5.5), rng.uniform(0.4, 1.0)
    place = rng.uniform(-2, 2, 2)
    rows, columns = np.indices((16, 16)) - 7.5 - place[:, None, None]
    far = np.hypot(rows, columns)
    inside = [far < 0, far < radius, abs(far - radius) < 1.2][kind]
    data = (60 + 150 * bright * inside + rng.normal(0, 12, (16, 16))).clip(0, 255).astype(np.uint8)
    space = Plane.upright(shape=(16, 16), spacing=None, frame=derived_frame(f"drawn {kinds} {number}"))
    case = Case(
        identifier=f"d{number:03}",
        images={"image": Image(data=data, space=space, quantity=GREY, modality="DX")},
    )
    truth = (
        Classification(concept=KIND, scores=(ClassScore(code=SHAPES[kind], probability=1.0),)),
        Measurement(concept=RADIUS, value=float(radius), unit=codes.PIXEL),
        Measurement(concept=HEIGHT, value=float(-100 * place[0]), unit=codes.PERCENT),
    )
    return case, truth


def drawn_dataset(n, kinds, kind="multi-class", test=0):
    """`n` pictures to learn from and `test` to judge on; each its own group."""

    def sample(number):
        case, truth = _drawn(number, kinds)
        return Sample(
            identifier=case.identifier,
            group=case.identifier,
            split="train" if number < n else "test",
            case=lambda: case,
            reference=lambda: truth,
            stratum=float(number % kinds),
        )

    labels = tuple(Label(number=i, code=code) for i, code in enumerate(SHAPES[:kinds]))
    return Dataset(
        name="drawn shapes",
        samples=tuple(sample(number) for number in range(n + test)),
        licence="CC0-1.0",
        targets=(
            Target(name="kind", kind=kind, concept=KIND, labels=labels),
            Target(name="radius", kind="regression", concept=RADIUS, unit=codes.PIXEL),
            Target(name="height", kind="regression", concept=HEIGHT, unit=codes.PERCENT),
        ),
    )


@pytest.fixture(scope="session")
def drawn():
    return drawn_dataset


@pytest.fixture(scope="session")
def machine():
    return Machine(cores=2, memory=8.0)
