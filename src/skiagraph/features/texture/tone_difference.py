"""Neighbourhood grey tone difference matrix (NGTDM): how far a place differs from the mean of its neighbours."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput
from skiagraph.features.feature import Feature
from skiagraph.features.region import Region
from skiagraph.features.texture.lattice import Lattice, Merge, lattice_of
from skiagraph.features.texture.levels import DEFAULT, Levels
from skiagraph.features.texture.outcome import features_of

__all__ = ["ngtdm", "ngtdm_of"]

NGTDM: Final = {
    "coarseness": "QCDE",
    "contrast": "65HE",
    "busyness": "NQ30",
    "complexity": "HDEZ",
    "strength": "1X9X",
}
COARSEST: Final = 1e6  # what the manual sets where no place differs from its neighbours


def ngtdm(
    region: Region,
    *,
    levels: Levels = DEFAULT,
    merge: Merge = "3D:mrg",
    distance: int = 1,
    along: int = 0,
) -> tuple[Feature, ...]:
    """The 5 features of the neighbourhood grey tone difference matrix.

    Args:
        region: A picture or a volume.
        levels: How numbers become grey levels.
        merge: How slices become one value; neighbourhoods have no direction, so that what follows the colon does not
            matter.
        distance: Chebyshev distance within which places are neighbours, in samples.
        along: The axis of a volume along which its slices are stacked.

    Returns:
        Pure numbers; with a reason where the region has no texture or no two neighbours.

    Raises:
        InvalidInput: An unknown merge, a distance below 1, or an axis that the region does not have.

    Source: IBSI reference manual, section 3.10; Amadasun and King 1989, doi:10.1109/21.44046.
    """
    if distance < 1:
        raise InvalidInput("neighbours are at least one sample apart", got=str(distance))
    return ngtdm_of(lattice_of(region, levels, merge, along), distance)


def ngtdm_of(lattice: Lattice, distance: int = 1) -> tuple[Feature, ...]:
    """The features of the tone differences of a region in grey levels."""
    if lattice.reason:
        return features_of("ngtdm", NGTDM, [], reason=lattice.reason)
    counts, differences = _matrix(lattice, distance)
    if not lattice.merge.startswith("2D"):
        counts, differences = counts.sum(axis=0, keepdims=True), differences.sum(axis=0, keepdims=True)
    found = [
        _measured(lattice.levels[n > 0].astype(np.float64), n[n > 0], s[n > 0])
        for n, s in zip(counts, differences, strict=True)
        if n.any()
    ]
    reason = "all grey levels are equally busy" if found else "no two places are neighbours"
    return features_of("ngtdm", NGTDM, found, reason=reason)


def _matrix(lattice: Lattice, distance: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Places with neighbours, and how far they differ from these, each of shape (slices, levels)."""
    inside = lattice.codes > 0
    # Half as wide a type takes half the time, where no sum can be too large for it.
    small = int(lattice.levels[-1]) * (2 * distance + 1) ** 3 < np.iinfo(np.int16).max
    kind = np.dtype(np.int16 if small else np.int32)
    value = np.concatenate([[0], lattice.levels]).astype(kind)[lattice.codes]
    axes = (1, 2) if lattice.in_plane else (0, 1, 2)
    neighbours = _around(inside.astype(kind), distance, axes) - 1
    there = np.flatnonzero(inside & (neighbours > 0))
    own = value.ravel()[there]
    mean = (_around(value, distance, axes).ravel()[there] - own) / neighbours.ravel()[there]
    size = len(lattice.levels) + 1
    row = lattice.codes.ravel()[there].astype(np.int64) + size * (there // max(1, inside[0].size))
    shape = (len(inside), size)
    counts = np.bincount(row, minlength=shape[0] * size).reshape(shape)
    differences = np.bincount(row, weights=np.abs(own - mean), minlength=shape[0] * size).reshape(shape)
    return counts[:, 1:], differences[:, 1:].astype(np.float64)


def _around(numbers: NDArray[Any], reach: int, axes: tuple[int, ...]) -> NDArray[Any]:
    """Sums over all places within a Chebyshev distance, with zeros outside."""
    for axis in axes:
        width = [(reach, reach) if a == axis else (0, 0) for a in range(numbers.ndim)]
        wide, length = np.pad(numbers, width), numbers.shape[axis]
        cut: list[slice] = [slice(None)] * numbers.ndim
        cut[axis] = slice(0, length)
        numbers = wide[tuple(cut)].copy()
        for start in range(1, 2 * reach + 1):
            cut[axis] = slice(start, start + length)
            numbers += wide[tuple(cut)]
    return numbers


def _measured(i: NDArray[np.float64], n: NDArray[np.int64], s: NDArray[np.float64]) -> dict[str, float]:
    """The features of one matrix: grey levels, places of each, and how far these differ from their neighbours."""
    places, differ = int(n.sum()), float(s.sum())
    p = n / places
    busy = float(p @ s)
    apart = i[:, np.newaxis] - i
    both = p[:, np.newaxis] + p
    weighed = (p * s)[:, np.newaxis] + p * s
    several = len(i) > 1
    against = float(np.abs((i * p)[:, np.newaxis] - i * p).sum())
    contrast = float((np.outer(p, p) * apart**2).sum()) * differ / places
    return {
        "coarseness": min(1 / busy, COARSEST) if busy else COARSEST,
        "contrast": contrast / (len(i) * (len(i) - 1)) if several else 0.0,
        "busyness": (busy / against if against else math.nan) if several else 0.0,
        "complexity": float((np.abs(apart) * weighed / both).sum()) / places,
        "strength": float((both * apart**2).sum()) / differ if differ else 0.0,
    }
