"""A time budget: epochs that fit, threads that are worth it, and both kept for a training that is resumed."""

import dataclasses

import pytest
import torch

from skiagraph.errors import FormatError
from skiagraph.training.timing import Clock, fitting_epochs, settled, threads


@pytest.fixture
def timed(changed):
    return changed(epochs=100, seconds=1000.0)


def test_epochs_fit_into_what_is_left_and_are_never_more_than_planned(timed):
    assert 80 <= fitting_epochs(timed, spent=10.0, epoch=10.0) <= 95
    assert fitting_epochs(timed, spent=10.0, epoch=0.01) == 100
    assert fitting_epochs(timed, spent=900.0, epoch=500.0) == 1
    assert 30 <= fitting_epochs(timed, spent=10.0, epoch=10.0, after=500.0) <= 45, "judging has its time"
    halves = dataclasses.replace(timed, folds=2)
    assert fitting_epochs(halves, spent=10.0, epoch=10.0) == pytest.approx(45, abs=4)


@pytest.mark.parametrize(("both", "chosen"), [(9.0, 1), (5.0, 2), (30.0, 1)])
def test_several_threads_are_taken_only_where_they_are_worth_it(both, chosen, timed):
    with threads(2):
        plan = settled(
            timed, None, lambda: {1: 10.0, 2: both}[torch.get_num_threads()], lambda: Clock(before=5.0)
        )
        assert torch.get_num_threads() == 2
    assert plan.threads == chosen
    assert "measured" in plan.reasons["threads"]


def test_a_resumed_training_keeps_what_was_settled_however_fast_the_machine_is_now(timed, tmp_path):
    file = tmp_path / "epochs.json"
    first = settled(timed, file, lambda: 20.0, lambda: Clock(before=5.0))
    assert settled(timed, file, lambda: 1.0, lambda: Clock(before=500.0)) == first
    other = dataclasses.replace(timed, batch=2)
    assert settled(other, file, lambda: 1.0, lambda: Clock(before=5.0)).epochs == 100
    file.write_text("{", "utf-8")
    with pytest.raises(FormatError, match="delete it"):
        settled(timed, file, lambda: 1.0, lambda: Clock(before=5.0))


def test_a_plan_without_a_budget_is_not_measured(changed):
    plan = changed()
    assert settled(plan, None, lambda: 1 / 0, Clock) == plan
