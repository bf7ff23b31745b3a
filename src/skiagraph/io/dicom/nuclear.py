"""Frames of nuclear medicine: which energy window, detector, angle, phase and time each has, and which view it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset

from skiagraph.io.dicom.attributes import (
    code_of,
    item_of,
    items_of,
    lattice_of,
    number,
    numbers,
    raw,
    word,
    words,
)
from skiagraph.io.dicom.views import VIEWS, modern
from skiagraph.values import frozen

__all__ = ["NuclearFrames", "Views", "nuclear_frames", "nuclear_views"]

_VECTORS: Final = {
    "EnergyWindowVector": "energy_window",
    "DetectorVector": "detector",
    "PhaseVector": "phase",
    "RotationVector": "rotation",
    "RRIntervalVector": "rr_interval",
    "TimeSlotVector": "time_slot",
    "SliceVector": "slice",
    "AngularViewVector": "angular_view",
    "TimeSliceVector": "time_slice",
}
"""The vectors that Frame Increment Pointer (0028,0009) names, DICOM PS3.3 C.8.4.8.1.1."""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NuclearFrames:
    """What each frame of a nuclear medicine object is.

    Args:
        axes: Numbers from 1, shape (n,), one array for each axis that the object has: ``"energy_window"``,
            ``"detector"``, ``"phase"``, ``"rotation"``, ``"rr_interval"``, ``"time_slot"``, ``"slice"``,
            ``"angular_view"``, ``"time_slice"``. The first varies slowest.
        conditions: What follows for each frame, shape (n,), where it is stated: ``"energy_window_lower_limit"`` and
            ``"energy_window_upper_limit"`` keV, ``"angle"`` degrees (0 at the patient's back, rising counter-clockwise
            seen from the feet), ``"frame_duration"`` s, ``"time"`` s from the first frame (dynamic) or from the R wave
            (gated).
    """

    axes: Mapping[str, NDArray[np.int64]]
    conditions: Mapping[str, NDArray[np.float64]]

    def __post_init__(self) -> None:
        for name in ("axes", "conditions"):
            arrays = {key: frozen(value) for key, value in getattr(self, name).items()}
            object.__setattr__(self, name, MappingProxyType(arrays))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """Pictures of one object by the names that their case gives them.

    Args:
        frames: Index of the frames (from 0) by name: ``"anterior"``, ``"posterior"``, else ``"detector_1"``...; with
            ``"_window_2"`` where there are several energy windows.
        problems: What was noticed, one sentence each.
    """

    frames: Mapping[str, tuple[int, ...]]
    problems: tuple[str, ...] = ()


def nuclear_frames(header: Dataset) -> NuclearFrames:
    """Axes and conditions of the frames of an NM object.

    Source: DICOM PS3.3 C.8.4.8 (multi-frame), C.8.4.10 (isotope), C.8.4.11 (detector), C.8.4.12 (tomography), C.8.4.13
    (multi-gated), C.8.4.14 (phase).
    """
    count, _, _ = lattice_of(header)
    axes: dict[str, NDArray[np.int64]] = {}
    for keyword in _pointers(header):
        vector = numbers(header, keyword)
        if keyword in _VECTORS and len(vector) == count:
            axes[_VECTORS[keyword]] = np.asarray(vector, dtype=np.int64)
    found = {**_windows(header, axes), **_angles(header, axes), **_times(header, axes)}
    return NuclearFrames(axes=axes, conditions={name: v for name, v in found.items() if v is not None})


def _pointers(header: Dataset) -> tuple[str, ...]:
    value = raw(header, "FrameIncrementPointer")
    several = value if isinstance(value, Iterable) and not isinstance(value, (str, bytes)) else [value]
    return tuple(keyword_for_tag(tag) for tag in several if isinstance(tag, int))


def _picked(values: list[float | None], which: NDArray[np.int64] | None) -> NDArray[np.float64] | None:
    """For each frame the value of its item; None where one has none or there is no such axis."""
    if which is None or not values or which.min() < 1 or which.max() > len(values):
        return None
    if any(value is None for value in values):
        return None
    return np.asarray(values, dtype=np.float64)[which - 1]


def _windows(header: Dataset, axes: Mapping[str, NDArray[np.int64]]) -> dict[str, Any]:
    ranges = [
        item_of(item, "EnergyWindowRangeSequence")
        for item in items_of(header, "EnergyWindowInformationSequence")
    ]
    return {
        f"energy_window_{end}_limit": _picked(
            [number(item, f"EnergyWindow{end.capitalize()}Limit") for item in ranges],
            axes.get("energy_window"),
        )
        for end in ("lower", "upper")
    }


def _angles(header: Dataset, axes: Mapping[str, NDArray[np.int64]]) -> dict[str, Any]:
    """Angle of the detector at each view: its start, and steps in the direction of its rotation."""
    views, rotations = axes.get("angular_view"), items_of(header, "RotationInformationSequence")
    if views is None or not rotations:
        return {}
    which = axes.get("rotation", np.ones_like(views))
    starts = _picked([number(item, "StartAngle") for item in rotations], which)
    own = [number(item, "StartAngle") for item in items_of(header, "DetectorInformationSequence")]
    by_detector = _picked(own, axes.get("detector"))
    starts = by_detector if by_detector is not None else starts
    steps = _picked([number(item, "AngularStep") for item in rotations], which)
    if starts is None or steps is None:
        return {}
    ways: list[float | None] = [
        -1.0 if word(item, "RotationDirection") == "CW" else 1.0 for item in rotations
    ]
    signs = _picked(ways, which)
    return {"angle": None if signs is None else (starts + signs * steps * (views - 1)) % 360.0}


def _times(header: Dataset, axes: Mapping[str, NDArray[np.int64]]) -> dict[str, Any]:
    """Durations and times, s: of the phases of a dynamic study, or of the slots of a gated one."""
    slots = axes.get("time_slot")
    gated = item_of(item_of(header, "GatedInformationSequence"), "DataInformationSequence")
    width = number(gated, "FrameTime")
    if slots is not None and width is not None and width > 0:
        return {"time": (slots - 1) * width / 1000.0, "frame_duration": np.full(slots.shape, width / 1000.0)}
    phases = axes.get("phase")
    durations = _picked(
        [number(item, "ActualFrameDuration") for item in items_of(header, "PhaseInformationSequence")], phases
    )
    if durations is None or phases is None:
        return {}
    seconds = durations / 1000.0
    if {"detector", "energy_window"} & {name for name in axes if len(np.unique(axes[name])) > 1}:
        return {"frame_duration": seconds}
    pauses = [
        (number(item, "PhaseDelay") or 0.0) / 1000.0 for item in items_of(header, "PhaseInformationSequence")
    ]
    begin = np.asarray(pauses)[phases - 1] * (np.diff(phases, prepend=0) != 0)
    times = np.cumsum(np.concatenate([[0.0], seconds[:-1]])) + np.cumsum(begin) - begin[0]
    return {"frame_duration": seconds, "time": times}


def nuclear_views(header: Dataset) -> Views:
    """Which frames are the anterior and the posterior picture, of static and whole-body objects.

    By the view that each detector states, else by where it stood: at 180 degrees it looks at the front, at 0 degrees at
    the back of the patient.

    Returns:
        No frames for tomography.

    Source: DICOM PS3.3 C.8.4.11 (View Code Sequence, Start Angle), C.8.4.9.1.1 (Image Type).
    """
    if any("TOMO" in kind for kind in words(header, "ImageType")):
        return Views(frames={})
    axes, (count, _, _) = nuclear_frames(header).axes, lattice_of(header)
    detectors = axes.get("detector", np.ones(count, dtype=np.int64))
    windows = axes.get("energy_window", np.ones(count, dtype=np.int64))
    several = len(np.unique(windows)) > 1
    names, said = _names(header, [int(d) for d in np.unique(detectors)])
    found: dict[str, list[int]] = {}
    for frame, (detector, window) in enumerate(zip(detectors.tolist(), windows.tolist(), strict=True)):
        name = names[detector] + (f"_window_{window}" if several else "")
        found.setdefault(name, []).append(frame)
    return Views(frames={name: tuple(frames) for name, frames in found.items()}, problems=said)


def _names(header: Dataset, detectors: list[int]) -> tuple[dict[int, str], tuple[str, ...]]:
    items = items_of(header, "DetectorInformationSequence")
    stated = {d: _stated(items[d - 1]) if 0 < d <= len(items) else None for d in detectors}
    if all(stated.values()) and len(set(stated.values())) == len(detectors):
        return {d: str(name) for d, name in stated.items()}, ()
    angles = {d: number(items[d - 1], "StartAngle") if 0 < d <= len(items) else None for d in detectors}
    placed = {
        d: {180.0: "anterior", 0.0: "posterior"}.get((a or 0.0) % 360.0)
        for d, a in angles.items()
        if a is not None
    }
    if (
        len(detectors) > 1
        and len(placed) == len(detectors)
        and set(placed.values()) == {"anterior", "posterior"}
    ):
        said = "Its views are not stated; the detectors' angles tell which is anterior."
        return {d: str(name) for d, name in placed.items()}, (said,)
    if len(detectors) == 1:
        return {detectors[0]: "image"}, ()
    return {d: f"detector_{d}" for d in detectors}, ("Its views are not stated.",)


def _stated(item: Dataset) -> str | None:
    code = code_of(item, "ViewCodeSequence")
    if code is None:
        return None
    known = {VIEWS["ANTERIOR"]: "anterior", VIEWS["POSTERIOR"]: "posterior"}.get(modern(code))
    meaning = code.meaning.lower()
    by_word = [name for name in ("anterior", "posterior") if meaning.startswith(name)]
    return known or (by_word[0] if by_word and "oblique" not in meaning else None)
