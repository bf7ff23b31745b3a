"""One time budget for everything: what each training may take, and what judging and writing will need."""

import time

import pytest

from skiagraph.cli.account import beside_of, rehearsed
from skiagraph.cli.course import Course
from skiagraph.cli.wish import Wish
from skiagraph.io import read_dataset
from skiagraph.training import learnt_card, overridden, planned, this_machine
from skiagraph.training.timing import learning_seconds


@pytest.fixture
def course(data, tmp_path):
    def made(seconds, *, seeds=1, after=None, gone=0.0):
        whole = read_dataset(data, strict=False)
        learn = whole.split("train")
        wish = Wish(task="classification", data=data, out=tmp_path / "b", seeds=seeds)
        plan = planned(learn, "classification", this_machine(), seconds=seconds / seeds, target="label")
        return Course(
            wish=wish,
            plan=overridden(plan, ["options.base=8"]),
            data=whole,
            learn=learn,
            card=learnt_card("b", plan.recipe, "", learn),
            folder=tmp_path / ".b.training",
            begun=time.monotonic() - gone,
            after=after,
        )

    return made


@pytest.mark.parametrize(
    ("seeds", "after", "gone", "done", "room"),
    [(1, 30, 20, 0, 235), (1, 250, 20, 0, 28.5), (3, 30, 20, 0, 235 / 3), (3, 30, 205, 2, 50)],
    ids=["one training", "never less than a tenth", "a third each", "the last has the rest"],
)
def test_what_is_left_is_shared_by_the_trainings_that_are_left(course, seeds, after, gone, done, room):
    one = course(300, seeds=seeds, after=after, gone=gone)
    clock = one.clock(done)
    left = learning_seconds(one.plan, clock.before, clock.after) - clock.before
    assert left == pytest.approx(room, abs=0.5)


def test_judging_and_writing_are_rehearsed_and_leave_nothing_behind(course):
    one = course(1200)
    begun = time.monotonic()
    needed = rehearsed(one, beside_of(one))
    took = time.monotonic() - begun
    assert 0 < needed < 3 * took + 5, "twelve cases are all read in the rehearsal"
    assert list(one.folder.rglob("*")) == []


def test_a_short_budget_is_not_spent_on_a_rehearsal(course):
    one = course(20)
    assert 10 <= rehearsed(one, beside_of(one)) <= 50
    assert not one.folder.exists()
