"""Frames to stacks: images that belong to one lattice, parted where patient, kind, orientation or size differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from skiagraph.errors import InvalidInput
from skiagraph.io.dicom.frame import Fact, Frame, Slice

__all__ = ["Stack", "stacks_of"]

_SAME: Final = 1e-3  # direction cosines, and parts of a spacing, that agree to this are the same
_AXES: Final = ("sagittal", "coronal", "axial")
_WORDS: Final = {
    "patient": "patient",
    "study": "study",
    "frame_of_reference": "frame of reference",
    "image_type": "image type",
    "complex": "component",
    "data_type": "kind of data",
    "modality": "modality",
    "samples": "colour",
    "kernel": "kernel",
    "stack": "stack",
    "segment": "segment",
    "energy_window": "energy window",
    "detector": "detector",
    "echo_time": "echo time",
    "b_value": "b value",
    "shape": "size",
    "orientation": "orientation",
    "spacing": "pixel spacing",
}
_COUNTED: Final = frozenset(
    {"patient", "study", "frame_of_reference"}
)  # named by a number: their values are private


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stack:
    """Frames that share patient, kind, orientation, size and spacing.

    Args:
        frames: At least one.
        name: What sets it apart from the other stacks of its series, e.g. ``"axial"``; empty where it is alone.

    Raises:
        InvalidInput: No frame.
    """

    frames: tuple[Frame, ...]
    name: str = ""

    def __post_init__(self) -> None:
        if not self.frames:
            raise InvalidInput("a stack has frames", got="none")

    @property
    def localizer(self) -> bool:
        """Whether it was made to plan others (DICOM PS3.3 C.8.2.1.1.1, C.8.3.1.1.1)."""
        kind = self.frames[0].parts.get("image_type")
        return isinstance(kind, tuple) and "LOCALIZER" in kind

    @property
    def projected(self) -> bool:
        """Whether it is a projection although it states a place: the scout of a CT."""
        return self.localizer and self.frames[0].parts.get("modality") == "CT"


def stacks_of(frames: Sequence[Frame]) -> tuple[tuple[Stack, ...], tuple[str, ...]]:
    """The stacks of one series.

    Args:
        frames: Of one SeriesInstanceUID, or of one object that states none.

    Returns:
        Stacks in the order of their first frames, and sentences about what parted them; none where there is one stack.
    """
    groups: dict[tuple[object, ...], list[Frame]] = {}
    for frame in frames:
        groups.setdefault((tuple(sorted(frame.parts.items(), key=str)), frame.shape), []).append(frame)
    split = [part for group in groups.values() for part in _by_direction(group)]
    split = [part for group in split for part in _by_weighting(group)]
    if len(split) == 1:
        return (Stack(frames=tuple(split[0])),), ()
    differs = _differing(split)
    names = _names(split, differs)
    stacks = tuple(Stack(frames=tuple(part), name=name) for part, name in zip(split, names, strict=True))
    return stacks, _said(split, differs)


def _by_direction(frames: list[Frame]) -> list[list[Frame]]:
    """Parted by orientation and pixel spacing, which are compared with a tolerance."""
    found: list[tuple[Slice | None, list[Frame]]] = []
    for frame in frames:
        for place, members in found:
            if _alike(place, frame.place):
                members.append(frame)
                break
        else:
            found.append((frame.place, [frame]))
    return [members for _, members in found]


def _alike(a: Slice | None, b: Slice | None) -> bool:
    if a is None or b is None:
        return a is b
    directions = max(float(np.abs(a.right - b.right).max()), float(np.abs(a.down - b.down).max()))
    return directions < _SAME and bool((np.abs(a.spacing - b.spacing) < _SAME * a.spacing).all())


def _by_weighting(frames: list[Frame]) -> list[list[Frame]]:
    """Echoes and b values that lie at places of their own are images of their own, never one volume."""
    if len(_places(frames)) < len(frames) or any(f.place is None for f in frames):
        return [frames]
    for fact in ("echo_time", "b_value"):
        groups: dict[Fact | None, list[Frame]] = {}
        for frame in frames:
            groups.setdefault(frame.facts.get(fact), []).append(frame)
        if 1 < len(groups) < len(frames):
            return list(groups.values())
    return [frames]


def _places(frames: Iterable[Frame]) -> set[tuple[float, ...]]:
    return {tuple(f.place.position.round(2).tolist()) for f in frames if f.place is not None}


def _value(frame: Frame, word: str) -> object:
    if word in ("echo_time", "b_value"):
        return frame.facts.get(word)
    if word == "shape":
        return frame.shape
    if word == "orientation":
        return None if frame.place is None else _direction(frame.place)
    if word == "spacing":
        return None if frame.place is None else tuple(frame.place.spacing.round(3).tolist())
    return frame.parts.get(word)


def _direction(place: Slice) -> str:
    """Axial, coronal or sagittal, whichever is closest."""
    return _AXES[int(np.abs(place.normal).argmax())]


def _differing(split: list[list[Frame]]) -> list[str]:
    found = [word for word in _WORDS if len({_value(part[0], word) for part in split}) > 1]
    turned = "orientation" not in found and any(
        not _alike(a[0].place, b[0].place) for a in split[:1] for b in split[1:]
    )
    return [*found, "orientation"] if turned and "spacing" not in found else found


def _names(split: list[list[Frame]], differs: list[str]) -> list[str]:
    """A short name for each stack; a number is added where two would have the same."""
    first: dict[tuple[str, object], int] = {}
    numbers: Counter[str] = Counter()
    names = []
    for part in split:
        words = []
        for word in differs:
            value = _value(part[0], word)
            if (word, value) not in first:
                numbers[word] += 1
                first[word, value] = numbers[word]
            words.append(_shown(word, value, first[word, value], split))
        names.append("-".join(w for w in words if w) or "part")
    many = Counter(names)
    seen: Counter[str] = Counter()
    for n, name in enumerate(names):
        if many[name] > 1:
            seen[name] += 1
            names[n] = f"{name}-{seen[name]}"
    return names


def _shown(word: str, value: object, number: int, split: list[list[Frame]]) -> str:
    if word == "orientation":
        return str(value or "")
    if word == "image_type" and isinstance(value, tuple):
        others = [_value(part[0], word) for part in split]
        common = set(value).intersection(*[set(o) for o in others if isinstance(o, tuple)])
        return "-".join(w.lower() for w in value if w not in common)
    if word in _COUNTED or value is None or isinstance(value, tuple):
        return f"{_WORDS[word].split()[0]}-{number}"
    if word in ("complex", "modality", "kernel", "data_type"):
        return "".join(c if c.isalnum() else "-" for c in str(value).lower()).strip("-")
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{_WORDS[word].replace(' ', '-')}-{shown}"


def _said(split: list[list[Frame]], differs: list[str]) -> tuple[str, ...]:
    uid = next((f.parts.get("series") for part in split for f in part), None)
    whole = f"series {uid}" if uid else split[0][0].source.name
    said = []
    if "patient" in differs:
        patients = len({_value(part[0], "patient") for part in split})
        said.append(f"The {whole} holds images of {patients} patients; they are kept apart.")
    words = ", ".join(_WORDS[word] for word in differs if word != "patient")
    if words:
        said.append(
            f"The {whole} holds {len(split)} stacks, which differ in {words}; each is an image of its own."
        )
    return tuple(said)
