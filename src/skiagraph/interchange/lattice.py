"""From frames to the lattice on which they lie: which slice and moment each is, and where slice 0 lies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import FormatError
from skiagraph.interchange.facts import Source
from skiagraph.interchange.frames import Frames

__all__ = ["Lattice", "lattice_of"]

_SAME: Final = 1e-3  # mm, within which two frames lie in one slice
_EVEN: Final = (0.01, 0.05)  # mm, and part of a step: by what a slice may lie off its even place
_BESIDE: Final = (0.1, 0.02)  # mm, and part of a step: by what it may lie beside the line of the others
_FEW, _SPARSEST = 4096, 64  # frames, and times the frames that an object has, that its lattice may hold


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lattice:
    """Where frames lie.

    Args:
        moment: Shape (n,), index of each frame.
        slice: Shape (n,), index of each frame, along the normal of their planes where they lie in the patient.
        moments: How many there are; None where nothing moves.
        slices: How many there are.
        affine: Shape (4, 4), from (slice, row, column, 1) to mm in the patient; None where they lie nowhere in it.
    """

    moment: NDArray[np.int64]
    slice: NDArray[np.int64]
    moments: int | None
    slices: int
    affine: NDArray[np.float64] | None


def lattice_of(frames: Frames, order: Sequence[str], rest: Mapping[str, Any]) -> Lattice:
    """The lattice of some frames. Slices that were left out between others are part of it.

    Args:
        frames: The frames.
        order: SOPInstanceUIDs of the sources, in their order in time where places do not tell them apart.
        rest: What is remembered beside the attributes.

    Raises:
        FormatError: Slices that do not lie evenly on one line, or frames that nothing tells apart.
    """
    affine, number, slices = None, np.zeros(len(frames.segments), np.int64), 1
    stacked = _is_stack(frames, rest)
    if frames.positions is not None and frames.orientation is not None and frames.spacing is not None:
        affine, number, slices = _in_patient(frames, rest.get("step"))
    elif stacked and frames.stack is not None:
        number = frames.stack - 1
        slices = int(number.max()) + 1
    if frames.moments is not None and ("timeline" in rest or int(frames.moments.max()) > 1):
        moments: int | None = int(frames.moments.max())
        moment = frames.moments - 1
    else:
        moment, moments = _moments(frames, number, order, pictured=affine is None and not stacked)
    if min(int(number.min()), int(moment.min())) < 0 or slices * (moments or 1) > _FEW + _SPARSEST * len(
        number
    ):
        raise FormatError(
            "the lattice of an object is about as large as its frames are many",
            got=f"{slices} slices, {moments or 1} moments, {len(number)} frames",
        )
    return Lattice(moment=moment, slice=number, moments=moments, slices=slices, affine=affine)


def _is_stack(frames: Frames, rest: Mapping[str, Any]) -> bool:
    """Whether frames without a place are slices of a volume of unknown size, and not one picture."""
    known = rest.get("space")
    if known is not None:
        return len(known["affine"]) == 4
    return frames.stack is not None and int(frames.stack.max()) > 1


def _in_patient(
    frames: Frames, step: Sequence[float] | None
) -> tuple[NDArray[np.float64] | None, NDArray[np.int64], int]:
    positions, turn, spacing = _given(frames)
    right, down = (v / np.linalg.norm(v) for v in (turn[:3], turn[3:]))
    normal = np.cross(right, down)
    along = positions @ normal
    order = np.argsort(along, kind="stable")
    begins = np.concatenate([[True], np.diff(along[order]) > _SAME])
    rank = np.empty(len(order), np.int64)
    rank[order] = np.cumsum(begins) - 1
    places = positions[order[begins]]
    if len(places) == 1:
        way = np.array(step) if step is not None else normal * frames.gap if frames.gap else None
        index = np.zeros(1, np.int64)
    else:
        index = _even(along[order[begins]], frames.gap)
        way = (places[-1] - places[0]) / index[-1]
        _check_line(places, index, way)
    if way is None:  # one slice of unknown thickness is a picture
        return None, rank, 1
    affine = np.eye(4)
    affine[:3] = np.stack([way, down * spacing[0], right * spacing[1], places[0]], axis=1)
    return affine, index[rank], int(index[-1]) + 1


def _given(frames: Frames) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[float, float]]:
    if frames.positions is None or frames.orientation is None or frames.spacing is None:
        raise FormatError(
            "frames in the patient have position, orientation and spacing", got="one of them not"
        )
    return frames.positions, frames.orientation, frames.spacing


def _even(heights: NDArray[np.float64], gap: float | None) -> NDArray[np.int64]:
    """The indices of slices on an even lattice: of the stated step where they lie on it, else of the smallest."""
    differences = np.diff(heights)
    smallest = float(differences.min())
    for step in (*([gap] if gap else []), smallest):
        steps = np.rint(differences / step)
        if steps.min() < 1 or steps.sum() > _FEW + _SPARSEST * len(heights):
            continue
        index = np.concatenate([[0], np.cumsum(steps)]).astype(np.int64)
        even = float(heights[-1] - heights[0]) / int(index[-1])
        off = float(np.abs(heights - heights[0] - index * even).max())
        if off <= max(_EVEN[0], _EVEN[1] * even):
            return index
    raise FormatError(
        "the slices of an object lie evenly, some may be left out",
        got=f"distances of {smallest:.4g} to {differences.max():.4g} mm",
    )


def _check_line(places: NDArray[np.float64], index: NDArray[np.int64], way: NDArray[np.float64]) -> None:
    off = float(np.linalg.norm(places - places[0] - index[:, None] * way, axis=1).max())
    if off > max(_BESIDE[0], _BESIDE[1] * float(np.linalg.norm(way))):
        raise FormatError("the slices of an object lie on one line", got=f"one {off:.2f} mm beside it")


def _moments(
    frames: Frames, number: NDArray[np.int64], order: Sequence[str], *, pictured: bool
) -> tuple[NDArray[np.int64], int | None]:
    """The moment of each frame, and how many there are, by the frames that they were made of."""
    still = np.zeros(len(number), np.int64)
    if frames.tiles is not None:
        return still, None
    if pictured:
        return _of_film(frames.sources, order)
    taken = np.stack([frames.segments, number], axis=1)
    if len(np.unique(taken, axis=0)) == len(taken):
        return still, None
    return _by_source(frames.sources, number, order)


def _of_film(sources: Sequence[Source | None], order: Sequence[str]) -> tuple[NDArray[np.int64], int | None]:
    """Frames of one film, or objects of one picture each that are its moments."""
    known = list(dict.fromkeys(source for source in sources if source is not None))
    uids = list(dict.fromkeys(uid for uid, _ in known))
    if len(known) < 2 and (not known or known[0][1] < 2):
        return np.zeros(len(sources), np.int64), None
    if any(source is None for source in sources):
        raise FormatError("each frame of a film says where it belongs", got="one that does not")
    if len(uids) == 1:
        numbers = np.array([number for source in sources if source for number in source[1:]], np.int64)
        return np.maximum(numbers - 1, 0), int(numbers.max())
    rank = {uid: n for n, uid in enumerate(order)} or {uid: n for n, uid in enumerate(uids)}
    if any(uid not in rank for uid in uids):
        raise FormatError("frames are of the objects that are referenced", got="another object")
    return np.array([rank[source[0]] for source in sources if source], np.int64), max(len(rank), 1)


def _by_source(
    sources: Sequence[Source | None], number: NDArray[np.int64], order: Sequence[str]
) -> tuple[NDArray[np.int64], int]:
    """Frames at one place, in the order of what they were made of."""
    if any(source is None for source in sources):
        raise FormatError("frames at one place are told apart by their moment or their source", got="neither")
    rank: defaultdict[str, int] = defaultdict(lambda: len(order), {uid: n for n, uid in enumerate(order)})
    at_place: defaultdict[int, dict[Any, None]] = defaultdict(dict)
    for source, place in zip(sources, number.tolist(), strict=True):
        at_place[place][source] = None
    found = {
        (place, source): n
        for place, several in at_place.items()
        for n, source in enumerate(sorted(several, key=lambda s: (rank[s[0]], s[0], s[1])))
    }
    moment = np.array([found[place, source] for source, place in zip(sources, number.tolist(), strict=True)])
    return moment.astype(np.int64), int(moment.max()) + 1
