"""All that reading with a model needs besides its weights: how to prepare a case, and how to finish what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, final

from skiagraph.codes import Code
from skiagraph.errors import InvalidInput

__all__ = ["Recipe"]


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
