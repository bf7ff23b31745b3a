"""What a tuning may change: fields of the plan, each with the values that are tried; and a plan with such values."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, final, get_type_hints

import torch

from skiagraph.errors import InvalidInput
from skiagraph.networks import NETWORKS
from skiagraph.training.build import built
from skiagraph.training.plan import AnyStep, Plan, overridden

__all__ = [
    "Between",
    "Dimension",
    "OneOf",
    "changed",
    "check_space",
    "planned_value",
    "usual_space",
    "wished",
]

_FACTORS: Final = (
    "shrink",
    "grow",
    "stretch",
    "gamma",
    "brightness",
)  # of an augmentation; 1 changes nothing
_AMOUNTS: Final = ("turn", "shift", "shear", "strength", "grain", "noise")  # 0 changes nothing
_CHANCES: Final = ("any_turn", "share")  # how many of the pictures
_WIDE: Final = 10.0  # highest over lowest from which a range is searched by its logarithm


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """A number from a range.

    Args:
        field: As in `skiagraph.training.overridden`; or ``"augmentation"`` or ``"width"``, see `changed`.
        low: The lowest.
        high: The highest.
        whole: Whole numbers alone.

    Raises:
        InvalidInput: It does not rise, is not finite, or is to be whole and is not.
    """

    field: str
    low: float
    high: float
    whole: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise InvalidInput(f"the range of {self.field} rises", got=f"{self.low:g}..{self.high:g}")
        if self.whole and (self.low % 1 or self.high % 1):
            raise InvalidInput(f"{self.field} is a whole number", got=f"{self.low:g}..{self.high:g}")

    @property
    def by_logarithm(self) -> bool:
        """Whether twice as much is the same step everywhere: where the highest is ten times the lowest."""
        return self.low > 0 and self.high >= _WIDE * self.low

    def holds(self, value: Any) -> bool:
        """Whether a value lies in it."""
        return isinstance(value, int | float) and self.low <= value <= self.high

    @property
    def told(self) -> str:
        """In words, as `wished` reads them."""
        return f"{self.low:g}..{self.high:g}"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class OneOf:
    """One of several values.

    Args:
        field: As of `Between`.
        values: Plain data, each once.

    Raises:
        InvalidInput: None, or one twice.
    """

    field: str
    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        texts = [json.dumps(v) for v in self.values]
        if not texts or len(set(texts)) != len(texts):
            raise InvalidInput(f"the values of {self.field} are one or more, each once", got=", ".join(texts))

    def holds(self, value: Any) -> bool:
        """Whether a value is one of them."""
        return value in self.values

    @property
    def told(self) -> str:
        """In words, as `wished` reads them."""
        return ", ".join(v if isinstance(v, str) else json.dumps(v) for v in self.values)


Dimension: TypeAlias = Between | OneOf


def usual_space(plan: Plan, fixed: Sequence[str] = ()) -> tuple[Dimension, ...]:
    """What is worth trying about a plan.

    Args:
        plan: What was planned; it lies in the space.
        fixed: Fields that stay as they are.
    """
    classes = plan.recipe.task == "classification"
    exclusive = classes and plan.recipe.activation == "softmax"
    rate, decay = plan.learning_rate, plan.weight_decay or 0.02
    space: list[Dimension] = [
        Between(field="learning_rate", low=rate / 10, high=rate * 3),
        Between(field="weight_decay", low=decay / 20, high=decay * 5),
        OneOf(field="batch", values=tuple(sorted({max(2, plan.batch // 2), plan.batch, plan.batch * 2}))),
        OneOf(field="average", values=tuple(sorted({0.95, 0.98, 0.995, plan.average}))),
    ]
    if plan.steps:
        space.append(Between(field="augmentation", low=0.0, high=1.5))
    if plan.origin is not None:  # whose network it is
        space.append(Between(field="layer_rate", low=min(0.5, plan.layer_rate), high=1.0))
        space.append(OneOf(field="freeze", values=tuple(sorted({0, 1, 2, plan.freeze}))))
    elif _with_width(plan.options, 0.5) != dict(plan.options):
        space.append(OneOf(field="width", values=(0.5, 0.75, 1.0, 1.5)))
    if exclusive:
        space.append(Between(field="smoothing", low=0.0, high=max(0.2, plan.smoothing)))
        space.append(Between(field="mixup", low=0.0, high=max(0.4, plan.mixup)))
    if classes:
        usual = ("cross-entropy", "focal") if exclusive else ("cross-entropy", "focal", "asymmetric")
        space.append(OneOf(field="loss", values=tuple(dict.fromkeys((plan.loss, *usual)))))
    return tuple(d for d in space if d.field not in fixed)


def wished(space: Sequence[Dimension], plan: Plan, texts: Sequence[str]) -> tuple[Dimension, ...]:
    """A space with what its user wants to be tried, in the place of what is usual for these fields.

    Args:
        space: What else is tried.
        plan: Knows the kinds of its fields.
        texts: ``"FIELD=LOW..HIGH"`` or ``"FIELD=A,B,C"``; values are JSON, or words.

    Raises:
        InvalidInput: It is written in another way.
    """
    found = {d.field: d for d in space}
    for text in texts:
        field, sign, values = (part.strip() for part in text.partition("="))
        if not sign or not field or not values:
            raise InvalidInput("what to try is written FIELD=LOW..HIGH or FIELD=A,B,C", got=repr(text))
        low, between, high = values.partition("..")
        found[field] = (
            _range(field, low, high, plan) if between else OneOf(field=field, values=_values(values))
        )
    return tuple(found.values())


def check_space(space: Sequence[Dimension], plan: Plan) -> None:
    """Sees to it that a plan takes all that is to be tried, before hours are spent.

    Raises:
        InvalidInput: Nothing is tried, or a value that the plan or its network does not take.
        UnknownName: A network that is none.
    """
    if not space:
        raise InvalidInput("a tuning tries at least one field", got="none")
    for dimension in space:
        ends = dimension.values if isinstance(dimension, OneOf) else (dimension.low, dimension.high)
        for value in ends:
            whole = isinstance(dimension, Between) and dimension.whole
            tried = changed(plan, {dimension.field: int(value) if whole else value})
            with torch.device("meta"):
                built(tried, 0)


def planned_value(plan: Plan, field: str) -> Any:
    """What a plan has for a field of a space, as plain data; None where it names nothing.

    Args:
        plan: The plan.
        field: As of `Between`; of ``"augmentation"`` and ``"width"`` it is 1.
    """
    if field in {"augmentation", "width"}:
        return 1.0
    value: Any = plan
    for part in field.split("."):
        value = value.get(part) if isinstance(value, Mapping) else getattr(value, part, None)
    return value


def changed(plan: Plan, values: Mapping[str, Any], reason: str = "tried") -> Plan:
    """A plan with other values.

    Two fields are of a tuning alone. ``"augmentation"`` is the strength of all steps: amounts and shares are so many
    times what was planned, factors are raised to that power; 0 takes the steps away. ``"width"`` multiplies the
    channels of the network, where its options name them (``base``, ``widths``, ``levels``). A network of another name
    keeps the options that it knows.

    Args:
        plan: What was planned.
        values: By field; plain data.
        reason: Why, for the table of the plan.

    Raises:
        InvalidInput: A field that a plan does not have, or a value that it does not take.
        UnknownName: A network that is none.
    """
    rest = dict(values)
    told = dict.fromkeys(rest, reason)
    if "network" in rest:
        plan = _with_network(plan, str(rest.pop("network")))
    if "width" in rest:
        plan = dataclasses.replace(plan, options=_with_width(plan.options, float(rest.pop("width"))))
        told["network"] = told.pop("width")
    if "augmentation" in rest:
        strength = float(rest.pop("augmentation"))
        if strength < 0:
            raise InvalidInput("the strength of augmentation is not negative", got=f"{strength:g}")
        told["steps"] = f"{told.pop('augmentation')}: {strength:.3g} times as strong as planned"
        plan = dataclasses.replace(plan, steps=_with_strength(plan.steps, strength))
    plan = overridden(plan, [f"{field}={json.dumps(value)}" for field, value in rest.items()])
    return dataclasses.replace(plan, reasons={**plan.reasons, **told})


def _with_network(plan: Plan, name: str) -> Plan:
    plan = overridden(plan, [f"network={json.dumps(name)}"])
    entry = NETWORKS.get(name)
    if entry is None:
        return plan  # which says so when it is built
    known = {k: v for k, v in plan.options.items() if k in entry.options}
    return dataclasses.replace(plan, options=known)


def _with_width(options: Mapping[str, Any], factor: float) -> dict[str, Any]:
    def times(width: int) -> int:
        step = 8 if width >= 16 else 4
        return max(step, round(width * factor / step) * step)

    wide = dict(options)
    if "base" in wide:
        wide["base"] = times(wide["base"])
    if "widths" in wide:
        wide["widths"] = [times(width) for width in wide["widths"]]
    if "levels" in wide:
        wide["levels"] = [{**level, "width": times(level["width"])} for level in wide["levels"]]
    return wide


def _with_strength(steps: Sequence[AnyStep], strength: float) -> tuple[AnyStep, ...]:
    if strength == 0:
        return ()
    return tuple(_stronger(step, strength) for step in steps)


def _stronger(step: AnyStep, strength: float) -> AnyStep:
    new: dict[str, float] = {}
    for field in dataclasses.fields(step):
        value = getattr(step, field.name)
        if field.name in _FACTORS:
            new[field.name] = value**strength
        elif field.name in _AMOUNTS:
            new[field.name] = value * strength
        elif field.name in _CHANCES:
            new[field.name] = min(1.0, value * strength)
    return dataclasses.replace(step, **new)  # type: ignore[arg-type]  # all of these fields are numbers


def _range(field: str, low: str, high: str, plan: Plan) -> Between:
    try:
        ends = float(low), float(high)
    except ValueError as error:
        raise InvalidInput(f"the range of {field} is of numbers", got=f"{low}..{high}") from error
    hint = get_type_hints(type(plan)).get(field)
    whole = hint is int if hint is not None else low.strip().isdigit() and high.strip().isdigit()
    return Between(field=field, low=ends[0], high=ends[1], whole=whole and field != "augmentation")


def _values(text: str) -> tuple[Any, ...]:
    try:
        found: list[Any] = json.loads(f"[{text}]")
    except ValueError:
        found = [_value(part.strip()) for part in text.split(",")]
    return tuple(found)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
