"""What each measure of quality is called, in which unit it is told, how it comes about, and what a remark says."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, final

from skiagraph import codes
from skiagraph.codes import Code
from skiagraph.features.quality.limits import Limit, Topic

__all__ = ["TOPICS", "TopicWords", "remark"]

_DEGREE: Final = Code(value="deg", scheme="UCUM", meaning="degree")
_COUNT: Final = Code(value="{planes}", scheme="UCUM", meaning="planes")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TopicWords:
    """The words of one measure.

    Args:
        concept: What is measured.
        unit: UCUM code; None where it is the unit of the image.
        method: One sentence on how, with its source.
        remark: A sentence with ``{value}``, ``{unit}``, ``{most}``, ``{least}`` and ``{detail}`` for a value that is
            beyond its limit.
    """

    concept: Code
    unit: Code | None
    method: str
    remark: str


def _own(value: str, meaning: str) -> Code:
    return Code(value=value, scheme="99SKIAGRAPH", meaning=meaning)


_SIZE_RULE: Final = (
    "is outside of {least} to {most} mm, what such images have; its size may be stated in another unit."
)

TOPICS: Final = MappingProxyType[Topic, TopicWords](
    {
        "size": TopicWords(
            concept=_own("size", "Size of a pixel"),
            unit=codes.MM,
            method="As the file states it.",
            remark="It states no size in millimetres, and lengths cannot be measured.",
        ),
        "spacing": TopicWords(
            concept=_own("finest-spacing", "Finest spacing"),
            unit=codes.MM,
            method="The smallest distance between neighbouring samples.",
            remark=f"Its finest spacing of {{value}} mm {_SIZE_RULE}",
        ),
        "extent": TopicWords(
            concept=_own("extent", "Longest side"),
            unit=codes.MM,
            method="The longest side of what is covered.",
            remark=f"Its longest side of {{value}} mm {_SIZE_RULE}",
        ),
        "place": TopicWords(
            concept=_own("place", "Distance from the origin"),
            unit=codes.MM,
            method="From the middle of the image to the origin of its frame of reference.",
            remark="Its middle lies {value} mm from the origin of its frame of reference; that cannot be meant.",
        ),
        "anisotropy": TopicWords(
            concept=_own("anisotropy", "Anisotropy of the voxels"),
            unit=codes.ONE,
            method="The largest spacing over the smallest.",
            remark="Its voxels are {value} times as long as wide; what lies between its slices is not seen.",
        ),
        "aspect": TopicWords(
            concept=_own("aspect", "Aspect of the pixels"),
            unit=codes.ONE,
            method="The larger spacing over the smaller.",
            remark="Its pixels are {value} times as long as wide; one of its two sizes may be wrong.",
        ),
        "tilt": TopicWords(
            concept=_own("tilt", "Tilt of the slices"),
            unit=_DEGREE,
            method="How far two axes are from a right angle.",
            remark="Its slices are tilted by {value} degrees; a model that needs right angles reads it resampled.",
        ),
        "density": TopicWords(
            concept=_own("density", "Densest value"),
            unit=codes.HOUNSFIELD,
            method="The value that one voxel in two hundred exceeds.",
            remark="It shows hardly more than air: one voxel in two hundred exceeds {value} HU.",
        ),
        "scale": TopicWords(
            concept=_own("scale", "Tissue off its scale"),
            unit=codes.PERCENT,
            method="Share of what is not air that would be soft tissue if 1024 were taken off.",
            remark="Its values are not Hounsfield units: {value} % of the body lies 1024 above soft tissue.",
        ),
        "field of view": TopicWords(
            concept=_own("border", "Body on the edge"),
            unit=codes.PERCENT,
            method="Share of the edge of the field of view within the body, exceeded in one slice of ten.",
            remark="The body is cut off: it stands on {value} % of the edge of the field of view.",
        ),
        "blank": TopicWords(
            concept=_own("blank", "Blank planes"),
            unit=_COUNT,
            method="Planes with less than 1 % of the usual range of values.",
            remark="{detail}",
        ),
        "saturation": TopicWords(
            concept=_own("saturation", "Saturated share"),
            unit=codes.PERCENT,
            method="Share of what is shown that stands at the highest value.",
            remark="{value} % of what it shows stands at the highest value (at most {most} %): detail is lost there.",
        ),
        "black": TopicWords(
            concept=_own("black", "Black share"),
            unit=codes.PERCENT,
            method="Share of the picture in patches at the lowest value that do not reach its border.",
            remark="{value} % of the picture is black away from its border (at most {most} %): detail is lost there.",
        ),
        "noise": TopicWords(
            concept=_own("noise", "Standard deviation of noise"),
            unit=None,
            method="CT: mode of local deviations in soft tissue (Christianson 2015); else wavelet (Donoho 1994).",
            remark="Noise is {value} {unit} (at most {most}): small or faint findings may drown in it.",
        ),
        "signal to noise": TopicWords(
            concept=Code(value="111787", scheme="DCM", meaning="Signal to Noise Ratio"),
            unit=codes.ONE,
            method="Mean of what is shown over the standard deviation of its noise (Donoho 1994).",
            remark="Signal is only {value} times noise (at least {least}): small or faint findings may drown in it.",
        ),
        "ghosts": TopicWords(
            concept=_own("ghosts", "Percent signal ghosting"),
            unit=codes.PERCENT,
            method="Background along one direction less that along the other, of the signal (ACR).",
            remark="Ghosts of {value} % of the signal (at most {most} %) lie beside it: it moved during the scan.",
        ),
        "blur": TopicWords(
            concept=_own("blur", "Blur effect"),
            unit=codes.ONE,
            method="How little the picture loses when it is blurred again, 0 to 1 (Crete 2007).",
            remark="It is blurred ({value} of 1, at most {most}): by motion, or out of focus.",
        ),
        "step": TopicWords(
            concept=_own("step", "Step between slices"),
            unit=codes.MM,
            method="Largest sudden shift between neighbouring slices (Lucas and Kanade 1981).",
            remark="The patient moved between slices: {detail}",
        ),
        "metal": TopicWords(
            concept=_own("streaks", "Streaks of metal"),
            unit=codes.HOUNSFIELD,
            method="How much rougher soft tissue is near metal than in the rest of its slice.",
            remark="Metal throws streaks of {value} HU (at most {most}): values around it cannot be trusted.",
        ),
        "rings": TopicWords(
            concept=_own("rings", "Rings"),
            unit=codes.HOUNSFIELD,
            method="The strongest ring round the middle beyond what noise explains.",
            remark="Rings of {value} HU (at most {most}) lie round the middle: the detector needs calibration.",
        ),
    }
)


def remark(topic: Topic, value: float, limit: Limit | None, *, unit: str = "", detail: str = "") -> str:
    """The sentence about a value beyond its limit."""
    least, most = (None if limit is None else end for end in (limit and limit.least, limit and limit.most))
    return TOPICS[topic].remark.format(
        value=_short(value), unit=unit, detail=detail, least=_short(least), most=_short(most)
    )


def _short(value: float | None) -> str:
    return "0" if value is None else f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
