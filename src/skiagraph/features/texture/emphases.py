"""What run lengths, zones and dependences share: features of counts over a grey level and a size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skiagraph.features.texture.outcome import entropy

__all__ = ["emphases"]


def emphases(
    levels: NDArray[np.int64], sizes: NDArray[np.int64], counts: NDArray[np.int64], places: int
) -> tuple[float, ...]:
    """The 17 features of a matrix that counts grey levels i against sizes j, given by its entries that are not 0.

    Args:
        levels: Grey level of each entry, shape (entries,).
        sizes: Size of each entry (length of a run, places of a zone, distance, dependence).
        counts: How often each occurs.
        places: Of the region, as often as each was looked at; what percentages are of.

    Returns:
        Emphasis of small, large, low, high, small low, small high, large low and large high (sizes, grey levels);
        non-uniformity of levels, normalised, of sizes, normalised; percentage; variances; entropy; energy.

    Source: IBSI reference manual, sections 3.7 to 3.9 and 3.11.
    """
    p = counts / (total := int(counts.sum()))
    i2, j2 = levels.astype(np.float64) ** 2, sizes.astype(np.float64) ** 2
    of_levels, of_sizes = _margin(levels, counts), _margin(sizes, counts)
    even_levels, even_sizes = float(of_levels @ of_levels), float(of_sizes @ of_sizes)
    return (
        float((1 / j2) @ p),
        float(j2 @ p),
        float((1 / i2) @ p),
        float(i2 @ p),
        float((1 / (i2 * j2)) @ p),
        float((i2 / j2) @ p),
        float((j2 / i2) @ p),
        float((i2 * j2) @ p),
        even_levels / total,
        even_levels / total**2,
        even_sizes / total,
        even_sizes / total**2,
        total / places,
        _variance(levels, p),
        _variance(sizes, p),
        entropy(p),
        float(p @ p),
    )


def _margin(values: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    _, where = np.unique(values, return_inverse=True)
    return np.bincount(where, weights=counts).astype(np.float64)


def _variance(values: NDArray[np.int64], p: NDArray[np.float64]) -> float:
    mean = float(values @ p)
    return float((values - mean) ** 2 @ p)
