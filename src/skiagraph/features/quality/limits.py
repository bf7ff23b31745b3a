"""The table of limits: from where on a measure of quality is worth a remark, for which kinds, and why there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, final

from skiagraph.errors import InvalidInput
from skiagraph.features.quality.kind import KINDS, Kind

__all__ = ["LIMITS", "Limit", "Topic", "limit_of"]

Topic: TypeAlias = Literal[
    "size",
    "spacing",
    "extent",
    "place",
    "anisotropy",
    "aspect",
    "tilt",
    "density",
    "scale",
    "field of view",
    "blank",
    "saturation",
    "black",
    "noise",
    "signal to noise",
    "ghosts",
    "blur",
    "step",
    "metal",
    "rings",
]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Where a measure leaves what is good.

    Args:
        topic: What is measured.
        kinds: Kinds of image for which this holds.
        least: Lowest good value, in the unit of the measure; None for no end.
        most: Highest good value; None for no end.
        origin: Where the numbers come from.

    Raises:
        InvalidInput: No end, or ends that cross.
    """

    topic: Topic
    kinds: tuple[Kind, ...] = KINDS
    least: float | None = None
    most: float | None = None
    origin: str

    def __post_init__(self) -> None:
        if self.least is None and self.most is None:
            raise InvalidInput("a limit has at least one end", got=self.topic)
        if self.least is not None and self.most is not None and self.least > self.most:
            raise InvalidInput("a limit rises", got=f"{self.least} to {self.most}")

    def holds(self, value: float) -> bool:
        """Whether a value is good; both ends are."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


_MADE: Final = "what scanners of this kind are built for, with room to spare; own"
_PLANTED: Final = "between clean phantoms and planted artefacts, see benchmarks/quality.py; own"

LIMITS: Final[tuple[Limit, ...]] = (
    Limit(topic="spacing", kinds=("ct",), least=0.06, most=5.0, origin=_MADE),
    Limit(topic="spacing", kinds=("mr",), least=0.1, most=10.0, origin=_MADE),
    Limit(topic="spacing", kinds=("xray",), least=0.01, most=2.0, origin=_MADE),
    Limit(topic="spacing", kinds=("ultrasound",), least=0.003, most=2.0, origin=_MADE),
    Limit(topic="spacing", kinds=("photograph", "other"), least=0.0001, most=20.0, origin=_MADE),
    Limit(topic="extent", kinds=("ct",), least=60.0, most=2500.0, origin=_MADE),
    Limit(topic="extent", kinds=("mr",), least=30.0, most=2200.0, origin=_MADE),
    Limit(topic="extent", kinds=("xray",), least=15.0, most=2000.0, origin=_MADE),
    Limit(topic="extent", kinds=("ultrasound",), least=1.0, most=600.0, origin=_MADE),
    Limit(topic="extent", kinds=("photograph", "other"), most=3000.0, origin=_MADE),
    Limit(topic="place", most=5000.0, origin="no room is larger; own"),
    Limit(topic="anisotropy", most=15.0, origin="10 mm slices of 0.7 mm pixels are good; own"),
    Limit(
        topic="aspect", most=2.0, origin="a picture of pixels half as high as wide is still looked at; own"
    ),
    Limit(topic="tilt", most=0.5, origin="positions in headers are rounded to less; own"),
    Limit(topic="density", kinds=("ct",), least=-300.0, origin="between lung and fat; own"),
    Limit(topic="scale", kinds=("ct",), most=50.0, origin=_PLANTED),
    Limit(topic="field of view", kinds=("ct",), most=3.5, origin=_PLANTED),
    Limit(topic="blank", most=0.0, origin="none is meant; own"),
    Limit(topic="saturation", kinds=("ct", "mr", "xray"), most=1.0, origin=_PLANTED),
    Limit(topic="saturation", kinds=("ultrasound", "photograph"), most=4.0, origin=_PLANTED),
    Limit(topic="black", kinds=("xray",), most=2.0, origin=_PLANTED),
    Limit(topic="noise", kinds=("ct",), most=50.0, origin=_PLANTED),
    Limit(topic="signal to noise", kinds=("mr",), least=6.0, origin=_PLANTED),
    Limit(topic="signal to noise", kinds=("xray", "photograph"), least=10.0, origin=_PLANTED),
    Limit(
        topic="ghosts",
        kinds=("mr",),
        most=2.5,
        origin="American College of Radiology, MRI Quality Control Manual",
    ),
    Limit(topic="blur", kinds=("xray",), most=0.65, origin=_PLANTED),
    Limit(topic="blur", kinds=("photograph",), most=0.62, origin=_PLANTED),
    Limit(topic="step", kinds=("ct", "mr"), most=3.0, origin=_PLANTED),
    Limit(topic="metal", kinds=("ct",), most=10.0, origin=_PLANTED),
    Limit(topic="rings", kinds=("ct",), most=5.0, origin=_PLANTED),
)
"""One row a topic and kind; a topic without a row for a kind is measured, where it is, and not judged."""


def limit_of(topic: Topic, kind: Kind) -> Limit | None:
    """The limit of a measure for a kind of image; None where it is not judged."""
    return next((row for row in LIMITS if row.topic == topic and kind in row.kinds), None)
