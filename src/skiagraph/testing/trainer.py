"""What every trainer owes: all chance from its generator, steps that are told, and a model that keeps the contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from skiagraph.case import Dataset
from skiagraph.errors import ContractError
from skiagraph.task import Model, Trainer
from skiagraph.testing.digest import finding_digest
from skiagraph.testing.model import check_model

__all__ = ["check_trainer"]


def check_trainer(trainer: Trainer[Any, Any], dataset: Dataset, plan: Any) -> None:
    """Trains twice from the same chance and compares what the two models say; checks the model too.

    Args:
        trainer: Any trainer.
        dataset: A few samples.
        plan: A tiny plan; it is carried out twice.

    Raises:
        ContractError: The first promise that is broken.
    """
    case = dataset.samples[0].case()
    first, second = _trained(trainer, dataset, plan), _trained(trainer, dataset, plan)
    if finding_digest(first(case)) != finding_digest(second(case)):
        raise ContractError("a trainer learns the same from the same generator", got="two models that differ")
    check_model(first, case)


def _trained(trainer: Trainer[Any, Any], dataset: Dataset, plan: Any) -> Model[Any]:
    told: list[tuple[int, int]] = []

    def watch(done: int, total: int, figures: Mapping[str, float], /) -> None:
        if not all(isinstance(name, str) for name in figures):
            raise ContractError("a trainer tells its figures by name", got=str(list(figures)))
        told.append((done, total))

    model = trainer.fit(dataset, plan, rng=np.random.default_rng(0), watch=watch)
    steps = [done for done, _ in told]
    if not told or steps != sorted(set(steps)) or any(not 0 <= done <= total for done, total in told):
        raise ContractError("a trainer tells its steps as they rise to their total", got=str(told[:5]))
    return model
