"""Rings round the middle of a CT slice, which a detector element that is off its calibration draws."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from skiagraph.features.quality.content import lung, soft_tissue

__all__ = ["ring_profile", "ring_strength"]

_ANGLES: Final = 360
_FIRST: Final = 8  # pixels from the middle: nearer, a ring is a dot
_SIDE: Final = 384  # pixels along a side: on fewer, anatomy is as thin as a ring
_TAPS: Final = 9  # pixels across which a ring stands out
_SECTORS: Final = 30
_SEEN: Final = 8  # sectors that must lie in calm tissue, most of each
_OF_MEDIAN: Final = 1.2533  # standard error of a median over that of a mean
_SIGMAS: Final = 4.0
_CUT: Final = 4.0  # deviations: what differs more is an edge
_LEAST: Final = 500  # samples of a tissue that tell its noise
_TO_SIGMA: Final = 0.674489750196082  # median absolute deviation of a normal variable of deviation 1


def ring_profile(plane: NDArray[Any]) -> NDArray[np.float64]:
    """By how much each radius differs from its neighbours, over the angles that lie in calm tissue.

    Args:
        plane: HU, shape (rows, columns), reconstructed round its middle.

    Returns:
        Shape (2, radii): mean difference in HU and its standard error in HU, both NaN where less than a quarter of a
        turn lies in soft tissue or lung; one NaN radius for fewer than 384 rows or columns.

    Source: own, in polar coordinates as Sijbers and Postnov, Reduction of ring artefacts in high resolution micro-CT,
    Phys. Med. Biol. 49 (2004) N247.
    """
    values = np.asarray(plane, dtype=np.float32)
    if min(values.shape) < _SIDE:
        return np.full((2, 1), np.nan)
    rows, columns = ((n - 1) / 2.0 for n in values.shape)
    radius = np.arange(_FIRST - _TAPS, min(values.shape) // 2, dtype=np.float32)
    angle = np.linspace(0.0, 2.0 * np.pi, _ANGLES, endpoint=False, dtype=np.float32)[:, None]
    places = np.stack([rows + radius * np.sin(angle), columns + radius * np.cos(angle)])
    polar = ndimage.map_coordinates(values, places, order=1, mode="nearest")
    nearest = np.clip(np.rint(places).astype(np.intp), 0, np.array(values.shape)[:, None, None] - 1)
    across = polar - ndimage.uniform_filter1d(polar, _TAPS, axis=1)
    weight = np.zeros_like(polar)
    for inside in (soft_tissue(values), lung(values)):
        calm = ndimage.minimum_filter1d(inside[nearest[0], nearest[1]], _TAPS, axis=1)
        if np.count_nonzero(calm) >= _LEAST:
            spread = float(np.median(np.abs(across[calm]))) / _TO_SIGMA + 0.1
            across[calm] = across[calm].clip(-_CUT * spread, _CUT * spread)
            weight[calm] = 1.0 / (spread * spread)
    return _means(across, weight, radius)[:, _TAPS:]


def _means(
    across: NDArray[np.float32], weight: NDArray[np.float32], radius: NDArray[np.float32]
) -> NDArray[np.float64]:
    """The median over sectors of weighted means, which arcs of anatomy do not move, and its standard error.

    Near the middle, neighbouring angles share their pixels.
    """
    parts = weight.reshape(_SECTORS, -1, radius.size)
    total = parts.sum(1)
    full = np.count_nonzero(parts, axis=1) > _ANGLES // _SECTORS // 2
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(full, (across * weight).reshape(parts.shape).sum(1) / total, np.nan)
        apart = np.clip(radius * 2.0 * np.pi / _ANGLES, 0.01, 1.0)
        error = _OF_MEDIAN / np.sqrt((total * full).sum(0) * apart)
    seen = full.sum(0) >= _SEEN
    mean = np.full(radius.size, np.nan)
    mean[seen] = np.nanmedian(means[:, seen], axis=0)
    return np.where(seen, np.stack([mean, error]), np.nan).astype(np.float64)


def ring_strength(profiles: NDArray[np.float64]) -> float | None:
    """The strongest ring beyond what noise explains, HU.

    Args:
        profiles: Of several slices, shape (slices, 2, radii).

    Returns:
        None where no radius of no slice was seen.

    Source: own.
    """
    beyond = np.abs(profiles[:, 0]) - _SIGMAS * profiles[:, 1]
    seen = np.isfinite(beyond).any(1)
    if not seen.any():
        return None
    return max(0.0, float(np.quantile(np.nanmax(beyond[seen], axis=1), 0.75)))
