"""All families of texture at once, from one discretisation."""

from __future__ import annotations

from skiagraph.features.feature import Feature
from skiagraph.features.region import Region
from skiagraph.features.texture.cooccurrence import glcm_of
from skiagraph.features.texture.dependence import gldm_of
from skiagraph.features.texture.intensity import histogram_of, statistics
from skiagraph.features.texture.lattice import Merge, lattice_of
from skiagraph.features.texture.levels import DEFAULT, Levels
from skiagraph.features.texture.run_lengths import glrlm_of
from skiagraph.features.texture.tone_difference import ngtdm_of
from skiagraph.features.texture.zones import gldzm_of, glszm_of, zones_of

__all__ = ["textures"]


def textures(
    region: Region, *, levels: Levels = DEFAULT, merge: Merge = "3D:mrg", along: int = 0
) -> tuple[Feature, ...]:
    """The features of all families, as each family's own function gives them, in less time.

    Args:
        region: A picture or a volume.
        levels: How numbers become grey levels; the statistics too are of what is ``within`` its range.
        merge: How the matrices of slices and directions become one value.
        along: The axis of a volume along which its slices are stacked.

    Returns:
        The families `statistics`, `histogram`, `glcm`, `glrlm`, `glszm`, `gldzm`, `ngtdm` and `gldm`, in this order.

    Raises:
        InvalidInput: An unknown merge, or an axis that the region does not have.
    """
    lattice = lattice_of(region, levels, merge, along)
    zones = zones_of(lattice)
    return (
        *statistics(region, within=levels.within),
        *histogram_of(lattice),
        *glcm_of(lattice),
        *glrlm_of(lattice),
        *glszm_of(lattice, zones),
        *gldzm_of(lattice, zones),
        *ngtdm_of(lattice),
        *gldm_of(lattice),
    )
