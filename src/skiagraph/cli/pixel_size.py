"""How a pixel size is written in the shell: one number, or rows x columns, in mm."""

from __future__ import annotations

import math

from skiagraph.errors import InvalidInput

__all__ = ["parsed_pixel_size"]


def parsed_pixel_size(text: str | None) -> tuple[float, float] | None:
    """Millimetres between (rows, columns) from ``0.1`` or ``0.1x0.12``; None stays None.

    Raises:
        InvalidInput: Not one or two positive numbers.
    """
    if text is None:
        return None
    try:
        parts = [float(part) for part in text.lower().split("x")]
    except ValueError:
        parts = []
    if len(parts) not in (1, 2) or not all(math.isfinite(p) and p > 0 for p in parts):
        raise InvalidInput(
            "a pixel size is one positive number of mm, or rows x columns such as 0.1x0.12", got=repr(text)
        )
    return parts[0], parts[-1]
