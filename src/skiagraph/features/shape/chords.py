"""How long the chords between the points of an outline are: the whole shape in one distribution."""

from __future__ import annotations

from typing import Final

from scipy.spatial.distance import pdist

from skiagraph.features.feature import Feature
from skiagraph.features.region import Region
from skiagraph.features.shape.moments import central_moments
from skiagraph.features.shape.outline import outline_of
from skiagraph.features.shape.terms import Term, described

__all__ = ["chord_lengths"]

_EVERY: Final = 4  # of the 512 points of an outline: 128 of them have 8128 chords
_TERMS: Final = (
    Term("mean"),
    Term("deviation"),
    Term("skewness"),
    Term("kurtosis"),
    Term("absolute mean", 1),
)


def chord_lengths(region: Region) -> tuple[Feature, ...]:
    """Mean, deviation, skewness and kurtosis of the chords between all pairs of 128 points of the outline.

    Lengths are relative to the longest chord, so that size cancels; the last feature is their mean as it is. A circle
    has mean 2 / pi and deviation sqrt(1/2 - 4 / pi^2).

    Source: You and Jain, Performance evaluation of shape matching via chord length distribution (1984).
    """
    outline = outline_of(region)
    found: dict[str, float] | str
    if isinstance(outline, str):
        found = outline
    else:
        chords = pdist(outline.points[::_EVERY])
        mean, deviation, skewness, kurtosis = central_moments(chords / chords.max())
        found = {
            "mean": mean,
            "deviation": deviation,
            "skewness": skewness,
            "kurtosis": kurtosis,
            "absolute mean": float(chords.mean()),
        }
    return described("chord lengths", _TERMS, found, known=region.spacing is not None)
