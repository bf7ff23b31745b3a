"""Every choice of one training, with its reason: a frozen value, from which the same training follows again."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias, final, get_type_hints

from skiagraph.errors import InvalidInput
from skiagraph.networks import NETWORKS
from skiagraph.plain import from_plain
from skiagraph.preprocess import Affine, Blur, Erase, Gain, Gamma, Noise, Pose, Speckle
from skiagraph.task import Recipe
from skiagraph.training.fingerprint import Fingerprint

__all__ = ["SET", "AnyStep", "Loss", "Origin", "Plan", "Settle", "overridden"]

AnyStep: TypeAlias = Affine | Gamma | Gain | Speckle | Blur | Erase | Pose | Noise

Loss: TypeAlias = Literal[
    "cross-entropy", "focal", "asymmetric", "gaussian", "overlap-entropy", "overlap-entropy-boundary"
]

SET: Final = "set by you"  # the reason of what its user has chosen

_GENTLE: Final = (
    Affine(turn=15.0, any_turn=0.0, shrink=1.2, grow=1.15, stretch=1.06, shift=0.06, shear=0.04),
    Gamma(gamma=1.25, brightness=1.2),
    Gain(strength=0.15),
    Speckle(grain=0.12, noise=0.01),
)
_LOSSES: Final[Mapping[str, tuple[str, ...]]] = {
    "segmentation": ("overlap-entropy", "overlap-entropy-boundary"),
    "classification": ("cross-entropy", "focal", "asymmetric"),
    "regression": ("gaussian",),
}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """The last part of a training: it begins with the averaged network, and shows pictures almost as they are.

    Strong augmentation finds the structure wherever it is; what it costs in precision of the edge comes back here.

    Args:
        epochs: How often each sample is seen.
        learning_rate: Largest step, reached after the plan's warm-up and then lowered along a cosine.
        steps: The augmentation.
        moments: Weight of the loss on centre and extent (`skiagraph.training.outline_losses.moments_apart`).

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
class Origin:
    """The model whose weights a training begins with.

    Args:
        file: The folder of the bundle, or a safetensors file, where it lay when the plan was made.
        digest: SHA-256 of the bundle, or of the file; another one is refused.
        name: With its version.
        licence: Of the weights; empty where the file does not say.
        attribution: Whom its licence asks to name.
        data: What it learnt from.
        taken: Tensors that are taken over.
        anew: Names of those that are drawn anew.
    """

    file: str
    digest: str
    name: str
    licence: str = ""
    attribution: str = ""
    data: tuple[str, ...] = ()
    taken: int = 0
    anew: tuple[str, ...] = ()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a network is learnt, whatever its task; a part that a task does not know stays at its default.

    Args:
        recipe: How the model will read; training prepares its cases by the same functions.
        network: Its name in `skiagraph.networks.NETWORKS`.
        options: What the network takes by name, as plain data.
        epochs: How often each sample is seen; where there is a time budget, at most, and what fits is set before
            learning begins.
        batch: Samples a step.
        balance: Additional samples an epoch, as a share, drawn so that rare strata come as often as common ones.
        learning_rate: Largest step of AdamW, reached after `warmup` and then lowered along a cosine.
        warmup: Steps.
        weight_decay: Of AdamW.
        average: Weight of the past in the running average of the weights, which is what ships.
        precision: Of Lightning Fabric.
        steps: The augmentation.
        loss: What the network is punished for.
        smoothing: Share of certainty that true classes give to the others.
        class_weights: How much each label counts; empty for all alike.
        mixup: Parameter of the beta distribution by which two samples are mixed; 0 mixes none.
        moments: Weight of the loss on centre and extent of outlines.
        foreground: Share of the windows that hold a structure, where a network is shown windows.
        origin: The model whose weights it begins with; None begins from chance.
        freeze: How many of the first levels of the network stay as they were, with their batch statistics.
        layer_rate: Learning rate of each level as a share of that of the next one, towards the answer.
        head_epochs: Epochs before all others in which only what is drawn anew learns.
        settle: The last part, with gentle augmentation; None for none.
        validation: Share of the groups that are kept apart to choose thresholds and to calibrate, where the data set
            names none.
        folds: Networks, each learnt without one part of the data, and asked together; 1 learns a single one.
        seconds: Time budget of the whole training; None for none.
        threads: Of the processor; 0 leaves it to PyTorch. Sums are added up in another order by another number.
        strict: Stop at the first sample that cannot be used, instead of leaving it out.
        fingerprint: What was measured on the data when the plan was made.
        reasons: Why, by the name of the choice.

    Raises:
        InvalidInput: A number out of range, or parts that do not go with the task.
    """

    recipe: Recipe
    network: str
    options: Mapping[str, Any] = field(default_factory=dict)
    epochs: int
    batch: int = 8
    balance: float = 0.0
    learning_rate: float = 3e-3
    warmup: int = 50
    weight_decay: float = 0.02
    average: float = 0.99
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    steps: tuple[AnyStep, ...] = ()
    loss: Loss
    smoothing: float = 0.0
    class_weights: tuple[float, ...] = ()
    mixup: float = 0.0
    moments: float = 0.0
    foreground: float = 0.33
    origin: Origin | None = None
    freeze: int = 0
    layer_rate: float = 1.0
    head_epochs: int = 0
    settle: Settle | None = None
    validation: float = 0.15
    folds: int = 1
    seconds: float | None = None
    threads: int = 0
    strict: bool = False
    fingerprint: Fingerprint | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch < 1 or self.learning_rate <= 0 or self.folds < 1 or self.warmup < 1:
            raise InvalidInput("a plan has positive numbers", got=f"epochs {self.epochs}, batch {self.batch}")
        if min(self.balance, self.mixup, self.moments, self.weight_decay, *self.class_weights, 0.0) < 0:
            raise InvalidInput("the weights of a plan are not negative", got=f"balance {self.balance}")
        shares = (self.average, self.smoothing, self.validation, self.foreground)
        if any(not 0 <= share < 1 for share in shares):
            raise InvalidInput("the shares of a plan are from 0 to below 1", got=str(shares))
        if self.freeze < 0 or self.head_epochs < 0 or not 0 < self.layer_rate <= 1:
            raise InvalidInput(
                "levels that stay fixed and epochs of the head are numbers from 0, the rate of a level is above 0 to 1",
                got=f"freeze {self.freeze}, head_epochs {self.head_epochs}, layer_rate {self.layer_rate}",
            )
        if self.threads < 0:
            raise InvalidInput("threads are a whole number from 0", got=str(self.threads))
        if self.seconds is not None and self.seconds <= 0:
            raise InvalidInput("a time budget is a positive time", got=str(self.seconds))
        if self.loss not in _LOSSES[self.recipe.task]:
            raise InvalidInput(
                f"the loss of a {self.recipe.task} is {' or '.join(_LOSSES[self.recipe.task])}", got=self.loss
            )
        if self.class_weights and len(self.class_weights) != len(self.recipe.labels):
            raise InvalidInput("each label has its weight", got=f"{len(self.class_weights)} weights")

    @property
    def network_options(self) -> dict[str, Any]:
        """All that the network takes by name: its sizes, and the options."""
        recipe = self.recipe
        sizes = {"inputs": recipe.channels, "outputs": recipe.outputs, "ndim": len(recipe.shape)}
        return {**sizes, **self.options}

    @property
    def all_epochs(self) -> int:
        """With those of the head alone, and of settling."""
        return self.head_epochs + self.epochs + (self.settle.epochs if self.settle else 0)


def overridden(plan: Plan, settings: Sequence[str]) -> Plan:
    """A plan with some choices of its user.

    Args:
        plan: What was planned.
        settings: ``"field=value"``, ``"recipe.field=value"`` or ``"options.name=value"``; a value is JSON, or a word.

    Raises:
        InvalidInput: No such field, or a value that is none for it; the message says what it takes.
    """
    for setting in settings:
        name, sign, text = setting.partition("=")
        if not sign or not text:
            raise InvalidInput("a setting is written FIELD=VALUE", got=repr(setting))
        plan = _with(plan, name.strip(), _value(text.strip()))
    return plan


_FIXED: Final = ("recipe", "fingerprint", "reasons", "origin")


def _with(plan: Plan, name: str, value: Any) -> Plan:
    first, _, rest = name.partition(".")
    if first == "options" and rest:
        changed = dataclasses.replace(plan, options={**plan.options, rest: value})
    elif first == "recipe" and rest:
        changed = dataclasses.replace(plan, recipe=_replaced(plan.recipe, rest, value, ()))
    else:
        changed = _replaced(plan, name, value, _FIXED)
    if name == "epochs" and plan.settle is not None:  # which keeps its share
        last = max(1, round(plan.settle.epochs * changed.epochs / plan.epochs))
        changed = dataclasses.replace(changed, settle=dataclasses.replace(plan.settle, epochs=last))
    if name == "network" and changed.network in NETWORKS:  # another network has other options
        known = NETWORKS[changed.network].options
        kept = {n: v for n, v in plan.options.items() if n in known}
        changed = dataclasses.replace(changed, options=kept)
    return dataclasses.replace(changed, reasons={**plan.reasons, name: SET})


def _replaced(of: Any, name: str, value: Any, fixed: tuple[str, ...]) -> Any:
    names = [f.name for f in dataclasses.fields(of) if f.name not in fixed]
    if name not in names:
        raise InvalidInput(f"a {type(of).__name__.lower()} has the fields {', '.join(names)}", got=repr(name))
    hint = get_type_hints(type(of))[name]
    try:
        return dataclasses.replace(of, **{name: from_plain(hint, value)})
    except InvalidInput as error:
        raise InvalidInput(f"the setting of {name} holds: {error.rule}", got=error.got) from error


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
