"""A plan is a checked value that comes back from JSON as it was, follows from the data, and can be overridden."""

import dataclasses
import json

import pytest

from skiagraph import codes
from skiagraph.case import Label, Target
from skiagraph.errors import InvalidInput
from skiagraph.plain import from_plain, to_plain
from skiagraph.preprocess import Affine, Blur, Erase, Gain, Gamma, Noise, Pose, Speckle
from skiagraph.training import Machine, Plan, fingerprint, overridden, planned, why

MACHINE = Machine(cores=2, memory=8.0)


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
        Pose(mirror=(1, 2)),
        Noise(share=0.1),
    )
    plan = changed(steps=steps)
    assert from_plain(Plan, json.loads(json.dumps(to_plain(plan)))).steps == steps


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"epochs": 0}, "positive numbers"),
        ({"batch": 0}, "positive numbers"),
        ({"learning_rate": 0.0}, "positive numbers"),
        ({"folds": 0}, "positive numbers"),
        ({"balance": -0.1}, "not negative"),
        ({"average": 1.0}, "shares of a plan"),
        ({"smoothing": -0.1}, "shares of a plan"),
        ({"seconds": 0.0}, "positive time"),
        ({"loss": "gaussian"}, "loss of a segmentation"),
        ({"class_weights": (1.0, 2.0)}, "each label has its weight"),
    ],
    ids=str,
)
def test_a_choice_that_does_not_hold_is_refused(changes, said, changed):
    with pytest.raises(InvalidInput, match=said):
        changed(**changes)


def test_a_plan_that_is_not_one_is_not_read(plan):
    damaged = {**to_plain(plan), "precision": "16-true"}
    with pytest.raises(InvalidInput, match="bf16-mixed"):
        from_plain(Plan, damaged)


@pytest.mark.parametrize(
    ("setting", "of"),
    [
        ("epochs=7", lambda p: p.epochs == 7),
        ("learning_rate=1e-4", lambda p: p.learning_rate == 1e-4),
        ("precision=bf16-mixed", lambda p: p.precision == "bf16-mixed"),
        ("steps=[]", lambda p: p.steps == ()),
        ('steps=[{"is": "Gamma", "gamma": 2.0}]', lambda p: p.steps == (Gamma(gamma=2.0),)),
        ("options.widths=[8, 24]", lambda p: p.options["widths"] == [8, 24]),
        ("recipe.mirror=[0, 1]", lambda p: p.recipe.mirror == (0, 1)),
        ("settle=null", lambda p: p.settle is None),
    ],
)
def test_each_choice_can_be_overridden_and_the_plan_says_by_whom(setting, of, plan):
    changed = overridden(plan, [setting])
    assert of(changed)
    assert changed.reasons[setting.split("=")[0]] == "set by you"


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("epochs", "FIELD=VALUE"),
        ("epochs=many", "the setting of epochs holds: plain data here are int"),
        ("epochs=0", "positive numbers"),
        ("speed=3", "a plan has the fields"),
        ("recipe.speed=3", "a recipe has the fields"),
        ("reasons={}", "a plan has the fields"),
        ("precision=float8", "one of 32-true, bf16-mixed"),
        ("recipe.threshold=7", "threshold lies between"),
    ],
)
def test_an_override_that_is_none_is_refused_with_a_sentence(setting, said, plan):
    with pytest.raises(InvalidInput, match=said):
        overridden(plan, [setting])


HEADS = Target(
    name="head", kind="segmentation", concept=codes.HEAD, labels=(Label(number=1, code=codes.HEAD),)
)


@pytest.fixture
def asked(dataset):
    return dataclasses.replace(dataset, targets=(HEADS,))


def test_the_fingerprint_says_what_the_data_are_like(asked):
    found = fingerprint(asked, asked.targets)
    assert (found.samples, found.groups, found.ndim, found.channels) == (12, 6, 2, 1)
    assert (found.least, found.largest) == ((40, 60), (60, 60))
    assert found.spacing == (0.5, 0.5)
    assert found.modality == "US"
    assert found.counts == {"Head": 12}
    shares = sorted(s.reference()[0].mask(1).mean() for s in asked)
    assert found.sizes["Head"] == pytest.approx((shares[5] + shares[6]) / 2)
    assert found.foreground.median > found.intensity.median
    assert json.loads(json.dumps(to_plain(found))) == to_plain(found)


def test_a_plan_follows_from_the_data_and_says_why(asked):
    plan = planned(asked, "segmentation", MACHINE)
    assert plan.recipe.labels == (codes.HEAD,)
    assert plan.recipe.normalise == "root-zscore"
    assert all(n % 32 == 0 for n in plan.recipe.shape)
    assert plan.fingerprint == fingerprint(asked, asked.targets)
    rows = {name: reason for name, _, reason in why(plan)}
    assert {"network", "recipe.shape", "epochs", "loss"} <= set(rows)
    assert from_plain(Plan, json.loads(json.dumps(to_plain(plan)))) == plan


def test_a_data_set_that_asks_nothing_of_the_kind_is_refused(asked):
    with pytest.raises(InvalidInput, match="target of the kind multi-class"):
        planned(asked, "classification", MACHINE)
    with pytest.raises(InvalidInput, match="four samples"):
        planned(dataclasses.replace(asked, samples=asked.samples[:3]), "segmentation", MACHINE)
