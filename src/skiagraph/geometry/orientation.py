"""Which way the axes of a grid point in the patient, and grids turned to point another way."""

from __future__ import annotations

from itertools import permutations
from typing import Final

import numpy as np

from skiagraph.errors import GeometryError
from skiagraph.geometry.grid import Grid
from skiagraph.geometry.regrid import flipped, permuted

__all__ = ["axis_codes", "reoriented"]

_CODES: Final = (("R", "L"), ("A", "P"), ("I", "S"))  # (minus, plus) of x, y, z in LPS+


def _world_axes(grid: Grid) -> list[tuple[int, bool]]:
    """For each array axis, the patient axis it runs along most closely and whether it runs in the plus direction."""
    directions = grid.affine[:3, :3] / np.linalg.norm(grid.affine[:3, :3], axis=0)
    closeness = np.abs(directions)
    axes = max(permutations(range(3)), key=lambda order: float(closeness[order, range(3)].sum()))
    return [(axes[a], bool(directions[axes[a], a] > 0)) for a in range(3)]


def axis_codes(grid: Grid) -> str:
    """The direction to which each array axis points, e.g. ``"SPL"``: i to superior, j to posterior, k to left."""
    return "".join(_CODES[axis][plus] for axis, plus in _world_axes(grid))


def reoriented(grid: Grid, codes: str) -> Grid:
    """The same lattice with its axes ordered and directed as `codes` says; nothing is interpolated.

    Args:
        grid: The lattice.
        codes: Three letters, one of R/L, one of A/P, one of I/S, e.g. ``"SPL"``.

    Raises:
        GeometryError: Not such letters.
    """
    wanted = []
    for letter in codes:
        hits = [(axis, pair.index(letter)) for axis, pair in enumerate(_CODES) if letter in pair]
        wanted.extend(hits)
    if len(codes) != 3 or sorted(axis for axis, _ in wanted) != [0, 1, 2]:
        raise GeometryError("an orientation has one letter each of R/L, A/P and I/S", got=repr(codes))
    have = _world_axes(grid)
    order = tuple(next(a for a in range(3) if have[a][0] == axis) for axis, _ in wanted)
    result = permuted(grid, order)
    for position, (_, plus) in enumerate(wanted):
        if have[order[position]][1] != bool(plus):
            result = flipped(result, position)
    return result
