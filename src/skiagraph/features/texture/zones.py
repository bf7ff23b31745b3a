"""Zones of one grey level: their sizes (GLSZM) and their distances from the border of the region (GLDZM)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label

from skiagraph.features.feature import Feature
from skiagraph.features.region import Region
from skiagraph.features.texture.emphases import emphases
from skiagraph.features.texture.lattice import Lattice, Merge, lattice_of
from skiagraph.features.texture.levels import DEFAULT, Levels
from skiagraph.features.texture.outcome import features_of

__all__ = ["gldzm", "gldzm_of", "glszm", "glszm_of", "zones_of"]

Zones = NDArray[np.int64]

GLSZM: Final = {
    "small zone emphasis": "5QRC",
    "large zone emphasis": "48P8",
    "low grey level zone emphasis": "XMSY",
    "high grey level zone emphasis": "5GN9",
    "small zone low grey level emphasis": "5RAI",
    "small zone high grey level emphasis": "HW1V",
    "large zone low grey level emphasis": "YH51",
    "large zone high grey level emphasis": "J17V",
    "grey level non-uniformity": "JNSA",
    "normalised grey level non-uniformity": "Y1RO",
    "zone size non-uniformity": "4JP3",
    "normalised zone size non-uniformity": "VB3A",
    "zone percentage": "P30P",
    "grey level variance": "BYLV",
    "zone size variance": "3NSA",
    "zone size entropy": "GU8N",
}
GLDZM: Final = {
    "small distance emphasis": "0GBI",
    "large distance emphasis": "MB4I",
    "low grey level zone emphasis": "S1RA",
    "high grey level zone emphasis": "K26C",
    "small distance low grey level emphasis": "RUVG",
    "small distance high grey level emphasis": "DKNJ",
    "large distance low grey level emphasis": "A7WM",
    "large distance high grey level emphasis": "KLTH",
    "grey level non-uniformity": "VFT7",
    "normalised grey level non-uniformity": "7HP3",
    "zone distance non-uniformity": "V294",
    "normalised zone distance non-uniformity": "IATH",
    "zone percentage": "VIWW",
    "grey level variance": "QK93",
    "zone distance variance": "7WT1",
    "zone distance entropy": "GBDU",
}


def glszm(
    region: Region, *, levels: Levels = DEFAULT, merge: Merge = "3D:mrg", along: int = 0
) -> tuple[Feature, ...]:
    """The 16 features of the size zone matrix; a zone holds neighbours of one grey level, diagonal ones too.

    Args:
        region: A picture or a volume.
        levels: How numbers become grey levels.
        merge: How slices become one value; zones have no direction, so that what follows the colon does not matter.
        along: The axis of a volume along which its slices are stacked.

    Returns:
        Pure numbers; with a reason where the region has no texture.

    Raises:
        InvalidInput: An unknown merge, or an axis that the region does not have.

    Source: IBSI reference manual, section 3.8; Thibault et al. 2014, doi:10.1109/TBME.2013.2284600.
    """
    lattice = lattice_of(region, levels, merge, along)
    return glszm_of(lattice, zones_of(lattice))


def glszm_of(lattice: Lattice, zones: Zones) -> tuple[Feature, ...]:
    """The features of the size zones of a region in grey levels, of which `zones_of` gives the zones."""
    if lattice.reason:
        return features_of("glszm", GLSZM, [], reason=lattice.reason)
    return features_of(
        "glszm", GLSZM, list(_measured(lattice, zones, np.bincount(zones.ravel()), GLSZM)), reason=""
    )


def gldzm(
    region: Region, *, levels: Levels = DEFAULT, merge: Merge = "3D:mrg", along: int = 0
) -> tuple[Feature, ...]:
    """The 16 features of the distance zone matrix.

    The distance of a zone is that of its place nearest to the border of the region, where a place at the border has
    the distance 1 and each step along an axis adds 1. The border is that of the mask, also where numbers out of
    range were left out.

    Args:
        region: A picture or a volume.
        levels: How numbers become grey levels.
        merge: How slices become one value; zones have no direction, so that what follows the colon does not matter.
        along: The axis of a volume along which its slices are stacked.

    Returns:
        Pure numbers; with a reason where the region has no texture.

    Raises:
        InvalidInput: An unknown merge, or an axis that the region does not have.

    Source: IBSI reference manual, section 3.9.
    """
    lattice = lattice_of(region, levels, merge, along)
    return gldzm_of(lattice, zones_of(lattice))


def gldzm_of(lattice: Lattice, zones: Zones) -> tuple[Feature, ...]:
    """The features of the distance zones of a region in grey levels, of which `zones_of` gives the zones."""
    if lattice.reason:
        return features_of("gldzm", GLDZM, [], reason=lattice.reason)
    away = _away(lattice)
    nearest = np.full(int(zones.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(nearest, zones.ravel(), away.ravel())
    return features_of("gldzm", GLDZM, list(_measured(lattice, zones, nearest, GLDZM)), reason="")


def zones_of(lattice: Lattice) -> Zones:
    """A number for each zone, from 1 on, shape of the codes."""
    if lattice.reason:
        return np.zeros(lattice.codes.shape, dtype=np.int64)
    codes = lattice.codes.astype(np.int32)
    if lattice.in_plane:
        # In every other slice the codes are others, so that no zone goes on into the next slice.
        codes[1::2][codes[1::2] > 0] += len(lattice.levels)
    found: Zones = label(codes, background=0, connectivity=3).astype(np.int64)
    return found


def _away(lattice: Lattice) -> NDArray[np.int64]:
    """Steps along axes from each place to the border of the region, 1 at the border itself."""
    if not lattice.in_plane:
        return _steps_out(lattice.inside)
    return np.stack([_steps_out(slice_) for slice_ in lattice.inside])


def _steps_out(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    steps = ndimage.distance_transform_cdt(np.pad(mask, 1), metric="taxicab")
    return np.asarray(steps[(slice(1, -1),) * mask.ndim], dtype=np.int64)


def _measured(
    lattice: Lattice, zones: Zones, sizes: NDArray[np.int64], names: dict[str, str]
) -> Iterator[dict[str, float]]:
    """Features of what counts zones by grey level and size, for each slice or for all of them together."""
    count = int(zones.max()) + 1
    code = np.zeros(count, dtype=np.int64)
    code[zones.ravel()] = lattice.codes.ravel()
    groups = [np.arange(1, count)]
    places = [int(np.count_nonzero(lattice.codes))]
    if lattice.merge.startswith("2D"):
        of_slice = np.zeros(count, dtype=np.int64)
        of_slice[zones.ravel()] = np.repeat(np.arange(len(zones)), zones[0].size)
        groups = [np.flatnonzero(of_slice[1:] == index) + 1 for index in range(len(zones))]
        places = [int(np.count_nonzero(slice_)) for slice_ in lattice.codes]
    for group, inside in zip(groups, places, strict=True):
        if not inside:
            continue
        longest = int(sizes[group].max()) + 1
        entries, counts = np.unique(code[group] * longest + sizes[group], return_counts=True)
        values = emphases(lattice.levels[entries // longest - 1], entries % longest, counts, inside)
        yield dict(zip(names, values, strict=False))
