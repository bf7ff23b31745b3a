"""Sizes of an outline, and numbers that say how round, how convex, how rough and how spiculated it is."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

from skiagraph.features.ellipse import moment_ellipse
from skiagraph.features.feature import Feature
from skiagraph.features.region import Region
from skiagraph.features.shape.moments import distances_from_centroid
from skiagraph.features.shape.outline import Outline, enclosed, outline_of, resampled, smoothed
from skiagraph.features.shape.terms import Term, described

__all__ = ["outline_measures"]

_TERMS: Final = (
    Term("parts"),
    Term("holes"),
    Term("touches border"),
    Term("area", 2),
    Term("perimeter", 1),
    Term("equivalent diameter", 1),
    Term("major axis length", 1),
    Term("minor axis length", 1),
    Term("maximum diameter", 1),
    Term("minimum diameter", 1),
    Term("convex area", 2),
    Term("convex perimeter", 1),
    Term("compactness"),
    Term("circularity"),
    Term("solidity"),
    Term("convexity"),
    Term("eccentricity"),
    Term("extent"),
    Term("spiculation"),
    Term("boundary roughness"),
    Term("fractal dimension"),
)
_RIPPLE: Final = 64  # parts of the perimeter: bends that are shorter are no spicules
_LEAST_RIPPLE: Final = 1.5  # samples: bends that are shorter are the lattice's
_FINE: Final = 4096  # points on the outline whose boxes are counted
_LEAST_SCALES: Final = 3


def outline_measures(region: Region) -> tuple[Feature, ...]:
    """Size and form of the outline of a region, in mm where the spacing is known and in samples where it is not.

    Counts come first: ``parts`` of the region (the rest describes the largest, its holes filled), ``holes`` in it, and
    ``touches border`` (1 or 0: what is cut off is not described). With area A (of the samples), perimeter P (of the
    outline, the steps of the lattice smoothed away), and those of the convex hull A' and P': ``compactness``
    P^2 / (4 pi A), ``circularity`` its inverse, ``solidity`` A / A', ``convexity`` P' / P. Axis lengths and
    ``eccentricity`` are those of the ellipse with the same second moments; ``extent`` is the share of the upright
    bounding box. ``spiculation`` is the whole turning of the outline without its sign, over 2 pi, less 1: 0 for what
    is convex (Fenchel's theorem). ``boundary roughness`` is the total variation, once around, of the distance from the
    centroid relative to the largest. ``fractal dimension`` is that of box counting: 1 for what is smooth.

    Source: Rangayyan, Biomedical image analysis (2005), chapter 6; roughness: Kilday, Palmieri and Fox, Classifying
        mammographic lesions using computerized image analysis (1993), with one segment; spiculation: own.
    """
    outline = outline_of(region)
    if isinstance(outline, str):
        return described("outline", _TERMS, outline, known=region.spacing is not None)
    found = {
        "parts": float(outline.parts),
        "holes": float(outline.holes),
        "touches border": float(outline.cut),
        **_sizes(outline),
        "spiculation": _spiculation(outline),
        "boundary roughness": _roughness(outline),
        "fractal dimension": _box_dimension(outline),
    }
    area, perimeter = found["area"], found["perimeter"]
    found["compactness"] = perimeter**2 / (4 * math.pi * area)
    found["circularity"] = 1 / found["compactness"]
    found["solidity"] = found["outlined area"] / found["convex area"]
    found["convexity"] = found["convex perimeter"] / perimeter
    found["eccentricity"] = math.sqrt(1 - (found["minor axis length"] / found["major axis length"]) ** 2)
    return described("outline", _TERMS, found, known=outline.known)


def _sizes(outline: Outline) -> dict[str, float]:
    rows, columns = np.nonzero(outline.part)
    area = len(rows) * outline.spacing[0] * outline.spacing[1]
    box = (np.ptp(rows) + 1) * outline.spacing[0] * (np.ptp(columns) + 1) * outline.spacing[1]
    hull = ConvexHull(outline.points)
    corners = outline.points[hull.vertices]
    ellipse = moment_ellipse(outline.part)
    long, short = (
        ellipse.mapped(np.diag(outline.spacing), np.zeros(2)).semi_axes if ellipse else (math.nan, math.nan)
    )
    return {
        "area": area,
        "outlined area": enclosed(outline.points)[0],
        "perimeter": _length(outline.points),
        "equivalent diameter": math.sqrt(4 * area / math.pi),
        "major axis length": 2 * long,
        "minor axis length": 2 * short,
        "maximum diameter": float(pdist(corners).max()),
        "minimum diameter": _width(corners),
        "convex area": float(hull.volume),
        "convex perimeter": float(hull.area),
        "extent": area / box,
    }


def _length(points: NDArray[np.float64]) -> float:
    return float(np.hypot(*(np.roll(points, -1, axis=0) - points).T).sum())


def _width(corners: NDArray[np.float64]) -> float:
    """The least distance of two parallel lines that hold a convex polygon between them: one lies on an edge."""
    edges = np.roll(corners, -1, axis=0) - corners
    normals = np.stack([edges[:, 1], -edges[:, 0]], axis=1) / np.hypot(*edges.T)[:, None]
    reach = normals @ corners.T
    return float((reach.max(axis=1) - reach.min(axis=1)).min())


def _spiculation(outline: Outline) -> float:
    points = outline.points
    sigma = max(_length(points) / _RIPPLE, _LEAST_RIPPLE * max(outline.spacing))
    curve = smoothed(points, sigma) @ np.array([1j, 1])
    steps = np.roll(curve, -1) - curve
    turns = np.angle(np.roll(steps, -1) / steps)
    return max(0.0, float(np.abs(turns).sum()) / (2 * math.pi) - 1)


def _roughness(outline: Outline) -> float:
    distances = distances_from_centroid(smoothed(outline.points, _LEAST_RIPPLE * max(outline.spacing)))
    return float(np.abs(np.diff(distances, append=distances[:1])).sum() / distances.max())


def _box_dimension(outline: Outline) -> float:
    """Slope of log(boxes that the outline enters) over log(boxes along a side); NaN where it is too small for it.

    The grid is centred on the bounding box of the outline, so that a quarter turn does not change it.
    """
    closed = np.concatenate([outline.points, outline.points[:1]])
    points = resampled(closed, _FINE)
    low, high = points.min(axis=0), points.max(axis=0)
    side = float((high - low).max()) * (1 + 1e-6)
    places = (points - (low + high) / 2) / side + 0.5
    finest = side / max(outline.spacing)
    scales = 2 ** np.arange(2, 1 + max(2, math.floor(math.log2(max(finest, 1)))))
    if len(scales) < _LEAST_SCALES:
        return math.nan
    counts = []
    for n in scales:
        row, column = np.floor(places * n).astype(np.intp).T
        counts.append(len(np.unique(row * n + column)))
    return float(np.polyfit(np.log(scales), np.log(counts), 1)[0])
