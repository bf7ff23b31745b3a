"""From numbers to grey levels that an eye can see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput

__all__ = ["Window", "to_display"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A linear window: the values that become black and white.

    Args:
        low: Becomes black, in the unit of the image.
        high: Becomes white; above `low`.

    Raises:
        InvalidInput: Not finite, or not rising.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.low) and np.isfinite(self.high) and self.low < self.high):
            raise InvalidInput("a window rises from low to high", got=f"{self.low} to {self.high}")


def to_display(array: NDArray[Any], window: Window | None = None) -> NDArray[np.uint8]:
    """Grey levels 0 to 255.

    Args:
        array: Any shape, real numbers; what is not finite becomes black.
        window: None takes 8-bit values as they are and everything else from its 0.5th to its 99.5th percentile.

    Returns:
        The same shape, uint8.
    """
    if window is None and array.dtype == np.uint8:
        return array
    values = np.asarray(array, dtype=np.float64)
    finite = np.isfinite(values)
    if window is None:
        low, high = np.percentile(values[finite], [0.5, 99.5]) if finite.any() else (0.0, 1.0)
        window = Window(low=float(low), high=float(high) if high > low else float(low) + 1.0)
    scaled = (np.where(finite, values, window.low) - window.low) / (window.high - window.low)
    return np.asarray(np.rint(np.clip(scaled, 0.0, 1.0) * 255.0), dtype=np.uint8)
