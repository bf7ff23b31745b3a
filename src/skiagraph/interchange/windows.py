"""How an object asks to be shown: windows of ours to and from elements over its stored values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from skiagraph.image import Display, Window
from skiagraph.interchange.envelope import decimal
from skiagraph.plain import from_plain, to_plain

__all__ = ["HUGE", "put_windows", "whole_range", "windows_from", "windows_of", "windows_rest"]

HUGE: Final = 8e307  # beyond which differences of numbers have no float


def put_windows(
    item: Dataset, windows: Sequence[Display], slope: float = 1.0, intercept: float = 0.0
) -> None:
    """Writes windows; tables are left out, and so are windows of another function than the first.

    Args:
        item: What holds the VOI LUT macro.
        windows: Over real values.
        slope: Real values are ``slope * stored + intercept``; above 0.
        intercept: Likewise.

    Source: DICOM PS3.3 C.11.2 (LINEAR_EXACT, so that the ends are black and white).
    """
    plain = [window for window in windows if isinstance(window, Window)]
    if not plain:
        return
    function = plain[0].function
    kept = [window for window in plain if window.function == function]
    ends = [((w.low - intercept) / slope, (w.high - intercept) / slope) for w in kept]
    item.WindowCenter = [decimal((low + high) / 2) for low, high in ends]
    item.WindowWidth = [decimal(high - low) for low, high in ends]
    item.VOILUTFunction = "SIGMOID" if function == "sigmoid" else "LINEAR_EXACT"
    if any(window.name for window in kept):
        item.WindowCenterWidthExplanation = [window.name.replace("\\", "/")[:64] for window in kept]


def windows_of(item: Dataset, slope: float = 1.0, intercept: float = 0.0) -> tuple[Window, ...]:
    """The windows that an item states, over real values; those that rise."""
    centers, widths, names = (
        _several(item.get(word)) for word in ("WindowCenter", "WindowWidth", "WindowCenterWidthExplanation")
    )
    function = str(item.get("VOILUTFunction") or "LINEAR")
    found = []
    for n, (center, width) in enumerate(zip(centers, widths, strict=False)):
        half = float(width) / 2
        low, high = float(center) - half, float(center) + half - (1.0 if function == "LINEAR" else 0.0)
        if low < high and slope > 0:
            name = str(names[n]) if n < len(names) else ""
            soft = "sigmoid" if function == "SIGMOID" else "linear"
            ends = slope * low + intercept, slope * high + intercept
            found.append(Window(low=ends[0], high=ends[1], name=name, function=soft))  # type: ignore[arg-type]
    return tuple(found)


def windows_rest(
    item: Dataset, windows: tuple[Display, ...], slope: float = 1.0, intercept: float = 0.0
) -> dict[str, Any]:
    """What an item leaves out of some windows, as plain data; empty where it says them all."""
    said = windows_of(item, slope, intercept) == windows
    return {} if said else {"windows": [to_plain(window) for window in windows]}


def windows_from(
    item: Dataset, rest: Mapping[str, Any], slope: float = 1.0, intercept: float = 0.0
) -> tuple[Display, ...]:
    """The windows that an item states, and what `windows_rest` said of them."""
    if "windows" not in rest:
        return windows_of(item, slope, intercept)
    return tuple(from_plain(Display, window) for window in rest["windows"])


def whole_range(values: NDArray[Any]) -> Window:
    """From the least finite value to the greatest."""
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    low, high = (min(max(end, -HUGE), HUGE) for end in (low, high))
    return Window(low=low, high=high if high > low else low + max(1.0, abs(low) * 1e-6))


def _several(value: Any) -> list[Any]:
    if value is None or value == "":
        return []
    return [value] if isinstance(value, str | float | int) else list(value)
