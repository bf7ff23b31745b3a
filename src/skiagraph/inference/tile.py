"""Shows a network a large lattice window by window, and joins its answers with weights that fall to the edge."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput
from skiagraph.task import Engine

__all__ = ["Tiled", "window_starts", "window_weights"]


def window_starts(length: int, window: int, overlap: float) -> tuple[int, ...]:
    """Where windows begin along an axis, evenly, so that neighbours overlap at least as wished.

    Args:
        length: Samples of the axis, at least `window`.
        window: Samples of a window.
        overlap: Share of a window, 0 to 1.
    """
    step = max(1.0, window * (1.0 - overlap))
    n = math.ceil((length - window) / step) + 1
    return tuple(round(i * (length - window) / max(1, n - 1)) for i in range(n))


def window_weights(window: tuple[int, ...]) -> NDArray[np.float32]:
    """A Gaussian about the middle of a window, an eighth of its side wide, never zero.

    Source: Isensee et al., nnU-Net (Nature Methods 2021), online methods, on inference.
    """
    total: NDArray[np.float64] = np.ones(window)
    for axis, n in enumerate(window):
        along = np.exp(-(((np.arange(n) - (n - 1) / 2) / (n / 8)) ** 2) / 2)
        total = total * np.moveaxis(along[(...,) + (None,) * (len(window) - 1)], 0, axis)
    return np.maximum(total, 1e-3).astype(np.float32)


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tiled:
    """An engine for lattices of any size around one for windows.

    What is smaller than a window is padded evenly with its smallest value.

    Args:
        engine: What computes; takes one window.
        window: Its samples along each spatial axis.
        overlap: Share by which neighbours overlap at least.
    """

    engine: Engine
    window: tuple[int, ...]
    overlap: float

    @property
    def name(self) -> str:
        """That of the engine within."""
        return self.engine.name

    @property
    def precision(self) -> str:
        """That of the engine within."""
        return self.engine.precision

    def __call__(self, batch: NDArray[np.float32], /) -> NDArray[np.float32]:
        """(batch, channel, spatial...) to (batch, channel, spatial...), of any size.

        Raises:
            InvalidInput: Another number of axes than the window has.
        """
        if batch.ndim != len(self.window) + 2:
            raise InvalidInput(f"windows here have {len(self.window)} axes", got=str(batch.ndim - 2))
        return np.stack([self._one(case) for case in batch])

    def _one(self, case: NDArray[np.float32]) -> NDArray[np.float32]:
        missing = [max(0, w - n) for w, n in zip(self.window, case.shape[1:], strict=True)]
        before = [m // 2 for m in missing]
        margins = [(0, 0), *((b, m - b) for b, m in zip(before, missing, strict=True))]
        padded = np.pad(case, margins, constant_values=float(case.min()))
        weights = window_weights(self.window)
        shape = padded.shape[1:]
        starts = (window_starts(n, w, self.overlap) for n, w in zip(shape, self.window, strict=True))
        total, answer = np.zeros(shape, np.float32), np.zeros((0, *shape), np.float32)
        for corner in itertools.product(*starts):
            where = tuple(slice(c, c + w) for c, w in zip(corner, self.window, strict=True))
            said = self.engine(np.ascontiguousarray(padded[(None, slice(None), *where)]))[0]
            if not len(answer):
                answer = np.zeros((len(said), *shape), np.float32)
            answer[(slice(None), *where)] += said * weights
            total[where] += weights
        inside = tuple(slice(b, b + n) for b, n in zip(before, case.shape[1:], strict=True))
        return np.asarray((answer / total)[(slice(None), *inside)], dtype=np.float32)
