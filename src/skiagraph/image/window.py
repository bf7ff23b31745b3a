"""From numbers to grey levels that an eye can see: windows and tables, as a file or a reader asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput
from skiagraph.values import checked_when_unpickled, frozen

__all__ = ["Display", "DisplayTable", "Window", "to_display"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which values become black and white, and the way between them.

    Args:
        low: Becomes black, in the unit of the image.
        high: Becomes white; above `low`.
        name: What it is good for, e.g. ``"LUNG"``; may be empty.
        function: ``"linear"``: black at `low`, white at `high`. ``"sigmoid"``: soft at both ends, 12 % grey at `low`
            and 88 % at `high`.

    Raises:
        InvalidInput: Not finite, or not rising.

    Source: DICOM PS3.3 C.11.2.1.2 and C.11.2.1.3.
    """

    low: float
    high: float
    name: str = ""
    function: Literal["linear", "sigmoid"] = "linear"

    def __post_init__(self) -> None:
        if not (np.isfinite(self.low) and np.isfinite(self.high) and self.low < self.high):
            raise InvalidInput("a window rises from low to high", got=f"{self.low} to {self.high}")


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DisplayTable:
    """A grey level for each of a row of whole values.

    Args:
        first: The value that has the first grey level; all below have it too, all beyond the end have the last.
        levels: Shape (n,), 0 black to 1 white.
        name: What it is good for; may be empty.

    Raises:
        InvalidInput: No levels, or levels outside of 0 to 1.

    Source: DICOM PS3.3 C.11.2.1.1.
    """

    first: float
    levels: NDArray[np.float64]
    name: str = ""

    def __post_init__(self) -> None:
        levels = frozen(self.levels, np.float64)
        if levels.ndim != 1 or not levels.size or not (levels.min() >= 0 and levels.max() <= 1):
            raise InvalidInput("a display table is a row of levels from 0 to 1", got=f"shape {levels.shape}")
        object.__setattr__(self, "levels", levels)


Display: TypeAlias = Window | DisplayTable


def to_display(array: NDArray[Any], window: Display | None = None) -> NDArray[np.uint8]:
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
    level = _level(np.where(finite, values, 0.0), window)
    return np.asarray(np.rint(np.where(finite, level, 0.0) * 255.0), dtype=np.uint8)


def _level(values: NDArray[np.float64], window: Display) -> NDArray[np.float64]:
    """0 black to 1 white, shape of `values`."""
    if isinstance(window, DisplayTable):
        place = np.clip(np.rint(values - window.first), 0, len(window.levels) - 1)
        return np.asarray(window.levels[place.astype(np.intp)])
    scaled = (values - window.low) / (window.high - window.low)
    if window.function == "sigmoid":
        return np.asarray(1.0 / (1.0 + np.exp(np.clip(-4.0 * (scaled - 0.5), -700.0, 700.0))))
    return np.asarray(np.clip(scaled, 0.0, 1.0))
