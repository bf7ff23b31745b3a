"""The trainer of networks that measure: values of a whole image, each with its own uncertainty."""

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

__all__ = ["RegressionTrainer"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RegressionTrainer:
    """Learns one value or several of an image, with intervals: ages, volumes, fractions, risks.

    Args:
        card: The card that the model will carry, without scores.
        checkpoint: File to save to and to resume from; None keeps nothing.
    """

    card: Card
    checkpoint: Path | None = None

    def fit(self, dataset: Dataset, plan: Plan, *, rng: Generator, watch: Watch) -> Staged:
        """The model that was learnt, run by PyTorch, with intervals calibrated on cases that were kept apart.

        Args:
            dataset: Cases with a measurement of each concept of the recipe.
            plan: Every choice.
            rng: All chance.
            watch: Told after each epoch.

        Raises:
            InvalidInput: A plan of another task, or fewer samples than a batch.
        """
        return fitted(
            "regression", self.card, dataset, plan, rng=rng, watch=watch, checkpoint=self.checkpoint
        )
