"""Grey level run length matrix (GLRLM): how long one grey level goes on along a line."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skiagraph.features.feature import Feature
from skiagraph.features.region import Region
from skiagraph.features.texture.emphases import emphases
from skiagraph.features.texture.lattice import Codes, Lattice, Merge, lattice_of, matrices
from skiagraph.features.texture.levels import DEFAULT, Levels
from skiagraph.features.texture.outcome import features_of

__all__ = ["glrlm", "glrlm_of"]

GLRLM: Final = {
    "short runs emphasis": "22OV",
    "long runs emphasis": "W4KF",
    "low grey level run emphasis": "V3SW",
    "high grey level run emphasis": "G3QZ",
    "short run low grey level emphasis": "HTZT",
    "short run high grey level emphasis": "GD3A",
    "long run low grey level emphasis": "IVPO",
    "long run high grey level emphasis": "3KUM",
    "grey level non-uniformity": "R5YN",
    "normalised grey level non-uniformity": "OVBL",
    "run length non-uniformity": "W92Y",
    "normalised run length non-uniformity": "IC23",
    "run percentage": "9ZK5",
    "grey level variance": "8CE5",
    "run length variance": "SXLW",
    "run entropy": "HJ9O",
}


def glrlm(
    region: Region, *, levels: Levels = DEFAULT, merge: Merge = "3D:mrg", along: int = 0
) -> tuple[Feature, ...]:
    """The 16 features of the run length matrix.

    Args:
        region: A picture or a volume.
        levels: How numbers become grey levels.
        merge: How the matrices of slices and directions become one value.
        along: The axis of a volume along which its slices are stacked.

    Returns:
        Pure numbers; with a reason where the region has no texture.

    Raises:
        InvalidInput: An unknown merge, or an axis that the region does not have.

    Source: IBSI reference manual, section 3.7; Galloway 1975, doi:10.1016/S0146-664X(75)80008-6.
    """
    return glrlm_of(lattice_of(region, levels, merge, along))


def glrlm_of(lattice: Lattice) -> tuple[Feature, ...]:
    """The features of the run length matrices of a region in grey levels."""
    size, longest = len(lattice.levels) + 1, max(lattice.codes.shape)

    def count(row: Codes, length: int) -> NDArray[Any]:
        return _runs(row, length, size, longest)

    found = []
    for matrix in () if lattice.reason else matrices(lattice, 1, count):
        runs, code = np.nonzero(matrix)
        counts = matrix[runs, code]
        values = emphases(lattice.levels[code - 1], runs, counts, int(runs @ counts))
        found.append(dict(zip(GLRLM, values, strict=False)))
    return features_of("glrlm", GLRLM, found, reason=lattice.reason)


def _runs(row: Codes, length: int, size: int, longest: int) -> NDArray[np.int64]:
    """Counts of runs, shape (longest + 1, size), in a row of codes that is walked with steps of `length`."""
    lines = -(-len(row) // length) + 1
    sheet = np.zeros(lines * length, dtype=row.dtype)
    sheet[length : length + len(row)] = row
    # A column of this sheet is what one meets step by step; its first line, of zeros, parts it from the one before.
    walked = sheet.reshape(lines, length).T.ravel()
    changes = np.flatnonzero(walked[1:] != walked[:-1]) + 1
    runs = np.diff(changes)
    np.minimum(runs, longest, out=runs)  # gaps between parts of the region may be longer than any run
    runs *= size
    runs += walked[changes[:-1]]
    counts = np.bincount(runs, minlength=size * (longest + 1)).reshape(longest + 1, size)
    counts[:, 0] = 0
    return counts
