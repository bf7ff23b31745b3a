"""Families of features and named sets of them by name: where each is, what it fits, loaded when it is asked for."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, final

from skiagraph.errors import UnknownName
from skiagraph.features.feature import Feature
from skiagraph.features.region import Region
from skiagraph.features.texture.levels import DEFAULT, Levels

__all__ = ["FAMILIES", "SETS", "Family", "FeatureSet", "feature_set", "levels_from"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Features that one function computes.

    Args:
        where: ``"module:function"``; of a `Region`, with parameters as keywords, it makes a tuple of `Feature`.
        ndim: 2 where it describes pictures only, 3 where volumes only; None where both.
        levels: Whether it takes `Levels`, by which numbers become grey levels.
    """

    where: str
    ndim: int | None = None
    levels: bool = False

    def __call__(self, region: Region, *, levels: Levels = DEFAULT) -> tuple[Feature, ...]:
        """Its features of a region; `levels` is passed on where the family takes it."""
        features: tuple[Feature, ...] = self.function(region, **({"levels": levels} if self.levels else {}))
        return features

    @property
    def function(self) -> Any:
        """The function itself, which takes every parameter of the family."""
        module, name = self.where.split(":")
        return getattr(importlib.import_module(module), name)

    def parameters(self, levels: Levels = DEFAULT) -> Mapping[str, Any]:
        """Every parameter with the value that it has in a call, for the record."""
        said = inspect.signature(self.function).parameters.values()
        found = {one.name: one.default for one in said if one.default is not inspect.Parameter.empty}
        return found | ({"levels": levels} if self.levels else {})

    def misfit(self, ndim: int) -> str:
        """Why it does not describe regions of so many axes; empty where it does."""
        if self.ndim in (None, ndim):
            return ""
        return (
            "it describes pictures, and this is a volume"
            if ndim == 3
            else "it describes volumes, and this is a picture"
        )


_TEXTURE: Final = "skiagraph.features.texture"
_SHAPE: Final = "skiagraph.features.shape"
_LOCAL: Final = "skiagraph.features.local"

FAMILIES: Final[Mapping[str, Family]] = MappingProxyType(
    {
        "statistics": Family(where=f"{_TEXTURE}:statistics"),
        "histogram": Family(where=f"{_TEXTURE}:histogram", levels=True),
        "glcm": Family(where=f"{_TEXTURE}:glcm", levels=True),
        "glrlm": Family(where=f"{_TEXTURE}:glrlm", levels=True),
        "glszm": Family(where=f"{_TEXTURE}:glszm", levels=True),
        "gldzm": Family(where=f"{_TEXTURE}:gldzm", levels=True),
        "ngtdm": Family(where=f"{_TEXTURE}:ngtdm", levels=True),
        "gldm": Family(where=f"{_TEXTURE}:gldm", levels=True),
        "hu moments": Family(where=f"{_SHAPE}:hu_moments", ndim=2),
        "boundary moments": Family(where=f"{_SHAPE}:boundary_moments", ndim=2),
        "chord lengths": Family(where=f"{_SHAPE}:chord_lengths", ndim=2),
        "fourier descriptors": Family(where=f"{_SHAPE}:fourier_descriptors", ndim=2),
        "elliptic fourier": Family(where=f"{_SHAPE}:elliptic_fourier", ndim=2),
        "outline": Family(where=f"{_SHAPE}:outline_measures", ndim=2),
        "classic outline": Family(where=f"{_SHAPE}:classic_outline", ndim=2),
        "solid": Family(where=f"{_SHAPE}:solid_measures", ndim=3),
        "local binary patterns": Family(where=f"{_LOCAL}:binary_patterns"),
        "gabor": Family(where=f"{_LOCAL}:gabor"),
        "wavelets": Family(where=f"{_LOCAL}:wavelets"),
        "laws": Family(where=f"{_LOCAL}:laws"),
        "oriented gradients": Family(where=f"{_LOCAL}:oriented_gradients"),
    }
)
"""Each family by its name. The classic outline repeats features of other families of shape."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSet:
    """Families that are computed together.

    Args:
        name: What it is called.
        families: Names in `FAMILIES`.

    Raises:
        UnknownName: Not the name of a family.
    """

    name: str
    families: tuple[str, ...]

    def __post_init__(self) -> None:
        for name in self.families:
            if name not in FAMILIES:
                raise UnknownName(
                    "a set is made of families", got=name, way_out=f"there are {', '.join(FAMILIES)}"
                )

    def __call__(
        self, region: Region, *, bins: int | None = None, width: float | None = None
    ) -> tuple[Feature, ...]:
        """The features of a region, each once, without the families that do not fit it.

        Args:
            region: A picture or a volume.
            bins: Number of grey levels of texture; 32 where neither is given.
            width: Or the size of a grey level, in the unit of the numbers.

        Raises:
            InvalidInput: Both of them, or one that is out of range.
        """
        levels = levels_from(bins, width)
        fitting = [FAMILIES[name] for name in self.families if not FAMILIES[name].misfit(region.ndim)]
        found = {one.key: one for family in fitting for one in family(region, levels=levels)}
        return tuple(found.values())

    def left_out(self, ndim: int) -> Mapping[str, str]:
        """The families that do not fit a region of so many axes, each with the reason."""
        why = {name: FAMILIES[name].misfit(ndim) for name in self.families}
        return {name: reason for name, reason in why.items() if reason}

    def parameters(
        self, *, bins: int | None = None, width: float | None = None
    ) -> Mapping[str, Mapping[str, Any]]:
        """Of each family every parameter with its value, for the record."""
        levels = levels_from(bins, width)
        return {name: FAMILIES[name].parameters(levels) for name in self.families}


def levels_from(bins: int | None, width: float | None) -> Levels:
    """Grey levels from plain numbers; the usual 32 bins where none is given."""
    return DEFAULT if bins is None and width is None else Levels(bins=bins, width=width)


_OF_TEXTURE: Final = ("statistics", "histogram", "glcm", "glrlm", "glszm", "gldzm", "ngtdm", "gldm")
_OF_SHAPE: Final = (
    "hu moments",
    "boundary moments",
    "chord lengths",
    "fourier descriptors",
    "elliptic fourier",
    "outline",
    "solid",
)
_OF_PLACES: Final = ("local binary patterns", "gabor", "wavelets", "laws", "oriented gradients")

SETS: Final[Mapping[str, FeatureSet]] = MappingProxyType(
    {
        "all": FeatureSet(name="all", families=(*_OF_TEXTURE, *_OF_SHAPE, *_OF_PLACES)),
        "texture": FeatureSet(name="texture", families=_OF_TEXTURE),
        "shape": FeatureSet(name="shape", families=_OF_SHAPE),
        "local": FeatureSet(name="local", families=_OF_PLACES),
        **{name: FeatureSet(name=name, families=(name,)) for name in FAMILIES},
    }
)
"""What can be asked for by name: named sets, and each family alone."""


def feature_set(names: Iterable[str]) -> FeatureSet:
    """Several sets as one; each family stands in it once.

    Args:
        names: Of `SETS`; capitals, hyphens and underscores do not matter.

    Raises:
        UnknownName: No name, or one that is none of them.
    """
    asked = [name.strip().lower().replace("-", " ").replace("_", " ") for name in names]
    strange = [name for name in asked if name not in SETS]
    if strange or not asked:
        raise UnknownName(
            "sets of features are asked for by name",
            got=", ".join(strange) or "no name",
            way_out=f"there are {', '.join(SETS)}",
        )
    if len(asked) == 1:
        return SETS[asked[0]]
    families = dict.fromkeys(family for name in asked for family in SETS[name].families)
    return FeatureSet(name=", ".join(asked), families=tuple(families))
