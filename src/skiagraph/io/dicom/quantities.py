"""What the values of an object mean and in which unit, by its kind; unknown where the object does not tell."""

from __future__ import annotations

from typing import Final

from pydicom.dataset import Dataset

from skiagraph import codes
from skiagraph.codes import Code
from skiagraph.image import Quantity
from skiagraph.image.quantity import (
    ACTIVITY,
    COUNTS,
    DIFFUSION,
    DOSE,
    GREY,
    HU,
    LABEL,
    OPTICAL_DENSITY,
    PHASE,
    REFLECTANCE,
    SIGNAL,
    SUV,
    UNKNOWN,
    VELOCITY,
)
from skiagraph.io.dicom.attributes import group_of, raw, word, words

__all__ = ["of_unit", "quantity_of"]


def _ucum(value: str, name: str) -> Quantity:
    return Quantity(name=name, unit=Code(value=value, scheme="UCUM"))


_GREY: Final = frozenset(
    {
        "BDUS",
        "BMD",
        "BUS",
        "CR",
        "DMS",
        "DX",
        "ES",
        "GM",
        "IO",
        "IVUS",
        "MG",
        "OP",
        "OT",
        "PX",
        "RF",
        "RG",
        "RTIMAGE",
        "SC",
        "SM",
        "US",
        "VF",
        "XA",
        "XC",
    }
)
_SEGMENTATIONS: Final = frozenset({"1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"})
_SECONDARY: Final = "1.2.840.10008.5.1.4.1.1.7"

RESCALED: Final = {
    "HU": HU,
    "OD": OPTICAL_DENSITY,
    "MGML": _ucum("mg/ml", "mass concentration"),
    "Z_EFF": _ucum("1", "effective atomic number"),
    "ED": _ucum("10*23/ml", "electron density"),
    "EDW": _ucum("1", "electron density relative to water"),
    "HU_MOD": Quantity(name="modified attenuation", unit=None),
    "PCT": _ucum("%", "percentage"),
}
"""Defined terms of Rescale Type (0028,1054), DICOM PS3.3 C.11.1.1.2."""

PET: Final = {
    "CNTS": COUNTS,
    "NONE": UNKNOWN,
    "CM2": _ucum("cm2", "area"),
    "CM2ML": _ucum("cm2/ml{SUVbsa}", "standardized uptake value, body surface area"),
    "PCNT": _ucum("%", "percentage"),
    "CPS": Quantity(name="count rate", unit=codes.COUNTS_PER_SECOND),
    "BQML": ACTIVITY,
    "MGMINML": _ucum("mg/min/ml", "metabolic rate"),
    "UMOLMINML": _ucum("umol/min/ml", "metabolic rate"),
    "MLMING": _ucum("ml/min/g", "perfusion"),
    "MLG": _ucum("ml/g", "distribution volume"),
    "1CM": _ucum("/cm", "linear attenuation"),
    "UMOLML": _ucum("umol/ml", "concentration"),
    "PROPCNTS": Quantity(name="proportional to counts", unit=None),
    "PROPCPS": Quantity(name="proportional to count rate", unit=None),
    "MLMINML": _ucum("ml/min/ml", "perfusion"),
    "MLML": _ucum("ml/ml", "distribution volume"),
    "GML": SUV,
    "STDDEV": _ucum("1", "standard deviations"),
}
"""Defined terms of Units (0054,1001), DICOM PS3.3 C.8.9.1.1.3."""

SUV_TYPES: Final = {
    "BW": SUV,
    "LBM": _ucum("g/ml{SUVlbm}", "standardized uptake value, lean body mass"),
    "LBMJAMES128": _ucum("g/ml{SUVlbm}", "standardized uptake value, lean body mass (James, 128)"),
    "LBMJANMA": _ucum("g/ml{SUVlbm}", "standardized uptake value, lean body mass (Janmahasatian)"),
    "BSA": _ucum("cm2/ml{SUVbsa}", "standardized uptake value, body surface area"),
    "IBW": _ucum("g/ml{SUVibw}", "standardized uptake value, ideal body weight"),
}
"""Defined terms of SUV Type (0054,1006), DICOM PS3.3 C.8.9.1; absent with Units GML means body weight."""

_UNITS: Final = {
    q.unit.value: q
    for q in (*RESCALED.values(), *reversed(SUV_TYPES.values()), HU, SUV, ACTIVITY, COUNTS, DOSE, VELOCITY)
    if q.unit is not None and q.unit.value not in {"1", "%"}
}
_NAMES: Final = {
    "{SUVbw}g/ml": SUV.name,
    "mm2/s": DIFFUSION.name,
    "um2/s": DIFFUSION.name,
    "10*-6.mm2/s": DIFFUSION.name,
    "ms": "relaxation time",
    "Hz": "frequency",
    "/s": "rate",
    "/min": "transfer constant",
    "ml/min/g": "perfusion",
    "ml/(100.g.min)": "perfusion",
    "[hnsf'U]": HU.name,
}
_PERFUSION: Final = frozenset({"CBF", "CBV", "MTT", "TTP", "TMAX", "PERFUSION", "PERMEABILITY"})
_MATERIALS: Final = frozenset(
    {
        "IODINE",
        "WATER",
        "FAT",
        "CALCIUM",
        "URIC_ACID",
        "MATERIAL",
        "EFF_ATOMIC_NUM",
        "ELECTRON_DENSITY",
        "MAT_MODIFIED",
        "MAT_SPECIFIC",
        "MAT_VALUE_BASED",
        "MAT_FRACTIONAL",
    }
)
_RELAXATION: Final = frozenset(
    {"T1 MAP", "T2 MAP", "T2_STAR MAP", "T2* MAP", "R2 MAP", "R2_STAR MAP", "FA", "TENSOR"}
)


def of_unit(unit: Code, name: str = "") -> Quantity:
    """The quantity that a UCUM unit belongs to, where that is clear; else `name` or "real world value" in it."""
    known = _UNITS.get(unit.value)
    if known is not None and not name:
        return known
    return Quantity(name=name or _NAMES.get(unit.value, "real world value"), unit=unit)


def quantity_of(header: Dataset, groups: Dataset | None = None) -> Quantity:
    """What one number a pixel means, after the Modality LUT or rescale.

    Args:
        header: The object.
        groups: Functional groups of the frame, for enhanced objects.

    Returns:
        The quantity; its unit is None where the object states none, and it is `UNKNOWN` where nothing is stated.

    Source: DICOM PS3.3 C.8.2.1 (CT), C.8.9.1 (PET), C.8.8.3 (dose), C.8.4.9 (NM), C.8.13 (enhanced MR), C.8.20.2
    (segmentations), C.11.1.1.2.
    """
    modality, stated = word(header, "Modality"), _rescale_type(header, groups)
    if raw(header, "DoseGridScaling") is not None or modality == "RTDOSE":
        return _dose(header)
    if stated in RESCALED and modality != "PT":
        return RESCALED[stated]
    if str(raw(header, "SOPClassUID") or "").startswith(_SECONDARY):
        return UNKNOWN
    if str(raw(header, "SOPClassUID") or "") in _SEGMENTATIONS:
        return _segmentation(header)
    if modality == "CT":
        return _computed_tomography(header, groups, stated)
    if modality == "MR":
        return _magnetic_resonance(header, groups)
    if modality == "PT":
        return _positron_emission(header)
    if modality == "NM":
        return COUNTS if _is_original(header) and not _reconstructed(header) else UNKNOWN
    if modality in {"OPT", "OCT", "OPTENF"}:
        return REFLECTANCE
    return GREY if modality in _GREY and stated in {"", "US"} else UNKNOWN


def _rescale_type(header: Dataset, groups: Dataset | None) -> str:
    return word(group_of(header, groups, "PixelValueTransformationSequence"), "RescaleType")


def _segmentation(header: Dataset) -> Quantity:
    """Labels, or fractions of a pixel that were made to whole numbers up to Maximum Fractional Value (C.8.20.2)."""
    if word(header, "SegmentationType") != "FRACTIONAL":
        return LABEL
    kind = word(header, "SegmentationFractionalType")
    return Quantity(name=kind.lower(), unit=codes.ONE) if kind in {"PROBABILITY", "OCCUPANCY"} else UNKNOWN


def _is_original(header: Dataset) -> bool:
    return word(header, "ImageType") in {"", "ORIGINAL"}


def _reconstructed(header: Dataset) -> bool:
    return any(part.startswith("RECON") for part in words(header, "ImageType"))


def _types(header: Dataset, groups: Dataset | None, sequence: str) -> frozenset[str]:
    """Every word in Image Type, and in Frame Type of an enhanced object."""
    frame = group_of(header, groups, sequence)
    return frozenset((*words(header, "ImageType"), *words(frame, "FrameType")))


def _computed_tomography(header: Dataset, groups: Dataset | None, stated: str) -> Quantity:
    """Hounsfield units are meant where no other type is named: an original image that is no localizer (C.8.2.1.1.2).

    Derived images are in Hounsfield units too unless they say otherwise: Rescale Type is required for other units.
    """
    types = _types(header, groups, "CTImageFrameTypeSequence")
    transform = group_of(header, groups, "PixelValueTransformationSequence")
    if stated not in {"", "HU"} or raw(transform, "RescaleSlope") is None or "LOCALIZER" in types:
        return UNKNOWN
    several = word(header, "MultienergyCTAcquisition") == "YES" and "VMI" not in types and stated != "HU"
    return UNKNOWN if several or types & (_PERFUSION | _MATERIALS) else HU


def _magnetic_resonance(header: Dataset, groups: Dataset | None) -> Quantity:
    types = _types(header, groups, "MRImageFrameTypeSequence")
    component = word(group_of(header, groups, "MRImageFrameTypeSequence"), "ComplexImageComponent")
    if types & {"ADC", "ADC_UNSPECIFIED", "DIFFUSION_MAP"}:
        return DIFFUSION
    if component == "PHASE" or types & {"P", "PHASE", "PHASE MAP"}:
        return PHASE
    if types & {"VELOCITY", "VELOCITY MAP"}:
        return Quantity(name=VELOCITY.name, unit=None)
    if types & (_PERFUSION | _RELAXATION):
        return UNKNOWN
    return SIGNAL


def _positron_emission(header: Dataset) -> Quantity:
    units = word(header, "Units")
    if units == "GML":
        return SUV_TYPES.get(word(header, "SUVType") or "BW", UNKNOWN)
    return PET.get(units, UNKNOWN)


def _dose(header: Dataset) -> Quantity:
    if word(header, "DoseUnits") == "GY":
        return DOSE
    return Quantity(name="relative dose", unit=None)
