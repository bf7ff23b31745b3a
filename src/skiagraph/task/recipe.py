"""All that reading with a model needs besides its weights: how to prepare a case, and how to finish what comes back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal, final

from skiagraph.codes import Code
from skiagraph.errors import InvalidInput

__all__ = ["Described", "Intensity", "Recipe", "Refine"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Intensity:
    """Numbers for a quantity whose values mean the same in every image, such as Hounsfield units.

    Args:
        low: What lies below counts as this, in the unit of the images.
        high: What lies above counts as this.
        mean: Becomes 0.
        deviation: Becomes 1.

    Raises:
        InvalidInput: No room between low and high, or a deviation that is not positive.
    """

    low: float
    high: float
    mean: float
    deviation: float

    def __post_init__(self) -> None:
        if not (self.low < self.high and self.deviation > 0):
            raise InvalidInput(
                "low lies below high and the deviation is positive",
                got=f"{self.low} to {self.high}, {self.deviation}",
            )


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Refine:
    """How an outline is looked at again, in a picture that is unrolled around it.

    Args:
        shape: Samples of the lattice that is unrolled, finer than that of the network.
        angles: Rays from the centre of the outline.
        radii: Samples along a ray.
        low: Radius of the first, as a share of that of the outline.
        high: Radius of the last.
        rounds: How often the outline is moved and looked at again.
        share: What counts of the motion in the end; the rest stays with the first outline.

    Raises:
        InvalidInput: Numbers out of range, or odd where they are halved.
    """

    shape: tuple[int, int] = (288, 432)
    angles: int = 160
    radii: int = 48
    low: float = 0.55
    high: float = 1.45
    rounds: int = 2
    share: float = 0.5

    def __post_init__(self) -> None:
        if not 0.0 < self.low < 1.0 < self.high or not 0.0 < self.share <= 1.0 or self.rounds < 1:
            raise InvalidInput(
                "an outline lies between the radii that are looked at", got=f"{self.low} to {self.high}"
            )
        if self.angles < 8 or self.radii < 8 or self.angles % 2 or self.radii % 2 or min(self.shape) < 2:
            raise InvalidInput("angles and radii are even numbers from 8", got=f"{self.angles}, {self.radii}")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """The features that a classical model reads in place of an image.

    Args:
        columns: Keys of the features, in the order of the graph's input.
        typical: The median of each over the cases that were learnt from; stands for a feature that has no value.
        scores: What the graph answers: ``"probabilities"`` of the classes, ``"margins"`` (one number of two classes,
            one a class of more), or the ``"value"`` of a regression.
        sets: Parameters of each named set of features that the columns come from; empty where they came as a table.
        structure: Which segment of the mask is described; None for all of it.
        region: What a row is of: the ``"outline"``, all that is described of it together; ``"each"`` structure or
            object of it by itself; or the whole ``"image"``, which needs no mask.
        sized: Whether lengths are in mm where the size of a sample is known; else it is left aside, as it was not known
            of the cases that were learnt from.

    Raises:
        InvalidInput: No column, one twice, or not one typical value a column.
    """

    columns: tuple[str, ...]
    typical: tuple[float, ...]
    scores: Literal["probabilities", "margins", "value"]
    sets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    structure: Code | None = None
    region: Literal["outline", "each", "image"] = "outline"
    sized: bool = True

    def __post_init__(self) -> None:
        if not self.columns or len(set(self.columns)) != len(self.columns):
            raise InvalidInput("a model of features reads columns, each once", got=str(self.columns[:5]))
        if len(self.typical) != len(self.columns):
            raise InvalidInput("each column has its typical value", got=f"{len(self.typical)}")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a model reads.

    Args:
        task: What the answer of the network is.
        image: Name of the image in the case.
        labels: What the answer speaks of, in order: structures, classes, or the concepts that are measured.
        concept: What is being classified; None where nothing is.
        units: UCUM code of each measured concept.
        activation: How the answer is read. ``"sigmoid"``: one channel a label, each for itself; ``"softmax"``: labels
            exclude one another, in a segmentation with a first channel for the background; ``"ordinal"``: labels
            rise, and channel n tells that it is more than label n; ``"gaussian"``: of n concepts n means, then n
            logarithms of variances, both in the numbers of the calibration.
        channels: Of the image: 1 grey, or 3 for red, green and blue.
        shape: Samples of the network's lattice along each spatial axis. The field of view is kept: a case is
            resampled onto this many samples, whatever it came with. Where there is an `overlap`, that of a window.
        orientation: Axis codes into which volumes are brought first; None for planes.
        spacing: mm of the network's lattice; None where the field of view is fitted to `shape` instead. Classes and
            values are then told from `shape` samples about the middle of the image.
        overlap: Share by which neighbouring windows overlap that the network is shown one after the other, of a
            volume on its lattice with a spacing, of a picture on its own pixels; None shows it the whole at once.
        normalise: Name of the intensity normalisation (`skiagraph.preprocess.normalise`).
        intensity: Its numbers, where it has some.
        mirror: Spatial axes over which predictions are averaged with their mirror image.
        threshold: Probability from which a place belongs to a segment.
        prior: Shape to which the outline is fitted: ``"ellipse"``, or ``"none"``.
        refine: How the outline is looked at again by the bundle's second network; None for not at all.
        measure: What is measured on the outline, by name; empty for nothing.
        calibration: Numbers that the finishing steps read, by name of the step; documented where they are used.
        gate: Numbers of the gate in front of the model; empty for none.
        features: Of a classical model, what it reads of the image: `shape` then has a 1 for each spatial axis, and
            nothing is resampled. None for a network.
        members: Of a fusion, the names of the models whose answers it joins, two or more, of the bundle's folder
            ``members``; `shape` then has a 1 for each spatial axis, too. Empty for a model of its own.

    Raises:
        InvalidInput: No label; a shape, threshold, overlap or axis out of range; parts that do not go with the task.
    """

    task: Literal["segmentation", "classification", "regression"] = "segmentation"
    image: str = "image"
    labels: tuple[Code, ...]
    concept: Code | None = None
    units: tuple[Code, ...] = ()
    activation: Literal["sigmoid", "softmax", "ordinal", "gaussian"] = "sigmoid"
    channels: Literal[1, 3] = 1
    shape: tuple[int, ...]
    orientation: str | None = None
    spacing: tuple[float, ...] | None = None
    overlap: float | None = None
    normalise: str
    intensity: Intensity | None = None
    mirror: tuple[int, ...] = ()
    threshold: float = 0.5
    prior: Literal["none", "ellipse"] = "none"
    refine: Refine | None = None
    measure: str = ""
    calibration: Mapping[str, Any] = field(default_factory=dict)
    gate: Mapping[str, Any] = field(default_factory=dict)
    features: Described | None = None
    members: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.labels:
            raise InvalidInput("a recipe says what each channel stands for", got="no label")
        if len(self.shape) not in (2, 3) or any(n < 1 for n in self.shape):
            raise InvalidInput("a recipe's shape is 2 or 3 whole numbers of at least 1", got=str(self.shape))
        if not 0.0 < self.threshold < 1.0:
            raise InvalidInput("a threshold lies between 0 and 1", got=str(self.threshold))
        if any(not 0 <= a < len(self.shape) for a in self.mirror):
            raise InvalidInput("mirrored axes are spatial axes of the recipe", got=str(self.mirror))
        if self.overlap is not None and not (
            0.0 <= self.overlap < 1.0 and (self.spacing or len(self.shape) == 2)
        ):
            raise InvalidInput(
                "windows overlap by 0 to 1 of their sides, in volumes on a lattice with a spacing",
                got=str(self.overlap),
            )
        _check_task(self)
        if self.members:
            _check_members(self)

    @property
    def outputs(self) -> int:
        """Channels of the network's answer."""
        n = len(self.labels)
        if self.activation == "softmax" and self.task == "segmentation":
            return n + 1
        return {"ordinal": n - 1, "gaussian": 2 * n}.get(self.activation, n)


_MEMBER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

_READ_AS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "segmentation": ("sigmoid", "softmax"),
        "classification": ("sigmoid", "softmax", "ordinal"),
        "regression": ("gaussian",),
    }
)


def _check_task(recipe: Recipe) -> None:
    n, known = len(recipe.labels), _READ_AS.get(recipe.task, ())
    if recipe.activation not in known:
        raise InvalidInput(
            f"the answer of a {recipe.task} is read as {' or '.join(known)}", got=recipe.activation
        )
    if len(set(recipe.labels)) != n:
        raise InvalidInput("each label of a recipe stands there once", got="one twice")
    if recipe.task == "classification":
        if recipe.concept is None or (recipe.activation != "sigmoid" and n < 2):
            raise InvalidInput(
                "a classification has a concept, and two classes or more where they exclude one another",
                got=f"{n} classes",
            )
    elif recipe.concept is not None:
        raise InvalidInput("a concept is for what is classified", got=f"a {recipe.task}")
    if len(recipe.units) != (n if recipe.task == "regression" else 0):
        raise InvalidInput("each measured concept has its unit", got=f"{len(recipe.units)} units")


def _check_members(recipe: Recipe) -> None:
    names = recipe.members
    if len(names) < 2 or len(set(names)) != len(names) or not all(map(_MEMBER.fullmatch, names)):
        raise InvalidInput(
            "a fusion has two members or more, each with a name of its own in letters, digits, dots and hyphens",
            got=", ".join(names),
        )
    if recipe.features is not None or recipe.task == "segmentation":
        raise InvalidInput(
            "a fusion joins what its members classify or measure",
            got="features" if recipe.features is not None else "outlines",
        )
