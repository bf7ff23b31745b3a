"""The training loop, from top to bottom on one page. Lightning Fabric supplies device and precision."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, final

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor, nn

from skiagraph.task import Watch
from skiagraph.training.checkpoint import load_checkpoint, save_checkpoint

__all__ = ["Batch", "Pace", "Stage", "learn"]

Batch = tuple[NDArray[np.float32], NDArray[np.float32]]


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
        """Of Lightning Fabric."""
        ...


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A part of a training.

    Args:
        epochs: How many.
        steps: Batches an epoch.
        learning_rate: Largest step, reached after the warm-up and then lowered along a cosine.
        batches: The (pictures, targets) of one epoch, from a generator of its own.
        loss: Of the network's answer (float32) and the targets.
    """

    epochs: int
    steps: int
    learning_rate: float
    batches: Callable[[Generator], Iterator[Batch]]
    loss: Callable[[Tensor, Tensor], Tensor]


def learn(
    network: nn.Module,
    stages: Sequence[Stage],
    pace: Pace,
    *,
    seed: int,
    watch: Watch,
    checkpoint: Path | None = None,
) -> nn.Module:
    """Teaches a network, one stage after the other; each begins with the average that the one before has left.

    Args:
        network: With its first weights.
        stages: At least one.
        pace: The plan; it is also the key of the checkpoint.
        seed: All chance of the batches; a resumed run equals one that was not.
        watch: Told after each epoch.
        checkpoint: File to save to after each epoch and to resume from; None keeps nothing.

    Returns:
        The running average of the networks, in evaluation mode, on the CPU.
    """
    fabric = Fabric(accelerator="auto", devices=1, precision=pace.precision)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing from torch's stubs
    average = copy.deepcopy(network).eval()
    rate = stages[0].learning_rate
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=pace.weight_decay)
    model, optimizer = fabric.setup(network, optimizer)
    average.to(fabric.device)
    first = load_checkpoint(checkpoint, pace, seed, network, average, optimizer)
    calendar = [(stage, n) for stage in stages for n in range(stage.epochs)]
    for epoch in range(first, len(calendar)):
        stage, within = calendar[epoch]
        if within == 0 < epoch:
            network.load_state_dict(average.state_dict())
            optimizer.state.clear()
        model.train()
        losses = []
        with torch.random.fork_rng():
            torch.manual_seed(seed + epoch)
            drawn = stage.batches(np.random.default_rng([seed, epoch]))
            for step, (pictures, targets) in enumerate(drawn, within * stage.steps):
                for group in optimizer.param_groups:
                    group["lr"] = _share(pace.warmup, step, stage.epochs * stage.steps) * stage.learning_rate
                x = torch.from_numpy(pictures).to(fabric.device, memory_format=torch.channels_last)
                loss = stage.loss(model(x).float(), torch.from_numpy(targets).to(fabric.device))
                optimizer.zero_grad()
                fabric.backward(loss)
                fabric.clip_gradients(model, optimizer, max_norm=1.0)
                optimizer.step()
                _follow(average, network, min(pace.average, step / (step + 10)))
                losses.append(float(loss.detach()))
        watch(epoch + 1, len(calendar), {"loss": float(np.mean(losses))})
        save_checkpoint(checkpoint, pace, seed, epoch + 1, network, average, optimizer)
    return average.cpu().eval()


def _share(warmup: int, step: int, total: int) -> float:
    """Of the learning rate: a linear rise, then a cosine to zero (Loshchilov and Hutter, SGDR, 2017)."""
    return min(1.0, (step + 1) / warmup) * 0.5 * (1 + math.cos(math.pi * step / total))


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
