"""The trainer of segmentation networks, and what all trainers of networks share."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from numpy.random import Generator
from torch import nn

from skiagraph.case import Dataset
from skiagraph.errors import InvalidInput
from skiagraph.inference import Staged, staged
from skiagraph.inference.torch_engine import TorchEngine
from skiagraph.task import Card, Watch
from skiagraph.training.build import built
from skiagraph.training.loop import Run, learn
from skiagraph.training.plan import Plan
from skiagraph.training.samples import Prepared
from skiagraph.training.targets import Task
from skiagraph.training.teach import stages_of, teach
from skiagraph.training.transfer import pace_of

__all__ = ["SegmentationTrainer", "fitted", "train"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentationTrainer:
    """Learns to outline structures in pictures and volumes.

    Args:
        card: The card that the model will carry, without scores.
        checkpoint: File to save to and to resume from; None keeps nothing.
    """

    card: Card
    checkpoint: Path | None = None

    def fit(self, dataset: Dataset, plan: Plan, *, rng: Generator, watch: Watch) -> Staged:
        """The model that was learnt, run by PyTorch; `freeze` writes it for the other engines.

        Args:
            dataset: Cases with one segmentation each.
            plan: Every choice.
            rng: All chance.
            watch: Told after each epoch.

        Raises:
            InvalidInput: A plan of another task, or fewer samples than a batch.
        """
        return fitted(
            "segmentation", self.card, dataset, plan, rng=rng, watch=watch, checkpoint=self.checkpoint
        )


def fitted(  # noqa: PLR0913  the parameters of every trainer, and its own card
    task: Task,
    card: Card,
    dataset: Dataset,
    plan: Plan,
    *,
    rng: Generator,
    watch: Watch,
    checkpoint: Path | None,
) -> Staged:
    """What the trainers of networks share.

    Raises:
        InvalidInput: A plan of another task, or fewer samples than a batch.
    """
    if plan.recipe.task != task:
        raise InvalidInput(f"the plan of this trainer is for {task}", got=plan.recipe.task)
    taught = teach(dataset, plan, rng=rng, watch=watch, checkpoint=checkpoint)
    card = dataclasses.replace(card, data=(dataset.name,))
    return staged(card, taught.plan.recipe, TorchEngine(taught.network))


def train(
    samples: Sequence[Prepared], plan: Plan, *, rng: Generator, watch: Watch, checkpoint: Path | None = None
) -> nn.Module:
    """Learns the network of a plan from samples in memory; nothing is kept apart, and nothing calibrated.

    Args:
        samples: On the lattice of the plan's recipe.
        plan: Every choice.
        rng: All chance: initial weights, order, augmentation. One draw, so that a resumed run equals one that was not.
        watch: Told after each epoch.
        checkpoint: File to save to and to resume from; None keeps nothing.

    Returns:
        The running average of the networks, in evaluation mode, on the CPU.
    """
    seed = int(rng.integers(2**31))
    run = Run(seed=seed, watch=watch, checkpoint=checkpoint, groups=pace_of(plan))
    return learn(built(plan, seed), stages_of(samples, plan), plan, run).network
