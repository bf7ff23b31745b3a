"""What a model answers: the closed union of findings, each spatial one in a space, and where they came from."""

from skiagraph.findings.fact import (
    Classification,
    ClassScore,
    Curve,
    Embedding,
    Interval,
    Measurement,
    NotApplicable,
    RankedItem,
    Ranking,
    Text,
)
from skiagraph.findings.field import DerivedImage, DisplacementField, Heatmap, Segment, Segmentation
from skiagraph.findings.known import Known
from skiagraph.findings.mark import Box, Boxes, Contour, Contours, Landmark, Landmarks, Track, Tracks
from skiagraph.findings.provenance import Provenance, Source
from skiagraph.findings.resample import resample
from skiagraph.findings.union import Finding, Findings, SpatialFinding
from skiagraph.geometry import Transform

__all__ = [
    "Box",
    "Boxes",
    "ClassScore",
    "Classification",
    "Contour",
    "Contours",
    "Curve",
    "DerivedImage",
    "DisplacementField",
    "Embedding",
    "Finding",
    "Findings",
    "Heatmap",
    "Interval",
    "Known",
    "Landmark",
    "Landmarks",
    "Measurement",
    "NotApplicable",
    "Provenance",
    "RankedItem",
    "Ranking",
    "Segment",
    "Segmentation",
    "Source",
    "SpatialFinding",
    "Text",
    "Track",
    "Tracks",
    "Transform",
    "resample",
]
