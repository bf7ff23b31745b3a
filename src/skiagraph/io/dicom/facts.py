"""What an image says of itself that parts it from others, or that orders it among those of its own place."""

from __future__ import annotations

import functools
import re
from typing import Final

from pydicom.dataset import Dataset

from skiagraph.io.dicom.diffusion import diffusion_of
from skiagraph.io.dicom.frame import Fact, Split, checked_uid
from skiagraph.io.dicom.quick import numbers_at, text_at, texts_at

__all__ = ["facts_of", "order_of", "parts_of", "seconds_of"]

# By fact: keyword of a classic object; then (sequence, keyword) of functional groups. Times are in ms.
_FACTS: Final[dict[str, tuple[str, tuple[str, str] | None]]] = {
    "temporal_position": ("TemporalPositionIdentifier", ("FrameContentSequence", "TemporalPositionIndex")),
    "temporal_offset": (
        "TemporalPositionTimeOffset",
        ("TemporalPositionSequence", "TemporalPositionTimeOffset"),
    ),
    "echo_time": ("EchoTime", ("MREchoSequence", "EffectiveEchoTime")),
    "echo_number": ("EchoNumbers", None),
    "inversion_time": ("InversionTime", ("MRModifierSequence", "InversionTimes")),
    "flip_angle": ("FlipAngle", ("MRTimingAndRelatedParametersSequence", "FlipAngle")),
    "trigger_time": ("TriggerTime", ("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime")),
    "cardiac_phase": (
        "NominalPercentageOfCardiacPhase",
        ("CardiacSynchronizationSequence", "NominalPercentageOfCardiacPhase"),
    ),
    "frame_reference_time": ("FrameReferenceTime", None),
    "acquisition_number": ("AcquisitionNumber", ("FrameContentSequence", "FrameAcquisitionNumber")),
    "kvp": ("KVP", ("CTXRayDetailsSequence", "KVP")),
    "monoenergetic_energy": (
        "MonoenergeticEnergyEquivalent",
        ("MonoenergeticEnergyEquivalentSequence", "MonoenergeticEnergyEquivalent"),
    ),
}
_PATIENT: Final = ("PatientID", "PatientName", "PatientBirthDate")
_MONTHS: Final = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
_CLOCK: Final = re.compile(r"(\d{2})(\d{2})?(\d{2})?(\.\d+)?")
_LAYOUT: Final = frozenset(
    {"MOSAIC", "VFRAME"}
)  # values of ImageType that say how it is stored, not what it shows


def facts_of(header: Dataset, groups: Dataset | None = None) -> dict[str, Fact]:
    """Numbers in which the frames of one image may differ, by DICOM keyword in snake case."""
    facts: dict[str, Fact] = {}
    for name, (keyword, grouped) in _FACTS.items():
        stated = numbers_at(header, keyword)
        if groups is not None and grouped is not None:
            inner = _first(groups, grouped[0])
            stated = (() if inner is None else numbers_at(inner, grouped[1])) or stated
        if stated:
            facts[name] = round(stated[0], 6)
    facts |= diffusion_of(header, groups)
    return facts


def parts_of(header: Dataset, groups: Dataset | None = None) -> dict[str, Split]:
    """What images of one stack have in common beside their size, orientation and spacing."""
    return {
        "patient": _patient(*(text_at(header, word) for word in _PATIENT)),
        "study": text_at(header, "StudyInstanceUID"),
        "series": text_at(header, "SeriesInstanceUID"),
        "frame_of_reference": checked_uid(text_at(header, "FrameOfReferenceUID")),
        "modality": text_at(header, "Modality"),
        "image_type": image_type(header, groups),
        "samples": int((numbers_at(header, "SamplesPerPixel") or (1.0,))[0]),
        "kernel": _words(header, groups, "ConvolutionKernel", "CTReconstructionSequence"),
        "stack": _words(None, groups, "StackID", "FrameContentSequence"),
        "segment": _words(None, groups, "ReferencedSegmentNumber", "SegmentIdentificationSequence"),
        "complex": _words(header, groups, "ComplexImageComponent", "MRImageFrameTypeSequence"),
    }


@functools.lru_cache(maxsize=1024)
def _patient(identifier: str, name: str, born: str) -> tuple[str, ...]:
    return identifier, name.rstrip("^").casefold(), born


def image_type(header: Dataset, groups: Dataset | None = None) -> tuple[str, ...]:
    """ImageType (0008,0008), or FrameType (0008,9007), without the words that say how it is stored."""
    words = texts_at(header, "ImageType")
    if groups is not None:
        for element in groups:
            if element.VR == "SQ" and element.value and "FrameType" in element.value[0]:
                words = texts_at(element.value[0], "FrameType")
                break
    return _shown(words)


@functools.lru_cache(maxsize=1024)
def _shown(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for word in words if word not in _LAYOUT)


def _first(groups: Dataset, keyword: str) -> Dataset | None:
    sequence = groups.get(keyword)
    return sequence[0] if sequence else None


def _words(header: Dataset | None, groups: Dataset | None, keyword: str, sequence: str) -> str:
    inner = None if groups is None else _first(groups, sequence)
    if inner is not None and keyword in inner:
        return text_at(inner, keyword)
    return "" if header is None else text_at(header, keyword)


def order_of(header: Dataset) -> tuple[float, ...]:
    """The InstanceNumber, where there is one."""
    return numbers_at(header, "InstanceNumber")[:1]


def seconds_of(header: Dataset, groups: Dataset | None = None) -> float | None:
    """When an image was taken, in seconds; comparable within one series only. None where it is not stated."""
    inner = None if groups is None else _first(groups, "FrameContentSequence")
    if inner is not None:
        for keyword in ("FrameReferenceDateTime", "FrameAcquisitionDateTime"):
            moment = _moment(text_at(inner, keyword))
            if moment is not None:
                return moment
    moment = _moment(text_at(header, "AcquisitionDateTime"))
    if moment is not None:
        return moment
    clock = _seconds(text_at(header, "AcquisitionTime"))
    day = _days(text_at(header, "AcquisitionDate"))
    return None if clock is None else clock + 86400.0 * (day or 0)


def _moment(text: str) -> float | None:
    """Seconds of a DT value (PS3.5 6.2); its zone is left aside, as one series has one."""
    day, clock = _days(text[:8]), _seconds(text[8:])
    return None if day is None or clock is None else 86400.0 * day + clock


def _days(text: str) -> int | None:
    """Days from a date in the distant past; months count as in years without a leap day, which no series spans."""
    if len(text) < 8 or not text[:8].isdecimal():
        return None
    year, month, day = int(text[:4]), int(text[4:6]), int(text[6:8])
    return year * 366 + _MONTHS[month - 1] + day if 1 <= month <= 12 else None


def _seconds(text: str) -> float | None:
    """Seconds since midnight of a TM value (PS3.5 6.2)."""
    found = _CLOCK.match(text.replace(":", ""))
    if found is None:
        return None
    hours, minutes, seconds, part = found.groups()
    return int(hours) * 3600.0 + int(minutes or 0) * 60.0 + int(seconds or 0) + float(part or 0)
