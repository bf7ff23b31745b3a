"""Form of a volume: the morphological features of the Image Biomarker Standardisation Initiative."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist
from skimage.measure import marching_cubes

from skiagraph.features.feature import Feature
from skiagraph.features.region import Region
from skiagraph.features.shape.terms import Term, described

__all__ = ["solid_measures"]

_TERMS: Final = (
    Term("parts"),
    Term("volume mesh", 3, "RNU0"),
    Term("volume voxel counting", 3, "YEKZ"),
    Term("surface area mesh", 2, "C0JK"),
    Term("surface to volume ratio", -1, "2PR5"),
    Term("compactness 1", 0, "SKGS"),
    Term("compactness 2", 0, "BQWJ"),
    Term("spherical disproportion", 0, "KRCK"),
    Term("sphericity", 0, "QCFX"),
    Term("asphericity", 0, "25C7"),
    Term("centre of mass shift", 1, "KLMA"),
    Term("maximum 3d diameter", 1, "L0JK"),
    Term("major axis length", 1, "TDIC"),
    Term("minor axis length", 1, "P9VJ"),
    Term("least axis length", 1, "7J51"),
    Term("elongation", 0, "Q3CK"),
    Term("flatness", 0, "N17B"),
    Term("volume density aligned bounding box", 0, "PBX1"),
    Term("area density aligned bounding box", 0, "R59B"),
    Term("volume density enclosing ellipsoid", 0, "6BDE"),
    Term("area density enclosing ellipsoid", 0, "RDD2"),
    Term("volume density convex hull", 0, "R3ER"),
    Term("area density convex hull", 0, "7T7F"),
)
_EVERY_NEIGHBOUR: Final = np.ones((3, 3, 3), dtype=bool)
_ORDER: Final = 20  # of the series for the surface of an ellipsoid
_THIN: Final = 1e-9  # of the largest variance: an axis that is shorter is none


def solid_measures(region: Region) -> tuple[Feature, ...]:
    """Size and form of all parts of a region of a volume, in mm where the spacing is known, else in samples.

    The surface is the mesh of marching cubes at level 0.5; holes stay holes. The centre of mass shift is the one
    feature that looks at the numbers: it has no value where these are not finite or add up to nothing.

    Source: Zwanenburg et al., Image biomarker standardisation initiative, reference manual (arXiv 1612.07003),
        section 3.1. Its published values follow from variances over n - 1 voxels, and from its series for the surface
        of an ellipsoid, which is kept although it is not that surface but for a sphere.
    """
    known = region.spacing is not None
    if region.ndim != 3:
        return described("solid", _TERMS, "a solid is that of a volume, and this is a picture", known=known)
    if not region.mask.any():
        return described("solid", _TERMS, "the region is empty", known=known)
    box = ndimage.find_objects(region.mask.astype(np.uint8))[0]
    mask, numbers = region.mask[box], region.numbers[box]
    spacing = np.array(region.spacing or (1.0, 1.0, 1.0))
    parts = ndimage.label(mask, structure=_EVERY_NEIGHBOUR)[1]
    found = {"parts": float(parts), "volume voxel counting": float(mask.sum() * spacing.prod())}
    corners, faces, _, _ = marching_cubes(np.pad(mask, 1).astype(np.float32), 0.5, spacing=tuple(spacing))
    corners = corners.astype(np.float64)
    found |= _of_mesh(corners[faces])
    places = np.argwhere(mask) * spacing
    found |= _of_axes(places, found["volume mesh"], found["surface area mesh"])
    found |= _of_hull(corners, found["volume mesh"], found["surface area mesh"])
    sides = np.array(mask.shape) * spacing
    found["volume density aligned bounding box"] = found["volume mesh"] / float(sides.prod())
    found["area density aligned bounding box"] = found["surface area mesh"] / float(
        2 * (sides * np.roll(sides, 1)).sum()
    )
    found["centre of mass shift"] = _shift(places, numbers[mask])
    return described("solid", _TERMS, found, known=known)


def _of_mesh(triangles: NDArray[np.float64]) -> dict[str, float]:
    """From the triangles of a closed mesh, shape (n, 3 corners, 3)."""
    a, b, c = (triangles - triangles.mean(axis=(0, 1))).transpose(1, 0, 2)
    volume = abs(float(np.einsum("ni,ni->", a, np.cross(b, c)))) / 6
    area = float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum()) / 2
    sphere = (36 * math.pi * volume**2) ** (1 / 3)  # the surface of the sphere of this volume
    return {
        "volume mesh": volume,
        "surface area mesh": area,
        "surface to volume ratio": area / volume,
        "compactness 1": volume / (math.sqrt(math.pi) * area**1.5),
        "compactness 2": (sphere / area) ** 3,
        "spherical disproportion": area / sphere,
        "sphericity": sphere / area,
        "asphericity": area / sphere - 1,
    }


def _of_axes(places: NDArray[np.float64], volume: float, area: float) -> dict[str, float]:
    """From the principal components of the places of the voxels, shape (n, 3)."""
    off = places - places.mean(axis=0)
    variances = np.linalg.eigvalsh(off.T @ off / max(len(off) - 1, 1))[::-1]
    variances = np.where(variances > _THIN * variances[0], variances, 0.0)
    a, b, c = (float(s) for s in 2 * np.sqrt(variances))
    found = {
        "major axis length": 2 * a,
        "minor axis length": 2 * b,
        "least axis length": 2 * c,
        "elongation": b / a if a else math.nan,
        "flatness": c / a if a else math.nan,
        "volume density enclosing ellipsoid": math.nan,
        "area density enclosing ellipsoid": math.nan,
    }
    if c:
        found["volume density enclosing ellipsoid"] = volume / (4 / 3 * math.pi * a * b * c)
        found["area density enclosing ellipsoid"] = area / _ellipsoid_surface(a, b, c)
    return found


def _ellipsoid_surface(a: float, b: float, c: float) -> float:
    """The series of the manual (RDD2) to order 20, its Legendre polynomials by their recurrence."""
    middle, square = 1 - (b**2 + c**2) / (2 * a**2), (1 - (b / a) ** 2) * (1 - (c / a) ** 2)
    total, before, term = 1.0, 0.0, 1.0
    for n in range(_ORDER):
        before, term = term, ((2 * n + 1) * middle * term - n * square * before) / (n + 1)
        total += term / (1 - 4 * (n + 1) ** 2)
    return 4 * math.pi * a * b * total


def _of_hull(corners: NDArray[np.float64], volume: float, area: float) -> dict[str, float]:
    hull = ConvexHull(corners)
    return {
        "maximum 3d diameter": float(pdist(corners[hull.vertices]).max()),
        "volume density convex hull": volume / float(hull.volume),
        "area density convex hull": area / float(hull.area),
    }


def _shift(places: NDArray[np.float64], numbers: NDArray[np.float64]) -> float:
    total = numbers.sum()
    if not np.isfinite(numbers).all() or total == 0:
        return math.nan
    return float(np.linalg.norm(places.mean(axis=0) - numbers @ places / total))
