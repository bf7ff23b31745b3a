"""Toy engines and pictures, small enough to be understood at a glance."""

from typing import final

import numpy as np
import pytest

from skiagraph import codes
from skiagraph.case import Case
from skiagraph.geometry import Plane, derived_frame
from skiagraph.image import Image
from skiagraph.task import Card, InputSpec, OutputSpec, Recipe


@final
class Halfway:
    """Says yes where a place is brighter than halfway between the darkest and the brightest; counts its calls."""

    name, precision = "toy 1", "fp32"

    def __init__(self):
        self.batches = []

    def __call__(self, batch, /):
        self.batches.append(batch.shape)
        axes = tuple(range(1, batch.ndim))
        low, high = batch.min(axes, keepdims=True), batch.max(axes, keepdims=True)
        return (12 * (batch - (low + high) / 2) / np.maximum(high - low, 1e-6)).astype(np.float32)


@pytest.fixture
def halfway():
    return Halfway()


@pytest.fixture(scope="session")
def recipe():
    def make(shape=(96, 144), **changes):
        return Recipe(**{"labels": (codes.HEAD,), "shape": shape, "normalise": "zscore", **changes})

    return make


@pytest.fixture(scope="session")
def card():
    def make(modality="US", ndim=2, **changes):
        return Card(
            name="toy",
            version="1.0.0",
            task="segmentation",
            summary="Outlines what is bright.",
            inputs=(InputSpec(name="image", modality=modality, ndim=ndim, **changes),),
            outputs=(OutputSpec(finding="Segmentation", concept=codes.HEAD),),
            intended_use="Tests.",
            limits=("It sees brightness and nothing else.",),
            licence="Apache-2.0",
        )

    return make


@pytest.fixture(scope="session")
def picture():
    """A case with a bright ellipse in the dark, and where the ellipse is."""

    def make(shape, spacing=(0.3, 0.3), **changes):
        rows, columns = np.indices(shape)
        a, b = 0.3 * shape[0], 0.24 * shape[1]
        mask = ((rows - 0.45 * shape[0]) / a) ** 2 + ((columns - 0.55 * shape[1]) / b) ** 2 <= 1
        space = Plane.upright(shape=shape, spacing=spacing, frame=derived_frame(f"toy {shape}"))
        data = np.where(mask, 180, 20).astype(np.uint8)
        image = Image(**{"data": data, "space": space, "modality": "US", **changes})
        return Case(identifier=f"toy {shape}", images={"image": image}), mask

    return make
