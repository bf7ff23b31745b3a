"""The classic description of the outline of a breast tumour: fifteen numbers."""

from __future__ import annotations

from typing import Final

from skiagraph.features.feature import Feature
from skiagraph.features.region import Region
from skiagraph.features.shape.chords import chord_lengths
from skiagraph.features.shape.measures import outline_measures
from skiagraph.features.shape.moments import boundary_moments, hu_moments

__all__ = ["BREAST_OUTLINE", "classic_outline"]

BREAST_OUTLINE: Final = (
    *(f"hu_moments_{k}" for k in range(1, 8)),
    *(f"boundary_moments_f{k}" for k in range(1, 4)),
    *(f"chord_lengths_{name}" for name in ("mean", "deviation", "skewness", "kurtosis")),
    "outline_compactness",
)


def classic_outline(region: Region) -> tuple[Feature, ...]:
    """The fifteen features of `BREAST_OUTLINE`, in its order, all without a unit.

    Seven moments of Hu, three boundary moments, four statistics of the lengths of chords, and compactness.

    Source: the sources of the four families; together as in studies of breast tumours in ultrasound.
    """
    families = (hu_moments, boundary_moments, chord_lengths, outline_measures)
    found = {feature.key: feature for family in families for feature in family(region)}
    return tuple(found[key] for key in BREAST_OUTLINE)
