"""From what was measured on one or several matrices to features with their names and codes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from skiagraph.features.feature import Feature

__all__ = ["entropy", "features_of"]


def features_of(
    family: str,
    codes: Mapping[str, str],
    found: Sequence[Mapping[str, float]],
    *,
    reason: str,
    units: Mapping[str, str] | None = None,
) -> tuple[Feature, ...]:
    """One feature a name: the mean over the matrices on which it is defined.

    Args:
        family: Of all these features.
        codes: IBSI code of each name.
        found: Value of each name, one mapping a matrix; NaN where it is not defined.
        reason: Why a feature that is defined on no matrix has no value.
        units: UCUM unit of names that have one.
    """
    result = []
    for name, code in codes.items():
        values = [one[name] for one in found if math.isfinite(one[name])]
        result.append(
            Feature(
                family=family,
                name=name,
                value=sum(values) / len(values) if values else math.nan,
                unit=(units or {}).get(name, ""),
                ibsi=code,
                reason="" if values else reason,
            )
        )
    return tuple(result)


def entropy(shares: NDArray[np.float64]) -> float:
    """Entropy in bits of shares that add up to 1, of any shape."""
    some = shares[shares > 0]
    return float(-(some * np.log2(some)).sum()) + 0.0
