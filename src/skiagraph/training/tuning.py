"""Better values for the fields of a plan, sought by one training after the other; validation decides."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np
import torch

from skiagraph.case import Dataset
from skiagraph.errors import InvalidInput, SkiagraphError
from skiagraph.task import Watch
from skiagraph.training.plan import Plan
from skiagraph.training.proposals import Proposal, importance, proposal
from skiagraph.training.space import Dimension, changed, check_space, planned_value
from skiagraph.training.targets import Task
from skiagraph.training.teach import parted, teach
from skiagraph.training.trials import Aim, Trial, keep_trials, kept_trials, key_of

__all__ = ["Search", "Tuned", "aim_of", "tune"]

_PARTS: Final = 20  # of a training, at whose ends it is held against the others


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How long is sought, and where it is kept.

    Args:
        trials: At most.
        seed: Of what is proposed, and of every training: trials differ by their plans alone.
        seconds: For all trials together; None for as long as they need. A trial that has begun is ended.
        store: File in which trials are kept, and from which a tuning that was cut off goes on; None keeps nothing.
        cache: Folder of prepared samples, for all trials; None prepares them for each.

    Raises:
        InvalidInput: No trial, or no time.
    """

    trials: int = 20
    seed: int = 0
    seconds: float | None = None
    store: Path | None = None
    cache: Path | None = None

    def __post_init__(self) -> None:
        if self.trials < 1 or (self.seconds is not None and self.seconds <= 0):
            raise InvalidInput("a tuning has at least one trial, and time", got=f"{self.trials} trials")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """What a tuning found.

    Args:
        plan: The best, with a reason for each of its values.
        best: The trial that it is from.
        trials: All of them, in their order.
        importance: Share of each field in how well trials did, the largest first; empty where few ended.
        aim: What they were compared by.
    """

    plan: Plan
    best: Trial
    trials: tuple[Trial, ...]
    importance: Mapping[str, float]
    aim: Aim


def aim_of(task: Task) -> Aim:
    """What the trials of a task are compared by, on cases that are not learnt from."""
    if task == "classification":
        return Aim(name="auc", more=True)
    return Aim(name="error", more=False) if task == "regression" else Aim(name="dice", more=True)


def tune(dataset: Dataset, plan: Plan, space: Sequence[Dimension], search: Search, *, watch: Watch) -> Tuned:
    """Trains with values from a space, one trial after the other, and finds the best.

    The first trial has the values that were planned, as far as they lie in the space; those of the others are proposed
    by a tree of Parzen estimators. A trial is given up where it does worse than the median of those before it did at
    the same part of their trainings. Compared is the figure of the network that would ship, on the split ``"val"`` or
    on the groups that the plan keeps apart: give no test data. The best of many trials looks better than it is, by
    luck; only data that were not used here tell how good it is.

    A tuning that was cut off has lost the trial that was running. It takes the same one again, and comes to the end to
    which it would have come.

    Args:
        dataset: To learn from and to validate on, without the test split.
        plan: What was planned; its time budget is that of one trial.
        space: What is tried.
        search: How long, and where it is kept.
        watch: Told of twentieths of trials.

    Raises:
        InvalidInput: Nothing is kept apart to validate on, a value that a plan does not take, or no trial ended.
        FormatError: The store is damaged.

    Source: Akiba et al., Optuna (KDD 2019); Bergstra et al., Algorithms for hyper-parameter optimization (NeurIPS
        2011); the median: Golovin et al., Google Vizier (KDD 2017), section 3.2.
    """
    check_space(space, plan)
    if not all(len(held) for _, held in parted(dataset, plan, search.seed)):
        raise InvalidInput(
            "a tuning compares plans on cases that are kept apart",
            got=f"{len({s.group for s in dataset})} groups, of which none is",
            way_out="name a split val, or ask for folds",
        )
    aim, key = aim_of(plan.recipe.task), key_of(plan, list(space), search.seed)
    trials, begun = list(kept_trials(search.store, key)), time.monotonic()
    before, first = sum(t.seconds for t in trials), {d.field: planned_value(plan, d.field) for d in space}
    while len(trials) < search.trials:
        if search.seconds is not None and trials and before + time.monotonic() - begun >= search.seconds:
            break
        offer = proposal(space, aim, trials, search.seed, first)
        trials.append(_trial(dataset, plan, offer, trials, _Told(search, aim, watch, trials)))
        keep_trials(search.store, key, trials)
    ended = [t for t in trials if t.outcome == "ended"]
    if not ended:
        raise InvalidInput("some trial of a tuning ends", got=trials[0].problem)
    best = min(ended, key=lambda trial: _badness(trial, aim))
    return Tuned(
        plan=changed(plan, best.values, _reason(best, trials, aim)),
        best=best,
        trials=tuple(trials),
        importance=importance(space, aim, trials),
        aim=aim,
    )


def _badness(trial: Trial, aim: Aim) -> float:
    figure = math.nan if trial.figure is None else trial.figure
    return -figure if aim.more else figure


def _reason(best: Trial, trials: Sequence[Trial], aim: Aim) -> str:
    told = f"best of {len(trials)} trials: {aim.name} {best.figure:.4g} of validation"
    first = trials[0]
    if best.number and first.outcome == "ended":
        told += f", against {first.figure:.4g} of the first"
    return told


class _GivenUp(Exception):
    """A trial is not worth its end."""


@final
class _Told:
    """Hears the epochs of a trial: keeps its curve, tells how far the tuning is, and gives up what is hopeless."""

    def __init__(self, search: Search, aim: Aim, watch: Watch, trials: Sequence[Trial]) -> None:
        self.search, self.aim, self.watch, self.trials = search, aim, watch, tuple(trials)
        ended = [t for t in trials if t.outcome == "ended"]
        self.best = min(ended, key=lambda trial: _badness(trial, aim)).figure if ended else None
        self.curve: dict[str, float] = {}
        self.last: dict[int, float] = {}

    def epoch(self, offer: Proposal, folds: int, done: int, total: int, figures: Mapping[str, float]) -> None:
        if self.aim.name not in figures:
            raise InvalidInput(
                f"the cases that are kept apart give the figure {self.aim.name}",
                got="cases of one class alone",
                way_out="name a split val with cases of each class",
            )
        figure = figures[self.aim.name]
        self.last[(done - 1) * folds // total] = figure
        part = _PARTS * done // total
        told = {"trial": float(len(self.trials)), self.aim.name: figure}
        if self.best is not None:
            told["best"] = self.best
        self.watch(_PARTS * len(self.trials) + part, _PARTS * self.search.trials, told)
        if str(part) in self.curve or part == 0 or not math.isfinite(figure):
            return
        self.curve[str(part)] = figure
        if offer.hopeless(part, figure) and part < _PARTS:
            raise _GivenUp


def _trial(dataset: Dataset, plan: Plan, offer: Proposal, trials: Sequence[Trial], told: _Told) -> Trial:
    begun, rng = time.monotonic(), np.random.default_rng(told.search.seed)
    tried = changed(plan, offer.values)
    outcome: dict[str, Any]
    try:
        teach(
            dataset,
            tried,
            rng=rng,
            watch=lambda *of: told.epoch(offer, plan.folds, *of),
            cache=told.search.cache,
        )
        figure = float(np.mean(list(told.last.values())))
        outcome = {"outcome": "ended", "figure": figure}
        if not math.isfinite(figure):
            outcome = {"outcome": "failed", "problem": "the training ran away: its figure is no number"}
    except _GivenUp:
        outcome = {"outcome": "stopped", "figure": list(told.curve.values())[-1]}
    except (torch.OutOfMemoryError, MemoryError):
        outcome = {"outcome": "failed", "problem": "the memory did not hold it"}
    except SkiagraphError as error:
        if not trials:
            raise  # what ails the first ails the data
        outcome = {"outcome": "failed", "problem": str(error)}
    spent = round(time.monotonic() - begun, 3)
    return Trial(number=len(trials), values=offer.values, curve=told.curve, seconds=spent, **outcome)
