"""The second look moves an outline to where its network sees the edge, and no further than the recipe says."""

import dataclasses
from typing import final

import numpy as np
import pytest

from skiagraph import codes
from skiagraph.errors import InvalidInput
from skiagraph.features import Ellipse, rasterised
from skiagraph.geometry import Plane, derived_frame
from skiagraph.image import Image
from skiagraph.inference.finish import finished
from skiagraph.inference.refine import carried, refined
from skiagraph.preprocess import network_space
from skiagraph.task import Recipe, Refine

HOW = Refine(shape=(192, 288), share=1.0)
RECIPE = Recipe(labels=(codes.HEAD,), shape=(96, 144), normalise="zscore", prior="ellipse", refine=HOW)
SPACE = Plane.upright(shape=(384, 600), spacing=(0.2, 0.2), frame=derived_frame("refine"))
TRUE = Ellipse(centre=np.array([190.0, 310.0]), form=np.array([[9000.0, 1500.0], [1500.0, 14000.0]]))


@final
class BrightToDark:
    """Sees the edge of a bright disc: evidence lies where a ray falls most steeply."""

    name, precision = "toy 1", "fp32"

    def __call__(self, batch, /):
        smooth = batch[:, 0].reshape(len(batch), HOW.angles // 2, 2, HOW.radii).mean(2)
        fall = -np.gradient(smooth, axis=-1).reshape(len(batch), HOW.angles // 2, HOW.radii // 2, 2).mean(-1)
        evidence = 20 * fall / np.maximum(fall.max(-1, keepdims=True), 1e-6)
        weights = np.zeros((*evidence.shape[:-1], 1))
        return np.concatenate([evidence, weights], -1)[:, None].astype(np.float32)


@pytest.fixture(scope="module")
def image():
    return Image(data=(200 * rasterised(TRUE, SPACE.shape)).astype(np.uint8), space=SPACE, modality="US")


def wrong():
    """A first outline that is too large, turned and beside the true one, on the first network's lattice."""
    off = Ellipse(
        centre=TRUE.centre + np.array([6.0, -9.0]), form=1.12 * TRUE.form + np.diag([900.0, -600.0])
    )
    return carried(off, SPACE, network_space(SPACE, RECIPE))


def apart(a, b):
    """How far two ellipses differ, as a share of their size."""
    roots = [np.linalg.eigvalsh(e.form) ** 0.5 for e in (a, b)]
    return max(np.abs(roots[0] / roots[1] - 1).max(), np.linalg.norm(a.centre - b.centre) / roots[1].min())


def again(image, share=1.0, rounds=3):
    recipe = dataclasses.replace(RECIPE, refine=dataclasses.replace(HOW, share=share, rounds=rounds))
    lattice = network_space(SPACE, recipe)
    return carried(refined(wrong(), lattice, image, recipe, BrightToDark()), lattice, SPACE)


def test_an_outline_is_led_to_the_edge(image):
    first = carried(wrong(), network_space(SPACE, RECIPE), SPACE)
    assert apart(first, TRUE) > 0.08
    assert apart(again(image), TRUE) < 0.02


def test_a_share_of_a_half_ends_halfway(image):
    first, last, middle = (
        carried(wrong(), network_space(SPACE, RECIPE), SPACE),
        again(image),
        again(image, share=0.5),
    )
    np.testing.assert_allclose(middle.centre, (first.centre + last.centre) / 2, atol=1e-6)


def test_the_finished_outline_is_the_refined_one(image):
    logits = np.where(rasterised(wrong(), RECIPE.shape), 6.0, -6.0)[None].astype(np.float32)
    plain = finished(logits, image, RECIPE)
    second = finished(logits, image, RECIPE, BrightToDark())
    truth = rasterised(TRUE, SPACE.shape)

    def dice(found):
        return 2 * (found.mask(1) & truth).sum() / (found.mask(1).sum() + truth.sum())

    assert dice(plain) < 0.95
    assert dice(second) > 0.98


def test_a_recipe_without_a_second_look_cannot_be_asked_for_one(image):
    bare = dataclasses.replace(RECIPE, refine=None)
    with pytest.raises(InvalidInput, match="looked at again"):
        refined(wrong(), network_space(SPACE, bare), image, bare, BrightToDark())


@pytest.mark.parametrize(
    "wrong_numbers", [{"low": 1.1}, {"high": 0.9}, {"share": 0.0}, {"rounds": 0}, {"angles": 81}]
)
def test_numbers_that_cannot_be_are_refused(wrong_numbers):
    with pytest.raises(InvalidInput):
        Refine(**wrong_numbers)
