"""Moments of a region and of its outline: Hu's seven, and three of the distances from centroid to boundary."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skiagraph.features.feature import Feature
from skiagraph.features.region import Region
from skiagraph.features.shape.outline import Outline, enclosed, outline_of
from skiagraph.features.shape.terms import Term, described

__all__ = ["boundary_moments", "central_moments", "distances_from_centroid", "hu_moments"]

_HU: Final = tuple(Term(str(k)) for k in range(1, 8))
_BOUNDARY: Final = (Term("f1"), Term("f2"), Term("f3"))
_EVEN: Final = 1e-9  # of the mean: a distance that varies less does not vary


def hu_moments(region: Region) -> tuple[Feature, ...]:
    """Seven numbers that neither place, size nor rotation changes; a mirror turns the sign of the seventh.

    Of the largest part with its holes filled, each sample counted at its centre, places in mm where the spacing is
    known. A mask of square samples gives what OpenCV gives.

    Source: Hu, Visual pattern recognition by moment invariants (1962), with h1 to h7 as he numbers them.
    """
    outline = outline_of(region)
    found = outline if isinstance(outline, str) else _hu(outline)
    return described("hu moments", _HU, found, known=region.spacing is not None)


def boundary_moments(region: Region) -> tuple[Feature, ...]:
    """Spread, skewness and kurtosis of the distances z from the centroid to the outline.

    With m the mean of z and M_p the mean of (z - m)^p over the outline: f1 = sqrt(M_2) / m, f2 = M_3 / M_2^(3/2),
    f3 = M_4 / M_2^2. The centroid is that of the area within the outline. f1 is 0 for a circle, for which f2 and f3
    are not defined.

    Source: Gupta and Srinath, Contour sequence moments for the classification of closed planar shapes (1987); for
        breast tumours: Shen, Rangayyan and Desautels, Application of shape analysis to mammographic
        calcifications (1994).
    """
    outline = outline_of(region)
    found: dict[str, float] | str
    if isinstance(outline, str):
        found = outline
    else:
        mean, deviation, skewness, kurtosis = central_moments(distances_from_centroid(outline.points))
        found = {"f1": deviation / mean, "f2": skewness, "f3": kurtosis}
    return described("boundary moments", _BOUNDARY, found, known=region.spacing is not None)


def central_moments(numbers: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Mean, deviation, skewness M_3 / M_2^(3/2) and kurtosis M_4 / M_2^2 (3 for a normal distribution).

    Skewness and kurtosis are NaN where the numbers do not vary.
    """
    mean = float(numbers.mean())
    off = numbers - mean
    second = float((off**2).mean())
    if second <= (_EVEN * abs(mean)) ** 2:
        return mean, math.sqrt(second), math.nan, math.nan
    return (
        mean,
        math.sqrt(second),
        float((off**3).mean()) / second**1.5,
        float((off**4).mean()) / second**2,
    )


def distances_from_centroid(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each point of an outline, shape (n,), from the centroid of the area within."""
    distances: NDArray[np.float64] = np.hypot(*(points - enclosed(points)[1]).T)
    return distances


def _hu(outline: Outline) -> dict[str, float]:
    rows, columns = np.nonzero(outline.part)
    y, x = rows * outline.spacing[0], columns * outline.spacing[1]
    y, x = y - y.mean(), x - x.mean()
    area = len(x) * outline.spacing[0] * outline.spacing[1]
    cell = area / len(x)

    def n(p: int, q: int) -> float:
        return float((x**p * y**q).sum() * cell / area ** (1 + (p + q) / 2))

    n20, n02, n11, n30, n03, n21, n12 = n(2, 0), n(0, 2), n(1, 1), n(3, 0), n(0, 3), n(2, 1), n(1, 2)
    a, b = n30 + n12, n21 + n03
    c, d = n30 - 3 * n12, 3 * n21 - n03
    along, across = a * (a**2 - 3 * b**2), b * (3 * a**2 - b**2)
    values = (
        n20 + n02,
        (n20 - n02) ** 2 + 4 * n11**2,
        c**2 + d**2,
        a**2 + b**2,
        c * along + d * across,
        (n20 - n02) * (a**2 - b**2) + 4 * n11 * a * b,
        d * along - c * across,
    )
    return {term.name: value for term, value in zip(_HU, values, strict=True)}
