"""When a training is where: its stages and epochs, the learning rate of each step, and the time that is left."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, final

__all__ = ["Calendar"]


@final
class Calendar:
    """Counts the steps of a training, and shortens what is left of it where the time would run out.

    The machine may become slower than it was when the plan was made. Then the epochs that are left become fewer, and
    the learning rate falls faster from where it is, so that a training that is cut short still comes to rest.

    Args:
        epochs: Of each stage.
        steps: Of an epoch of each stage.
        warmup: Steps in which the learning rate rises at the beginning of a stage.
        seconds: What the whole training may take; None for as long as it needs.
    """

    def __init__(
        self, epochs: Sequence[int], steps: Sequence[int], warmup: int, seconds: float | None
    ) -> None:
        self.epochs, self.steps, self.warmup, self.seconds = list(epochs), tuple(steps), warmup, seconds
        self.stage, self.epoch, self.step = 0, 0, 0
        self.spent = 0.0
        self._anchor = (0, 0.0)
        self._skip_empty()

    @property
    def done(self) -> int:
        """Epochs that are behind, over all stages."""
        return sum(self.epochs[: self.stage]) + self.epoch

    @property
    def total(self) -> int:
        """Epochs over all stages."""
        return sum(self.epochs)

    @property
    def finished(self) -> bool:
        """Whether no epoch is left."""
        return self.stage >= len(self.epochs)

    @property
    def fresh(self) -> bool:
        """Whether a stage that is not the first is about to take its first step."""
        return self.stage > 0 and self.epoch == 0 and self.step == 0

    @property
    def rate(self) -> float:
        """Share of the largest learning rate at this step: a linear rise, then a cosine to zero.

        Source: Loshchilov and Hutter, SGDR (ICLR 2017).
        """
        at = self.epoch * self.steps[self.stage] + self.step
        return min(1.0, (at + 1) / self.warmup) * 0.5 * (1 + math.cos(math.pi * self._progress(at)))

    def _progress(self, at: int) -> float:
        start, behind = self._anchor
        total = self.epochs[self.stage] * self.steps[self.stage]
        return behind + (1 - behind) * (at - start) / (total - start)

    def stepped(self) -> None:
        """One step more is done."""
        self.step += 1

    def turned(self, seconds: float) -> None:
        """An epoch is done, which took so many seconds.

        Args:
            seconds: Of this epoch, with its validation.
        """
        self.spent += seconds
        self.step, self.epoch = 0, self.epoch + 1
        left = self.total - self.done
        if self.seconds is not None and left and self.spent + left * seconds > self.seconds:
            self._shorten(max(0, int((self.seconds - self.spent) / seconds)), left)
        if self.epoch >= self.epochs[self.stage]:
            self.stage, self.epoch, self._anchor = self.stage + 1, 0, (0, 0.0)
            self._skip_empty()

    def _shorten(self, wanted: int, left: int) -> None:
        """The same share of what is left of each stage."""
        at = self.epoch * self.steps[self.stage]
        if self.epoch < self.epochs[self.stage]:
            self._anchor = (at, self._progress(at))
        self.epochs[self.stage] = self.epoch + (self.epochs[self.stage] - self.epoch) * wanted // left
        for later in range(self.stage + 1, len(self.epochs)):
            self.epochs[later] = self.epochs[later] * wanted // left

    def _skip_empty(self) -> None:
        while not self.finished and self.epochs[self.stage] == 0:
            self.stage += 1

    def state(self) -> dict[str, Any]:
        """Where it is, as plain data."""
        return {
            "epochs": list(self.epochs),
            "stage": self.stage,
            "epoch": self.epoch,
            "step": self.step,
            "spent": self.spent,
            "anchor": list(self._anchor),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes back to where `state` was."""
        self.epochs = [int(n) for n in state["epochs"]]
        self.stage, self.epoch, self.step = int(state["stage"]), int(state["epoch"]), int(state["step"])
        self.spent = float(state["spent"])
        start, behind = state["anchor"]
        self._anchor = (int(start), float(behind))
