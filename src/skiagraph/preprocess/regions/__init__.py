"""Regions of interest by the classical methods: functions from an image to a `Segmentation` in its space."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from skiagraph.findings import Segmentation
from skiagraph.preprocess.regions.basins import watershed
from skiagraph.preprocess.regions.contour import snake
from skiagraph.preprocess.regions.grab_cut import grab_cut
from skiagraph.preprocess.regions.growing import grown
from skiagraph.preprocess.regions.threshold import otsu
from skiagraph.preprocess.regions.walker import random_walk

__all__ = ["REGIONS", "grab_cut", "grown", "otsu", "random_walk", "snake", "watershed"]

REGIONS: Final[Mapping[str, Callable[..., Segmentation]]] = MappingProxyType(
    {
        "otsu": otsu,
        "grown": grown,
        "snake": snake,
        "watershed": watershed,
        "random-walk": random_walk,
        "grab-cut": grab_cut,
    }
)
"""Every method by the name that it has in the shell."""
