"""All that reading with a model needs besides its weights: how to prepare a case, and how to finish what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, final

from skiagraph.codes import Code
from skiagraph.errors import InvalidInput

__all__ = ["Recipe", "Refine"]


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
class Recipe:
    """How a model reads.

    Args:
        image: Name of the image in the case.
        labels: What each output channel stands for, in order.
        shape: Samples of the network's lattice along each spatial axis. The field of view is kept: a case is
            resampled onto this many samples, whatever it came with.
        orientation: Axis codes into which volumes are brought first; None for planes.
        spacing: mm of the network's lattice; None where the field of view is fitted to `shape` instead.
        normalise: Name of the intensity normalisation (`skiagraph.preprocess.normalise`).
        mirror: Spatial axes over which predictions are averaged with their mirror image.
        threshold: Probability from which a place belongs to a segment.
        prior: Shape to which the outline is fitted: ``"ellipse"``, or ``"none"``.
        refine: How the outline is looked at again by the bundle's second network; None for not at all.
        measure: What is measured on the outline, by name; empty for nothing.
        calibration: Numbers that the finishing steps read, by name of the step; documented where they are used.
        gate: Numbers of the gate in front of the model; empty for none.

    Raises:
        InvalidInput: No label, or a shape, threshold or axis out of range.
    """

    image: str = "image"
    labels: tuple[Code, ...]
    shape: tuple[int, ...]
    orientation: str | None = None
    spacing: tuple[float, ...] | None = None
    normalise: str
    mirror: tuple[int, ...] = ()
    threshold: float = 0.5
    prior: Literal["none", "ellipse"] = "none"
    refine: Refine | None = None
    measure: str = ""
    calibration: Mapping[str, Any] = field(default_factory=dict)
    gate: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.labels:
            raise InvalidInput("a recipe says what each channel stands for", got="no label")
        if len(self.shape) not in (2, 3) or any(n < 1 for n in self.shape):
            raise InvalidInput("a recipe's shape is 2 or 3 whole numbers of at least 1", got=str(self.shape))
        if not 0.0 < self.threshold < 1.0:
            raise InvalidInput("a threshold lies between 0 and 1", got=str(self.threshold))
        if any(not 0 <= a < len(self.shape) for a in self.mirror):
            raise InvalidInput("mirrored axes are spatial axes of the recipe", got=str(self.mirror))
