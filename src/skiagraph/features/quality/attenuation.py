"""Whether CT numbers are Hounsfield units of a body: neither air alone, nor stored values without their offset."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["most_dense", "off_scale"]

_PADDING: Final = -1100.0  # HU: lower is no attenuation but a mark of the scanner
_OFFSET: Final = 1024.0  # what scanners add before they store
_TISSUE: Final = (-150.0, 150.0)  # HU: fat to muscle


def most_dense(values: NDArray[Any]) -> float:
    """The value that one in two hundred exceeds, HU; in air alone it stays near -1000.

    Source: own.
    """
    return float(np.quantile(values, 0.995))


def off_scale(values: NDArray[Any]) -> float:
    """Share of what is not air that would be soft tissue if 1024 were taken off, 0 to 1.

    Of a body in HU that is dense bone and little of it; of stored values it is most of the body.

    Source: own.
    """
    known = values[values > _PADDING]
    if not known.size or float(np.quantile(known, 0.001)) < -100.0:  # air below zero: the offset was applied
        return 0.0
    shifted = known.astype(np.float32) - _OFFSET
    tissue = np.count_nonzero((shifted > _TISSUE[0]) & (shifted < _TISSUE[1]))
    body = np.count_nonzero(shifted > _TISSUE[0] - 350.0)
    return float(tissue / body) if body > 0.02 * known.size else 0.0
