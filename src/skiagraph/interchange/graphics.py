"""Marks as the vectors of presentation states, to a fraction of a pixel; `layers` is what becomes pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.codes import Code
from skiagraph.findings import Box, Boxes, Contour, Contours, Landmarks
from skiagraph.geometry import Space, to_index, to_world
from skiagraph.interchange.planes import Planes, in_frames

__all__ = ["Drawn", "Marks", "drawings"]

Marks: TypeAlias = Contours | Landmarks | Boxes

_NEAR: Final = 0.5  # of a slice, up to which a mark lies in it
_EDGE: Final = 1e-6  # of a slice


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawn:
    """What one mark draws on one slice.

    Args:
        number: Of the slice, in the order of the frames; 0 in a picture.
        moments: Those at which it is drawn.
        kind: Graphic Type: ``"POINT"`` or ``"POLYLINE"``.
        lines: Each (column, row) of its points, shape (n, 2): the upper left corner of the upper left pixel is (0, 0),
            its centre (0.5, 0.5); a closed line ends where it begins.
        words: What it means.

    Source: DICOM PS3.3 C.10.5 (Graphic Annotation Units, PIXEL).
    """

    number: int
    moments: tuple[int, ...]
    kind: str
    lines: tuple[NDArray[np.float64], ...]
    words: str


def drawings(finding: Marks, space: Space, planes: Planes) -> Iterator[Drawn]:
    """What marks draw on an image.

    Args:
        finding: In the frame of the image.
        space: Of the image.
        planes: Its frames.
    """
    for item in finding.items:
        moments = tuple(range(planes.moments or 1)) if item.moment is None else (item.moment,)
        if isinstance(item, Contour):
            found = _contour(_on_frames(item.points, space, planes), item, planes.shape[0])
        elif isinstance(item, Box):
            corners = np.array(list(product(*zip(item.low, item.high, strict=True))))
            found = _box(_on_frames(to_world(finding.space, corners), space, planes), planes.shape[0])
        else:
            found = _landmark(_on_frames(item.point[None], space, planes))
        for number, kind, lines in found:
            if 0 <= number < planes.shape[0]:
                words = _words(item.code, item.confidence)
                yield Drawn(number=number, moments=moments, kind=kind, lines=lines, words=words)


_Found: TypeAlias = Iterator[tuple[int, str, tuple[NDArray[np.float64], ...]]]


def _on_frames(places: NDArray[np.float64], space: Space, planes: Planes) -> NDArray[np.float64]:
    """Slice, column and row of places, (n, 3): whole numbers of slices at their centres, columns and rows as drawn."""
    turned = in_frames(to_index(space, places), planes)
    return np.stack([turned[:, 0], turned[:, 2] + 0.5, turned[:, 1] + 0.5], axis=-1)


def _contour(points: NDArray[np.float64], item: Contour, count: int) -> _Found:
    path = np.concatenate([points, points[:1]]) if item.closed else points
    number = _nearest(float(points[:, 0].mean()))
    if np.abs(points[:, 0] - number).max() <= _NEAR + _EDGE:
        yield number, "POLYLINE", (path[:, 1:],)
        return
    begin, end = path[:-1], path[1:]
    first, last = int(np.ceil(points[:, 0].min())), int(np.floor(points[:, 0].max()))
    for cut in range(max(0, first), min(count - 1, last) + 1):
        crosses = (begin[:, 0] <= cut) != (end[:, 0] <= cut)
        share = (cut - begin[crosses, :1]) / (end[crosses, :1] - begin[crosses, :1])
        places = begin[crosses, 1:] + share * (end[crosses, 1:] - begin[crosses, 1:])
        if len(places):
            yield cut, "POINT", tuple(place[None] for place in places)


def _box(corners: NDArray[np.float64], count: int) -> _Found:
    low, high = corners.min(axis=0), corners.max(axis=0)
    (left, top), (right, bottom) = low[1:], high[1:]
    around = np.array([[left, top], [right, top], [right, bottom], [left, bottom], [left, top]])
    first, last = int(np.ceil(low[0] - _EDGE)), int(np.floor(high[0] + _EDGE))
    if first > last:
        first = last = _nearest(float(low[0] + high[0]) / 2)
    for number in range(max(0, first), min(count - 1, last) + 1):
        yield number, "POLYLINE", (around,)


def _landmark(points: NDArray[np.float64]) -> _Found:
    yield _nearest(float(points[0, 0])), "POINT", (points[:, 1:],)


def _nearest(height: float) -> int:
    return int(np.floor(height + 0.5))


def _words(code: Code, confidence: float | None) -> str:
    words = code.meaning or code.value
    return words if confidence is None else f"{words} {confidence:.0%}"
