"""When the frames of a moving image were taken, and what else differed from one to the next."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import GeometryError
from skiagraph.values import checked_when_unpickled, frozen

__all__ = ["Timeline"]

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Timeline:
    """The frames of a moving image, in order.

    Args:
        times: Shape (n,), strictly rising, in `unit`.
        unit: ``"s"`` where the file states times, ``"frame"`` where only an order is known.
        conditions: What else differed from frame to frame, by DICOM keyword in snake case, each of shape (n,) or
            (n, k): ``b_value`` in s/mm2, ``gradient_direction`` (n, 3) of length 1 or 0 in the world, ``echo_time`` in
            ms, ``trigger_time`` in ms...

    Raises:
        GeometryError: Empty, not finite, or not strictly rising; a condition without a value for each frame.
    """

    times: NDArray[np.float64]
    unit: Literal["s", "frame"] = "frame"
    conditions: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        times = frozen(self.times, np.float64)
        if times.ndim != 1 or times.size == 0 or not np.isfinite(times).all() or (np.diff(times) <= 0).any():
            raise GeometryError(
                "the times of a timeline are finite and strictly rising", got=f"shape {times.shape}"
            )
        conditions = {name: frozen(self.conditions[name], np.float64) for name in sorted(self.conditions)}
        for name, values in conditions.items():
            known = values.ndim in (1, 2) and len(values) == times.size and bool(np.isfinite(values).all())
            if not known or not _NAME.fullmatch(name):
                raise GeometryError(
                    "a condition has a plain name and a finite value for each frame",
                    got=f"shape {values.shape} for {times.size} frames",
                )
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "conditions", MappingProxyType(conditions))

    def __len__(self) -> int:
        return int(self.times.size)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Timeline):
            return NotImplemented
        return (
            self.unit == other.unit
            and np.array_equal(self.times, other.times)
            and self.conditions.keys() == other.conditions.keys()
            and all(np.array_equal(v, other.conditions[name]) for name, v in self.conditions.items())
        )

    def __hash__(self) -> int:
        return hash((self.unit, (self.times + 0.0).tobytes(), tuple(self.conditions)))
