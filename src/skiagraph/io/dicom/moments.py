"""One stack to the moments of one image: what lies at the same places and differs in time, echo or diffusion only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import FormatError
from skiagraph.geometry import Timeline
from skiagraph.io.dicom.frame import Fact, Frame
from skiagraph.io.dicom.quick import number_of, text_of
from skiagraph.io.dicom.source import Source

__all__ = ["Moments", "cine_of", "moments_of", "places_of"]

_NEAR: Final = 0.01  # mm along the normal within which images lie at one place
_NAMED: Final = 8  # files that a sentence names one by one
_RANKS: Final = ("trigger_time", "cardiac_phase", "frame_reference_time")
# By which of the facts that tell moments apart they are put in order, most telling first.
_ORDER: Final = (
    "temporal_position",
    "temporal_offset",
    "frame_reference_time",
    "phase",
    "time_slice",
    "rr_interval",
    "time_slot",
    "cardiac_phase",
    "trigger_time",
    "acquisition_number",
    "rotation",
    "angular_view",
    "inversion_time",
    "echo_number",
    "echo_time",
    "flip_angle",
    "kvp",
    "monoenergetic_energy",
)
_CLOCKS: Final = {"temporal_offset": 1.0, "frame_reference_time": 1e-3, "trigger_time": 1e-3}  # to seconds
_BY_NUMBER: Final = "nothing but their numbers tells them apart; they were taken as {} moments in that order."


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moments:
    """One image to be.

    Args:
        volumes: For each moment its frames, one a place, in the order of their places along the normal.
        timeline: When the moments were, and what differed; None where there is one.
        problems: What was noticed, one sentence each.
    """

    volumes: tuple[tuple[Frame, ...], ...]
    timeline: Timeline | None = None
    problems: tuple[str, ...] = ()


def places_of(frames: Iterable[Frame]) -> list[list[Frame]]:
    """Frames that have a place, gathered by it, in the order of their places along the common normal."""
    with_place = [(f, f.place) for f in frames if f.place is not None]
    if not with_place:
        return []
    normal = with_place[0][1].normal
    line = sorted(((float(p.position @ normal), n) for n, (_, p) in enumerate(with_place)))
    found: list[list[Frame]] = []
    last = -np.inf
    for along, n in line:
        if along - last > _NEAR:
            found.append([])
            last = along
        found[-1].append(with_place[n][0])
    return found


def moments_of(
    frames: Sequence[Frame], *, whole: str, same: Callable[[Frame, Frame], bool]
) -> tuple[Moments, ...]:
    """The images in one stack: moments that cover the same places are joined into one.

    Args:
        frames: Of one stack, each with a place.
        whole: What the frames are part of, for messages.
        same: Whether two frames have the same pixels; asked only where nothing else tells two frames apart.

    Raises:
        FormatError: Several images at one place that nothing tells apart; the message names the place.
    """
    places, said = _without_copies(places_of(frames), whole, same)
    if all(len(place) == 1 for place in places):
        return (Moments(volumes=(tuple(place[0] for place in places),), problems=said),)
    labels = _labels(places)
    groups: dict[tuple[Fact | None, ...], dict[int, list[Frame]]] = {}
    for n, place in enumerate(places):
        for frame in place:
            key = tuple(frame.facts.get(label) for label in labels)
            groups.setdefault(key, {}).setdefault(n, []).append(frame)
    by_cover: dict[tuple[int, ...], list[tuple[Frame, ...]]] = {}
    ranked: set[str] = set()
    for group in groups.values():
        volumes, rank = _in_rank(list(group.values()), whole)
        by_cover.setdefault(tuple(group), []).extend(volumes)
        ranked |= {rank} - {""}
    if "order" in ranked:
        count = sum(len(volumes) for volumes in by_cover.values())
        said = (*said, f"Several images of {whole} lie at each place, and {_BY_NUMBER.format(count)}")
    tell = [*labels, *sorted(ranked)]
    joined = [_joined(volumes, tell) for volumes in by_cover.values()]
    if len(joined) > 1:
        said = (
            *said,
            f"Not all moments of {whole} cover the same places; {len(joined)} images were made of them.",
        )
    return tuple(Moments(volumes=m.volumes, timeline=m.timeline, problems=said) for m in joined)


def cine_of(frames: Sequence[Frame]) -> Moments:
    """The moments of frames that have no place of their own: each is one, in the order of the file."""
    ordered = sorted(frames, key=lambda f: f.order)
    if len(ordered) == 1:
        return Moments(volumes=((ordered[0],),))
    volumes = tuple((frame,) for frame in ordered)
    return Moments(volumes=volumes, timeline=_timeline(volumes))


def _without_copies(
    places: list[list[Frame]], whole: str, same: Callable[[Frame, Frame], bool]
) -> tuple[list[list[Frame]], tuple[str, ...]]:
    """Places without what is there twice: one object in two files, or one image under two UIDs."""
    depths = [len(place) for place in places]
    suspect = len(set(depths)) > 1 or max(depths, default=0) == 2
    copies: dict[tuple[Source, int], None] = {}  # tiles of one mosaic count once
    kept = []
    for n, place in enumerate(places):
        stay: list[Frame] = []
        for frame in place:
            if any(_copied(frame, other, same, cheap=suspect or n == 0) for other in stay):
                copies[frame.source, frame.number] = None
            else:
                stay.append(frame)
        kept.append(stay)
    if not copies:
        return kept, ()
    names = list(dict.fromkeys(source.name for source, _ in copies))
    shown = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    many = "1 image" if len(copies) == 1 else f"{len(copies)} images"
    return kept, (f"{many} of {whole} came a second time and were left out: {shown}.",)


def _copied(a: Frame, b: Frame, same: Callable[[Frame, Frame], bool], *, cheap: bool) -> bool:
    """Pixels are compared where that is cheap, or where nothing at all tells the two apart: those would be refused."""
    if a.source == b.source:
        return False
    if a.uid is not None and (a.uid, a.number, a.corner) == (b.uid, b.number, b.corner):
        return True
    if dict(a.facts) != dict(b.facts) or a.seconds != b.seconds:
        return False
    return (cheap or a.order == b.order) and same(a, b)


def _labels(places: list[list[Frame]]) -> list[str]:
    """Facts that tell the images at one place apart and have the same values at other places."""
    found = []
    for name in sorted({name for place in places for frame in place for name in frame.facts}):
        here = [{frame.facts.get(name) for frame in place} for place in places]
        most = max(len(values) for values in here)
        if 1 < most == len(set().union(*here)):
            found.append(name)
    return found


def _in_rank(places: list[list[Frame]], whole: str) -> tuple[list[tuple[Frame, ...]], str]:
    """Volumes of places with equally many images each, and what orders them; ``""`` where each place has one."""
    depths = {len(place) for place in places}
    if depths == {1}:
        return [tuple(place[0] for place in places)], ""
    if len(depths) == 1:
        for rank in (*_RANKS, "seconds", "order"):
            ordered = [_sorted_by(rank, place) for place in places]
            if all(ordered):
                return list(zip(*ordered, strict=True)), rank
    crowded = max(places, key=len)
    place = crowded[0].place
    along = 0.0 if place is None else float(place.position @ place.normal)
    raise FormatError(
        f"{whole} has one image at each place, or as many at each",
        got=f"{len(crowded)} at {along:.2f} mm along its normal, which nothing tells apart",
        way_out="put each time, echo or kind of image into a folder of its own",
    )


def _sorted_by(rank: str, place: list[Frame]) -> list[Frame]:
    """The images at one place in the order of a fact; empty where it does not order them all."""
    keys = [_key(rank, frame) for frame in place]
    if None in keys or len(set(keys)) < len(keys):
        return []
    return [frame for _, frame in sorted(zip(keys, place, strict=True), key=lambda pair: _ordered(pair[0]))]


def _ordered(key: Fact | None) -> tuple[float, ...]:
    """A fact as numbers that can be ordered."""
    return () if key is None else key if isinstance(key, tuple) else (key,)


def _key(rank: str, frame: Frame) -> Fact | None:
    if rank == "seconds":
        return frame.seconds
    return (frame.order or None) if rank == "order" else frame.facts.get(rank)


def _joined(volumes: list[tuple[Frame, ...]], tell: list[str]) -> Moments:
    if len(volumes) == 1:
        return Moments(volumes=(volumes[0],))
    ordered = sorted(volumes, key=lambda v: _moment_key(v, tell))
    return Moments(volumes=tuple(ordered), timeline=_timeline(ordered))


def _moment_key(volume: Sequence[Frame], tell: list[str]) -> tuple[object, ...]:
    stated = [_mean(volume, name) for name in _ORDER if name in tell]
    seconds = [f.seconds for f in volume if f.seconds is not None]
    rest = [_ordered(volume[0].facts.get(name)) for name in ("b_value", "gradient_direction")]
    first = min(f.order for f in volume)
    return tuple(-np.inf if v is None else v for v in stated), min(seconds, default=0.0), first, *rest


def _mean(volume: Sequence[Frame], name: str) -> float | None:
    values = [f.facts.get(name) for f in volume]
    numbers = [v for v in values if isinstance(v, float)]
    return float(np.mean(numbers)) if len(numbers) == len(values) else None


def _timeline(volumes: Sequence[tuple[Frame, ...]]) -> Timeline:
    conditions: dict[str, NDArray[np.float64]] = {}
    for name in sorted({name for volume in volumes for frame in volume for name in frame.facts}):
        values = _condition(volumes, name)
        if values is not None:
            conditions[name] = values
    times = _seconds(volumes, conditions)
    if times is None:
        return Timeline(times=np.arange(len(volumes), dtype=np.float64), conditions=conditions)
    return Timeline(times=times - times[0], unit="s", conditions=conditions)


def _condition(volumes: Sequence[tuple[Frame, ...]], name: str) -> NDArray[np.float64] | None:
    """The value of a fact in each moment, where each has one and it changes more between moments than within."""
    try:
        within = [np.array([_ordered(f.facts[name]) for f in volume]) for volume in volumes]
        means = np.array([values.mean(0) for values in within])
    except (KeyError, ValueError):
        return None
    if means.ndim != 2 or np.ptp(means, axis=0).max() == 0:
        return None
    if any(np.ptp(values, axis=0).max() > np.ptp(means, axis=0).max() for values in within):
        return None
    return np.asarray(means[:, 0] if means.shape[1] == 1 else means, dtype=np.float64)


def _seconds(
    volumes: Sequence[tuple[Frame, ...]], conditions: dict[str, NDArray[np.float64]]
) -> NDArray[np.float64] | None:
    """When each moment was, in s; None where only their order is known."""
    for name, factor in _CLOCKS.items():
        if name in conditions and _rises(conditions[name]):
            return conditions[name] * factor
    stated = [[f.seconds for f in volume if f.seconds is not None] for volume in volumes]
    if all(stated):
        first = np.array([min(seconds) for seconds in stated])
        if _rises(first):
            return first
    return None if conditions else _repeated(volumes)


def _rises(values: NDArray[np.float64]) -> bool:
    return values.ndim == 1 and bool((np.diff(values) > 0).all())


def _repeated(volumes: Sequence[tuple[Frame, ...]]) -> NDArray[np.float64] | None:
    """Of echo-planar series, which take one volume in each repetition (DICOM PS3.3 C.8.3.1)."""
    header = volumes[0][0].header
    words = header.get("ScanningSequence")
    planar = "EP" in ([words] if isinstance(words, str) else [text_of(word) for word in words or ()])
    repetition = number_of(header.get("RepetitionTime"))
    if (
        not planar
        or repetition is None
        or repetition <= 0
        or text_of(header.get("MRAcquisitionType")) == "3D"
    ):
        return None
    return np.arange(len(volumes), dtype=np.float64) * (repetition / 1000.0)
