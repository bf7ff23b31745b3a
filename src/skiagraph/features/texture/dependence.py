"""Neighbouring grey level dependence matrix (GLDM, in IBSI NGLDM): how many neighbours have the same grey level."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput
from skiagraph.features.feature import Feature
from skiagraph.features.region import Region
from skiagraph.features.texture.emphases import emphases
from skiagraph.features.texture.lattice import Codes, Lattice, Merge, lattice_of, padded, parts, steps
from skiagraph.features.texture.levels import DEFAULT, Levels
from skiagraph.features.texture.outcome import features_of

__all__ = ["gldm", "gldm_of"]

GLDM: Final = {
    "low dependence emphasis": "SODN",
    "high dependence emphasis": "IMOQ",
    "low grey level count emphasis": "TL9H",
    "high grey level count emphasis": "OAE7",
    "low dependence low grey level emphasis": "EQ3F",
    "low dependence high grey level emphasis": "JA6D",
    "high dependence low grey level emphasis": "NBZI",
    "high dependence high grey level emphasis": "9QMG",
    "grey level non-uniformity": "FP8K",
    "normalised grey level non-uniformity": "5SPA",
    "dependence count non-uniformity": "Z87G",
    "normalised dependence count non-uniformity": "OKJI",
    "dependence count percentage": "6XV8",
    "grey level variance": "1PFV",
    "dependence count variance": "DNX2",
    "dependence count entropy": "FCBV",
    "dependence count energy": "CAS9",
}


def gldm(
    region: Region,
    *,
    levels: Levels = DEFAULT,
    merge: Merge = "3D:mrg",
    distance: int = 1,
    coarseness: int = 0,
    along: int = 0,
) -> tuple[Feature, ...]:
    """The 17 features of the neighbouring grey level dependence matrix.

    The dependence of a place is 1 and the number of its neighbours whose grey level is the same.

    Args:
        region: A picture or a volume.
        levels: How numbers become grey levels.
        merge: How slices become one value; neighbourhoods have no direction, so that what follows the colon does not
            matter.
        distance: Chebyshev distance within which places are neighbours, in samples.
        coarseness: How many grey levels apart still count as the same.
        along: The axis of a volume along which its slices are stacked.

    Returns:
        Pure numbers; with a reason where the region has no texture.

    Raises:
        InvalidInput: An unknown merge, a distance below 1, a coarseness below 0, or an axis that the region does not
            have.

    Source: IBSI reference manual, section 3.11; Sun and Wee 1983, doi:10.1016/0734-189X(83)90032-4.
    """
    if distance < 1 or coarseness < 0:
        raise InvalidInput(
            "neighbours are at least one sample apart and their grey levels none or more",
            got=f"{distance} and {coarseness}",
        )
    return gldm_of(lattice_of(region, levels, merge, along), distance, coarseness)


def gldm_of(lattice: Lattice, distance: int = 1, coarseness: int = 0) -> tuple[Feature, ...]:
    """The features of the dependences of a region in grey levels."""
    if lattice.reason:
        return features_of("gldm", GLDM, [], reason=lattice.reason)
    found = []
    for part in parts(lattice):
        matrix = _matrix(part, lattice, distance, coarseness)
        code, dependence = np.nonzero(matrix)
        counts = matrix[code, dependence]
        values = emphases(lattice.levels[code - 1], dependence, counts, int(counts.sum()))
        found.append(dict(zip(GLDM, values, strict=True)))
    return features_of("gldm", GLDM, found, reason="")


def _matrix(part: Codes, lattice: Lattice, distance: int, coarseness: int) -> NDArray[np.int64]:
    """Counts of places, shape (levels + 1, largest dependence + 1); codes and dependences begin at 1."""
    half = steps(distance, in_plane=lattice.in_plane)
    row, lengths = padded(part, half, distance)
    most = 2 * len(half) + 2
    alike = np.ones(row.shape, dtype=np.uint8 if most < 256 else np.uint16)
    value = np.concatenate([[0], lattice.levels])[row] if coarseness else row
    for length in lengths:
        if coarseness:
            same = np.abs(value[:-length] - value[length:]) <= coarseness
            same &= (row[:-length] > 0) & (row[length:] > 0)
        else:
            same = row[:-length] == row[length:]
        alike[:-length] += same
        alike[length:] += same
    size = len(lattice.levels) + 1
    counts = np.bincount(row.astype(np.int64) * most + alike, minlength=size * most).reshape(size, most)
    counts[0] = 0
    return counts
