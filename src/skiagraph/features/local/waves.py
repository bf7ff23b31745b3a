"""Gabor filters: how strong waves of each length and direction are in a region."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from skiagraph.errors import InvalidInput
from skiagraph.features.feature import Feature
from skiagraph.features.local.area import described, planes, unusable, window
from skiagraph.features.region import Region

__all__ = ["gabor", "gabor_transfer"]

_FAMILY: Final = "gabor"
_MILLIMETRES: Final = (2.0, 4.0, 8.0)
_SAMPLES: Final = (4.0, 8.0, 16.0)
_WIDTH: Final = (
    3 * math.sqrt(math.log(2) / 2) / math.pi
)  # deviation over wavelength for a bandwidth of one octave


def gabor(
    region: Region, *, wavelengths: Sequence[float] | None = None, directions: int = 4
) -> tuple[Feature, ...]:
    """Mean and deviation, over the mask, of the magnitude of Gabor responses.

    A wave ``a cos`` of the length and direction of a filter answers with the magnitude `a`.

    Args:
        region: A picture, or a volume that is read slice by slice along its first axis; all places are pooled.
        wavelengths: In mm where the spacing is known, else in samples; None: 2, 4 and 8 mm, or 4, 8 and 16 samples.
        directions: Evenly over half a turn; 0 degrees run along the columns' axis, 90 degrees down the rows.

    Returns:
        For each wavelength and direction a mean and a deviation, in the unit of the numbers.

    Raises:
        InvalidInput: A wavelength that is not positive, or no direction.

    Source: Jain and Farrokhnia, Unsupervised texture segmentation using Gabor filters, Pattern Recognition 24 (1991)
        1167-1186; bandwidth one octave, round envelope, no answer to a constant.
    """
    known = region.spacing is not None
    lengths = tuple(wavelengths) if wavelengths is not None else _MILLIMETRES if known else _SAMPLES
    if directions < 1 or not all(0 < length < math.inf for length in lengths):
        raise InvalidInput(
            "a bank of filters has positive wavelengths and one direction or more",
            got=f"{lengths}, {directions}",
        )
    reason, features = unusable(region), []
    degrees = [180 * i / directions for i in range(directions)]
    for length in lengths:
        why = reason or _unseen(region, length)
        found = [] if why else _magnitudes(region, length, degrees)
        for i, degree in enumerate(degrees):
            name = f"{length:g} {'mm' if known else 'samples'} {degree:g} degrees"
            mean, deviation = (why, why) if why else (float(found[i].mean()), float(found[i].std()))
            features.append(described(_FAMILY, f"{name} mean", mean, region.unit))
            features.append(described(_FAMILY, f"{name} deviation", deviation, region.unit))
    return tuple(features)


def _spacing(region: Region) -> tuple[float, float]:
    """Size of a sample in the plane of a picture or slice: in mm, or 1 where it is not known."""
    if region.spacing is None:
        return 1.0, 1.0
    row, column = region.spacing[-2:]
    return row, column


def _unseen(region: Region, length: float) -> str:
    """Why a wavelength cannot be measured; empty where it can."""
    spacing = _spacing(region)
    if length < 2 * max(spacing):
        return "the wavelength is shorter than two samples"
    size = max(n * s for n, s in zip(region.numbers.shape[-2:], spacing, strict=True))
    return "the wavelength is longer than the picture" if length > size else ""


def _magnitudes(region: Region, length: float, degrees: Sequence[float]) -> list[NDArray[np.float64]]:
    """Per direction, the magnitudes at all places of the mask."""
    spacing = _spacing(region)
    room = tuple(math.ceil(3 * _WIDTH * length / s) for s in spacing)
    numbers, mask = window(region, (0,) * (region.ndim - 2) + room, lambda n: int(fft.next_fast_len(n)))
    transfers = [gabor_transfer(numbers.shape[-2:], spacing, length, degree) for degree in degrees]
    found: list[list[NDArray[np.float64]]] = [[] for _ in degrees]
    level = region.inside.mean()
    for picture, places in planes(numbers, mask):
        spectrum = fft.fft2(picture - level)
        for answers, transfer in zip(found, transfers, strict=True):
            answers.append(np.abs(fft.ifft2(spectrum * transfer))[places])
    return [np.concatenate(answers) for answers in found]


def gabor_transfer(
    shape: tuple[int, ...], spacing: tuple[float, float], length: float, degree: float
) -> NDArray[np.float64]:
    """What a Gabor filter multiplies the spectrum of a picture with.

    Args:
        shape: (rows, columns).
        spacing: Of rows and columns, in the unit of the wavelength.
        length: Of the wave.
        degree: Its direction.

    Returns:
        Shape (rows, columns), in the order of ``scipy.fft.fft2``; 2 at the wave itself, 0 at a constant.
    """
    v = fft.fftfreq(shape[0], spacing[0])[:, None]
    u = fft.fftfreq(shape[1], spacing[1])[None, :]
    angle, spread = math.radians(degree), 2 * (math.pi * _WIDTH * length) ** 2
    row, column = math.sin(angle) / length, math.cos(angle) / length
    wave = np.exp(-spread * ((u - column) ** 2 + (v - row) ** 2))
    level = math.exp(-spread / length**2) * np.exp(-spread * (u**2 + v**2))
    transfer: NDArray[np.float64] = 2 * (wave - level)
    return transfer
