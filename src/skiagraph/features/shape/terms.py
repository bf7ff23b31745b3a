"""Tables of features: their names, dimensions and codes stand apart from how they are found."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from skiagraph.features.feature import Feature

__all__ = ["Term", "described", "unit_of"]

_UNDEFINED: Final = "not defined for this shape"


class Term(NamedTuple):
    """A feature before it is found: its name, its dimension (1 a length, 2 an area, 0 a number), its IBSI code."""

    name: str
    dimension: int = 0
    ibsi: str = ""


def unit_of(dimension: int, *, known: bool) -> str:
    """UCUM unit of a length to the power `dimension`: of mm where the spacing is known, else of samples."""
    if dimension == 0:
        return ""
    power = str(abs(dimension)) if abs(dimension) > 1 else ""
    per = "/" if dimension < 0 else ""
    return f"{per}mm{power}" if known else f"{per}{{sample{power}}}"


def described(
    family: str, terms: Sequence[Term], found: Mapping[str, float] | str, *, known: bool
) -> tuple[Feature, ...]:
    """One feature a term, in the order of the terms.

    Args:
        family: That they share.
        terms: What is described.
        found: A value for each name, not finite where there is none; or why there is nothing to describe.
        known: Whether lengths are in mm.
    """
    features = []
    for term in terms:
        value = math.nan if isinstance(found, str) else float(found[term.name])
        reason = found if isinstance(found, str) else "" if math.isfinite(value) else _UNDEFINED
        unit = unit_of(term.dimension, known=known)
        value = math.nan if reason else value
        features.append(
            Feature(family=family, name=term.name, value=value, unit=unit, ibsi=term.ibsi, reason=reason)
        )
    return tuple(features)
