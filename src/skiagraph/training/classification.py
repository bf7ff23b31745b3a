"""The trainer of networks that say which class a whole image belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import final

from numpy.random import Generator

from skiagraph.case import Dataset
from skiagraph.inference import Staged
from skiagraph.task import Card, Watch
from skiagraph.training.plan import Plan
from skiagraph.training.segmentation import fitted

__all__ = ["ClassificationTrainer"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationTrainer:
    """Learns two classes, many, ranked ones, or labels that stand each for itself, as the recipe of the plan says.

    Args:
        card: The card that the model will carry, without scores.
        checkpoint: File to save to and to resume from; None keeps nothing.
    """

    card: Card
    checkpoint: Path | None = None

    def fit(self, dataset: Dataset, plan: Plan, *, rng: Generator, watch: Watch) -> Staged:
        """The model that was learnt, run by PyTorch, with temperature, threshold and prediction sets.

        Args:
            dataset: Cases with one classification of the recipe's concept each.
            plan: Every choice.
            rng: All chance.
            watch: Told after each epoch.

        Raises:
            InvalidInput: A plan of another task, or fewer samples than a batch.
        """
        return fitted(
            "classification", self.card, dataset, plan, rng=rng, watch=watch, checkpoint=self.checkpoint
        )
