"""What the numbers of an image mean, and in which unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

from skiagraph import codes
from skiagraph.codes import Code
from skiagraph.errors import InvalidInput

__all__ = [
    "ACTIVITY",
    "COLOUR",
    "COUNTS",
    "DIFFUSION",
    "DOSE",
    "GREY",
    "HU",
    "LABEL",
    "OPTICAL_DENSITY",
    "PHASE",
    "REFLECTANCE",
    "SIGNAL",
    "SUBTRACTED",
    "SUV",
    "UNKNOWN",
    "VELOCITY",
    "Quantity",
]


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
ACTIVITY: Final = Quantity(name="activity concentration", unit=codes.BECQUEREL_PER_ML)
COUNTS: Final = Quantity(name="counts", unit=codes.COUNTS)
DOSE: Final = Quantity(name="absorbed dose", unit=codes.GRAY)
VELOCITY: Final = Quantity(name="velocity", unit=codes.CM_PER_SECOND)
"""Of blood or tissue along the beam of ultrasound; towards the transducer where it is positive."""
OPTICAL_DENSITY: Final = Quantity(name="optical density", unit=codes.THOUSANDTH)
DIFFUSION: Final = Quantity(name="apparent diffusion coefficient", unit=None)
"""With the unit of its file, or None where the file does not tell (makers scale it differently)."""
PHASE: Final = Quantity(name="phase", unit=None)
REFLECTANCE: Final = Quantity(name="reflectance", unit=None)
"""Light that tissue sends back: optical coherence tomography, scanning laser ophthalmoscopy."""
SUBTRACTED: Final = Quantity(name="difference of grey levels", unit=None)
"""Contrast frame minus mask, in logarithmic units of the detector: vessels filled with iodine are below zero."""
SIGNAL: Final = Quantity(name="signal", unit=None)
"""Magnetic resonance and other signals of arbitrary scale."""
GREY: Final = Quantity(name="grey level", unit=None)
"""Display values of a sonogram, photograph or film."""
COLOUR: Final = Quantity(name="colour", unit=None)
LABEL: Final = Quantity(name="label", unit=None)
UNKNOWN: Final = Quantity(name="unknown", unit=None)
"""Said, not guessed: the file does not tell."""
