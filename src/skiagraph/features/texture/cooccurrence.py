"""Grey level co-occurrence matrix (GLCM): how often two grey levels are neighbours."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput
from skiagraph.features.feature import Feature
from skiagraph.features.region import Region
from skiagraph.features.texture.lattice import Codes, Lattice, Merge, lattice_of, matrices
from skiagraph.features.texture.levels import DEFAULT, Levels
from skiagraph.features.texture.outcome import entropy, features_of

__all__ = ["glcm", "glcm_of"]

GLCM: Final = {
    "joint maximum": "GYBY",
    "joint average": "60VM",
    "joint variance": "UR99",
    "joint entropy": "TU9B",
    "difference average": "TF7R",
    "difference variance": "D3YU",
    "difference entropy": "NTRS",
    "sum average": "ZGXS",
    "sum variance": "OEEB",
    "sum entropy": "P6QZ",
    "angular second moment": "8ZQL",
    "contrast": "ACUI",
    "dissimilarity": "8S9J",
    "inverse difference": "IB1Z",
    "normalised inverse difference": "NDRX",
    "inverse difference moment": "WF0Z",
    "normalised inverse difference moment": "1QCO",
    "inverse variance": "E8JP",
    "correlation": "NI2N",
    "autocorrelation": "QWB0",
    "cluster tendency": "DG8W",
    "cluster shade": "7NFM",
    "cluster prominence": "AE86",
    "information correlation 1": "R8DG",
    "information correlation 2": "JN9H",
    "maximal correlation coefficient": "",
}


def glcm(
    region: Region,
    *,
    levels: Levels = DEFAULT,
    merge: Merge = "3D:mrg",
    distance: int = 1,
    along: int = 0,
) -> tuple[Feature, ...]:
    """The 25 features of IBSI of the co-occurrence matrix, and Haralick's maximal correlation coefficient.

    Args:
        region: A picture or a volume.
        levels: How numbers become grey levels.
        merge: How the matrices of slices and directions become one value.
        distance: Length of a step from neighbour to neighbour, in samples along each axis that it goes along.
        along: The axis of a volume along which its slices are stacked.

    Returns:
        Pure numbers; with a reason where the region has no texture, no two neighbours, or where those that ask for
        correlation meet neighbours of one grey level only.

    Raises:
        InvalidInput: An unknown merge, a distance below 1, or an axis that the region does not have.

    Source: IBSI reference manual, section 3.6; Haralick et al. 1973, doi:10.1109/TSMC.1973.4309314.
    """
    if distance < 1:
        raise InvalidInput("neighbours are at least one sample apart", got=str(distance))
    return glcm_of(lattice_of(region, levels, merge, along), distance)


def glcm_of(lattice: Lattice, distance: int = 1) -> tuple[Feature, ...]:
    """The features of the co-occurrence matrices of a region in grey levels."""
    if lattice.reason:
        return features_of("glcm", GLCM, [], reason=lattice.reason)
    pairs = _Pairs.of(lattice.levels)
    size = len(lattice.levels) + 1

    def count(row: Codes, length: int) -> NDArray[Any]:
        joint = np.multiply(row[:-length], size, dtype=np.uint16 if size <= 256 else np.uint32)
        joint += row[length:]
        joint = joint[(row[:-length] > 0) & (row[length:] > 0)]
        square = np.bincount(joint, minlength=size * size).reshape(size, size)[1:, 1:]
        return square + square.T

    found = [pairs.measured(m / m.sum()) for m in matrices(lattice, distance, count) if m.any()]
    reason = "the grey levels of neighbours do not vary" if found else "no two places are neighbours"
    return features_of("glcm", GLCM, found, reason=reason)


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Pairs:
    """All pairs (i, j) of grey levels, in the order of a flattened matrix, and what each adds to linear features."""

    names: tuple[str, ...]
    weights: NDArray[np.float64]
    sums: NDArray[np.int64]
    differences: NDArray[np.int64]

    @classmethod
    def of(cls, levels: NDArray[np.int64]) -> _Pairs:
        """Of the grey levels that occur; the highest of them counts as their number."""
        i, j = (a.ravel() for a in np.meshgrid(levels, levels, indexing="ij"))
        apart, highest = np.abs(i - j).astype(np.float64), float(levels[-1])
        square = apart**2
        weights = {
            "joint average": i,
            "dissimilarity": apart,
            "contrast": square,
            "inverse difference": 1 / (1 + apart),
            "normalised inverse difference": 1 / (1 + apart / highest),
            "inverse difference moment": 1 / (1 + square),
            "normalised inverse difference moment": 1 / (1 + square / highest**2),
            "inverse variance": np.divide(1, square, out=np.zeros_like(square), where=square > 0),
            "autocorrelation": i * j,
        }
        return cls(
            names=tuple(weights),
            weights=np.stack([np.asarray(w, dtype=np.float64) for w in weights.values()]),
            sums=i + j,
            differences=np.abs(i - j),
        )

    def measured(self, p: NDArray[np.float64]) -> dict[str, float]:
        """All features of one symmetrical matrix of shares, shape (levels, levels)."""
        flat = p.ravel()
        found = dict(zip(self.names, (float(v) for v in self.weights @ flat), strict=True))
        found["joint maximum"] = float(flat.max())
        found["joint entropy"] = entropy(flat)
        found["angular second moment"] = float(flat @ flat)
        difference = np.bincount(self.differences, weights=flat).astype(np.float64)
        total = np.bincount(self.sums, weights=flat).astype(np.float64)
        for name, shares in (("difference", difference), ("sum", total)):
            k = np.arange(len(shares))
            mean = float(k @ shares)
            found[f"{name} average"] = mean
            found[f"{name} variance"] = float((k - mean) ** 2 @ shares)
            found[f"{name} entropy"] = entropy(shares)
        beyond = np.arange(len(total)) - 2 * found["joint average"]
        found["cluster tendency"] = float(beyond**2 @ total)
        found["cluster shade"] = float(beyond**3 @ total)
        found["cluster prominence"] = float(beyond**4 @ total)
        # With mu the mean of both, (i - mu)^2 + (j - mu)^2 is half of (i + j - 2 mu)^2 + (i - j)^2.
        variance = (found["cluster tendency"] + found["contrast"]) / 4
        found["joint variance"] = variance
        return found | _correlations(p, variance, found)


def _correlations(p: NDArray[np.float64], variance: float, found: dict[str, float]) -> dict[str, float]:
    """Features that ask how far one grey level tells its neighbour; NaN where there is one grey level only."""
    names = ("correlation", "information correlation 1", "information correlation 2")
    margin = p.sum(axis=0)
    some = margin > 0
    if some.sum() < 2:
        return dict.fromkeys((*names, "maximal correlation coefficient"), math.nan)
    # Both margins are equal, so HXY1 and HXY2 of the manual are both twice the entropy of one.
    alone, joint = entropy(margin), found["joint entropy"]
    root = np.sqrt(margin[some])
    # The eigenvalues of Haralick's Q are the squares of those of this symmetrical matrix; the largest is 1.
    spectrum = np.sort(np.abs(np.linalg.eigvalsh(p[np.ix_(some, some)] / np.outer(root, root))))
    return {
        "correlation": (found["cluster tendency"] - found["contrast"]) / (4 * variance),
        "information correlation 1": (joint - 2 * alone) / alone,
        "information correlation 2": math.sqrt(max(0.0, 1 - math.exp(-2 * (2 * alone - joint)))),
        "maximal correlation coefficient": float(spectrum[-2]),
    }
