"""Our own findings from what their report says and what stands in its private element."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput
from skiagraph.findings import (
    Box,
    Boxes,
    Classification,
    Contour,
    Contours,
    Finding,
    Interval,
    Landmark,
    Landmarks,
    Measurement,
    NotApplicable,
    Text,
)
from skiagraph.geometry import Grid, Plane, Space, to_index, to_world
from skiagraph.interchange.sr.pieces import Gathered, Line, Mark, Piece
from skiagraph.plain import from_plain

__all__ = ["placed_points", "restored"]

_FACTS: Final = {"Measurement": Measurement, "Classification": Classification}
_SAID: Final = {"Text": Text, "NotApplicable": NotApplicable}


def restored(found: Gathered, rest: Mapping[str, Any]) -> list[Finding]:
    """The findings as they were.

    Raises:
        InvalidInput: The report and its private element do not fit together.
    """
    spaces: list[Space] = [from_plain(Grid | Plane, plain) for plain in rest["spaces"]]
    groups, others = iter(found.groups), iter(found.others)
    result = list(_each(rest["findings"], spaces, groups, others))
    if next(groups, None) is not None or next(others, None) is not None:
        raise InvalidInput("a report says what its private element says", got="more")
    return result


def _each(
    rests: list[Mapping[str, Any]], spaces: list[Space], groups: Iterator[Piece], others: Iterator[Piece]
) -> Iterator[Finding]:
    for rest in rests:
        kind = rest["kind"]
        if kind in _FACTS:
            yield _fact(_next(groups, _FACTS[kind]), rest)
        elif kind in _SAID:
            yield _words(_next(others, _SAID[kind]), rest)
        elif kind != "Segmentation":
            space = spaces[rest["space"]]
            picture = spaces[rest.get("picture", rest["space"])]
            items = [_item(kind, _next(groups, Mark), one, space, picture) for one in rest["items"]]
            yield _KINDS[kind](space=space, items=tuple(items))


def _next(pieces: Iterator[Piece], kind: type) -> Any:
    piece = next(pieces, None)
    if not isinstance(piece, kind):
        raise InvalidInput("a report says what its private element says", got="something else")
    return piece


def _fact(piece: Measurement | Classification, rest: Mapping[str, Any]) -> Finding:
    if isinstance(piece, Classification):
        return piece
    interval = piece.interval
    if interval is not None and "interval" in rest:
        low, high = rest["interval"]
        interval = Interval(low=low, high=high, level=interval.level)
    return dataclasses.replace(piece, interval=interval, method=rest.get("method", piece.method))


def _words(piece: Text | NotApplicable, rest: Mapping[str, Any]) -> Finding:
    if isinstance(piece, NotApplicable):
        return dataclasses.replace(piece, explanation=rest.get("explanation", piece.explanation))
    return Text(
        text=rest.get("text", piece.text),
        language=rest.get("language", piece.language),
        concept=None if rest.get("free") else piece.concept,
    )


def _item(kind: str, mark: Mark, rest: Mapping[str, Any], space: Space, picture: Space) -> Any:
    said = {
        "code": mark.code,
        "confidence": rest.get("confidence", mark.confidence),
        "moment": rest.get("moment"),
    }
    if kind == "Boxes":
        low, high = _edges(mark, rest, space, picture)
        return Box(low=low, high=high, **said)
    line = mark.lines[0]
    points = np.array(rest["points"]) if "points" in rest else placed_points(line, picture, mark.where.number)
    if kind == "Landmarks":
        return Landmark(point=points[0], **said)
    if rest.get("open") and line.closed and "points" not in rest:
        points = np.concatenate([points, points[:1]])
    return Contour(points=points, closed=not rest.get("open"), **said)


def placed_points(line: Line, picture: Space, number: int) -> NDArray[np.float64]:
    """The points of a line in the world of what they refer to.

    Args:
        line: Itself.
        picture: Their space.
        number: The slice on which pixels lie, where the space has slices.
    """
    if line.points.shape[1] == 3:
        return line.points
    index = line.points[:, ::-1] - 0.5
    if picture.ndim == 3:
        index = np.concatenate([np.full((len(index), 1), float(number)), index], axis=1)
    return to_world(picture, index)


def _edges(
    mark: Mark, rest: Mapping[str, Any], space: Space, picture: Space
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if "low" in rest:
        return np.array(rest["low"], np.float64), np.array(rest["high"], np.float64)
    corners = np.concatenate([placed_points(line, picture, 0) for line in mark.lines])
    index = to_index(space, corners)
    low, high = index.min(axis=0), index.max(axis=0)
    return low, np.maximum(high, np.nextafter(low, np.inf))  # one thinner than 32 bits tell is still a box


_KINDS: Final[Mapping[str, Any]] = {"Landmarks": Landmarks, "Boxes": Boxes, "Contours": Contours}
