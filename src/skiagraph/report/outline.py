"""The outline of a mask as closed lines along the edges of its pixels, for drawings that stay crisp at any size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["outline_path"]

_Corner = tuple[int, int]


def outline_path(mask: NDArray[np.bool_]) -> str:
    """The ``d`` of an SVG path round everything that is inside.

    Args:
        mask: Shape (rows, columns).

    Returns:
        Closed loops in units of pixels, x to the right and y downwards, the corner of the first pixel at (0, 0);
        empty for an empty mask.
    """
    steps = _edges(np.pad(mask.astype(np.int8, copy=False), 1))
    parts = []
    while steps:
        loop = _loop(steps)
        corners = [
            p
            for before, p, after in zip([loop[-1], *loop[:-1]], loop, [*loop[1:], loop[0]], strict=True)
            if (p[0] - before[0], p[1] - before[1]) != (after[0] - p[0], after[1] - p[1])
        ]
        parts.append("M" + "L".join(f"{x} {y}" for y, x in corners) + "Z")
    return "".join(parts)


def _edges(padded: NDArray[np.int8]) -> dict[_Corner, list[_Corner]]:
    """Edges of pixels by their start, inside always to the right: from (row, column) of a corner to the next."""
    steps: dict[_Corner, list[_Corner]] = {}
    down, across = np.diff(padded, axis=0)[:, 1:-1], np.diff(padded, axis=1)[1:-1]
    for value, edges, start, step in (
        (1, down, (0, 0), (0, 1)),  # outside above, inside below: to the right
        (-1, down, (0, 1), (0, -1)),
        (1, across, (1, 0), (-1, 0)),  # inside to the right of the edge: upwards
        (-1, across, (0, 0), (1, 0)),
    ):
        for r, c in np.argwhere(edges == value).tolist():
            a = (r + start[0], c + start[1])
            steps.setdefault(a, []).append((a[0] + step[0], a[1] + step[1]))
    return steps


def _loop(steps: dict[_Corner, list[_Corner]]) -> list[_Corner]:
    """Takes one closed way out of the edges."""
    first = next(iter(steps))
    loop, at = [], first
    while True:
        loop.append(at)
        ways = steps[at]
        to = ways.pop()
        if not ways:
            del steps[at]
        at = to
        if at == first:
            return loop
