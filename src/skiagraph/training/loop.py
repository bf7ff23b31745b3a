"""The training loop, from top to bottom on one page. Lightning Fabric supplies device and precision."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.random import Generator
from torch import nn

from skiagraph.networks import ResidualUNet
from skiagraph.task import Watch
from skiagraph.training.checkpoint import load_checkpoint, save_checkpoint
from skiagraph.training.losses import moments_apart, overlap_and_entropy
from skiagraph.training.plan import Plan
from skiagraph.training.samples import Prepared, batches, steps_per_epoch

__all__ = ["train"]


def train(
    samples: Sequence[Prepared], plan: Plan, *, rng: Generator, watch: Watch, checkpoint: Path | None = None
) -> nn.Module:
    """Learns a network.

    Args:
        samples: On the lattice of the plan's recipe.
        plan: Every choice.
        rng: All chance: initial weights, order, augmentation. One draw, so that a resumed run equals one that was not.
        watch: Told after each epoch.
        checkpoint: File to save to after each epoch and to resume from; None keeps nothing.

    Returns:
        The running average of the networks, in evaluation mode, on the CPU.
    """
    seed = int(rng.integers(2**31))
    fabric = Fabric(accelerator="auto", devices=1, precision=plan.precision)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = ResidualUNet(inputs=1, outputs=len(plan.recipe.labels), widths=plan.widths)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing from torch's stubs
    average = copy.deepcopy(network).eval()
    optimizer = torch.optim.AdamW(network.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay)
    model, optimizer = fabric.setup(network, optimizer)
    average.to(fabric.device)
    per_epoch = steps_per_epoch(len(samples), plan)
    first = load_checkpoint(checkpoint, plan, seed, network, average, optimizer)
    for epoch in range(first, plan.all_epochs):
        begun, part = (0, plan) if plan.settle is None or epoch < plan.epochs else (plan.epochs, plan.settle)
        if epoch == begun > 0:
            network.load_state_dict(average.state_dict())
            optimizer.state.clear()
        model.train()
        losses = []
        drawn = batches(samples, plan, np.random.default_rng([seed, epoch]), part.steps)
        for step, (pictures, masks) in enumerate(drawn, (epoch - begun) * per_epoch):
            for group in optimizer.param_groups:
                group["lr"] = _share(plan, step, part.epochs * per_epoch) * part.learning_rate
            x = torch.from_numpy(pictures).to(fabric.device, memory_format=torch.channels_last)
            target = torch.from_numpy(masks).to(fabric.device)
            logits = model(x).float()
            loss = overlap_and_entropy(logits, target) + part.moments * moments_apart(logits, target)
            optimizer.zero_grad()
            fabric.backward(loss)
            fabric.clip_gradients(model, optimizer, max_norm=1.0)
            optimizer.step()
            _follow(average, network, min(plan.average, step / (step + 10)))
            losses.append(float(loss.detach()))
        watch(epoch + 1, plan.all_epochs, {"loss": float(np.mean(losses))})
        save_checkpoint(checkpoint, plan, seed, epoch + 1, network, average, optimizer)
    return average.cpu().eval()


def _share(plan: Plan, step: int, total: int) -> float:
    """Of the learning rate: a linear rise, then a cosine to zero (Loshchilov and Hutter, SGDR, 2017)."""
    return min(1.0, (step + 1) / plan.warmup) * 0.5 * (1 + math.cos(math.pi * step / total))


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
