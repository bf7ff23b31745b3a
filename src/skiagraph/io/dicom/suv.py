"""Standardized uptake value by body weight: the factor of a PET image, or the reason why it has none."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, final

from pydicom.dataset import Dataset

from skiagraph.image import Quantity
from skiagraph.image.quantity import SUV
from skiagraph.io.dicom.attributes import item_of, number, private, raw, word, words
from skiagraph.io.dicom.quantities import quantity_of

__all__ = ["Uptake", "body_weight", "instant"]

_PHILIPS: Final = "Philips PET Private Group"
_GE: Final = "GEMS_PETD_01"
_LEAST_DOSE: Final = 1e5  # Bq; less is a dose in MBq written where Bq are asked for
_MOST_HALVINGS: Final = 20.0
_SHORT: Final = 40_000.0  # s; nuclides that live longer may have been injected on another day
_DAY: Final = timedelta(days=1)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Uptake:
    """How the values of a PET image become standardized uptake values.

    Args:
        factor: What the values of `meant` are multiplied with; None where there is no way, and they stay what they are.
        quantity: Of the values after that.
        explanation: How the factor came about, or why there is none: one sentence.
    """

    factor: float | None
    quantity: Quantity
    explanation: str


class _No(Exception):
    """Why there is no factor; never leaves this file."""


def body_weight(header: Dataset, first: datetime | None = None) -> Uptake:
    """The factor from the values of a PET image to standardized uptake values by body weight, g/ml.

    Args:
        header: One image; factors may differ from slice to slice.
        first: The earliest acquisition time of the series, for series whose own time is later than that.

    Source: QIBA profile FDG-PET/CT, "Standardized Uptake Value" (vendor-neutral pseudo-code); DICOM PS3.3 C.8.9.1,
    C.8.9.2, C.8.9.4.
    """
    units, quantity = word(header, "Units"), quantity_of(header)
    if units == "GML":
        return Uptake(factor=1.0, quantity=quantity, explanation="The file holds standardized uptake values.")
    try:
        factor, how = _factor(header, units, first)
    except _No as why:
        sentence = f"It has no standardized uptake values: {why}."
        return Uptake(factor=None, quantity=quantity, explanation=sentence)
    return Uptake(factor=factor, quantity=SUV, explanation=how)


def _factor(header: Dataset, units: str, first: datetime | None) -> tuple[float, str]:
    if units not in {"BQML", "CNTS"}:
        raise _No(f"its units are {units or 'not stated'}")
    done = words(header, "CorrectedImage")
    if "ATTN" not in done:
        raise _No("its values are not corrected for attenuation")
    if "DECY" not in done and word(header, "DecayCorrection") != "NONE":
        raise _No("it does not say that its values are corrected for decay")
    return _philips(header, first) if units == "CNTS" else _per_activity(header, first)


def _philips(header: Dataset, first: datetime | None) -> tuple[float, str]:
    """Counts: by Philips' own factor to uptake, or by the one to Bq/ml."""
    own = _value(private(header, _PHILIPS, 0x7053, 0x00))
    if own:
        return own, "The maker's own factor (7053,xx00) from counts to uptake."
    activity = _value(private(header, _PHILIPS, 0x7053, 0x09))
    if not activity:
        raise _No("its counts come without the maker's factor to activity")
    factor, how = _per_activity(header, first)
    return factor * activity, f"{how} Counts became Bq/ml by the maker's factor (7053,xx09)."


def _value(value: Any) -> float | None:
    """A private decimal, whatever type its reader gave it; None where it is no positive number."""
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else value
    try:
        found = float(str(text).strip("\0 "))
    except ValueError:
        return None
    return found if math.isfinite(found) and found > 0 else None


def _per_activity(header: Dataset, first: datetime | None) -> tuple[float, str]:
    """Grams of body weight over the dose that is left at the time to which the values are corrected, 1/(Bq/ml)."""
    weight = number(header, "PatientWeight")
    if weight is None or weight <= 0:
        raise _No("the weight of the patient is not stated")
    tracer = item_of(header, "RadiopharmaceuticalInformationSequence")
    dose, half_life = number(tracer, "RadionuclideTotalDose"), number(tracer, "RadionuclideHalfLife")
    if dose is None or dose <= 0:
        raise _No("the injected dose is not stated")
    if dose < _LEAST_DOSE:
        raise _No(f"an injected dose of {dose:g} Bq cannot be")
    correction = word(header, "DecayCorrection")
    if correction == "ADMIN":
        return (
            weight * 1000 / dose,
            "Body weight over the injected dose; values are corrected to the injection.",
        )
    if half_life is None or half_life <= 0:
        raise _No("the half-life of the nuclide is not stated")
    if correction == "START":
        at, whence = _scan_start(header, half_life, first)
    elif correction == "NONE":
        at, whence = _middle_of_frame(header, half_life), "the middle of the frame"
    else:
        raise _No("the time to which its values are decay corrected is not stated")
    seconds = _since_injection(header, tracer, at, half_life)
    left = dose * 2.0 ** (-seconds / half_life)
    return (
        weight * 1000 / left,
        f"Body weight over the dose left at {whence}, {seconds:.0f} s after injection.",
    )


def _scan_start(header: Dataset, half_life: float, first: datetime | None) -> tuple[datetime, str]:
    """When the scan began, which is what START means for a scan of several beds.

    The time of the series, unless that is later than an acquisition in it: then the series was made afterwards, and the
    start is what GE keeps, or what the time of the frame tells, or the earliest acquisition.
    """
    series, acquired = _series(header), _acquired(header)
    if series is not None and (acquired is None or series <= acquired):
        return series, "the time of the series"
    kept = private(header, _GE, 0x0009, 0x0D)
    stated = instant(kept.decode("ascii", "replace") if isinstance(kept, bytes) else str(kept or ""))
    if stated is not None:
        return stated, "the start of the scan by GE's own element (0009,xx0D)"
    reference = number(header, "FrameReferenceTime")
    duration = number(header, "ActualFrameDuration")
    if acquired is not None and reference and duration and reference > 0 and duration > 0:
        offset = _average_moment(duration / 1000, half_life) - reference / 1000
        return acquired + timedelta(
            seconds=offset
        ), "the start of the scan by the reference time of the frame"
    if first is not None:
        return first, "the earliest acquisition of the series"
    raise _No("its series was made after the scan, and the start of the scan is not stated")


def _middle_of_frame(header: Dataset, half_life: float) -> datetime:
    acquired, duration = _acquired(header), number(header, "ActualFrameDuration")
    if acquired is None:
        raise _No("the time of the acquisition is not stated")
    if duration is None or duration <= 0:
        raise _No("its values are not decay corrected and the duration of the frame is not stated")
    return acquired + timedelta(seconds=_average_moment(duration / 1000, half_life))


def _average_moment(duration: float, half_life: float) -> float:
    """Seconds from the start of a frame to when the count rate is that of the frame's average."""
    decay = math.log(2) / half_life * duration
    return duration / 2 if decay < 1e-9 else duration / decay * math.log(decay / -math.expm1(-decay))


def _since_injection(header: Dataset, tracer: Dataset | None, at: datetime, half_life: float) -> float:
    """Seconds from the injection to `at`: by date and time where both are stated and can be, else by time of day.

    Dates inside sequences often keep their day where de-identification moved all others; then the time of day holds.
    """
    stated = instant(str(raw(tracer, "RadiopharmaceuticalStartDateTime") or ""), _zone(header))
    if stated is not None:
        seconds = (at - stated).total_seconds()
        if 0 <= seconds <= _MOST_HALVINGS * half_life:
            return seconds
    clock = str(raw(tracer, "RadiopharmaceuticalStartTime") or "")
    if not clock and stated is not None:
        clock = stated.strftime("%H%M%S.%f")
    started = instant(at.strftime("%Y%m%d") + clock) if clock else None
    if started is None:
        raise _No("the time of the injection is not stated")
    if half_life > _SHORT:
        raise _No("the day of the injection of a long-lived nuclide is not stated")
    if started > at:  # the scan crossed midnight
        started -= _DAY
    seconds = (at - started).total_seconds()
    if seconds > _MOST_HALVINGS * half_life:
        raise _No(f"{seconds / half_life:.0f} half-lives between injection and scan cannot be")
    return seconds


def _series(header: Dataset) -> datetime | None:
    return _joined(header, "SeriesDate", "SeriesTime")


def _acquired(header: Dataset) -> datetime | None:
    apart = _joined(header, "AcquisitionDate", "AcquisitionTime") or _joined(
        header, "SeriesDate", "AcquisitionTime"
    )
    return apart or instant(str(raw(header, "AcquisitionDateTime") or ""), _zone(header))


def _joined(header: Dataset, date: str, time: str) -> datetime | None:
    day, clock = raw(header, date), raw(header, time)
    return instant(f"{day}{clock}") if day and clock else None


def _zone(header: Dataset) -> str:
    return str(raw(header, "TimezoneOffsetFromUTC") or "").strip()


def instant(text: str, zone: str = "") -> datetime | None:
    """A date and time of DICOM (DT, or DA followed by TM) as the clocks of its object show it; None where it is none.

    Args:
        text: ``YYYYMMDDHHMMSS.FFFFFF&ZZXX``; seconds, their fraction and the zone may be missing.
        zone: ``&ZZXX`` of the object's clocks; where both zones are known, the time is brought to them.

    Source: DICOM PS3.5 6.2.
    """
    parts = re.fullmatch(
        r"(\d{8})(\d{2}):?(\d{2}):?(\d{2})?(\.\d{1,6})?\d*\s*([+-]\d{4})?", text.strip("\0 ")
    )
    if parts is None:
        return None
    day, hour, minute, second, fraction, own = parts.groups()
    try:
        found = datetime(int(day[:4]), int(day[4:6]), int(day[6:]), int(hour), int(minute))  # noqa: DTZ001 - by the clocks of the object
    except ValueError:
        return None
    found += timedelta(seconds=min(int(second or 0), 59) + float(fraction or 0))
    if own and zone and re.fullmatch(r"[+-]\d{4}", zone):
        found += timedelta(minutes=_minutes(zone) - _minutes(own))
    return found


def _minutes(zone: str) -> int:
    return int(zone[0] + "1") * (int(zone[1:3]) * 60 + int(zone[3:]))
