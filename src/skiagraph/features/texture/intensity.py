"""Intensity-based statistics, of the numbers themselves, and the intensity histogram, of their grey levels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skiagraph.features.feature import Feature
from skiagraph.features.region import Region
from skiagraph.features.texture.lattice import NOT_MEASURABLE, Lattice, lattice_of, not_measurable
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
RANKS: Final = (10, 25, 50, 75, 90)


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
    elif not_measurable(numbers):
        reason = NOT_MEASURABLE
    elif within is not None:
        numbers = numbers[(numbers >= within[0]) & (numbers <= within[1])]
        reason = "" if numbers.size else "no number of the region is in the range"
    found = []
    if not reason:
        ranked = [float(p) for p in np.percentile(numbers, RANKS)]
        found = [_moments(numbers, np.ones_like(numbers), ranked)]
    return features_of(
        "statistics", STATISTICS, found, reason=reason or "it would be divided by zero", units=units
    )


def histogram(region: Region, *, levels: Levels = DEFAULT) -> tuple[Feature, ...]:
    """The 23 features of the histogram of grey levels.

    Args:
        region: A picture or a volume.
        levels: How numbers become grey levels.

    Returns:
        Pure numbers; those of the gradient have a reason instead where all grey levels are 1, and the robust deviation
        where there are but two numbers.

    Source: IBSI reference manual, section 3.4.
    """
    return histogram_of(lattice_of(region, levels, "3D:mrg", 0))


def histogram_of(lattice: Lattice) -> tuple[Feature, ...]:
    """The features of the histogram of a region in grey levels."""
    if lattice.reason:
        return features_of("histogram", HISTOGRAM, [], reason=lattice.reason)
    counts = np.bincount(lattice.codes.ravel(), minlength=len(lattice.levels) + 1)[1:]
    found = _moments(
        lattice.levels.astype(np.float64), counts.astype(np.float64), _ranked(lattice.levels, counts)
    )
    shares = counts / counts.sum()
    found["entropy"], found["uniformity"] = entropy(shares), float((shares**2).sum())
    most = lattice.levels[counts == counts.max()]
    found["mode"] = float(most[np.abs(most - found["mean"]).argmin()])
    found |= _gradient(lattice.levels, counts)
    return features_of("histogram", HISTOGRAM, [found], reason="so few grey levels do not define it")


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


def _moments(
    x: NDArray[np.float64], counts: NDArray[np.float64], ranked: Sequence[float]
) -> dict[str, float]:
    """What both families have in common.

    Args:
        x: Numbers, or grey levels.
        counts: How often each occurs; of the same shape.
        ranked: Their 10th, 25th, 50th, 75th and 90th percentile.
    """
    p10, p25, median, p75, p90 = ranked
    lowest, highest, total = float(x.min()), float(x.max()), float(counts.sum())
    mean = float(x @ counts) / total if lowest < highest else lowest
    away = x - mean
    square = away * away
    variance = float(square @ counts) / total
    scaled = away / (math.sqrt(variance) or 1.0)
    energy = float((x * x) @ counts)
    return {
        "mean": mean,
        "variance": variance,
        "skewness": float(scaled**2 * scaled @ counts) / total,
        "kurtosis": float((scaled**2) ** 2 @ counts) / total - 3.0 if variance else 0.0,
        "median": median,
        "minimum": lowest,
        "10th percentile": p10,
        "90th percentile": p90,
        "maximum": highest,
        "interquartile range": p75 - p25,
        "range": highest - lowest,
        "mean absolute deviation": float(np.abs(away) @ counts) / total,
        "robust mean absolute deviation": _spread(x, np.where((x >= p10) & (x <= p90), counts, 0.0)),
        "median absolute deviation": float(np.abs(x - median) @ counts) / total,
        "coefficient of variation": math.sqrt(variance) / mean if mean else math.nan,
        "quartile coefficient of dispersion": (p75 - p25) / (p75 + p25) if p75 + p25 else math.nan,
        "energy": energy,
        "root mean square": math.sqrt(energy / total),
    }


def _spread(x: NDArray[np.float64], counts: NDArray[np.float64]) -> float:
    """Mean absolute deviation from the mean; NaN of nothing, as between the 10th and 90th percentile of two numbers."""
    total = float(counts.sum())
    return float(np.abs(x - float(x @ counts) / total) @ counts) / total if total else math.nan


def _ranked(levels: NDArray[np.int64], counts: NDArray[np.int64]) -> list[float]:
    """The percentiles that numpy would find if each grey level stood there as often as it occurs."""
    upto = np.cumsum(counts)
    place = np.array(RANKS) / 100 * (upto[-1] - 1)
    below, above = (
        levels[np.searchsorted(upto, at, side="right")] for at in (np.floor(place), np.ceil(place))
    )
    return [float(v) for v in below + (place - np.floor(place)) * (above - below)]
