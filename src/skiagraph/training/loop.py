"""The training loop, from top to bottom on one page. Lightning Fabric supplies the devices."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Protocol, final

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from skiagraph.task import Watch
from skiagraph.training.calendar import Calendar
from skiagraph.training.checkpoint import load_checkpoint, save_checkpoint
from skiagraph.training.team import Team

__all__ = ["Batch", "Learnt", "Pace", "Run", "Stage", "all_alike", "learn"]

Batch = tuple[NDArray[np.float32], NDArray[np.float32]]

_SAFE: Final = 16  # channels


class Pace(Protocol):
    """What every plan says of the loop."""

    @property
    def warmup(self) -> int:
        """Steps in which the learning rate rises."""
        ...

    @property
    def weight_decay(self) -> float:
        """Of AdamW."""
        ...

    @property
    def average(self) -> float:
        """Weight of the past in the running average of the weights."""
        ...

    @property
    def precision(self) -> Literal["32-true", "bf16-mixed"]:
        """Of the numbers that a network computes with; its weights are float32."""
        ...


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A part of a training.

    Args:
        epochs: How many.
        steps: Batches an epoch.
        learning_rate: Largest step, reached after the warm-up and then lowered along a cosine.
        batches: The (pictures, targets) of one epoch, from a generator of its own, without the first few; of each batch
            the share of this process.
        loss: Of the network's answer (float32) and the targets, both of the whole batch, and of how far the stage has
            come, 0 to 1.
        rates: Which share of the learning rate a group of parameters has: its ``"share"``, or another of its entries;
            one that is missing is 1.
    """

    epochs: int
    steps: int
    learning_rate: float
    batches: Callable[[Generator, int], Iterator[Batch]]
    loss: Callable[[Any, Tensor, float], Tensor]
    rates: str = "share"


def all_alike(network: nn.Module) -> list[dict[str, Any]]:
    """One group of parameters, which all learn at the full rate."""
    return [{"params": list(network.parameters()), "share": 1.0}]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The circumstances of a training.

    Args:
        seed: All chance of the batches; a resumed run equals one that was not.
        watch: Told after each epoch.
        checkpoint: File to save to after each epoch, and within epochs, and to resume from; None keeps nothing.
        every: Seconds between two checkpoints within an epoch.
        judge: Figures of the averaged network after an epoch; None for none.
        between: Epochs from one judgement to the next; between them the last figures stand.
        seconds: What the training may take; where the machine turns out slower, it has fewer epochs. None for any.
        groups: Of the parameters of a network, as of PyTorch's optimizers, each with its ``"share"`` of the rate.
        team: The processes that learn together; None learns alone.
    """

    seed: int
    watch: Watch
    checkpoint: Path | None = None
    every: float = 60.0
    judge: Callable[[nn.Module], Mapping[str, float]] | None = None
    between: int = 1
    seconds: float | None = None
    groups: Callable[[nn.Module], list[dict[str, Any]]] = all_alike
    team: Team | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """What a training left.

    Args:
        network: The running average of the networks, in evaluation mode, on the CPU.
        history: The figures of each epoch: loss, learning rate, and those of the judge.
    """

    network: nn.Module
    history: tuple[Mapping[str, float], ...]


def learn(network: nn.Module, stages: Sequence[Stage], pace: Pace, run: Run) -> Learnt:
    """Teaches a network, one stage after the other; each begins with the average that the one before has left.

    What ships is the last average, not the one that did best in validation: along a cosine to zero the average no
    longer moves at the end, and the best of many epochs on a few hundred cases is mostly the luckiest.

    Args:
        network: With its first weights.
        stages: At least one.
        pace: The plan; it is also the key of the checkpoint.
        run: Seed, checkpoint, who is told, who judges, how long.
    """
    team = Team() if run.team is None else run.team
    layout = _layout(network)
    network.to(memory_format=layout)  # type: ignore[call-overload]  # missing from torch's stubs
    shell = _shell(network)
    model, average = team.placed(network)
    optimizer: Any = team.fabric.setup_optimizers(_optimizer(network, stages[0], pace, run))
    lengths = [s.epochs for s in stages], [s.steps for s in stages]
    calendar = Calendar(*lengths, pace.warmup, team.told(run.seconds))
    diary = _Diary(run, pace, calendar, team, (network, average, optimizer))
    while not calendar.finished:
        stage, tick = stages[calendar.stage], time.monotonic()
        if calendar.fresh:
            network.load_state_dict(average.state_dict())
            optimizer.state.clear()
        model.train()
        _rest(network, optimizer.param_groups, stage.rates)
        chance = np.random.default_rng([run.seed, calendar.done])
        for pictures, targets in stage.batches(chance, calendar.within):
            _set_rates(optimizer, calendar.rate * stage.learning_rate, stage.rates)
            _seed(team.device, run.seed + 100_003 * calendar.stage + calendar.step)
            x = torch.from_numpy(pictures).to(team.device, memory_format=layout)
            with _computing(pace, team.device):
                answer = _single(model(x))
            truth = team.gathered(torch.from_numpy(targets).to(team.device))
            loss = stage.loss(team.gathered(answer), truth, calendar.progress)
            optimizer.zero_grad()
            team.fabric.backward(loss * team.share.size)  # gradients are added, and divided by the processes
            team.fabric.clip_gradients(model, optimizer, max_norm=1.0)
            optimizer.step()
            _follow(average, network, min(pace.average, calendar.step / (calendar.step + 10)))
            tick, before = time.monotonic(), tick
            calendar.stepped(team.told(tick - before))
            diary.step(float(loss.detach()))
            if calendar.epoch_over:
                break
        judged = _judged(average, run, calendar, team)
        calendar.turned(team.told(time.monotonic() - tick))
        diary.epoch(judged)
    shell.load_state_dict(team.whole(average.state_dict()), assign=True)
    return Learnt(network=shell.cpu().eval(), history=tuple(diary.history))


@final
class _Diary:
    """Keeps the figures of a training, tells them, and saves it; begins where a checkpoint left off."""

    def __init__(self, run: Run, pace: Pace, calendar: Calendar, team: Team, parts: tuple[Any, ...]) -> None:
        self.run, self.pace, self.calendar, self.team, self.parts = run, pace, calendar, team, parts
        self.losses: list[float] = []
        self.history: list[Mapping[str, float]] = []
        kept = team.told(load_checkpoint(run.checkpoint, pace, run.seed) if team.first else None)
        if kept is not None:
            place, states = kept
            for part, state in zip(parts, states, strict=True):
                team.restore(part, state)
            calendar.restore(place["calendar"])
            self.losses, self.history = list(place["losses"]), list(place["history"])
        self.saved = calendar.spent

    def step(self, loss: float) -> None:
        self.losses.append(loss)
        if self.calendar.spent - self.saved >= self.run.every:
            self.save()

    def epoch(self, judged: Mapping[str, float]) -> None:
        before = self.history[-1] if self.history else {}
        figures = {**before, **judged, "loss": float(np.mean(self.losses))}
        self.history.append(figures)
        self.losses = []
        if self.team.first:
            self.run.watch(self.calendar.done, self.calendar.total, figures)
        self.save()

    def save(self) -> None:
        self.saved = self.calendar.spent
        if self.run.checkpoint is None:
            return
        now = {"calendar": self.calendar.state(), "losses": self.losses, "history": self.history}
        states = [self.team.whole(part.state_dict()) for part in self.parts]
        if self.team.first:
            save_checkpoint(self.run.checkpoint, self.pace, self.run.seed, now, states)


def _shell(network: nn.Module) -> nn.Module:
    """A copy without weights."""
    none = {id(p): nn.Parameter(torch.empty_like(p, device="meta")) for p in network.parameters()}
    return copy.deepcopy(network, none)


def _computing(pace: Pace, device: torch.device) -> AbstractContextManager[Any]:
    return torch.autocast(device.type, torch.bfloat16, enabled=pace.precision == "bf16-mixed")


def _seed(device: torch.device, number: int) -> None:
    """What a network draws (dropout) follows from the step, so that a resumed run draws the same, and all processes."""
    torch.default_generator.manual_seed(number)
    if device.type == "cuda":
        torch.cuda.manual_seed_all(number)


def _optimizer(network: nn.Module, stage: Stage, pace: Pace, run: Run) -> torch.optim.AdamW:
    return torch.optim.AdamW(run.groups(network), lr=stage.learning_rate, weight_decay=pace.weight_decay)


def _set_rates(optimizer: Any, rate: float, shares: str) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get(shares, 1.0)


def _judged(average: nn.Module, run: Run, calendar: Calendar, team: Team) -> Mapping[str, float]:
    """The figures of validation, in the epochs and the process in which it is judged."""
    due = calendar.done % run.between == 0 and (team.first or team.split)
    return run.judge(average) if run.judge is not None and due else {}


def _single(answer: Any) -> Any:
    """In single precision; a network may also answer with several maps, the finest first."""
    return tuple(part.float() for part in answer) if isinstance(answer, tuple) else answer.float()


def _rest(network: nn.Module, groups: Sequence[Mapping[str, Any]], rates: str) -> None:
    """Batch normalisations whose weights do not learn keep their statistics too."""
    learns = {id(p) for group in groups if group.get(rates, 1.0) > 0 for p in group["params"]}
    for part in network.modules():
        if isinstance(part, _BatchNorm) and part.affine and id(part.weight) not in learns:
            part.eval()


def _layout(network: nn.Module) -> torch.memory_format:
    """The order of the axes in memory that is faster.

    With channels last, PyTorch 2.13 writes past its memory on processors, in the backward pass of a convolution of one
    pixel that has a stride and fewer than 16 channels.
    """
    kinds = [part for part in network.modules() if isinstance(part, nn.Conv2d | nn.Conv3d)]
    volumes = any(isinstance(part, nn.Conv3d | nn.RNNBase) for part in network.modules())
    unsafe = any(
        max(part.kernel_size) == 1 and max(part.stride) > 1 and part.in_channels < _SAFE for part in kinds
    )
    return torch.contiguous_format if volumes or unsafe else torch.channels_last


@torch.no_grad()
def _follow(average: nn.Module, network: nn.Module, past: float) -> None:
    """Running average of weights and of batch statistics (Polyak and Juditsky 1992)."""
    pairs: list[tuple[Any, Any]] = list(
        zip(average.state_dict().values(), network.state_dict().values(), strict=True)
    )
    for old, new in pairs:
        if old.dtype.is_floating_point:
            old.lerp_(new, 1.0 - past)
        else:
            old.copy_(new)
