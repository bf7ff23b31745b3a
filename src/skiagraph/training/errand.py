"""What the first process of a team tells the others to learn."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import final

from skiagraph.case import Dataset
from skiagraph.errors import InvalidInput
from skiagraph.training.plan import Plan

__all__ = ["Errand"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One training.

    Args:
        plan: Every choice.
        seed: Of all chance.
        samples: Identifier and split of each sample, in order.
    """

    plan: Plan
    seed: int
    samples: tuple[tuple[str, str], ...]

    def of(self, dataset: Dataset) -> Dataset:
        """Those samples of a data set.

        Raises:
            InvalidInput: One is not there.
        """
        there = {sample.identifier: sample for sample in dataset}
        missing = sum(name not in there for name, _ in self.samples)
        if missing:
            raise InvalidInput(
                "all machines learn from the same samples",
                got=f"{missing} that are missing on one",
                way_out="copy the data again",
            )
        named = tuple(dataclasses.replace(there[name], split=split) for name, split in self.samples)
        return dataclasses.replace(dataset, samples=named)
