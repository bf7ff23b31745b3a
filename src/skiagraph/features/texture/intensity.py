"""Intensity-based statistics, of the numbers themselves, and the intensity histogram, of their grey levels."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skiagraph.features.feature import Feature
from skiagraph.features.region import Region
from skiagraph.features.texture.lattice import Lattice, lattice_of
from skiagraph.features.texture.levels import DEFAULT, Levels
from skiagraph.features.texture.outcome import entropy, features_of

__all__ = ["histogram", "histogram_of", "statistics"]

STATISTICS: Final = {
    "mean": "Q4LE",
    "variance": "ECT3",
    "skewness": "KE2A",
    "kurtosis": "IPH6",
    "median": "Y12H",
    "minimum": "1GSF",
    "10th percentile": "QG58",
    "90th percentile": "8DWT",
    "maximum": "84IY",
    "interquartile range": "SALO",
    "range": "2OJQ",
    "mean absolute deviation": "4FUA",
    "robust mean absolute deviation": "1128",
    "median absolute deviation": "N72L",
    "coefficient of variation": "7TET",
    "quartile coefficient of dispersion": "9S40",
    "energy": "N8CA",
    "root mean square": "5ZWQ",
}
HISTOGRAM: Final = {
    "mean": "X6K6",
    "variance": "CH89",
    "skewness": "88K1",
    "kurtosis": "C3I7",
    "median": "WIFQ",
    "minimum": "1PR8",
    "10th percentile": "GPMT",
    "90th percentile": "OZ0C",
    "maximum": "3NCY",
    "mode": "AMMC",
    "interquartile range": "WR0O",
    "range": "5Z3W",
    "mean absolute deviation": "D2ZX",
    "robust mean absolute deviation": "WRZB",
    "median absolute deviation": "4RNL",
    "coefficient of variation": "CWYJ",
    "quartile coefficient of dispersion": "SLWD",
    "entropy": "TLU2",
    "uniformity": "BJ5W",
    "maximum gradient": "12CE",
    "maximum gradient level": "8E6O",
    "minimum gradient": "VQB3",
    "minimum gradient level": "RHQZ",
}
PURE: Final = {"skewness", "kurtosis", "coefficient of variation", "quartile coefficient of dispersion"}
SQUARED: Final = {"variance", "energy"}


def statistics(region: Region, *, within: tuple[float, float] | None = None) -> tuple[Feature, ...]:
    """The 18 intensity-based statistics of a region.

    Args:
        region: A picture or a volume.
        within: Lowest and highest number that still belong to the region, both included; None keeps all.

    Returns:
        Features in the unit of the numbers (its square for variance and energy); with a reason where the region is
        empty, has a number that is not finite, or a ratio would be divided by zero.

    Source: IBSI reference manual, section 3.3.
    """
    units = {
        name: f"({region.unit})2" if name in SQUARED else region.unit
        for name in STATISTICS
        if region.unit and name not in PURE
    }
    numbers, reason = region.inside, ""
    if not numbers.size:
        reason = "the region is empty"
    elif not np.isfinite(numbers).all():
        reason = "a number in the region is not finite"
    elif within is not None:
        numbers = numbers[(numbers >= within[0]) & (numbers <= within[1])]
        reason = "" if numbers.size else "no number of the region is in the range"
    found = [] if reason else [_moments(numbers)]
    return features_of(
        "statistics", STATISTICS, found, reason=reason or "it would be divided by zero", units=units
    )


def histogram(region: Region, *, levels: Levels = DEFAULT) -> tuple[Feature, ...]:
    """The 23 features of the histogram of grey levels.

    Args:
        region: A picture or a volume.
        levels: How numbers become grey levels.

    Returns:
        Pure numbers; those of the gradient have a reason instead where all grey levels are 1.

    Source: IBSI reference manual, section 3.4.
    """
    return histogram_of(lattice_of(region, levels, "3D:mrg", 0))


def histogram_of(lattice: Lattice) -> tuple[Feature, ...]:
    """The features of the histogram of a region in grey levels."""
    if lattice.reason:
        return features_of("histogram", HISTOGRAM, [], reason=lattice.reason)
    counts = np.bincount(lattice.codes.ravel(), minlength=len(lattice.levels) + 1)[1:]
    found = _moments(np.repeat(lattice.levels.astype(np.float64), counts))
    shares = counts / counts.sum()
    found["entropy"], found["uniformity"] = entropy(shares), float((shares**2).sum())
    most = lattice.levels[counts == counts.max()]
    found["mode"] = float(most[np.abs(most - found["mean"]).argmin()])
    found |= _gradient(lattice.levels, counts)
    return features_of("histogram", HISTOGRAM, [found], reason="there is only one grey level")


def _gradient(levels: NDArray[np.int64], counts: NDArray[np.int64]) -> dict[str, float]:
    names = ("maximum gradient", "maximum gradient level", "minimum gradient", "minimum gradient level")
    if levels[-1] < 2:
        return dict.fromkeys(names, math.nan)
    bins = np.zeros(int(levels[-1]))
    bins[levels - 1] = counts
    slope = np.gradient(bins)
    return dict(
        zip(
            names,
            (
                float(slope.max()),
                float(slope.argmax() + 1),
                float(slope.min()),
                float(slope.argmin() + 1),
            ),
            strict=True,
        )
    )


def _moments(x: NDArray[np.float64]) -> dict[str, float]:
    """What both families have in common, of numbers of shape (places,)."""
    mean = float(x.mean())
    away = x - mean
    variance = float((away**2).mean())
    p10, p25, median, p75, p90 = (float(p) for p in np.percentile(x, (10, 25, 50, 75, 90)))
    middle = x[(x >= p10) & (x <= p90)]
    energy = float((x**2).sum())
    return {
        "mean": mean,
        "variance": variance,
        "skewness": float((away**3).mean()) / variance**1.5 if variance else 0.0,
        "kurtosis": float((away**4).mean()) / variance**2 - 3.0 if variance else 0.0,
        "median": median,
        "minimum": float(x.min()),
        "10th percentile": p10,
        "90th percentile": p90,
        "maximum": float(x.max()),
        "interquartile range": p75 - p25,
        "range": float(x.max() - x.min()),
        "mean absolute deviation": float(np.abs(away).mean()),
        "robust mean absolute deviation": float(np.abs(middle - middle.mean()).mean()),
        "median absolute deviation": float(np.abs(x - median).mean()),
        "coefficient of variation": math.sqrt(variance) / mean if mean else math.nan,
        "quartile coefficient of dispersion": (p75 - p25) / (p75 + p25) if p75 + p25 else math.nan,
        "energy": energy,
        "root mean square": math.sqrt(energy / x.size),
    }
