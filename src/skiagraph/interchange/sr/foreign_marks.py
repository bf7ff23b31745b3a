"""Marks of the reports of others in the spaces of the images at hand, or else in spaces just large enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.case import Case, picture_frame
from skiagraph.findings import Contour, Contours, Finding, Landmark, Landmarks
from skiagraph.geometry import Plane, Space, Timeline
from skiagraph.interchange.sr.pieces import Line, Mark, Piece, Where
from skiagraph.interchange.sr.restore import placed_points
from skiagraph.interchange.structure_set.lattice import lattice_round

__all__ = ["in_spaces"]

_UNKNOWN: Final = (
    "The images that marks lie on are not at hand: their lattice is unknown, "
    "and one just large enough stands for it."
)
_FAR: Final = 1e6  # mm or pixels, beyond which a place is damage and no lattice reaches


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Place:
    """A space by a key of its own, and the slice and the moment in it."""

    key: str
    space: Space
    number: int
    moment: int | None


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    """A finding that is no mark; it stays where it stands."""

    finding: Finding


def in_spaces(pieces: Sequence[Piece], case: Case | None) -> tuple[list[Finding], list[str]]:
    """Findings of pieces: marks of one kind in one space come together, where the first of them stood.

    Returns:
        The findings, and what was taken for something near, one sentence each.
    """
    places, guessed = _places([piece for piece in pieces if isinstance(piece, Mark)], case)
    points: dict[str, list[Landmark]] = {}
    lines: dict[str, list[Contour]] = {}
    spaces: dict[str, Space] = {}
    order: list[Finding | tuple[bool, str]] = []
    for piece in pieces:
        if not isinstance(piece, Mark):
            order.append(piece)
            continue
        place = places[piece.where]
        spaces[place.key] = place.space
        for line in piece.lines:
            order.append((line.single, place.key))
            if line.single:
                points.setdefault(place.key, []).extend(_landmarks(piece, line, place))
            else:
                lines.setdefault(place.key, []).append(_contour(piece, line, place))
    found: list[Finding] = []
    for one in dict.fromkeys(entry if isinstance(entry, tuple) else _Kept(entry) for entry in order):
        if isinstance(one, _Kept):
            found.append(one.finding)
        elif one[0]:
            found.append(Landmarks(space=spaces[one[1]], items=tuple(points[one[1]])))
        else:
            found.append(Contours(space=spaces[one[1]], items=tuple(lines[one[1]])))
    return found, [_UNKNOWN] if guessed else []


def _landmarks(mark: Mark, line: Line, place: _Place) -> list[Landmark]:
    said: dict[str, Any] = {"code": mark.code, "confidence": mark.confidence, "moment": place.moment}
    return [Landmark(point=point, **said) for point in placed_points(line, place.space, place.number)]


def _contour(mark: Mark, line: Line, place: _Place) -> Contour:
    return Contour(
        code=mark.code,
        points=placed_points(line, place.space, place.number),
        closed=line.closed,
        confidence=mark.confidence,
        moment=place.moment,
    )


def _places(marks: Sequence[Mark], case: Case | None) -> tuple[dict[Where, _Place], bool]:
    """Where marks lie: found in the case, or made up from all marks on the same thing; and whether any was made up."""
    found: dict[Where, _Place] = {}
    unknown: dict[str, list[Mark]] = {}
    for mark in marks:
        known = _in_case(mark.where, case)
        if known is not None:
            found[mark.where] = known
        else:
            unknown.setdefault(mark.where.frame or mark.where.instance, []).append(mark)
    for key, together in unknown.items():
        lines = [line.points for mark in together for line in mark.lines]
        last = max(mark.where.number for mark in together)
        space = _around(lines, together[0].where, last)
        for mark in together:
            moment = mark.where.number - 1 if mark.where.number else None
            found[mark.where] = _Place(key=key, space=space, number=0, moment=moment)
    return found, bool(unknown)


def _in_case(where: Where, case: Case | None) -> _Place | None:
    if case is None:
        return None
    for name, image in case.images.items():
        space = image.space
        if where.frame:
            if space.frame == where.frame and space.ndim == 3 and space.unit == "mm":
                return _Place(key=f"image {name}", space=space, number=0, moment=None)
            continue
        origin = case.origins.get(name)
        uids = [] if origin is None else [instance.sop_instance_uid for instance in origin.instances]
        if origin is None or where.instance not in uids:
            continue
        of_it = origin.frames[..., 0] == uids.index(where.instance)
        here = np.argwhere(of_it & ((origin.frames[..., 1] == where.number) | (where.number == 0)))
        if len(here):
            moment = int(here[0, 0]) if space.timeline is not None and len(here) == 1 else None
            return _Place(key=f"image {name}", space=space, number=int(here[0, 1]), moment=moment)
    return None


def _around(lines: Sequence[NDArray[np.float64]], where: Where, last: int) -> Space:
    """A lattice round places in the patient, or pixels from the corner of a picture."""
    lines = [np.clip(line, -_FAR, _FAR) for line in lines]
    if where.frame:
        return lattice_round(lines, where.frame)
    columns, rows = np.maximum(np.ceil(np.concatenate(lines).max(axis=0)), 1).astype(np.int64)
    moments = Timeline(times=np.arange(last, dtype=np.float64)) if last else None
    return Plane.upright(
        shape=(int(rows), int(columns)),
        spacing=None,
        frame=picture_frame(where.instance),
        timeline=moments,
    )
