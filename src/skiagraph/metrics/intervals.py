"""Intervals and tests for shares: so many of so many."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from skiagraph.errors import InvalidInput

__all__ = ["binomial_p", "clopper_pearson", "wilson"]


def _check(hits: int, n: int) -> None:
    if not 0 <= hits <= n or n < 1:
        raise InvalidInput("a share is 0 to n of n, at least 1", got=f"{hits} of {n}")


def wilson(hits: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """The interval of a share.

    Args:
        hits: How many.
        n: Of how many.
        level: Confidence level.

    Returns:
        (low, high), 0 to 1.

    Raises:
        InvalidInput: Not such numbers.

    Source: Wilson, Probable inference (JASA 1927).
    """
    _check(hits, n)
    z = float(special.ndtri(0.5 + level / 2))
    p = hits / n
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def clopper_pearson(hits: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """The exact interval of a share: never too narrow, also of few cases.

    Args:
        hits: How many.
        n: Of how many.
        level: Confidence level.

    Returns:
        (low, high), 0 to 1.

    Raises:
        InvalidInput: Not such numbers.

    Source: Clopper and Pearson, The use of confidence or fiducial limits (Biometrika 1934).
    """
    _check(hits, n)
    outside = (1 - level) / 2
    low = 0.0 if hits == 0 else float(special.betaincinv(hits, n - hits + 1, outside))
    high = 1.0 if hits == n else float(special.betaincinv(hits + 1, n - hits, 1 - outside))
    return low, high


def binomial_p(hits: int, n: int, share: float) -> float:
    """The two-sided p-value of an exact binomial test that the true share is `share` (outcomes no likelier than this).

    Raises:
        InvalidInput: Not such numbers.
    """
    _check(hits, n)
    k = np.arange(n + 1)
    ways = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    chance = np.exp(ways + special.xlogy(k, share) + special.xlog1py(n - k, -share))
    return float(min(1.0, chance[chance <= chance[hits] * (1 + 1e-7)].sum()))
