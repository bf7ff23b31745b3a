"""What the numbers of an image mean, and in which unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

from skiagraph import codes
from skiagraph.codes import Code
from skiagraph.errors import InvalidInput

__all__ = ["COLOUR", "GREY", "HU", "LABEL", "SIGNAL", "SUV", "UNKNOWN", "Quantity"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """The meaning of a pixel value.

    Args:
        name: A plain word, e.g. ``"attenuation"``.
        unit: UCUM code; None where the numbers have no physical unit.

    Raises:
        InvalidInput: The name is empty, or the unit is not UCUM.
    """

    name: str
    unit: Code | None = None

    def __post_init__(self) -> None:
        if not self.name:
            raise InvalidInput("a quantity has a name", got="an empty one")
        if self.unit is not None and self.unit.scheme != "UCUM":
            raise InvalidInput("the unit of a quantity is a UCUM code", got=self.unit.scheme)


HU: Final = Quantity(name="attenuation", unit=codes.HOUNSFIELD)
SUV: Final = Quantity(name="standardized uptake value", unit=codes.SUV_BODY_WEIGHT)
SIGNAL: Final = Quantity(name="signal", unit=None)
"""Magnetic resonance and other signals of arbitrary scale."""
GREY: Final = Quantity(name="grey level", unit=None)
"""Display values of a sonogram, photograph or film."""
COLOUR: Final = Quantity(name="colour", unit=None)
LABEL: Final = Quantity(name="label", unit=None)
UNKNOWN: Final = Quantity(name="unknown", unit=None)
"""Said, not guessed: the file does not tell."""
