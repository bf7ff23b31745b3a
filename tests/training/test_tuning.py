"""Tuning: the better rate is found, the hopeless is given up, and what was cut off goes on to the same end."""

import dataclasses
import json
import math

import pytest

from skiagraph.errors import FormatError, InvalidInput
from skiagraph.training import planned, tuning
from skiagraph.training.proposals import proposal
from skiagraph.training.space import Between, OneOf
from skiagraph.training.trials import Aim, Trial
from skiagraph.training.tuning import Search, tune

SPACE = (
    OneOf(field="learning_rate", values=(1e-7, 2e-2)),
    Between(field="weight_decay", low=0.001, high=0.1),
)
DICE = Aim(name="dice", more=True)


def silent(*_):
    pass


class CutOff(Exception):
    """As a kill: nothing of ours catches it."""


@pytest.fixture(scope="module")
def pictures(drawn):
    return drawn(40, 2)


@pytest.fixture(scope="module")
def start(pictures, machine):
    """A plan that hardly learns: its rate is far too small."""
    plan = planned(pictures, "classification", machine)
    return dataclasses.replace(
        plan,
        network="resnet-20",
        options={"shortcut": "project", "base": 4},
        epochs=4,
        settle=None,
        folds=1,
        batch=16,
        average=0.5,
        warmup=2,
        steps=(),
        mixup=0.0,
        learning_rate=1e-7,
        validation=0.4,
        threads=1,
    )


@pytest.fixture(scope="module")
def tuned(pictures, start, tmp_path_factory):
    store = tmp_path_factory.mktemp("tuning") / "trials.json"
    heard = []
    search = Search(trials=7, seed=3, store=store)
    found = tune(pictures, start, SPACE, search, watch=lambda *told: heard.append(told))
    return found, store, heard


def without_time(trials):
    return [dataclasses.replace(t, seconds=0.0) for t in trials]


def test_the_better_rate_is_found_and_the_plan_says_so(tuned, start):
    found, _, _ = tuned
    assert found.trials[0].values == {"learning_rate": 1e-7, "weight_decay": start.weight_decay}
    assert found.plan.learning_rate == 2e-2
    assert found.best.figure > found.trials[0].figure
    assert found.best.figure == max(t.figure for t in found.trials if t.outcome == "ended")
    assert "best of 7 trials: auc" in found.plan.reasons["learning_rate"]
    assert "of the first" in found.plan.reasons["learning_rate"]
    assert sum(found.importance.values()) == pytest.approx(1.0)
    assert list(found.importance) == sorted(found.importance, key=found.importance.get, reverse=True)


def test_progress_is_told_in_twentieths_of_trials(tuned):
    _, _, heard = tuned
    done, totals = [row[0] for row in heard], {row[1] for row in heard}
    assert totals == {7 * 20}
    assert done == sorted(done)
    assert done[-1] <= 140
    assert {"trial", "auc", "best"} <= set(heard[-1][2])


def test_a_tuning_that_was_cut_off_goes_on_to_the_same_end(tuned, pictures, start, tmp_path):
    search = Search(trials=4, seed=3, store=tmp_path / "trials.json")

    def until(done, *_):
        if done > 2 * 20 + 8:
            raise CutOff

    with pytest.raises(CutOff):
        tune(pictures, start, SPACE, search, watch=until)
    kept = json.loads(search.store.read_text("utf-8"))["trials"]
    assert len(kept) == 2, "the third was running"
    found = tune(pictures, start, SPACE, search, watch=silent)
    assert without_time(found.trials) == without_time(tuned[0].trials[:4])


def test_trials_that_are_there_are_not_learnt_again(tuned, pictures, start):
    found, store, _ = tuned

    def never(*_):
        pytest.fail("nothing is left to learn")

    again = tune(pictures, start, SPACE, Search(trials=7, seed=3, store=store), watch=never)
    assert again == found


@pytest.mark.parametrize(
    ("change", "message"),
    [({"epochs": 6}, "belong to this plan"), ({"batch": 4}, "belong to this plan")],
)
def test_trials_of_another_plan_are_refused(tuned, pictures, start, change, message):
    other = dataclasses.replace(start, **change)
    with pytest.raises(InvalidInput, match=message):
        tune(pictures, other, SPACE, Search(trials=7, seed=3, store=tuned[1]), watch=silent)


@pytest.mark.parametrize("text", ["", "{", '{"version": 1}', '{"version": 9, "of": "", "trials": []}', "[]"])
def test_a_store_that_is_none_is_refused(text, pictures, start, tmp_path):
    store = tmp_path / "trials.json"
    store.write_text(text, encoding="utf-8")
    with pytest.raises(FormatError, match="delete it to begin anew"):
        tune(pictures, start, SPACE, Search(store=store), watch=silent)


def test_time_ends_a_tuning_after_the_trial_that_runs(pictures, start):
    found = tune(pictures, start, SPACE, Search(trials=50, seconds=1e-3), watch=silent)
    assert len(found.trials) == 1


def test_without_cases_apart_there_is_nothing_to_compare(pictures, start):
    few = dataclasses.replace(pictures, samples=pictures.samples[:8])
    with pytest.raises(InvalidInput, match="kept apart"):
        tune(few, start, SPACE, Search(), watch=silent)


def test_cases_apart_of_one_class_alone_compare_nothing(pictures, start):
    kinds = [s.stratum for s in pictures]
    samples = tuple(
        dataclasses.replace(s, split="val" if kind == 0 and n < 20 else "train")
        for n, (s, kind) in enumerate(zip(pictures.samples, kinds, strict=True))
    )
    with pytest.raises(InvalidInput, match="one class alone"):
        tune(dataclasses.replace(pictures, samples=samples), start, SPACE, Search(), watch=silent)


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (InvalidInput("a rule holds", got="another"), "a rule holds"),
        (MemoryError(), "the memory did not hold it"),
    ],
)
def test_a_trial_that_fails_is_named_and_the_others_go_on(error, problem, pictures, start, monkeypatch):
    def learnt(dataset, plan, *, rng, watch, cache):
        if plan.batch == 9:
            raise error
        watch(1, 1, {"auc": 0.7 if plan.batch == 8 else math.nan})

    monkeypatch.setattr(tuning, "teach", learnt)
    space = (OneOf(field="batch", values=(8, 9, 10)),)
    found = tune(pictures, start, space, Search(trials=12, seed=1), watch=silent)
    problems = {t.values["batch"]: t.problem for t in found.trials}
    assert problem in problems[9]
    assert "ran away" in problems[10]
    assert problems[8] == ""
    assert found.plan.batch == 8


def test_what_ails_the_first_trial_ails_the_data_and_ends_the_tuning(pictures, start, monkeypatch):
    def learnt(dataset, plan, *, rng, watch, cache):
        raise InvalidInput("an image can be read", got="none")

    monkeypatch.setattr(tuning, "teach", learnt)
    with pytest.raises(InvalidInput, match="an image can be read"):
        tune(pictures, start, SPACE, Search(), watch=silent)


def test_folds_are_compared_by_their_mean(pictures, start):
    plan = dataclasses.replace(start, folds=2, epochs=1)
    found = tune(pictures, plan, SPACE[:1], Search(trials=1), watch=silent)
    (trial,) = found.trials
    assert len(trial.curve) == 2
    assert trial.figure == pytest.approx(sum(trial.curve.values()) / 2)


def ended(number, rate, figure):
    """A trial whose figure rises to its end."""
    curve = {str(part): figure * part / 20 for part in range(1, 21)}
    return Trial(number=number, values={"learning_rate": rate}, outcome="ended", figure=figure, curve=curve)


def test_the_hopeless_is_given_up_and_the_slow_is_not_given_up_early():
    space = (Between(field="learning_rate", low=1e-4, high=1e-1),)
    trials = [ended(n, 1e-3 * (n + 1), 0.8) for n in range(5)]
    offer = proposal(space, DICE, trials, 0, {})
    assert not any(offer.hopeless(part, 0.0) for part in range(1, 6)), "a quarter is for free"
    assert offer.hopeless(6, 0.1)
    assert not proposal(space, DICE, trials, 0, {}).hopeless(6, 0.5)
    assert not proposal(space, DICE, trials[:3], 0, {}).hopeless(19, 0.0), "with few there is no median"


def test_an_error_is_better_when_it_is_small():
    space = (Between(field="learning_rate", low=1e-4, high=1e-1),)
    trials = [ended(n, 1e-3 * (n + 1), 0.8) for n in range(5)]
    offer = proposal(space, Aim(name="error", more=False), trials, 0, {})
    assert not offer.hopeless(10, 0.1)
    assert proposal(space, Aim(name="error", more=False), trials, 0, {}).hopeless(10, 2.0)


def test_what_is_proposed_follows_from_what_is_over_and_lies_in_the_space():
    space = (
        Between(field="learning_rate", low=1e-4, high=1e-1),
        Between(field="batch", low=4, high=9, whole=True),
    )
    trials = []
    for n in range(15):
        a, b = (proposal(space, DICE, trials, 7, {"learning_rate": 1e-3}).values for _ in range(2))
        assert a == b
        assert all(d.holds(a[d.field]) for d in space)
        assert isinstance(a["batch"], int)
        figure = 1 - abs(math.log10(a["learning_rate"]) + 2) / 3
        trials.append(Trial(number=n, values=a, outcome="ended", figure=figure))
    assert trials[0].values["learning_rate"] == 1e-3, "what was planned comes first"
    late = [t.figure for t in trials[9:]]
    assert max(late) > 0.8, "it has learnt where to look"


@pytest.mark.parametrize("given", [{"trials": 0}, {"seconds": 0.0}])
def test_a_search_has_trials_and_time(given):
    with pytest.raises(InvalidInput, match="at least one trial"):
        Search(**given)
