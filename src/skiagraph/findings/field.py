"""Findings that have a value at every place: segmentations, heat maps, displacement fields, derived images."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.codes import Code
from skiagraph.errors import InvalidInput
from skiagraph.findings.checks import check_fraction, checked_field, field_shape
from skiagraph.geometry import Space
from skiagraph.geometry.frame import check_frame
from skiagraph.image import Image, Lazy, pixels
from skiagraph.values import checked_when_unpickled

__all__ = ["DerivedImage", "DisplacementField", "Heatmap", "Segment", "Segmentation"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One structure of a segmentation.

    Args:
        number: Its label, from 1.
        code: What it is.
        confidence: Calibrated probability that the outline is right, 0 to 1; None where the model does not tell.

    Raises:
        InvalidInput: A number below 1 or a confidence outside of 0 to 1.
    """

    number: int
    code: Code
    confidence: float | None = None

    def __post_init__(self) -> None:
        if self.number < 1:
            raise InvalidInput("segments are numbered from 1, 0 is background", got=str(self.number))
        check_fraction("the confidence of a segment", self.confidence)


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Segmentation:
    """Which place belongs to which structure.

    Args:
        space: Where it lies.
        labels: ``"exclusive"`` and ``"instances"``: whole numbers, axes (time, spatial...), 0 background, n segment n.
            ``"overlapping"``: boolean, axes (segment, time, spatial...), in the order of `segments`.
        segments: The structures, numbered without repetition. For ``"instances"`` one segment an object.
        kind: How the labels are to be read.
        probabilities: float, axes (segment, time, spatial...), in the order of `segments`; only when asked for.

    Raises:
        GeometryError: A shape does not fit the space.
        InvalidInput: A label without its segment, repeated numbers, probabilities outside of 0 to 1.
    """

    space: Space
    labels: NDArray[Any]
    segments: tuple[Segment, ...]
    kind: Literal["exclusive", "overlapping", "instances"] = "exclusive"
    probabilities: NDArray[np.floating[Any]] | None = None

    def __post_init__(self) -> None:
        numbers = [s.number for s in self.segments]
        if len(set(numbers)) != len(numbers):
            raise InvalidInput("each segment has a number of its own", got=str(numbers))
        shape = field_shape(self.space)
        stacked = (len(numbers), *shape)
        if self.kind == "overlapping":
            labels = checked_field("labels", self.labels, stacked, "b")
        else:
            labels = checked_field("labels", self.labels, shape, "biu")
            strangers = set(np.unique(labels).tolist()) - {0, *numbers}
            if strangers:
                raise InvalidInput(
                    "each label has its segment", got=f"labels {sorted(strangers)[:5]} without one"
                )
        object.__setattr__(self, "labels", labels)
        if self.probabilities is not None:
            p = checked_field("probabilities", self.probabilities, stacked, "f")
            if p.size and not (p.min() >= 0 and p.max() <= 1):
                raise InvalidInput("probabilities lie between 0 and 1", got=f"{p.min()} to {p.max()}")
            object.__setattr__(self, "probabilities", p)

    def mask(self, number: int) -> NDArray[np.bool_]:
        """Where segment `number` is: boolean, axes (time, spatial...).

        Raises:
            InvalidInput: No such segment.
        """
        numbers = [s.number for s in self.segments]
        if number not in numbers:
            raise InvalidInput(
                "a mask is asked for by the number of a segment", got=f"{number}, there are {numbers}"
            )
        chosen = self.labels[numbers.index(number)] if self.kind == "overlapping" else self.labels == number
        return np.asarray(chosen, dtype=np.bool_)


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Heatmap:
    """A number at every place: attention, anomaly, uncertainty, a parametric map.

    Args:
        space: Where it lies.
        values: float, axes (time, spatial...); NaN where there is none.
        concept: What the number speaks of.
        unit: UCUM code of the values.
    """

    space: Space
    values: NDArray[np.floating[Any]]
    concept: Code
    unit: Code

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", checked_field("values", self.values, field_shape(self.space), "f"))


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DisplacementField:
    """Where each place of `space` goes in another frame: place + vector.

    Args:
        space: The lattice on which vectors are known (the fixed image).
        vectors: float, axes (spatial..., x y z), in the unit and along the world axes of the space.
        target: Frame that places go to (of the moving image).
    """

    space: Space
    vectors: NDArray[np.floating[Any]]
    target: str

    def __post_init__(self) -> None:
        check_frame(self.target)
        shape = (*self.space.shape, self.space.ndim)
        vectors = checked_field("vectors", self.vectors, shape, "f")
        if not np.isfinite(vectors).all():
            raise InvalidInput("displacements are finite", got="NaN or infinity")
        object.__setattr__(self, "vectors", vectors)


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DerivedImage:
    """An image that a model made.

    Args:
        image: The picture; decoded, since it exists nowhere else.
        kind: Whether it was enhanced, translated from another modality, or made from nothing. Readers must see this.
    """

    image: Image
    kind: Literal["enhanced", "translated", "synthetic"]

    def __post_init__(self) -> None:
        if isinstance(self.image.data, Lazy):
            object.__setattr__(self, "image", dataclasses.replace(self.image, data=pixels(self.image)))

    @property
    def space(self) -> Space:
        """Where it lies."""
        return self.image.space
