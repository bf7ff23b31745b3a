"""What a tuning may change: ranges and values as a user writes them, and a plan with such values."""

import dataclasses

import pytest

from skiagraph.errors import InvalidInput, UnknownName
from skiagraph.preprocess import Affine, Blur, Gamma
from skiagraph.training import planned
from skiagraph.training.space import (
    Between,
    OneOf,
    changed,
    check_space,
    planned_value,
    usual_space,
    wished,
)


@pytest.fixture(scope="module")
def classes(drawn, machine):
    return planned(drawn(40, 2), "classification", machine)


@pytest.fixture(scope="module")
def values(drawn, machine):
    return planned(drawn(40, 2), "regression", machine)


def fields(space):
    return {d.field: d for d in space}


def test_the_usual_space_holds_what_was_planned_and_the_plan_takes_all_of_it(classes, values, plan):
    for one in (classes, values, plan):
        space = usual_space(one)
        check_space(space, one)
        assert {"learning_rate", "weight_decay", "batch", "average", "augmentation", "width"} <= set(
            fields(space)
        )
        for dimension in space:
            assert dimension.holds(planned_value(one, dimension.field)), dimension.field
    assert {"smoothing", "mixup", "loss"} <= set(fields(usual_space(classes)))
    assert not {"smoothing", "mixup", "loss"} & set(fields(usual_space(values)))


def test_what_its_user_has_set_is_not_tried(classes):
    assert "batch" not in fields(usual_space(classes, fixed=("batch",)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("learning_rate=1e-4..1e-2", Between(field="learning_rate", low=1e-4, high=1e-2)),
        ("mixup=0..1", Between(field="mixup", low=0.0, high=1.0)),
        ("batch=8..32", Between(field="batch", low=8, high=32, whole=True)),
        ("options.base=8..16", Between(field="options.base", low=8, high=16, whole=True)),
        ("loss=cross-entropy,focal", OneOf(field="loss", values=("cross-entropy", "focal"))),
        ("batch=8, 16", OneOf(field="batch", values=(8, 16))),
        ("options.widths=[8,16],[16,32]", OneOf(field="options.widths", values=([8, 16], [16, 32]))),
        ("settle=null", OneOf(field="settle", values=(None,))),
    ],
)  # fmt: skip
def test_what_to_try_is_read_as_people_write_it(text, expected, classes):
    assert wished((), classes, [text]) == (expected,)
    again = f"{expected.field}={expected.told}"
    assert wished((), classes, [again]) == (expected,), "and is told as it is read"


def test_a_wish_takes_the_place_of_what_is_usual(classes):
    usual = usual_space(classes)
    space = fields(wished(usual, classes, ["batch=4", "foreground=0.1..0.5"]))
    assert space["batch"] == OneOf(field="batch", values=(4,))
    assert len(space) == len(usual) + 1


@pytest.mark.parametrize(
    "text", ["batch", "=3", "batch=", "batch=a..b", "mixup=1..0", "batch=0.5..3", "loss=a,a"]
)
def test_a_wish_that_says_nothing_is_refused(text, classes):
    with pytest.raises(InvalidInput):
        wished((), classes, [text])


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("speed=1..2", InvalidInput),
        ("learning_rate=-1..1", InvalidInput),
        ("loss=overlap-entropy", InvalidInput),
        ("network=resnet-18,resnet-19", UnknownName),
        ("options.depth=3", InvalidInput),
        ("augmentation=-1..1", InvalidInput),
    ],
)
def test_what_the_plan_does_not_take_is_refused_before_anything_is_learnt(text, error, classes):
    with pytest.raises(error):
        check_space(wished((), classes, [text]), classes)


def test_a_range_of_ten_times_and_more_is_searched_by_its_logarithm():
    assert Between(field="learning_rate", low=1e-4, high=1e-3).by_logarithm
    assert not Between(field="learning_rate", low=1e-4, high=9e-4).by_logarithm
    assert not Between(field="mixup", low=0.0, high=1.0).by_logarithm


def test_augmentation_is_weaker_or_stronger_as_a_whole(classes):
    steps = (Affine(turn=10.0, any_turn=0.4, grow=1.21), Gamma(gamma=1.44), Blur(share=0.6))
    plan = dataclasses.replace(classes, steps=steps)
    assert changed(plan, {"augmentation": 1.0}).steps == steps
    assert changed(plan, {"augmentation": 0.0}).steps == ()
    affine, gamma, blur = changed(plan, {"augmentation": 0.5}).steps
    assert (affine.turn, affine.any_turn, affine.grow) == pytest.approx((5.0, 0.2, 1.1))
    assert (gamma.gamma, blur.share, blur.width) == pytest.approx((1.2, 0.3, 3))
    assert changed(plan, {"augmentation": 2.0}).steps[2].share == 1.0, "no share is more than all"


def test_width_multiplies_the_channels_of_each_kind_of_network(classes, plan):
    assert changed(classes, {"width": 0.5}).options["base"] == classes.options["base"] // 2
    assert changed(plan, {"width": 2}).options["widths"] == [16, 32]
    levels = dataclasses.replace(
        plan, network="unet-resenc", options={"levels": [{"width": 16}, {"width": 32}]}
    )
    assert [level["width"] for level in changed(levels, {"width": 1.5}).options["levels"]] == [24, 48]


def test_a_network_of_another_name_keeps_the_options_that_it_knows(classes):
    plan = dataclasses.replace(classes, network="resnet-18", options={"base": 16, "shortcut": "project"})
    assert changed(plan, {"network": "resnet-34"}).options == plan.options
    assert changed(plan, {"network": "densenet-121"}).options == {}


def test_the_plan_says_why(classes):
    reasons = changed(classes, {"batch": 4, "width": 0.5}, "best of 9 trials").reasons
    assert reasons["batch"] == reasons["network"] == "best of 9 trials"
