"""Sums over rows that count several times: means, quantiles, shares and groups of equal values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from skiagraph.errors import InvalidInput
from skiagraph.task import Counts

__all__ = ["Ties", "checked", "mean", "once", "quantile", "ratio", "wilson_bounds"]

Values = NDArray[np.float64]


def once(n: int) -> Counts:
    """Each of n rows counts once; shape (1, n)."""
    return np.ones((1, n))


def checked(name: str, values: Any) -> Values:
    """One finite number a case, shape (n,).

    Raises:
        InvalidInput: None at all, another shape, NaN or infinity.
    """
    result = np.asarray(values, dtype=np.float64)
    if result.ndim != 1 or not len(result):
        raise InvalidInput(f"the {name} are one number a case", got=f"shape {result.shape}")
    if not np.isfinite(result).all():
        raise InvalidInput(
            f"the {name} are finite numbers",
            got=f"{int((~np.isfinite(result)).sum())} NaN or infinite of {len(result)}",
            way_out="count such cases as excluded before measuring",
        )
    return result


def ratio(above: Any, below: Any) -> Values:
    """Above / below, NaN where that is 0 / 0 (not defined)."""
    above, below = np.broadcast_arrays(np.asarray(above, np.float64), np.asarray(below, np.float64))
    with np.errstate(invalid="ignore", divide="ignore"):
        result: Values = above / below
    return result


def mean(values: Values, counts: Counts) -> Values:
    """The mean of the values that are there (not NaN), in each resample.

    Args:
        values: Shape (rows,).
        counts: Shape (resamples, rows).

    Returns:
        Shape (resamples,); NaN where no value was drawn.
    """
    known = ~np.isnan(values)
    return ratio(counts[:, known] @ values[known], counts[:, known].sum(axis=1))


def quantile(values: Values, counts: Counts, share: float) -> Values:
    """A quantile in each resample, as `numpy.quantile` of the rows written out (linear between neighbours).

    Args:
        values: Shape (rows,); NaN are left out.
        counts: Whole numbers, shape (resamples, rows).
        share: 0 to 1.

    Returns:
        Shape (resamples,); NaN where no value was drawn.
    """
    order = np.argsort(values, kind="stable")[: int((~np.isnan(values)).sum())]
    if not len(order):
        return np.full(len(counts), np.nan)
    ranked, upto = values[order], np.cumsum(counts[:, order], axis=1)
    place = np.maximum(share * (upto[:, -1] - 1), 0)
    low = (upto <= np.floor(place)[:, None]).sum(axis=1)
    high = (upto <= np.ceil(place)[:, None]).sum(axis=1)
    last = len(ranked) - 1
    a, b = ranked[np.minimum(low, last)], ranked[np.minimum(high, last)]
    return np.where(upto[:, -1] > 0, a + (b - a) * (place - np.floor(place)), np.nan)


def wilson_bounds(hits: Values, n: Values, level: float = 0.95) -> tuple[Values, Values]:
    """The interval of shares: `skiagraph.metrics.wilson` for arrays; NaN where n is 0."""
    z = float(special.ndtri(0.5 + level / 2))
    p, n = ratio(hits, n), np.where(n > 0, n, np.nan)
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return np.maximum(0.0, middle - half), np.minimum(1.0, middle + half)


class Ties:
    """Rows of equal value as one, in rising order: what ranks need, so that ties never depend on the order of rows.

    Args:
        values: Shape (rows,), no NaN.
    """

    __slots__ = ("_order", "_starts", "values")

    def __init__(self, values: Values) -> None:
        self._order = np.argsort(values, kind="stable")
        ranked = values[self._order]
        fresh = np.concatenate([[True], ranked[1:] != ranked[:-1]]) if len(ranked) else np.zeros(0, np.bool_)
        self._starts = np.flatnonzero(fresh)
        self.values = ranked[self._starts]

    def sums(self, counts: Counts) -> NDArray[np.float64]:
        """Sums over the rows of each value: shape (resamples, rows) to (resamples, values)."""
        ranked = counts[:, self._order]
        if len(self._starts) == len(self._order):
            return np.asarray(ranked, dtype=np.float64)
        return np.asarray(np.add.reduceat(ranked, self._starts, axis=1), dtype=np.float64)
