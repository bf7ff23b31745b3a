"""When a training is where: its stages and epochs, the learning rate of each step, and the time that is left."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, Final, final

__all__ = ["Calendar"]

_RECENT: Final = 21  # steps whose median is the pace: one that was held up says nothing
_MARGIN: Final = 1.02  # by which the time may be overrun before anything is shortened


@final
class Calendar:
    """Counts the steps of a training, and shortens what is left of it where the time would run out.

    The machine may become slower than it was when the plan was made. Then fewer steps are left, and the learning rate
    falls faster from where it is, so that a training that is cut short still comes to rest.

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
        self.ends = [e * s for e, s in zip(epochs, steps, strict=True)]  # steps of each stage
        self.stage, self.step, self.done = 0, 0, 0
        self.spent, self._judging = 0.0, 0.0
        self._recent: deque[float] = deque(maxlen=_RECENT)
        self._anchor = (0, 0.0)

    @property
    def total(self) -> int:
        """Epochs over all stages; the last of a stage may have been cut."""
        return sum(-(-end // steps) for end, steps in zip(self.ends, self.steps, strict=True))

    @property
    def finished(self) -> bool:
        """Whether no step is left."""
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
    def epoch_over(self) -> bool:
        """Whether the step that was just done was the last of its epoch."""
        return self.within == 0 or self.step >= self.ends[self.stage]

    @property
    def rate(self) -> float:
        """Share of the largest learning rate at this step: a linear rise, then a cosine to zero.

        Source: Loshchilov and Hutter, SGDR (ICLR 2017).
        """
        rise = min(1.0, (self.step + 1) / self.warmup)
        return rise * 0.5 * (1 + math.cos(math.pi * self._progress()))

    def _progress(self) -> float:
        start, behind = self._anchor
        return behind + (1 - behind) * (self.step - start) / max(1, self.ends[self.stage] - start)

    def stepped(self, seconds: float) -> None:
        """One step more is done.

        Args:
            seconds: That it took, with its batch.
        """
        self.step += 1
        self.spent += seconds
        self._recent.append(seconds)
        if self.seconds is not None and len(self._recent) == _RECENT:
            self._look(self.seconds - self.spent)

    def turned(self, seconds: float) -> None:
        """An epoch is done.

        Args:
            seconds: That it took to judge it.
        """
        self.spent, self._judging, self.done = self.spent + seconds, seconds, self.done + 1
        if self.step >= self.ends[self.stage]:
            self.stage, self.step, self._anchor = self.stage + 1, 0, (0, 0.0)
            while not self.finished and self.ends[self.stage] == 0:
                self.stage += 1

    def _look(self, seconds: float) -> None:
        """Shortens every stage alike where the steps that are left take longer than the seconds that are left."""
        here = self.ends[self.stage] - self.step
        steps = here + sum(self.ends[self.stage + 1 :])
        need = steps * median(self._recent) + (self.total - self.done) * self._judging
        if need <= _MARGIN * max(0.0, seconds):
            return
        share = max(0.0, seconds) / need
        if not here or int(here * share) == here:
            return
        self._anchor = (self.step, self._progress())
        self.ends[self.stage] = self.step + int(here * share)
        for later in range(self.stage + 1, len(self.ends)):
            self.ends[later] = int(self.ends[later] * share)

    def state(self) -> dict[str, Any]:
        """Where it is, as plain data."""
        return {
            "ends": list(self.ends),
            "at": [self.stage, self.step, self.done],
            "clock": [self.spent, self._judging],
            "anchor": list(self._anchor),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes back to where `state` was."""
        self.ends = [int(n) for n in state["ends"]]
        self.stage, self.step, self.done = (int(n) for n in state["at"])
        self.spent, self._judging = (float(n) for n in state["clock"])
        start, behind = state["anchor"]
        self._anchor = (int(start), float(behind))
