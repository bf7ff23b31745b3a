"""Every choice of one training: the recipe for reading, the network, the loop and the augmentation; a frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, final

from skiagraph.errors import InvalidInput
from skiagraph.preprocess import Affine, Blur, Erase, Gain, Gamma, Speckle
from skiagraph.task import Recipe

__all__ = ["AnyStep", "Plan", "Settle"]

AnyStep: TypeAlias = Affine | Gamma | Gain | Speckle | Blur | Erase

_STEPS = (Affine(), Gamma(), Gain(), Speckle(), Blur(), Erase())
_GENTLE = (
    Affine(turn=15.0, any_turn=0.0, shrink=1.2, grow=1.15, stretch=1.06, shift=0.06, shear=0.04),
    Gamma(gamma=1.25, brightness=1.2),
    Gain(strength=0.15),
    Speckle(grain=0.12, noise=0.01),
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """The last part of a training: it begins with the averaged network, and shows pictures almost as they are.

    Strong augmentation finds the structure wherever it is; what it costs in precision of the edge comes back here.

    Args:
        epochs: How often each sample is seen.
        learning_rate: Largest step, reached after the plan's warm-up and then lowered along a cosine.
        steps: The augmentation.
        moments: Weight of the loss on centre and extent (`skiagraph.training.losses.moments_apart`).

    Raises:
        InvalidInput: Not positive.
    """

    epochs: int = 20
    learning_rate: float = 1e-3
    steps: tuple[AnyStep, ...] = _GENTLE
    moments: float = 5.0

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.learning_rate <= 0:
            raise InvalidInput(
                "settling takes at least one epoch and a positive learning rate", got=str(self.epochs)
            )


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a segmentation network in two dimensions is learnt.

    Args:
        recipe: How the model will read; training prepares its cases by the same functions.
        widths: Channels of the U-Net at each level, the finest first.
        epochs: How often each sample is seen.
        batch: Samples a step.
        balance: Additional samples an epoch, as a share, drawn so that rare strata come as often as common ones.
        learning_rate: Largest step of AdamW, reached after `warmup` and then lowered along a cosine.
        warmup: Steps.
        weight_decay: Of AdamW.
        average: Weight of the past in the running average of the weights, which is what ships.
        precision: Of Lightning Fabric.
        steps: The augmentation.
        moments: Weight of the loss on centre and extent.
        settle: The last part, with gentle augmentation; None for none.
        fingerprint: What was measured on the data when the plan was made, for the record.

    Raises:
        InvalidInput: A number out of range, or a shape that the levels do not divide.
    """

    recipe: Recipe
    widths: tuple[int, ...] = (24, 48, 96, 128, 160)
    epochs: int = 160
    batch: int = 8
    balance: float = 0.2
    learning_rate: float = 3e-3
    warmup: int = 50
    weight_decay: float = 0.02
    average: float = 0.99
    precision: Literal["32-true", "bf16-mixed"] = "bf16-mixed"
    steps: tuple[AnyStep, ...] = _STEPS
    moments: float = 0.0
    settle: Settle | None = Settle()
    fingerprint: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (
            self.epochs < 1
            or self.batch < 1
            or self.learning_rate <= 0
            or self.balance < 0
            or not 0 <= self.average < 1
        ):
            raise InvalidInput("a plan has positive numbers", got=f"epochs {self.epochs}, batch {self.batch}")
        factor = 2 ** len(self.widths)
        if any(n % factor for n in self.recipe.shape):
            raise InvalidInput(
                f"{len(self.widths)} levels need a shape of multiples of {factor}", got=str(self.recipe.shape)
            )

    @property
    def all_epochs(self) -> int:
        """With those of settling."""
        return self.epochs + (self.settle.epochs if self.settle else 0)
