"""Asks a network about a picture and its mirror images, and takes the mean."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, combinations
from typing import final

import numpy as np
from numpy.typing import NDArray

from skiagraph.task import Engine

__all__ = ["Mirrored"]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mirrored:
    """An engine that averages the logits over mirror images along every combination of `axes`.

    Args:
        engine: What computes.
        axes: Spatial axes, counted from 0.
    """

    engine: Engine
    axes: tuple[int, ...]

    @property
    def name(self) -> str:
        """That of the engine within."""
        return self.engine.name

    @property
    def precision(self) -> str:
        """That of the engine within."""
        return self.engine.precision

    def __call__(self, batch: NDArray[np.float32], /) -> NDArray[np.float32]:
        """(batch, channel, spatial...) to (batch, channel, spatial...), or to (batch, channel)."""
        ways = chain.from_iterable(combinations(self.axes, n) for n in range(len(self.axes) + 1))
        answers = []
        for way in ways:
            where = tuple(axis + 2 for axis in way)
            answer = self.engine(np.ascontiguousarray(np.flip(batch, where)))
            answers.append(answer if answer.ndim == 2 else np.flip(answer, where))  # classes have no place
        mean: NDArray[np.float32] = np.mean(answers, axis=0, dtype=np.float32)
        return mean
