"""Wavelets: energy, mean and entropy of each band of a picture or volume over a region."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pywt
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput
from skiagraph.features.feature import Feature
from skiagraph.features.local.area import described, unusable, window
from skiagraph.features.region import Region

__all__ = ["wavelets"]

_FAMILY: Final = "wavelets"
_ZERO: Final = 1e-10  # of the largest number: coefficients below are rounding


def wavelets(
    region: Region, *, wavelet: str = "db2", levels: int = 2, stationary: bool = True
) -> tuple[Feature, ...]:
    """Energy, mean magnitude and entropy of each band of a discrete wavelet transform.

    The box around the mask is transformed with the surroundings that the filters reach. A coefficient counts where its
    block of samples (one sample in a stationary transform, ``2 ** level`` along each axis in a decimated one) holds a
    place of the mask.

    Args:
        region: A picture or a volume; a volume is transformed along all three axes.
        wavelet: Of PyWavelets, discrete: ``"haar"``, ``"db2"``, ``"coif1"``, ``"bior2.2"`` ...
        levels: 1 to 6.
        stationary: Without decimation, so that it does not matter on which sample the region begins.

    Returns:
        Of each band the energy (mean of squares), the mean of the magnitudes, and the entropy of the shares of the
        energy, from 0 (one coefficient has all) to 1 (all have the same). A band is named by its filter along each
        axis, ``l`` or ``h``; the lowest is given for the last level alone.

    Raises:
        InvalidInput: No such wavelet, or levels out of range.

    Source: Mallat, A theory for multiresolution signal decomposition, IEEE TPAMI 11 (1989) 674-693; entropy: Coifman
        and Wickerhauser, IEEE Transactions on Information Theory 38 (1992) 713-718, over its largest value.
    """
    if wavelet not in pywt.wavelist(kind="discrete") or not 1 <= levels <= 6:
        raise InvalidInput(
            "a wavelet is discrete, of PyWavelets, with 1 to 6 levels", got=f"{wavelet!r}, {levels}"
        )
    reason = unusable(region)
    found: Iterator[tuple[str, NDArray[np.float64]]]
    if reason:
        found = ((name, np.empty(0)) for name in _names(region.ndim, levels))
    else:
        found = _bands(region, pywt.Wavelet(wavelet), levels, stationary=stationary)
    return tuple(feature for name, band in found for feature in _features(name, band, reason, region.unit))


def _names(ndim: int, levels: int) -> Iterator[str]:
    """Of the bands, in the order in which they are found."""
    for level in range(1, levels + 1):
        yield from (f"level {level} {key}" for key in _keys(ndim)[1:])
    yield f"level {levels} {'l' * ndim}"


def _keys(ndim: int) -> list[str]:
    return ["".join(letters) for letters in itertools.product("lh", repeat=ndim)]


def _bands(
    region: Region, wavelet: Any, levels: int, *, stationary: bool
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Name and coefficients in the mask of each band, level by level, so that a volume needs little memory."""
    block = 2**levels
    room = -(-(wavelet.dec_len * block) // block) * block
    low, mask = window(region, (room,) * region.ndim, lambda n: -(-n // block) * block)
    zero = _ZERO * np.abs(low).max()
    for level in range(1, levels + 1):
        if stationary:
            parts = pywt.swtn(low, wavelet, level=1, start_level=level - 1)[0]
        else:
            parts = pywt.dwtn(low, wavelet, mode="periodization")
            mask = _halved(mask)
        low = parts.pop("a" * region.ndim)
        for key in _keys(region.ndim)[1:]:
            band = parts.pop(key.replace("l", "a").replace("h", "d"))[mask]
            yield f"level {level} {key}", np.where(np.abs(band) > zero, band, 0.0)
    yield f"level {levels} {'l' * region.ndim}", low[mask]


def _halved(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """True where a block of 2 along each axis holds a place."""
    for axis in range(mask.ndim):
        even, odd = (np.take(mask, np.arange(i, mask.shape[axis], 2), axis) for i in (0, 1))
        mask = even | odd
    return mask


def _features(name: str, band: NDArray[np.float64], reason: str, unit: str) -> Iterator[Feature]:
    squared = f"{unit}2" if unit else ""
    energy, mean, entropy = (reason, reason, reason) if reason else _figures(band)
    yield described(_FAMILY, f"{name} energy", energy, squared)
    yield described(_FAMILY, f"{name} mean", mean, unit)
    yield described(_FAMILY, f"{name} entropy", entropy)


def _figures(band: NDArray[np.float64]) -> tuple[float, float, float | str]:
    """Energy, mean magnitude and entropy of coefficients."""
    squares = band**2
    energy, mean = float(squares.mean()), float(np.abs(band).mean())
    if band.size == 1:
        return energy, mean, "the band has one coefficient"
    if energy == 0:
        return energy, mean, "the band is zero"
    shares = squares[squares > 0] / squares.sum()
    return energy, mean, float(-(shares * np.log(shares)).sum() / np.log(band.size)) + 0.0
