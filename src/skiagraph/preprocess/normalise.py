"""Intensity normalisation by name, as recipes ask for it: the same function when learning and when reading."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput, UnknownName
from skiagraph.task.recipe import Intensity

__all__ = ["NORMALISATIONS", "WINDOW", "finite", "normalised"]

Normalisation = Callable[[NDArray[Any]], NDArray[np.float32]]


WINDOW: Final = "window"


def _standard(values: NDArray[np.float32]) -> NDArray[np.float32]:
    centred = values - values.mean()
    scaled: NDArray[np.float32] = centred / max(float(centred.std()), 1e-6)
    return scaled


def _zscore(array: NDArray[Any]) -> NDArray[np.float32]:
    """Mean 0, standard deviation 1."""
    return _standard(np.asarray(array, dtype=np.float32))


def _root_zscore(array: NDArray[Any]) -> NDArray[np.float32]:
    """Mean 0 and standard deviation 1 of the square root above the minimum: dark tissue of a sonogram gets more room.

    The scale of the input does not matter, so that 8 and 16 bit pictures of one thing give one answer.
    """
    values = np.asarray(array, dtype=np.float32)
    return _standard(np.sqrt(values - values.min()))


NORMALISATIONS: Final[Mapping[str, Normalisation]] = MappingProxyType(
    {
        "zscore": _zscore,
        "root-zscore": _root_zscore,
    }
)


def normalised(array: NDArray[Any], name: str, intensity: Intensity | None = None) -> NDArray[np.float32]:
    """The array with the intensity normalisation `name`; what is not finite counts as the smallest finite value.

    Args:
        array: One picture or volume, any unit.
        name: A key of `NORMALISATIONS`, or ``"window"``: cut to the window of `intensity`, then by its mean and
            deviation, the same for every image.
        intensity: The numbers of ``"window"``.

    Returns:
        The same shape, float32, no unit.

    Raises:
        UnknownName: No such normalisation.
        InvalidInput: ``"window"`` without numbers, or another one with them.
    """
    if (name == WINDOW) != (intensity is not None):
        raise InvalidInput(f"the normalisation {WINDOW!r}, and no other, has numbers", got=name)
    if intensity is not None:
        return _windowed(finite(array), intensity)
    if name not in NORMALISATIONS:
        raise UnknownName(
            "a normalisation has a known name",
            got=name,
            way_out=f"use one of {sorted([*NORMALISATIONS, WINDOW])}",
        )
    return NORMALISATIONS[name](finite(array))


def _windowed(array: NDArray[Any], by: Intensity) -> NDArray[np.float32]:
    """Source: Isensee et al., nnU-Net (Nature Methods 2021), online methods, on CT."""
    cut = np.asarray(array, dtype=np.float32).clip(by.low, by.high)
    scaled: NDArray[np.float32] = (cut - np.float32(by.mean)) / np.float32(by.deviation)
    return scaled


def finite(array: NDArray[Any]) -> NDArray[Any]:
    """The array, with the smallest finite value (0 where there is none) in place of what is not finite."""
    good = np.isfinite(array)
    if good.all():
        return array
    return np.where(good, array, array[good].min() if good.any() else 0)
