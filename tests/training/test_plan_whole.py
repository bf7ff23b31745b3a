"""Plans of classes: how many networks the time holds, and how a training ends."""

import dataclasses

import pytest

from skiagraph.training import Machine, overridden, planned
from skiagraph.training.timing import fitting_epochs

MACHINE = Machine(cores=2, memory=8.0, bf16=True)


@pytest.fixture(scope="module")
def pictures(drawn):
    return drawn(60, 2)


@pytest.mark.parametrize(
    ("seconds", "networks", "channels"),
    [(None, 5, 32), (2400.0, 5, 32), (6.0, 5, 16), (2.0, 1, 16)],
    ids=["usual", "long", "shorter", "short"],
)
def test_several_small_networks_are_asked_together_where_the_time_holds_them(
    pictures, seconds, networks, channels
):
    plan = planned(pictures, "classification", MACHINE, seconds=seconds)
    assert plan.folds == networks
    assert "folds" in plan.reasons
    assert ("whatever split" in plan.reasons["validation"]) == (networks > 1)
    assert (plan.network, plan.options["base"]) == ("resnet-18", channels), (
        "as wide as the time holds, to a bound"
    )


def test_too_few_groups_to_do_without_a_part_learn_one_network(drawn):
    assert planned(drawn(24, 2), "classification", MACHINE).folds == 1


def test_a_training_of_classes_ends_on_pictures_almost_as_they_are(pictures):
    plan = planned(pictures, "classification", MACHINE)
    assert plan.settle is not None
    assert plan.settle.epochs == pytest.approx(plan.all_epochs / 4, abs=1)
    assert {type(s) for s in plan.settle.steps} < {type(s) for s in plan.steps}
    assert planned(pictures, "regression", MACHINE).settle is None


def test_epochs_that_are_asked_for_keep_the_share_of_the_end(pictures):
    plan = overridden(planned(pictures, "classification", MACHINE), ["epochs=9"])
    assert (plan.epochs, plan.settle.epochs) == (9, 3)


def test_another_network_keeps_the_options_that_it_knows_too(pictures):
    plan = planned(pictures, "classification", MACHINE)
    assert overridden(plan, ["network=resnet-34"]).options == plan.options
    assert overridden(plan, ["network=vit-tiny", "options.patch=4"]).options == {"patch": 4}


@pytest.mark.parametrize(("epoch", "expected"), [(1.0, 35), (10.0, 3), (1000.0, 1)])
def test_where_the_time_is_short_the_end_takes_a_quarter_of_it(pictures, epoch, expected):
    plan = planned(pictures, "classification", MACHINE, seconds=60.0)
    assert fitting_epochs(dataclasses.replace(plan, folds=1), 0.0, epoch) == expected
