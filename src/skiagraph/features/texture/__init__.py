"""Texture as the Image Biomarker Standardisation Initiative defines it: statistics, histogram, grey level matrices."""

from skiagraph.features.texture.cooccurrence import glcm
from skiagraph.features.texture.dependence import gldm
from skiagraph.features.texture.families import textures
from skiagraph.features.texture.intensity import histogram, statistics
from skiagraph.features.texture.lattice import Merge
from skiagraph.features.texture.levels import Levels
from skiagraph.features.texture.run_lengths import glrlm
from skiagraph.features.texture.tone_difference import ngtdm
from skiagraph.features.texture.zones import gldzm, glszm

__all__ = [
    "Levels",
    "Merge",
    "glcm",
    "gldm",
    "gldzm",
    "glrlm",
    "glszm",
    "histogram",
    "ngtdm",
    "statistics",
    "textures",
]
