"""Outlines of masks along the edges of their pixels, holes joined by a keyhole; and masks of outlines again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["filled", "outlines"]

_ON: Final = 1e-6  # of a pixel, within which a centre lies on a line
_STEPS: Final = ((0, 1), (1, 0), (0, -1), (-1, 0))  # (row, column): right, down, left, up


def outlines(mask: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """The closed lines round the parts of a mask, one a part; pixels that only touch at a corner are two parts.

    Lines run along the edges of pixels, so that they enclose just the area of the mask and never meet the centre of a
    pixel. A hole is joined to what is left of it by a channel of no width along such an edge: the keyhole of DICOM
    PS3.3 C.8.8.6.3, which readers fill rightly by the even-odd and by the winding rule.

    Args:
        mask: Shape (rows, columns).

    Returns:
        For each part (row, column) of its corners, shape (n, 2), n >= 4, the first not repeated; pixel (0, 0) reaches
        from -0.5 to 0.5. With rows downwards the outer line runs clockwise.

    Source: own.
    """
    if not mask.any():
        return []
    parts, _ = ndimage.label(mask)
    at, part, follower = _edges(mask, np.asarray(parts))
    loops = _loops(follower)
    width = mask.shape[1] + 1
    found: dict[int, list[int]] = {}
    holes: list[tuple[int, list[int]]] = []
    for loop in loops:
        corner = min(range(len(loop)), key=lambda n: int(at[loop[n]]))
        turned = loop[corner:] + loop[:corner]
        if (
            at[turned[1]] == at[turned[0]] + 1
        ):  # from its first corner an outer line goes right, that of a hole down
            found[int(part[turned[0]])] = turned
        else:
            holes.append((int(at[turned[0]]), turned))
    joined = _joined(found, sorted(holes), at)
    return [_corners(at[line], width) for line in joined]


def _edges(
    mask: NDArray[np.bool_], parts: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """The edges between inside and outside, each with the inside to its right.

    Returns:
        Of each edge the corner at which it begins (row * (columns + 1) + column), its part, and the edge that follows.
    """
    rows, columns = mask.shape
    width = columns + 1
    padded = np.pad(mask, 1)
    starts, inside, ways = [], [], []
    for way, (down, right) in enumerate(_STEPS):
        outer = np.roll(padded, (right, -down), axis=(0, 1))  # the pixel to the left of the way
        row, column = np.nonzero(padded & ~outer)
        row, column = row - 1, column - 1
        inside.append(parts[row, column])
        starts.append((row + (way in (2, 3))) * width + column + (way in (1, 2)))
        ways.append(np.full(len(row), way))
    at, part, heading = np.concatenate(starts), np.concatenate(inside), np.concatenate(ways)
    number = np.full(((rows + 1) * width, 4), -1, np.int64)
    number[at, heading] = np.arange(len(at))
    ends = at + np.array([d * width + r for d, r in _STEPS])[heading]
    sharp = number[ends, (heading + 1) % 4]  # stays with its pixel where two touch at a corner
    ahead, back = number[ends, heading], number[ends, (heading + 3) % 4]
    return at, part, np.where(sharp >= 0, sharp, np.where(ahead >= 0, ahead, back))


def _loops(follower: NDArray[np.int64]) -> list[list[int]]:
    after: list[int] = follower.tolist()
    seen = [False] * len(after)
    loops = []
    for start in range(len(after)):
        if seen[start]:
            continue
        loop, edge = [], start
        while not seen[edge]:
            seen[edge] = True
            loop.append(edge)
            edge = after[edge]
        loops.append(loop)
    return loops


def _joined(
    outer: dict[int, list[int]], holes: list[tuple[int, list[int]]], at: NDArray[np.int64]
) -> list[list[int]]:
    """Outer lines with the holes of their parts: edges in order, an edge for each corner that is passed.

    The first corner of a hole, highest and of these leftmost, looks left along an edge of pixels that are all inside,
    so that the next corner there belongs to the same part: to its outer line, or to a hole that came before.
    """
    order = np.argsort(at, kind="stable")
    before = np.searchsorted(at[order], [corner for corner, _ in holes]) - 1
    hung = {int(order[n]): hole for (_, hole), n in zip(holes, before, strict=True)}
    return [_walked(line, hung) for _, line in sorted(outer.items())]


def _walked(line: list[int], hung: dict[int, list[int]]) -> list[int]:
    path: list[int] = []
    todo: list[tuple[list[int], int]] = [(line, 0)]
    while todo:
        loop, n = todo.pop()
        while n < len(loop):
            edge = loop[n]
            path.append(edge)
            n += 1
            if edge in hung:
                todo.append(([edge, *loop[n:]], 1))  # on from here when the hole is done
                hole = hung.pop(edge)
                loop, n = [*hole, hole[0], edge], 0
    return path


def _corners(at: NDArray[np.int64], width: int) -> NDArray[np.float64]:
    """Corners of a line without those at which it goes straight on."""
    points = np.stack(np.divmod(at, width), axis=-1)
    come, go = np.sign(points - np.roll(points, 1, axis=0)), np.sign(np.roll(points, -1, axis=0) - points)
    return np.asarray(points[(come != go).any(axis=1)], dtype=np.float64) - 0.5


def filled(lines: Iterable[NDArray[np.float64]], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The pixels whose centres lie within an odd number of closed lines, or on one of them.

    Args:
        lines: Each (row, column) of its corners, shape (n, 2), the first not repeated; pixel (0, 0) has its centre
            there. They may reach beyond the picture.
        shape: (rows, columns).

    Source: DICOM PS3.3 C.8.8.6.3 (points on the path are part of the region); even-odd rule.
    """
    crossings = np.zeros((shape[0], shape[1] + 1), np.int32)
    on = np.zeros(shape, np.bool_)
    closed = list(lines)
    if closed:
        start = np.concatenate(closed)
        end = np.concatenate([np.roll(line, -1, axis=0) for line in closed])
        _cross(start, end, crossings)
        _touch(start, end, on)
    return np.asarray((np.cumsum(crossings[:, :-1], axis=1) % 2 == 1) | on)


def _cross(start: NDArray[np.float64], end: NDArray[np.float64], crossings: NDArray[np.int32]) -> None:
    """Counts where edges cross the rows of pixel centres: at the first centre to the right of the crossing."""
    rows, columns = crossings.shape
    low, high = np.minimum(start[:, 0], end[:, 0]), np.maximum(start[:, 0], end[:, 0])
    first, last = np.clip(np.ceil(low), 0, rows), np.clip(np.ceil(high), 0, rows)
    edge, row = _rows(first, last)
    if edge.size:
        place = _column_at(start[edge], end[edge], row)
        np.add.at(crossings, (row, np.clip(np.ceil(place), 0, columns - 1).astype(np.intp)), 1)


def _touch(start: NDArray[np.float64], end: NDArray[np.float64], on: NDArray[np.bool_]) -> None:
    """Marks the pixel centres that lie on edges."""
    rows, columns = on.shape
    low, high = np.minimum(start[:, 0], end[:, 0]), np.maximum(start[:, 0], end[:, 0])
    edge, row = _rows(np.clip(np.ceil(low - _ON), 0, rows), np.clip(np.floor(high + _ON) + 1, 0, rows))
    if not edge.size:
        return
    level = high[edge] - low[edge] <= _ON
    place = _column_at(start[edge[~level]], end[edge[~level]], row[~level])
    nearest = np.rint(place)
    hit = (np.abs(place - nearest) <= _ON) & (nearest >= 0) & (nearest < columns)
    on[row[~level][hit], nearest[hit].astype(np.intp)] = True
    for n, r in zip(edge[level], row[level], strict=True):
        ends = sorted((start[n, 1], end[n, 1]))
        on[r, max(0, int(np.ceil(ends[0] - _ON))) : max(0, int(np.floor(ends[1] + _ON)) + 1)] = True


def _rows(first: NDArray[Any], last: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Each edge with each row from its first to before its last."""
    counts = np.maximum(last - first, 0).astype(np.intp)
    edge = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts)
    return edge, (first[edge] + within).astype(np.intp)


def _column_at(
    start: NDArray[np.float64], end: NDArray[np.float64], row: NDArray[np.intp]
) -> NDArray[np.float64]:
    share = np.clip((row - start[:, 0]) / (end[:, 0] - start[:, 0]), 0.0, 1.0)
    return np.asarray(start[:, 1] + share * (end[:, 1] - start[:, 1]))
