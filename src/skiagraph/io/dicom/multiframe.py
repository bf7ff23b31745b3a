"""Classic objects to frames: one image, a cine, the planes of a dose, or the vectors of nuclear medicine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from pydicom.dataset import Dataset

from skiagraph.errors import FormatError
from skiagraph.io.dicom.facts import facts_of, image_type, order_of, parts_of, seconds_of
from skiagraph.io.dicom.frame import Fact, Frame, Slice, Split, place_of, slice_of
from skiagraph.io.dicom.nuclear import nuclear_frames
from skiagraph.io.dicom.quick import has, number_of, numbers_at, numbers_of, text_at
from skiagraph.io.dicom.source import Source

__all__ = ["classic_frames"]

# By what a vector counts: what parts images, and what one image may hold several of (DICOM PS3.3 C.8.4.8).
_PARTING: Final = {"energy_window": "EnergyWindowVector", "detector": "DetectorVector"}
_RECONSTRUCTED: Final = frozenset({"RECON TOMO", "RECON GATED TOMO"})
_ORDERING: Final = {
    "phase": "PhaseVector",
    "rotation": "RotationVector",
    "rr_interval": "RRIntervalVector",
    "time_slot": "TimeSlotVector",
    "angular_view": "AngularViewVector",
    "time_slice": "TimeSliceVector",
}

_OF_PROJECTIONS: Final = (
    "angle",
    "frame_duration",
)  # degrees, s: what else the frames of a film may differ in


def classic_frames(source: Source, header: Dataset) -> tuple[Frame, ...]:
    """The frames of an object without functional groups.

    Args:
        source: Where it lies.
        header: All of it but its pixels.

    Raises:
        FormatError: Offsets or vectors that do not fit its number of frames.
    """
    rows, columns = (int(numbers_at(header, word)[0]) for word in ("Rows", "Columns"))
    count = int((numbers_at(header, "NumberOfFrames") or (1.0,))[0]) or 1
    if has(header, "GridFrameOffsetVector") and header.get("GridFrameOffsetVector"):
        places: Sequence[Slice | None] = _dose_places(header, count)
    elif text_at(header, "Modality") == "NM":
        return _nuclear_frames(source, header, count)
    elif count == 1:
        places = [place_of(header)]
    else:
        places = [None] * count
    parts, facts, order = parts_of(header), facts_of(header), order_of(header)
    times = [seconds_of(header)] if count == 1 else _cine_seconds(header, count)
    return tuple(
        Frame(
            source=source,
            header=header,
            shape=(rows, columns),
            number=n,
            place=places[n],
            parts=parts,
            facts=facts,
            seconds=times[n],
            order=order if count == 1 else (*(order or (0.0,)), float(n)),
        )
        for n in range(count)
    )


def _cine_seconds(header: Dataset, count: int) -> list[float | None]:
    """Times of a cine (DICOM PS3.3 C.7.6.5), which FrameTimeVector or FrameTime state in ms."""
    steps = numbers_of(header.get("FrameTimeVector"))
    if len(steps) == count and all(s > 0 for s in steps[1:]):
        return list(np.cumsum([0.0, *steps[1:]]) / 1000.0)
    step = number_of(header.get("FrameTime"))
    if step is not None and step > 0:
        return [n * (step / 1000.0) for n in range(count)]
    return [None] * count


def _dose_places(header: Dataset, count: int) -> list[Slice]:
    """Planes of a dose (DICOM PS3.3 C.8.8.3.2): offsets from the first plane, or places along z."""
    first, offsets = place_of(header), np.array(numbers_of(header.get("GridFrameOffsetVector")))
    if first is None or len(offsets) != count:
        raise FormatError(
            "a dose states its place and one offset for each of its planes",
            got=f"{len(offsets)} offsets for {count} planes",
        )
    z = float(first.position[2])
    if offsets[0] != 0 and abs(offsets[0] - z) < 1e-3:
        offsets = (offsets - offsets[0]) * float(np.sign(first.normal[2]))
    return [first.moved(0, 0, first.normal * offset) for offset in offsets]


def _nuclear_frames(source: Source, header: Dataset, count: int) -> tuple[Frame, ...]:
    vectors = {name: _vector(header, keyword, count) for name, keyword in (_PARTING | _ORDERING).items()}
    slices = _vector(header, "SliceVector", count)
    phases, known = _phases(header), nuclear_frames(header).conditions
    common, order = facts_of(header), order_of(header)
    frames = []
    for n in range(count):
        parts: dict[str, Split] = parts_of(header)
        parts |= {name: vectors[name][n] for name in _PARTING if vectors[name]}
        facts: dict[str, Fact] = common | {name: vectors[name][n] for name in _ORDERING if vectors[name]}
        place = _nuclear_place(header, vectors["detector"], slices, n)
        if place is None:
            facts |= {name: round(float(known[name][n]), 6) for name in _OF_PROJECTIONS if name in known}
        frames.append(
            Frame(
                source=source,
                header=header,
                shape=(int(header.Rows), int(header.Columns)),
                number=n,
                place=place,
                parts=parts,
                facts=facts,
                seconds=_nuclear_seconds(phases, vectors, n),
                order=(*(order or (0.0,)), float(n)),
            )
        )
    return tuple(frames)


def _vector(header: Dataset, keyword: str, count: int) -> tuple[float, ...]:
    found = numbers_of(header.get(keyword))
    if found and len(found) != count:
        raise FormatError(
            f"a {keyword} counts each frame of its object", got=f"{len(found)} numbers for {count} frames"
        )
    return found


def _nuclear_place(
    header: Dataset, detectors: tuple[float, ...], slices: tuple[float, ...], n: int
) -> Slice | None:
    """Of a reconstructed slice; projections have no place. Source: DICOM PS3.3 C.8.4.15 (NM reconstruction)."""
    if not _RECONSTRUCTED.intersection(image_type(header)) or not slices:
        return None
    sequence: Any = header.get("DetectorInformationSequence")
    at = int(detectors[n]) - 1 if detectors else 0
    detector = sequence[at] if sequence and 0 <= at < len(sequence) else header
    orientation = detector.get("ImageOrientationPatient") or header.get("ImageOrientationPatient")
    position = detector.get("ImagePositionPatient") or header.get("ImagePositionPatient")
    spacing, step = header.get("PixelSpacing"), number_of(header.get("SpacingBetweenSlices"))
    step = number_of(header.get("SliceThickness")) if step is None else step
    if not orientation or not position or not spacing or not step:
        return None
    first = slice_of(orientation, position, spacing)
    return first.moved(0, 0, first.normal * (step * (slices[n] - 1)))


def _phases(header: Dataset) -> list[tuple[float, float]]:
    """For each phase of a dynamic study, when it begins and how long its frames take, in s."""
    phases, now = [], 0.0
    for phase in header.get("PhaseInformationSequence") or ():
        lasts = number_of(phase.get("ActualFrameDuration"))
        many = number_of(phase.get("NumberOfFramesInPhase"))
        if lasts is None or many is None or lasts <= 0:
            return []
        step = (lasts + (number_of(phase.get("PauseBetweenFrames")) or 0.0)) / 1000.0
        now += (number_of(phase.get("PhaseDelay")) or 0.0) / 1000.0
        phases.append((now, step))
        now += step * many
    return phases


def _nuclear_seconds(
    phases: list[tuple[float, float]], vectors: dict[str, tuple[float, ...]], n: int
) -> float | None:
    phase = int(vectors["phase"][n]) if vectors["phase"] else 1
    if not 0 < phase <= len(phases):
        return None
    start, step = phases[phase - 1]
    return start + step * ((vectors["time_slice"][n] if vectors["time_slice"] else 1.0) - 1.0)
