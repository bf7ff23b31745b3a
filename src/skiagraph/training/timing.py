"""How fast this machine learns, and how many epochs a time budget holds."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np
import torch
from numpy.random import Generator
from torch import nn

from skiagraph.errors import FormatError, WriteFailed
from skiagraph.plain import to_plain
from skiagraph.training.loop import Batch, Run, Stage, learn
from skiagraph.training.plan import Plan
from skiagraph.training.team import Team

__all__ = ["Clock", "fitting_epochs", "learning_seconds", "seconds_per_step", "settled", "threads"]

_WARM: Final = 3  # steps before anything is measured
_MEASURED: Final = 8
_RESERVE: Final = 0.05  # of the budget, and
_AFTER: Final = 8.0  # seconds, for what comes after learning: judging and writing
_WORTH: Final = (
    1.3  # times faster must several threads be: should others need the machine, they wait for each other
)
_KEPT: Final = ("epochs", "threads", "seconds")  # of what was measured, in its file
_SLACK: Final = 0.95  # of the time that is left is planned for, so that a steady machine is never hurried


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """What of a time budget is not there for learning.

    Args:
        before: Seconds that are gone already.
        after: Seconds that are needed in the end, for judging and writing, as they were measured here; None where
            nobody has measured.
    """

    before: float = 0.0
    after: float | None = None


def _silent(*_: Any) -> None:
    pass


def seconds_per_step(network: nn.Module, stage: Stage, plan: Plan, team: Team | None = None) -> float:
    """Seconds that one step of learning takes here, with its batch; the network stays as it is.

    Args:
        network: With its first weights.
        stage: Its batches and loss are used.
        plan: Precision.
        team: The processes that learn together, and are measured together; None learns alone.
    """
    times: list[float] = []

    def few(rng: Generator, after: int) -> Iterator[Batch]:
        for n, batch in enumerate(stage.batches(rng, after)):
            times.append(time.monotonic())
            if n == _WARM + _MEASURED:
                return
            yield batch
        times.append(time.monotonic())

    learn(
        copy.deepcopy(network),
        [dataclasses.replace(stage, epochs=1, batches=few)],
        plan,
        Run(seed=0, watch=_silent, team=team),
    )
    steps = np.diff(times)
    return float(np.mean(steps[_WARM:] if len(steps) > _WARM else steps))


def learning_seconds(plan: Plan, spent: float, after: float | None = None) -> float:
    """When learning must be over, in seconds from the start; infinite without a budget.

    Where nobody has measured what comes after learning, it is taken to last longer where others use the machine too,
    by as much as what came before it did.

    Args:
        plan: With a budget, or without.
        spent: Seconds that are gone already.
        after: Seconds that are needed in the end; None where nobody has measured.
    """
    budget = math.inf if plan.seconds is None else plan.seconds
    crowd = min(5.0, max(1.0, spent / max(time.process_time(), 1e-3)))
    return max(0.3 * budget, budget * (1 - _RESERVE) - (_AFTER * crowd if after is None else after))


def fitting_epochs(plan: Plan, spent: float, epoch: float, after: float | None = None) -> int:
    """Epochs that fit into what is left of the time budget of one network.

    Args:
        plan: With a budget.
        spent: Seconds that are gone already.
        epoch: Seconds that one takes, with its validation.
        after: Seconds that are needed in the end; None where nobody has measured.
    """
    left = _SLACK * (learning_seconds(plan, spent, after) - spent) / plan.folds
    room = int(left / epoch) - plan.head_epochs
    last = min(plan.settle.epochs, max(1, room // 4)) if plan.settle else 0
    return max(1, min(plan.epochs, room - last))


@contextmanager
def threads(number: int) -> Iterator[None]:
    """PyTorch uses so many threads for a while; 0 changes nothing."""
    before = torch.get_num_threads()
    if number:
        torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def settled(
    plan: Plan,
    file: Path | None,
    epoch: Callable[[], float],
    clock: Callable[[], Clock],
    team: Team | None = None,
) -> Plan:
    """The plan with the threads that are fastest here, and the epochs that its time budget then holds.

    It is measured once: a resumed training keeps both. Where others use the processor too, one thread is often faster
    than several, which wait for each other.

    Args:
        plan: What was planned; without a budget it stays as it is.
        file: Where the answer is kept beside the checkpoint; None keeps it nowhere.
        epoch: Measures the seconds of an epoch.
        clock: What of the budget is not there for learning.
        team: The processes that learn together: all measure, and the first decides; None learns alone.

    Raises:
        FormatError: The file is damaged.
        WriteFailed: The disk does not take it.
    """
    if plan.seconds is None:
        return plan
    team = Team() if team is None else team
    found = team.told(_settled_before(plan, file) if team.first else None)
    if found is None:
        took, number = team.told(_fastest(plan, epoch, single=team.share.size == 1))
        now = clock()
        found = fitting_epochs(plan, now.before, took, now.after), number, took
        if file is not None and team.first:
            _keep(file, {"plan": _asked(plan), **dict(zip(_KEPT, found, strict=True))})
    return _of(plan, *team.told(found))


def _keep(file: Path, data: Mapping[str, Any]) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(data), "utf-8")
    except OSError as error:
        raise WriteFailed("what was settled is kept on disk", got=error.strerror or "an error") from error


def _asked(plan: Plan) -> Any:
    return json.loads(json.dumps(to_plain(plan)))


def _settled_before(plan: Plan, file: Path | None) -> tuple[int, int, float] | None:
    """Epochs, threads and seconds of an epoch, as a training that was cut off had measured them."""
    if file is None or not file.is_file():
        return None
    try:
        kept = json.loads(file.read_text("utf-8"))
        epochs, number, took = (kept[name] for name in _KEPT)
        return (int(epochs), int(number), float(took)) if kept["plan"] == _asked(plan) else None
    except (ValueError, KeyError, TypeError) as error:
        raise FormatError(
            f"{file.name} says how a training was settled", got="damage", way_out="delete it to begin anew"
        ) from error


def _fastest(plan: Plan, epoch: Callable[[], float], *, single: bool) -> tuple[float, int]:
    """Seconds of an epoch, and with how many threads."""
    usual = torch.get_num_threads()
    numbers = [plan.threads] if plan.threads else list(dict.fromkeys((1, usual) if single else (usual,)))
    found = []
    for number in numbers:
        with threads(number):
            found.append((epoch(), number))
    alone, best = found[0], min(found)
    return best if best[0] * _WORTH < alone[0] else alone


def _of(plan: Plan, epochs: int, number: int, took: float) -> Plan:
    why = (
        f"{took:.3g} s an epoch were measured here, and so many fit into {plan.seconds:.0f} s"
        if epochs < plan.epochs
        else f"the most that helps; the time budget would hold them ({took:.3g} s an epoch)"
    )
    reasons = {**plan.reasons, "epochs": why, "threads": "the fastest here, as measured"}
    last = plan.settle
    if last is not None:
        last = dataclasses.replace(last, epochs=min(last.epochs, max(1, epochs // 3)))
    return dataclasses.replace(plan, epochs=epochs, settle=last, threads=number, reasons=reasons)
