"""From numbers to grey levels that an eye can see: windows and tables, as a file or a reader asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput
from skiagraph.values import checked_when_unpickled, frozen

__all__ = ["Display", "DisplayTable", "Window", "is_flat", "seen", "to_display"]

_FLAT: Final = 64  # grey levels of 256 that a picture needs to show anything


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
        window = _whole(values, finite)
    level = _level(np.where(finite, values, 0.0), window)
    return np.asarray(np.rint(np.where(finite, level, 0.0) * 255.0), dtype=np.uint8)


def _whole(values: NDArray[np.float64], finite: NDArray[np.bool_]) -> Window:
    """From the 0.5th to the 99.5th percentile; one value alone is black, or white where others are missing."""
    low, high = np.percentile(values[finite], [0.5, 99.5]).tolist() if finite.any() else (0.0, 1.0)
    if low < high:
        return Window(low=low, high=high)
    step = max(1.0, abs(low) * 1e-9)  # one is nothing beside the largest numbers
    return Window(low=low, high=low + step) if finite.all() else Window(low=low - step, high=low)


def seen(array: NDArray[Any], windows: tuple[Display, ...]) -> NDArray[np.uint8]:
    """Grey levels 0 to 255 through the first of some windows that shows anything, and without a window where none does.

    Args:
        array: Any shape, real numbers.
        windows: As a file asks for them; none for pictures in colour.

    Returns:
        The same shape, uint8.
    """
    for window in windows:
        level = to_display(array, window)
        if not is_flat(level):
            return level
    return to_display(array)


def is_flat(level: NDArray[np.uint8]) -> bool:
    """Whether grey levels differ too little to show anything."""
    low, high = np.percentile(level, [0.5, 99.5])
    return bool(high - low < _FLAT)


def _level(values: NDArray[np.float64], window: Display) -> NDArray[np.float64]:
    """0 black to 1 white, shape of `values`."""
    if isinstance(window, DisplayTable):
        place = np.clip(np.rint(values - window.first), 0, len(window.levels) - 1)
        return np.asarray(window.levels[place.astype(np.intp)])
    scaled = (values - window.low) / (window.high - window.low)
    if window.function == "sigmoid":
        return np.asarray(1.0 / (1.0 + np.exp(np.clip(-4.0 * (scaled - 0.5), -700.0, 700.0))))
    return np.asarray(np.clip(scaled, 0.0, 1.0))
