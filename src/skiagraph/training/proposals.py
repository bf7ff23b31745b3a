"""What a tuning tries next, and what it gives up: the one place that talks to Optuna."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler
from optuna.trial import TrialState, create_trial

from skiagraph.training.space import Between, Dimension
from skiagraph.training.trials import Aim, Trial

__all__ = ["Proposal", "importance", "proposal"]

optuna.logging.set_verbosity(optuna.logging.WARNING)  # else it tells of each trial what its store tells

_AT_RANDOM: Final = 8  # trials before anything can be learnt from them
_SPARED: Final = 4  # trials that are never given up
_FREE: Final = 5  # parts of a training that are not held against others: what begins slowly may end well
_STATES: Final = {
    "ended": TrialState.COMPLETE,
    "stopped": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Values to train with, and the judgement on how that goes.

    Args:
        values: By field, plain data.
        trial: Optuna's.
    """

    values: Mapping[str, Any]
    trial: optuna.trial.Trial

    def hopeless(self, part: int, figure: float) -> bool:
        """Whether the best so far is worse than the median of those that ended had at the same part.

        Args:
            part: Of the training that is over, a whole number that rises.
            figure: Of validation.
        """
        self.trial.report(figure, part)
        return self.trial.should_prune()


def proposal(
    space: Sequence[Dimension], aim: Aim, trials: Sequence[Trial], seed: int, first: Mapping[str, Any]
) -> Proposal:
    """What to try after some trials: the same after the same ones, in whichever process.

    Args:
        space: What may be tried.
        aim: What trials are compared by.
        trials: Those that are over.
        seed: Of all chance.
        first: Values of the first trial, where they lie in the space.
    """
    study = _study(space, aim, trials, int(np.random.default_rng([seed, len(trials)]).integers(2**31)))
    if not trials:
        there = {d.field: first[d.field] for d in space if d.field in first and d.holds(first[d.field])}
        ranges = {d.field: _distribution(d) for d in space}
        study.enqueue_trial({field: _for_optuna(ranges[field], value) for field, value in there.items()})
    trial = study.ask({d.field: _distribution(d) for d in space})
    return Proposal(values={d.field: _value(d, trial.params[d.field]) for d in space}, trial=trial)


def importance(space: Sequence[Dimension], aim: Aim, trials: Sequence[Trial]) -> Mapping[str, float]:
    """Share of each field in how well trials did, the largest first; empty where four ended or fewer.

    Source: Watanabe et al., PED-ANOVA (IJCAI 2023), as Optuna has it.
    """
    ended = [t for t in trials if t.outcome == "ended"]
    if len(ended) <= _SPARED or len({t.figure for t in ended}) == 1:
        return {}
    found = optuna.importance.get_param_importances(_study(space, aim, ended, 0))
    return dict(sorted(found.items(), key=lambda row: -row[1]))


def _study(space: Sequence[Dimension], aim: Aim, trials: Sequence[Trial], seed: int) -> optuna.study.Study:
    study = optuna.create_study(
        direction="maximize" if aim.more else "minimize",
        sampler=TPESampler(seed=seed, n_startup_trials=_AT_RANDOM),
        pruner=MedianPruner(n_startup_trials=_SPARED, n_warmup_steps=_FREE + 1),
    )
    ranges = {d.field: _distribution(d) for d in space}
    for trial in trials:
        study.add_trial(
            create_trial(
                state=_STATES[trial.outcome],
                value=trial.figure if trial.outcome == "ended" else None,
                params={field: _for_optuna(ranges[field], value) for field, value in trial.values.items()},
                distributions=ranges,
                intermediate_values={int(part): figure for part, figure in trial.curve.items()},
            )
        )
    return study


def _distribution(dimension: Dimension) -> BaseDistribution:
    if not isinstance(dimension, Between):
        return CategoricalDistribution([json.dumps(value) for value in dimension.values])
    if dimension.whole:
        return IntDistribution(int(dimension.low), int(dimension.high), log=dimension.by_logarithm)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.by_logarithm)


def _for_optuna(distribution: BaseDistribution, value: Any) -> Any:
    return json.dumps(value) if isinstance(distribution, CategoricalDistribution) else value


def _value(dimension: Dimension, proposed: Any) -> Any:
    """As plain data; numbers with three digits, which is all that anyone wants to read."""
    if not isinstance(dimension, Between):
        return json.loads(proposed)
    if dimension.whole:
        return int(proposed)
    return min(dimension.high, max(dimension.low, float(f"{proposed:.3g}")))
