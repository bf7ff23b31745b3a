"""Grey and Doppler pictures of one lesion: which ultrasound pictures of a study belong together, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, final

from pydicom.dataset import Dataset

from skiagraph.io.dicom.attributes import items_of, number, raw, whole, words
from skiagraph.io.dicom.suv import instant
from skiagraph.io.dicom.views import view_findings

__all__ = ["Lesion", "lesions", "shows_flow"]

_FLOW_DATA: Final = frozenset({2, 3, 4})  # Region Data Type: colour flow, spectral Doppler
_FLOW_BITS: Final = 0x04 | 0x08 | 0x10 | 0x20 | 0x100  # CW, PW, colour Doppler, colour M-mode, colour power
_APART: Final = 300.0  # s


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Lesion:
    """Pictures that belong together, by their place in the list that was asked about.

    Args:
        grey: The grey picture.
        doppler: The Doppler pictures, in the order of the list; at least one.
        reason: Why they are held to show one lesion.
    """

    grey: int
    doppler: tuple[int, ...]
    reason: str


def shows_flow(header: Dataset) -> bool:
    """Whether an ultrasound object says that it shows flow.

    By its regions, by the bits of Image Type value 4, or by Ultrasound Color Data Present. Three samples a pixel say
    nothing: most grey sonograms are stored in colour.

    Source: DICOM PS3.3 C.8.5.5.1.2, C.8.5.6.1.1, C.8.5.6.1.12.
    """
    items = items_of(header, "SequenceOfUltrasoundRegions")
    if any(whole(item, "RegionDataType") in _FLOW_DATA for item in items):
        return True
    kinds = words(header, "ImageType")
    if len(kinds) > 3 and _hexadecimal(kinds[3]) & _FLOW_BITS:
        return True
    return whole(header, "UltrasoundColorDataPresent") == 1


def _hexadecimal(text: str) -> int:
    try:
        return int(text, 16)
    except ValueError:
        return 0


def lesions(headers: Sequence[Dataset]) -> tuple[Lesion, ...]:
    """Which grey picture each Doppler picture belongs to.

    The rule: the same study; the same side and part of the body where the files state one, else the same series; and of
    the grey pictures that are left, the one nearest in time (at most five minutes apart), or where no times are stated
    the one with the nearest Instance Number. Where two are equally near, none: it is not guessed.

    Args:
        headers: Of single ultrasound pictures.

    Source: own; the attributes are those of DICOM PS3.3 C.7.2.1, C.7.3.1, C.7.6.1.
    """
    flow = [shows_flow(header) for header in headers]
    found: dict[int, list[int]] = {}
    reasons: dict[int, str] = {}
    for number_, header in enumerate(headers):
        if not flow[number_]:
            continue
        same, why = _fellows(header, [k for k, is_flow in enumerate(flow) if not is_flow], headers)
        near = _nearest(header, same, headers)
        if near is not None:
            found.setdefault(near, []).append(number_)
            reasons[near] = f"{why}; nearest grey picture."
    return tuple(Lesion(grey=g, doppler=tuple(d), reason=reasons[g]) for g, d in sorted(found.items()))


def _fellows(header: Dataset, grey: list[int], headers: Sequence[Dataset]) -> tuple[list[int], str]:
    study, place = raw(header, "StudyInstanceUID"), _place(header)
    if not study:
        return [], ""
    same = [k for k in grey if raw(headers[k], "StudyInstanceUID") == study]
    if any(place):
        return [k for k in same if _place(headers[k]) == place], "Same study, side and part of the body"
    series = raw(header, "SeriesInstanceUID")
    return [
        k for k in same if series and raw(headers[k], "SeriesInstanceUID") == series
    ], "Same study and series"


def _place(header: Dataset) -> tuple[str, str]:
    stated = view_findings(header)
    side, part = (
        stated[name].scores[0].code.value if name in stated else "" for name in ("laterality", "body_part")
    )
    return side, part


def _nearest(header: Dataset, same: list[int], headers: Sequence[Dataset]) -> int | None:
    at, order = _when(header), number(header, "InstanceNumber")
    apart: list[tuple[float, int]] = []
    for k in same:
        when, other = _when(headers[k]), number(headers[k], "InstanceNumber")
        if at is not None and when is not None:
            seconds = abs((at - when).total_seconds())
            if seconds <= _APART:
                apart.append((seconds, k))
        elif order is not None and other is not None:
            apart.append((abs(order - other), k))
    apart.sort()
    if not apart or (len(apart) > 1 and apart[0][0] == apart[1][0]):
        return None
    return apart[0][1]


def _when(header: Dataset) -> datetime | None:
    whole_time = instant(str(raw(header, "AcquisitionDateTime") or ""))
    if whole_time is not None:
        return whole_time
    for kind in ("Acquisition", "Content"):
        day, clock = raw(header, f"{kind}Date"), raw(header, f"{kind}Time")
        if day and clock:
            return instant(f"{day}{clock}")
    return None
