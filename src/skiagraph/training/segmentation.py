"""The trainer of segmentation networks in two dimensions, and the plan that it derives from the data."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor, nn

from skiagraph.case import Dataset
from skiagraph.codes import Code
from skiagraph.findings import Segmentation
from skiagraph.inference import Staged, staged
from skiagraph.inference.torch_engine import TorchEngine
from skiagraph.networks import ResidualUNet
from skiagraph.task import Card, InputSpec, OutputSpec, Recipe, Watch
from skiagraph.training.loop import Stage, learn
from skiagraph.training.losses import moments_apart, overlap_and_entropy
from skiagraph.training.plan import Plan, Settle
from skiagraph.training.samples import Prepared, batches, prepared, steps_per_epoch

__all__ = ["SegmentationTrainer", "plain_card", "planned", "train"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentationTrainer:
    """Learns to outline one structure in pictures.

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
            InvalidInput: Fewer samples than a batch, or a sample without a segmentation.
        """
        network = train(
            prepared(dataset, plan.recipe), plan, rng=rng, watch=watch, checkpoint=self.checkpoint
        )
        card = dataclasses.replace(self.card, data=(dataset.name,))
        return staged(card, plan.recipe, TorchEngine(network))


def train(
    samples: Sequence[Prepared], plan: Plan, *, rng: Generator, watch: Watch, checkpoint: Path | None = None
) -> nn.Module:
    """Learns a segmentation network.

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
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = ResidualUNet(inputs=1, outputs=len(plan.recipe.labels), widths=plan.widths)

    def stage(part: Plan | Settle) -> Stage:
        def loss(logits: Tensor, target: Tensor) -> Tensor:
            return overlap_and_entropy(logits, target) + part.moments * moments_apart(logits, target)

        return Stage(
            epochs=part.epochs,
            steps=steps_per_epoch(len(samples), plan),
            learning_rate=part.learning_rate,
            batches=lambda rng: batches(samples, plan, rng, part.steps),
            loss=loss,
        )

    stages = [stage(plan)] if plan.settle is None else [stage(plan), stage(plan.settle)]
    return learn(network, stages, plan, seed=seed, watch=watch, checkpoint=checkpoint)


def planned(dataset: Dataset, label: Code, *, shape: tuple[int, int] = (192, 288)) -> Plan:
    """A plan for a data set, from its fingerprint.

    Args:
        dataset: Cases with one segmentation each; up to 64 are looked at.
        label: What is outlined.
        shape: Samples of the network's lattice.

    Returns:
        A plan whose recipe takes the field of view as it comes.
    """
    looked_at = dataset.samples[:: max(1, len(dataset) // 64)]
    shares = []
    for sample in looked_at:
        shares += [f.mask(1).mean() for f in sample.reference() if isinstance(f, Segmentation)]
    fingerprint = {
        "samples": float(len(dataset)),
        "groups": float(len({s.group for s in dataset})),
        "mean area share": float(np.mean(shares)) if shares else 0.0,
    }
    return Plan(recipe=Recipe(labels=(label,), shape=shape, normalise="root-zscore"), fingerprint=fingerprint)


def plain_card(name: str, label: Code, modality: str, data: Dataset) -> Card:
    """The card of a model that has just been learnt: nothing was measured yet, and it says so."""
    return Card(
        name=name,
        version="0.1.0",
        task="segmentation",
        summary=f"Outlines {label.meaning or label.value} in pictures.",
        inputs=(InputSpec(name="image", modality=modality, ndim=2),),
        outputs=(OutputSpec(finding="Segmentation", concept=label),),
        intended_use="Research. Not evaluated yet.",
        limits=("Nothing was measured on data that it did not learn from.",),
        data=(data.name,),
        licence=data.licence,
    )
