"""The card of a model: what it is, for whom, how good, learnt from what, and where it ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

from skiagraph.codes import Code
from skiagraph.errors import InvalidInput

__all__ = ["Card", "InputSpec", "OutputSpec", "Score"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class InputSpec:
    """One named image that a model reads.

    Args:
        name: Its name in the case.
        modality: DICOM Modality, e.g. ``"US"``.
        ndim: Spatial axes, 2 or 3.
        needs_size: Whether its size in mm must be known for the model to answer at all.
        regions: Parts of the body that files state of such images, the one that the model is about first; empty
            where the model takes any.
    """

    name: str
    modality: str
    ndim: Literal[2, 3]
    needs_size: bool = False
    regions: tuple[Code, ...] = ()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSpec:
    """One thing that a model answers: the kind of finding by name, and the concept it speaks of."""

    finding: str
    concept: Code


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One figure of a model with its 95 % interval, and on what it was measured."""

    name: str
    value: float
    low: float
    high: float
    n: int
    on: str
    unit: str = ""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What stands on the model's label.

    Args:
        name: Registered name, lower case with hyphens.
        version: Semantic version.
        task: What it does, a word of the field: ``"segmentation"``, ``"classification"``...
        summary: One sentence.
        inputs: The images it reads.
        outputs: What it answers.
        intended_use: For whom and for what.
        limits: Where it ends, one sentence each.
        data: Names of the data it learnt from.
        origin: The model whose weights it began with: name, version, digest and licence; empty for none.
        licence: SPDX expression of the weights.
        attribution: Whom the licences of the data ask to name.
        scores: Measured figures.
        precisions: What it may be computed with, best first; golden results are of ``"fp32"``.

    Raises:
        InvalidInput: No name, version, input or output.
    """

    name: str
    version: str
    task: str
    summary: str
    inputs: tuple[InputSpec, ...]
    outputs: tuple[OutputSpec, ...]
    intended_use: str = ""
    limits: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    origin: str = ""
    licence: str = ""
    attribution: str = ""
    scores: tuple[Score, ...] = ()
    precisions: tuple[str, ...] = ("fp32",)

    def __post_init__(self) -> None:
        if not (self.name and self.version and self.inputs and self.outputs and self.precisions):
            raise InvalidInput(
                "a card has name, version, inputs, outputs and precisions", got=f"card {self.name!r}"
            )
