"""What the references of a data set answer: one question, its kind, and the list of its possible answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, final

from skiagraph.codes import Code
from skiagraph.errors import InvalidInput

__all__ = ["Label", "Target", "TargetKind"]

TargetKind: TypeAlias = Literal[
    "segmentation",
    "overlapping",
    "instances",
    "multi-class",
    "multi-label",
    "ordinal",
    "regression",
    "boxes",
]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One possible answer.

    Args:
        number: In a label map its value, from 1; else its place in the list, from 0 (or what the file numbers it).
        code: What it is.

    Raises:
        InvalidInput: A negative number.
    """

    number: int
    code: Code

    def __post_init__(self) -> None:
        if self.number < 0:
            raise InvalidInput("labels are numbered from 0", got=str(self.number))

    @property
    def name(self) -> str:
        """Its words."""
        return self.code.meaning or self.code.value


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One question to which samples of a data set have a reference.

    Args:
        name: Unique in the data set, e.g. the name of a column.
        kind: ``"segmentation"`` (one label a place), ``"overlapping"`` (masks that may share places), ``"instances"``
            (objects of one label, counted), ``"multi-class"`` (exactly one class; two of them are a binary question),
            ``"multi-label"`` (each class true or not), ``"ordinal"`` (one class, in the order of `labels`),
            ``"regression"`` (a number), ``"boxes"``.
        concept: What is asked. It is the concept of the findings of this target, where these have one.
        labels: The possible answers in their order; empty for a regression.
        unit: UCUM code of the number of a regression, else None.
        ignore: The number that masks give to places of which nothing is known; they are neither learnt nor judged.
            None where there is none.

    Raises:
        InvalidInput: Labels twice, none where they are needed, a regression without a unit, or a number to ignore that
            is a label or stands in no mask.
    """

    name: str
    kind: TargetKind
    concept: Code
    labels: tuple[Label, ...] = ()
    unit: Code | None = None
    ignore: int | None = None

    def __post_init__(self) -> None:
        numbers, codes = {label.number for label in self.labels}, {label.code for label in self.labels}
        if len(numbers) != len(self.labels) or len(codes) != len(self.labels):
            raise InvalidInput("each label of a target has a number and a code of its own", got="one twice")
        if (self.kind == "regression") == bool(self.labels):
            raise InvalidInput(
                "a target has labels, and a regression has none", got=f"{len(self.labels)} in {self.kind}"
            )
        if (self.kind == "regression") != (self.unit is not None):
            raise InvalidInput("a regression has a unit, and no other target has", got=self.kind)
        if self.ignore is not None and (
            self.ignore < 1 or self.ignore in numbers or self.kind not in ("segmentation", "overlapping")
        ):
            raise InvalidInput(
                "the number of ignored places is from 1 and of no label, and stands in masks of structures",
                got=f"{self.ignore} in {self.kind}",
            )
