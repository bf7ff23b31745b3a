"""What an image says of itself that parts it from others, or that orders it among those of its own place."""

from __future__ import annotations

import re
from typing import Any, Final

from pydicom.dataset import Dataset

from skiagraph.io.dicom.diffusion import diffusion_of
from skiagraph.io.dicom.frame import Fact, Split, number_of, numbers_of, text_of, uid_of

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
_MONTHS: Final = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
_CLOCK: Final = re.compile(r"(\d{2})(\d{2})?(\d{2})?(\.\d+)?")
_LAYOUT: Final = frozenset(
    {"MOSAIC", "VFRAME"}
)  # values of ImageType that say how it is stored, not what it shows


def facts_of(header: Dataset, groups: Dataset | None = None) -> dict[str, Fact]:
    """Numbers in which the frames of one image may differ, by DICOM keyword in snake case."""
    facts: dict[str, Fact] = {}
    for name, (keyword, grouped) in _FACTS.items():
        value = number_of(header.get(keyword))
        if groups is not None and grouped is not None:
            inner = _first(groups, grouped[0])
            stated = None if inner is None else number_of(inner.get(grouped[1]))
            value = value if stated is None else stated
        if value is not None:
            facts[name] = round(value, 6)
    facts |= diffusion_of(header, groups)
    return facts


def parts_of(header: Dataset, groups: Dataset | None = None) -> dict[str, Split]:
    """What images of one stack have in common beside their size, orientation and spacing."""
    kind = image_type(header, groups)
    return {
        "patient": (
            text_of(header.get("PatientID")),
            text_of(header.get("PatientName")).rstrip("^").casefold(),
            text_of(header.get("PatientBirthDate")),
        ),
        "study": uid_of(header, "StudyInstanceUID"),
        "series": uid_of(header, "SeriesInstanceUID"),
        "frame_of_reference": uid_of(header, "FrameOfReferenceUID"),
        "modality": text_of(header.get("Modality")),
        "image_type": kind,
        "samples": text_of(header.get("SamplesPerPixel", 1)),
        "kernel": _words(header, groups, "ConvolutionKernel", "CTReconstructionSequence"),
        "stack": _words(Dataset(), groups, "StackID", "FrameContentSequence"),
        "segment": _words(Dataset(), groups, "ReferencedSegmentNumber", "SegmentIdentificationSequence"),
        "complex": _words(header, groups, "ComplexImageComponent", "MRImageFrameTypeSequence"),
    }


def image_type(header: Dataset, groups: Dataset | None = None) -> tuple[str, ...]:
    """ImageType (0008,0008), or FrameType (0008,9007), without the words that say how it is stored."""
    value: Any = header.get("ImageType")
    if groups is not None:
        for element in groups:
            if element.VR == "SQ" and element.value and element.value[0].get("FrameType"):
                value = element.value[0].get("FrameType")
                break
    if isinstance(value, str) or value is None:
        value = [value] if value else []
    return tuple(text_of(word) for word in value if text_of(word) not in _LAYOUT)


def _first(groups: Dataset, keyword: str) -> Dataset | None:
    sequence = groups.get(keyword)
    return sequence[0] if sequence else None


def _words(header: Dataset, groups: Dataset | None, keyword: str, sequence: str) -> str:
    inner = None if groups is None else _first(groups, sequence)
    value = header.get(keyword) if inner is None else inner.get(keyword, header.get(keyword))
    return text_of(value)


def order_of(header: Dataset) -> tuple[float, ...]:
    """The InstanceNumber, where there is one."""
    return numbers_of(header.get("InstanceNumber"))[:1]


def seconds_of(header: Dataset, groups: Dataset | None = None) -> float | None:
    """When an image was taken, in seconds; comparable within one series only. None where it is not stated."""
    inner = None if groups is None else _first(groups, "FrameContentSequence")
    if inner is not None:
        for keyword in ("FrameReferenceDateTime", "FrameAcquisitionDateTime"):
            moment = _moment(text_of(inner.get(keyword)))
            if moment is not None:
                return moment
    moment = _moment(text_of(header.get("AcquisitionDateTime")))
    if moment is not None:
        return moment
    clock = _seconds(text_of(header.get("AcquisitionTime")))
    day = _days(text_of(header.get("AcquisitionDate")))
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
