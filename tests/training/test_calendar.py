"""The calendar of a training: a rise and a cosine, stages one after the other, and an end in time on any machine."""

import math
from itertools import pairwise

import pytest

from skiagraph.training.calendar import Calendar


def walked(calendar, pace, judging=0.0):
    """The rates of all steps, at `pace(step)` seconds each, and the epochs that were turned."""
    rates, n = [], 0
    while not calendar.finished:
        while True:
            rates.append(calendar.rate)
            calendar.stepped(pace(n))
            n += 1
            if calendar.epoch_over:
                break
        calendar.turned(judging)
    return rates


def test_the_rate_rises_in_the_warm_up_and_then_falls_along_a_cosine():
    rates = walked(Calendar([4], [5], 3, None), lambda _: 1.0)
    assert len(rates) == 20
    for step, rate in enumerate(rates):
        assert rate == pytest.approx(min(1, (step + 1) / 3) * 0.5 * (1 + math.cos(math.pi * step / 20)))


def test_each_stage_begins_its_rate_anew():
    calendar = Calendar([2, 1], [4, 3], 1, None)
    rates = walked(calendar, lambda _: 1.0)
    assert (len(rates), calendar.done, calendar.total) == (11, 3, 3)
    assert rates[0] == rates[8] == 1.0


@pytest.mark.parametrize("slower", [1.5, 3.0, 10.0])
def test_a_machine_that_becomes_slower_ends_in_time_and_comes_to_rest(slower):
    """A hundred steps of a second are planned, in 105 seconds; from step 30 on each takes longer."""
    calendar = Calendar([10], [10], 5, 105.0)
    rates = walked(calendar, lambda n: 1.0 if n < 30 else slower)
    assert calendar.spent <= 105.0 + slower
    assert len(rates) < 100
    assert all(a >= b for a, b in pairwise(rates[5:])), "the rate never rises again"
    assert rates[-1] < 0.1, "what is cut short still comes to rest"
    assert calendar.total == calendar.done


def test_a_machine_that_is_held_up_for_a_while_makes_up_for_it():
    """Twenty seconds are lost of 130; a hundred steps still fit."""
    calendar = Calendar([10], [10], 5, 130.0)
    rates = walked(calendar, lambda n: 21.0 if n == 40 else 1.0)
    assert len(rates) == 100


def test_each_stage_has_its_share_of_the_time():
    calendar = Calendar([5, 5], [10, 10], 1, 50.0)
    rates = walked(calendar, lambda _: 1.0)
    assert calendar.spent <= 51.0
    assert rates.index(1.0, 1) == pytest.approx(25, abs=1)


def test_judging_counts_as_time():
    calendar = Calendar([10], [10], 1, 100.0)
    walked(calendar, lambda _: 1.0, judging=10.0)
    assert calendar.spent <= 120.0


def test_a_machine_that_is_fast_enough_changes_nothing():
    quick, free = Calendar([3], [10], 2, 1000.0), Calendar([3], [10], 2, None)
    assert walked(quick, lambda _: 1.0) == walked(free, lambda _: 1.0)


def test_a_calendar_goes_on_where_its_state_was():
    first = Calendar([3, 1], [4, 4], 2, 18.0)
    for _ in range(6):
        first.stepped(1.0)
        if first.epoch_over:
            first.turned(0.5)
    second = Calendar([3, 1], [4, 4], 2, 18.0)
    second.restore(first.state())
    assert second.within == first.within == 2
    assert walked(second, lambda _: 1.0) == walked(first, lambda _: 1.0)
