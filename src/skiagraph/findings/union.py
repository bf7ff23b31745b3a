"""The closed union of findings. A new kind is added here, and the type checker lists what it owes elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias, final

from skiagraph.errors import ContractError
from skiagraph.findings.fact import (
    Classification,
    Curve,
    Embedding,
    Measurement,
    NotApplicable,
    Ranking,
    Text,
)
from skiagraph.findings.field import DerivedImage, DisplacementField, Heatmap, Segmentation
from skiagraph.findings.mark import Boxes, Contours, Landmarks, Tracks
from skiagraph.findings.provenance import Provenance
from skiagraph.geometry import Transform
from skiagraph.values import checked_when_unpickled

__all__ = ["Finding", "Findings", "SpatialFinding"]

SpatialFinding: TypeAlias = (
    Segmentation | Heatmap | DisplacementField | DerivedImage | Landmarks | Boxes | Contours | Tracks
)

Finding: TypeAlias = (
    SpatialFinding
    | Classification
    | Measurement
    | Curve
    | Text
    | Embedding
    | Ranking
    | Transform
    | NotApplicable
)


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Findings:
    """What one model said of one case, with one provenance.

    Args:
        items: The findings, in the order in which they should be read.
        provenance: Where they came from.

    Raises:
        ContractError: An item that is no finding.
    """

    items: tuple[Finding, ...]
    provenance: Provenance

    def __post_init__(self) -> None:
        for item in self.items:
            if not isinstance(item, Finding):
                raise ContractError("findings hold only kinds of the closed union", got=type(item).__name__)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)
