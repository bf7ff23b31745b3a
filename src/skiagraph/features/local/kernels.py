"""Laws' texture energy: how strongly a region answers to small kernels for level, edge, spot, wave and ripple."""

from __future__ import annotations

import itertools
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from skiagraph.errors import InvalidInput
from skiagraph.features.feature import Feature
from skiagraph.features.local.area import described, planes, unusable, window
from skiagraph.features.region import Region

__all__ = ["LAWS", "laws", "laws_response"]

_FAMILY: Final = "laws"

# Of 5 taps; divided by their length, so that no kernel answers louder to noise than another.
LAWS: Final = MappingProxyType(
    {
        name: np.array(taps) / np.linalg.norm(taps)
        for name, taps in {
            "l5": (1, 4, 6, 4, 1),
            "e5": (-1, -2, 0, 2, 1),
            "s5": (-1, 0, 2, 0, -1),
            "w5": (-1, 2, 0, -2, 1),
            "r5": (1, -4, 6, -4, 1),
        }.items()
    }
)


def laws(region: Region, *, reach: int = 7) -> tuple[Feature, ...]:
    """Mean and deviation, over the mask, of Laws' texture energy.

    The energy at a place is the mean magnitude of the response in a square around it. Kernels that are each other
    turned by a right angle (``l5e5`` and ``e5l5``) are merged: their energies are averaged. ``l5l5`` is left out,
    because it measures brightness and no texture. That leaves 14.

    Args:
        region: A picture, or a volume that is read slice by slice along its first axis; all places are pooled.
        reach: Samples from the centre of the square to its side.

    Returns:
        A mean and a deviation for each pair of kernels, in the unit of the numbers.

    Raises:
        InvalidInput: A reach below 0.

    Source: Laws, Rapid texture identification, Proc. SPIE 238 (1980) 376-381; kernels of unit length and energy:
        Image biomarker standardisation initiative, standardised convolutional filters (arXiv 2006.05470), section 3.4.
    """
    if reach < 0:
        raise InvalidInput("the square of an energy reaches 0 samples or more", got=str(reach))
    reason, features = unusable(region), []
    pairs = [pair for pair in itertools.combinations_with_replacement(LAWS, 2) if pair != ("l5", "l5")]
    energies: dict[tuple[str, str], list[NDArray[np.float64]]] = {pair: [] for pair in pairs}
    if not reason:
        numbers, mask = window(region, (0,) * (region.ndim - 2) + (reach + 2, reach + 2))
        zero = 1e-12 * np.abs(numbers).max()
        for picture, places in planes(numbers, mask):
            for pair in pairs:
                energies[pair].append(_energy(picture, pair, reach, zero)[places])
    for pair, found in energies.items():
        values = np.concatenate(found) if found else np.empty(0)
        mean, deviation = (reason, reason) if reason else (float(values.mean()), float(values.std()))
        features.append(described(_FAMILY, f"{''.join(pair)} mean", mean, region.unit))
        features.append(described(_FAMILY, f"{''.join(pair)} deviation", deviation, region.unit))
    return tuple(features)


def laws_response(picture: NDArray[np.float64], down: str, across: str) -> NDArray[np.float64]:
    """The response to one kernel: ``laws_response(picture, "e5", "l5")`` finds horizontal edges.

    Args:
        picture: Shape (rows, columns), finite; continued by mirroring.
        down: Name of the kernel that runs down the rows.
        across: Name of the kernel that runs along the columns.

    Returns:
        Shape (rows, columns).
    """
    half: NDArray[np.float64] = ndimage.correlate1d(picture, LAWS[down], axis=0, mode="reflect")
    response: NDArray[np.float64] = ndimage.correlate1d(half, LAWS[across], axis=1, mode="reflect")
    return response


def _energy(
    picture: NDArray[np.float64], pair: tuple[str, str], reach: int, zero: float
) -> NDArray[np.float64]:
    """Of a kernel and its turned self, averaged; responses that are rounding are 0."""
    one, other = pair
    strength = np.abs(laws_response(picture, one, other))
    if one != other:
        strength = (strength + np.abs(laws_response(picture, other, one))) / 2
    strength[strength < zero] = 0.0
    energy: NDArray[np.float64] = ndimage.uniform_filter(strength, 2 * reach + 1, mode="reflect")
    return np.maximum(energy, 0.0)
