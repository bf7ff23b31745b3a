"""When a training is where: its stages and epochs, the learning rate of each step, and the time that is left."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, final

__all__ = ["Calendar"]


@final
class Calendar:
    """Counts the steps of a training, and hurries where the time would run out.

    How far a stage has come is told by its steps, which makes a training repeatable. The machine may become slower than
    it was when the plan was made: as soon as the clock is ahead of the steps, the clock tells. Then the learning rate
    falls faster, and a training that is cut short still comes to rest, in time.

    Args:
        epochs: Of each stage.
        steps: Of an epoch of each stage.
        warmup: Steps in which the learning rate rises at the beginning of a stage.
        seconds: What the whole training may take; None for as long as it needs.
    """

    def __init__(
        self, epochs: Sequence[int], steps: Sequence[int], warmup: int, seconds: float | None
    ) -> None:
        self.steps, self.warmup, self.seconds = tuple(steps), warmup, seconds
        self.ends = tuple(e * s for e, s in zip(epochs, steps, strict=True))  # steps of each stage
        self.stage, self.step, self.done = 0, 0, 0
        self.spent, self._begun = 0.0, 0.0

    @property
    def total(self) -> int:
        """Epochs over all stages; in the end, those that there was time for."""
        planned = sum(-(-end // steps) for end, steps in zip(self.ends, self.steps, strict=True))
        return self.done if self.finished else max(planned, self.done + 1)

    @property
    def finished(self) -> bool:
        """Whether no stage is left."""
        return self.stage >= len(self.ends)

    @property
    def fresh(self) -> bool:
        """Whether a stage that is not the first is about to take its first step."""
        return self.stage > 0 and self.step == 0

    @property
    def within(self) -> int:
        """Steps of the present epoch that are behind."""
        return self.step % self.steps[self.stage]

    @property
    def progress(self) -> float:
        """How far the present stage has come, 0 to 1: by its steps, or by the clock where that is ahead."""
        by_steps = self.step / self.ends[self.stage]
        if self.seconds is None:
            return by_steps
        share = self.ends[self.stage] / sum(self.ends[self.stage :])
        room = max(1e-6, (self.seconds - self._begun) * share)
        return min(1.0, max(by_steps, (self.spent - self._begun) / room))

    @property
    def epoch_over(self) -> bool:
        """Whether the step that was just done was the last of its epoch."""
        return self.within == 0 or self.progress >= 1.0

    @property
    def rate(self) -> float:
        """Share of the largest learning rate at this step: a linear rise, then a cosine to zero.

        Source: Loshchilov and Hutter, SGDR (ICLR 2017).
        """
        return min(1.0, (self.step + 1) / self.warmup) * 0.5 * (1 + math.cos(math.pi * self.progress))

    def stepped(self, seconds: float) -> None:
        """One step more is done.

        Args:
            seconds: That it took, with its batch.
        """
        self.step, self.spent = self.step + 1, self.spent + seconds

    def turned(self, seconds: float) -> None:
        """An epoch is done.

        Args:
            seconds: That it took to judge it.
        """
        self.spent, self.done = self.spent + seconds, self.done + 1
        if self.progress >= 1.0:
            self.stage, self.step, self._begun = self.stage + 1, 0, self.spent

    def state(self) -> dict[str, Any]:
        """Where it is, as plain data."""
        return {"at": [self.stage, self.step, self.done], "clock": [self.spent, self._begun]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes back to where `state` was."""
        self.stage, self.step, self.done = (int(n) for n in state["at"])
        self.spent, self._begun = (float(n) for n in state["clock"])
