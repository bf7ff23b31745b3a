"""A plan is a checked value that comes back from JSON as it was."""

import json

import pytest

from skiagraph import codes
from skiagraph.errors import InvalidInput
from skiagraph.plain import from_plain, to_plain
from skiagraph.preprocess import Affine, Blur, Erase, Gain, Gamma, Speckle
from skiagraph.task import Recipe
from skiagraph.training import Plan, planned


def test_a_plan_is_the_same_after_it_was_written_and_read(plan):
    assert from_plain(Plan, json.loads(json.dumps(to_plain(plan)))) == plan


def test_every_step_of_augmentation_comes_back_with_its_numbers(changed):
    steps = (
        Affine(turn=1.5),
        Gamma(gamma=2.0),
        Gain(knots=(3, 5)),
        Speckle(noise=0.1),
        Blur(width=5),
        Erase(),
    )
    plan = changed(steps=steps)
    assert from_plain(Plan, json.loads(json.dumps(to_plain(plan)))).steps == steps


@pytest.mark.parametrize(
    "changes",
    [
        {"epochs": 0},
        {"batch": 0},
        {"learning_rate": 0.0},
        {"learning_rate": -1e-3},
        {"balance": -0.1},
        {"average": 1.0},
        {"average": -0.1},
    ],
    ids=str,
)
def test_a_number_out_of_range_is_refused(changes, changed):
    with pytest.raises(InvalidInput, match="positive numbers"):
        changed(**changes)


@pytest.mark.parametrize(("shape", "widths"), [((32, 50), (8, 16)), ((36, 48), (8, 8, 8))], ids=str)
def test_the_levels_must_divide_the_shape(shape, widths, changed):
    recipe = Recipe(labels=(codes.HEAD,), shape=shape, normalise="zscore")
    with pytest.raises(InvalidInput, match=f"multiples of {2 ** len(widths)}"):
        changed(recipe=recipe, widths=widths)


def test_a_plan_that_is_not_one_is_not_read(plan):
    damaged = {**to_plain(plan), "precision": "16-true"}
    with pytest.raises(InvalidInput, match="bf16-mixed"):
        from_plain(Plan, damaged)


def test_a_plan_follows_from_the_fingerprint_of_the_data(dataset):
    plan = planned(dataset, codes.HEAD, shape=(64, 96))
    assert plan.recipe.shape == (64, 96)
    assert plan.recipe.labels == (codes.HEAD,)
    assert plan.fingerprint["samples"] == 12
    assert plan.fingerprint["groups"] == 6
    shares = [s.reference()[0].mask(1).mean() for s in dataset]
    assert plan.fingerprint["mean area share"] == pytest.approx(sum(shares) / 12)
