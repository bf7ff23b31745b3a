"""How bright a tissue is in magnetic resonance: its parameters through the signal equations of the sequences."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, final

from skiagraph.errors import InvalidInput

__all__ = [
    "BRAIN",
    "HEART",
    "Tissue",
    "balanced_signal",
    "gradient_echo",
    "inversion_recovery",
    "nulling_time",
    "spin_echo",
]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Tissue:
    """What a tissue is to magnetic resonance.

    Args:
        density: Of protons, water being 1.
        t1: ms.
        t2: ms.
        t2_star: ms.

    Raises:
        InvalidInput: A density below zero, or a time that is not positive.
    """

    density: float
    t1: float
    t2: float
    t2_star: float

    def __post_init__(self) -> None:
        if self.density < 0 or not min(self.t1, self.t2, self.t2_star) > 0:
            raise InvalidInput(
                "the relaxation times of a tissue are positive", got=f"{self.t1}, {self.t2} ms"
            )


def _tissue(density: float, t1: float, t2: float, t2_star: float) -> Tissue:
    return Tissue(density=density, t1=t1, t2=t2, t2_star=t2_star)


BRAIN: Final = {
    "air": _tissue(0.0, 1.0, 1.0, 1.0),
    "csf": _tissue(1.0, 2569.0, 329.0, 58.0),
    "grey": _tissue(0.86, 833.0, 83.0, 69.0),
    "white": _tissue(0.77, 500.0, 70.0, 61.0),
    "fat": _tissue(1.0, 350.0, 70.0, 58.0),
    "muscle": _tissue(1.0, 900.0, 47.0, 30.0),
    "skull": _tissue(0.05, 500.0, 10.0, 5.0),
    "lesion": _tissue(0.83, 752.0, 237.0, 204.0),
}
"""At 1.5 T. Source: the tissues of BrainWeb (Kwan, Evans, Pike, IEEE Trans. Med. Imaging 18, 1999); skull: own."""

HEART: Final = {
    "air": _tissue(0.0, 1.0, 1.0, 1.0),
    "lung": _tissue(0.12, 1200.0, 30.0, 5.0),
    "blood": _tissue(0.95, 1500.0, 240.0, 100.0),
    "myocardium": _tissue(0.80, 1000.0, 50.0, 30.0),
    "fat": _tissue(0.90, 300.0, 80.0, 40.0),
    "muscle": _tissue(0.80, 1000.0, 40.0, 30.0),
    "liver": _tissue(0.80, 580.0, 50.0, 25.0),
}
"""At 1.5 T, of the order that reviews give (Stanisz et al., Magn. Reson. Med. 54, 2005; muscle, liver, blood there)."""


def spin_echo(tissue: Tissue, *, tr: float, te: float) -> float:
    """``density (1 - exp(-TR/T1)) exp(-TE/T2)``; times in ms.

    Source: Haacke et al., Magnetic Resonance Imaging (1999), section 8.1.
    """
    return tissue.density * (1.0 - math.exp(-tr / tissue.t1)) * math.exp(-te / tissue.t2)


def inversion_recovery(tissue: Tissue, *, tr: float, te: float, ti: float) -> float:
    """``density |1 - 2 exp(-TI/T1) + exp(-TR/T1)| exp(-TE/T2)``; times in ms.

    Source: Haacke et al., section 8.2, magnitude, spin echo.
    """
    recovered = 1.0 - 2.0 * math.exp(-ti / tissue.t1) + math.exp(-tr / tissue.t1)
    return tissue.density * abs(recovered) * math.exp(-te / tissue.t2)


def nulling_time(tissue: Tissue, *, tr: float) -> float:
    """The inversion time in ms at which a tissue gives no signal."""
    return tissue.t1 * (math.log(2.0) - math.log(1.0 + math.exp(-tr / tissue.t1)))


def gradient_echo(tissue: Tissue, *, tr: float, te: float, flip: float) -> float:
    """Spoiled: ``density sin(a) (1 - E1) / (1 - cos(a) E1) exp(-TE/T2*)``; times in ms, `flip` in degrees.

    Source: Ernst and Anderson, Rev. Sci. Instrum. 37 (1966).
    """
    e1, angle = math.exp(-tr / tissue.t1), math.radians(flip)
    steady = math.sin(angle) * (1.0 - e1) / (1.0 - math.cos(angle) * e1)
    return tissue.density * steady * math.exp(-te / tissue.t2_star)


def balanced_signal(tissue: Tissue, *, tr: float, flip: float) -> float:
    """Balanced steady state free precession, on resonance, at TE = TR / 2; times in ms, `flip` in degrees.

    Source: Scheffler and Lehnhardt, Eur. Radiol. 13 (2003), equation 1.
    """
    e1, e2, angle = math.exp(-tr / tissue.t1), math.exp(-tr / tissue.t2), math.radians(flip)
    steady = math.sin(angle) * (1.0 - e1) / (1.0 - (e1 - e2) * math.cos(angle) - e1 * e2)
    return tissue.density * steady * math.exp(-tr / 2.0 / tissue.t2)
