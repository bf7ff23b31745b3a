"""Speckle reducing anisotropic diffusion: values spread where they vary no more than speckle does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput
from skiagraph.image import Image
from skiagraph.preprocess.filters.adaptive import speckle_of
from skiagraph.preprocess.filters.still import (
    Numbers,
    Still,
    check_counts,
    check_not_negative,
    check_positive,
    filtered,
    steps_of,
)

__all__ = ["Srad"]

_WINDOW: Final = 7.0
_TINY: Final = 1e-6  # of the brightest value: black places have no coefficient of variation


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Srad:
    """Diffusion that is ruled by the instantaneous coefficient of variation; the mean is kept.

    In volumes the coefficient is that of six neighbours instead of four; distances along the axes count.

    Args:
        steps: How often; more is smoother.
        rate: Time of a step, up to 1.
        speckle: Deviation over mean at the beginning where tissue is even; None takes
            the median of windows of 7 pixels, as `Lee` does.
        decay: How fast speckle fades with time: ``speckle * exp(-decay * time)``.

    Raises:
        InvalidInput: A parameter that is not positive, or a rate above 1.

    Source: Yu and Acton, Speckle reducing anisotropic diffusion (2002).
    """

    steps: int = 50
    rate: float = 0.2
    speckle: float | None = None
    decay: float = 1 / 6

    def __post_init__(self) -> None:
        check_counts(steps=self.steps)
        check_positive(rate=self.rate, speckle=self.speckle, decay=self.decay)
        if self.rate > 1:
            raise InvalidInput("the rate of a step is at most 1, beyond which it swings", got=str(self.rate))

    def __call__(self, image: Image, mask: NDArray[np.bool_] | None = None) -> Image:
        """The image smoothed.

        Raises:
            InvalidInput: Numbers below zero.
        """
        return filtered(image, self._still, mask)

    def _still(self, still: Still) -> Numbers:
        check_not_negative(still, "speckle")
        weights = tuple(1.0 / step for step in steps_of(still))
        least = _TINY * float(still.numbers.max())
        numbers = still.numbers
        speckle = speckle_of(still, _WINDOW) if self.speckle is None else self.speckle
        for number in range(self.steps):
            differences = _differences(numbers, weights)
            varied = _variation(np.maximum(numbers, least), differences)
            scale = (speckle * np.exp(-self.decay * self.rate * number)) ** 2
            if scale == 0:
                break
            spread = np.clip(
                1.0 / np.maximum(1.0 + (varied - scale) / (scale * (1.0 + scale)), 1.0), 0.0, 1.0
            )
            numbers = numbers + self.rate / (2 * numbers.ndim) * _flow(spread, differences, weights)
        return numbers


def _differences(numbers: Numbers, weights: tuple[float, ...]) -> list[Numbers]:
    """To the next place along each axis, over the distance; the last difference of an axis is 0."""
    return [
        np.diff(numbers, axis=axis, append=np.take(numbers, [-1], axis=axis)) * weight
        for axis, weight in enumerate(weights)
    ]


def _back(values: Numbers, axis: int) -> Numbers:
    """Of the place before, along one axis; 0 at the first."""
    moved = np.roll(values, 1, axis=axis)
    moved[(slice(None),) * axis + (0,)] = 0.0
    return moved


def _variation(numbers: Numbers, differences: list[Numbers]) -> Numbers:
    """The square of the instantaneous coefficient of variation of a place, for any number of axes."""
    gradient, laplacian, n = np.zeros_like(numbers), np.zeros_like(numbers), numbers.ndim
    for axis, ahead in enumerate(differences):
        behind = _back(ahead, axis)
        gradient += ahead**2 + behind**2
        laplacian += ahead - behind
    gradient /= numbers**2
    laplacian /= numbers
    varied = gradient / n - (laplacian / (2 * n)) ** 2
    return np.maximum(varied, 0.0) / np.maximum((1.0 + laplacian / (2 * n)) ** 2, 1e-12)


def _flow(spread: Numbers, differences: list[Numbers], weights: tuple[float, ...]) -> Numbers:
    """Divergence of the flow: what enters one place has left another."""
    total = np.zeros_like(spread)
    for axis, (ahead, weight) in enumerate(zip(differences, weights, strict=True)):
        next_spread = np.roll(spread, -1, axis=axis)
        flow = next_spread * ahead * weight
        total += flow - _back(flow, axis)
    return total
