"""Hypothesis strategies for the values of this library: spaces, images, and every kind of finding."""

from skiagraph.testing.strategies.findings import finding_tuples, findings, provenances, spatial_findings
from skiagraph.testing.strategies.images import images, lattices_of
from skiagraph.testing.strategies.spaces import frames, grids, planes, spaces, timelines, transforms

__all__ = [
    "finding_tuples",
    "findings",
    "frames",
    "grids",
    "images",
    "lattices_of",
    "planes",
    "provenances",
    "spaces",
    "spatial_findings",
    "timelines",
    "transforms",
]
