"""When the frames of a moving image were taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import GeometryError
from skiagraph.values import checked_when_unpickled, frozen

__all__ = ["Timeline"]


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Timeline:
    """The instants of a moving image, in order.

    Args:
        times: Shape (n,), strictly rising, in `unit`.
        unit: ``"s"`` where the file states times, ``"frame"`` where only an order is known.

    Raises:
        GeometryError: Empty, not finite, or not strictly rising.
    """

    times: NDArray[np.float64]
    unit: Literal["s", "frame"] = "frame"

    def __post_init__(self) -> None:
        times = frozen(self.times, np.float64)
        if times.ndim != 1 or times.size == 0 or not np.isfinite(times).all() or (np.diff(times) <= 0).any():
            raise GeometryError(
                "the times of a timeline are finite and strictly rising", got=f"shape {times.shape}"
            )
        object.__setattr__(self, "times", times)

    def __len__(self) -> int:
        return int(self.times.size)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Timeline):
            return NotImplemented
        return self.unit == other.unit and np.array_equal(self.times, other.times)

    def __hash__(self) -> int:
        return hash((self.unit, (self.times + 0.0).tobytes()))
