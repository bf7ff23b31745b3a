"""Coded concepts (SNOMED CT, LOINC, UCUM, DICOM), so that a word means the same to every reader and system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

from skiagraph.errors import InvalidInput

__all__ = ["Code"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One coded concept. Two codes are equal when value and scheme are; the meaning is for people.

    Args:
        value: The code itself, e.g. ``"11984-2"``.
        scheme: The coding scheme designator of DICOM PS3.16 section 8, e.g. ``"LN"``, ``"SCT"``, ``"UCUM"``.
        meaning: The words of the code in English.

    Raises:
        InvalidInput: A part is empty, or value or scheme is longer than a DICOM SH field (16 characters).

    Source: DICOM PS3.3 section 8.8 (code sequence macro).
    """

    value: str
    scheme: str
    meaning: str = ""

    def __post_init__(self) -> None:
        for name, part in (("value", self.value), ("scheme", self.scheme)):
            if not part or len(part) > 16:
                raise InvalidInput(f"a code's {name} has 1 to 16 characters", got=repr(part))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Code):
            return NotImplemented
        return (self.value, self.scheme) == (other.value, other.scheme)

    def __hash__(self) -> int:
        return hash((self.value, self.scheme))


def _ucum(value: str, meaning: str) -> Code:
    return Code(value=value, scheme="UCUM", meaning=meaning)


MM: Final = _ucum("mm", "millimetre")
MM2: Final = _ucum("mm2", "square millimetre")
PIXEL: Final = _ucum("{pixels}", "pixels")
ONE: Final = _ucum("1", "no units")
THOUSANDTH: Final = _ucum("10*-3", "thousandth")
PERCENT: Final = _ucum("%", "percent")
WEEK: Final = _ucum("wk", "week")
DAY: Final = _ucum("d", "day")
SECOND: Final = _ucum("s", "second")
HOUNSFIELD: Final = _ucum("[hnsf'U]", "Hounsfield unit")
SUV_BODY_WEIGHT: Final = _ucum("g/ml{SUVbw}", "standardized uptake value, body weight")
BECQUEREL_PER_ML: Final = _ucum("Bq/ml", "becquerel per millilitre")
COUNTS: Final = _ucum("{counts}", "counts")
COUNTS_PER_SECOND: Final = _ucum("{counts}/s", "counts per second")
GRAY: Final = _ucum("Gy", "gray")
CM: Final = _ucum("cm", "centimetre")
CM_PER_SECOND: Final = _ucum("cm/s", "centimetre per second")
DECIBEL: Final = _ucum("dB", "decibel")
HERTZ: Final = _ucum("Hz", "hertz")

HEAD_CIRCUMFERENCE: Final = Code(value="11984-2", scheme="LN", meaning="Head Circumference")
BIPARIETAL_DIAMETER: Final = Code(value="11820-8", scheme="LN", meaning="Biparietal Diameter")
OCCIPITOFRONTAL_DIAMETER: Final = Code(value="11851-3", scheme="LN", meaning="Occipital-Frontal Diameter")
GESTATIONAL_AGE: Final = Code(value="18185-9", scheme="LN", meaning="Gestational Age")
IGNORE: Final = Code(value="ignore", scheme="99LOCAL", meaning="ignore")
"""Of the segment of a reference whose places are neither learnt nor judged."""
HEAD: Final = Code(value="69536005", scheme="SCT", meaning="Head")
FETUS: Final = Code(value="83418008", scheme="SCT", meaning="Fetus")
"""Fetal head in a finding: anatomic region `HEAD`, subject `FETUS` (DICOM PS3.16 CID 4 and CID 271)."""

IMAGE_LATERALITY: Final = Code(value="111027", scheme="DCM", meaning="Image Laterality")
IMAGE_VIEW: Final = Code(value="111031", scheme="DCM", meaning="Image View")
IMAGE_VIEW_MODIFIER: Final = Code(value="111032", scheme="DCM", meaning="Image View Modifier")
ANATOMIC_REGION: Final = Code(value="123014", scheme="DCM", meaning="Target Region")
LEFT: Final = Code(value="7771000", scheme="SCT", meaning="Left")
RIGHT: Final = Code(value="24028007", scheme="SCT", meaning="Right")
BILATERAL: Final = Code(value="51440002", scheme="SCT", meaning="Bilateral")
UNILATERAL: Final = Code(value="66459002", scheme="SCT", meaning="Unilateral")
"""Which side and how a picture was taken (DICOM PS3.16 CID 244, template 1001 and CID 4010)."""
