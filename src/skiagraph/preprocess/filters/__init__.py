"""Filters: frozen values with parameters that are called on an image and give an image in the same space."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from skiagraph.preprocess.filters.adaptive import Lee, Wiener
from skiagraph.preprocess.filters.bias_field import BiasField
from skiagraph.preprocess.filters.bilateral import Bilateral
from skiagraph.preprocess.filters.diffusion import Diffusion
from skiagraph.preprocess.filters.histogram import Clahe, Equalise, Match
from skiagraph.preprocess.filters.median import Median
from skiagraph.preprocess.filters.nearest import KNearest
from skiagraph.preprocess.filters.non_local import NonLocalMeans
from skiagraph.preprocess.filters.sharpen import Sharpen
from skiagraph.preprocess.filters.srad import Srad
from skiagraph.preprocess.filters.still import Filter
from skiagraph.preprocess.filters.total_variation import TotalVariation

__all__ = [
    "FILTERS",
    "BiasField",
    "Bilateral",
    "Clahe",
    "Diffusion",
    "Equalise",
    "Filter",
    "KNearest",
    "Lee",
    "Match",
    "Median",
    "NonLocalMeans",
    "Sharpen",
    "Srad",
    "TotalVariation",
    "Wiener",
]

FILTERS: Final[Mapping[str, type[Any]]] = MappingProxyType(
    {
        "k-nearest": KNearest,
        "median": Median,
        "bilateral": Bilateral,
        "non-local-means": NonLocalMeans,
        "diffusion": Diffusion,
        "total-variation": TotalVariation,
        "wiener": Wiener,
        "lee": Lee,
        "srad": Srad,
        "bias-field": BiasField,
        "equalise": Equalise,
        "clahe": Clahe,
        "match": Match,
        "sharpen": Sharpen,
    }
)
"""Every filter by the name that it has in the shell; each is a `Filter` once it has its parameters."""
