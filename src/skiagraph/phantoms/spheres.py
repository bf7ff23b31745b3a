"""Balls, as phantoms of nuclear medicine have them: their places, and the share of each voxel that lies in one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.geometry import Grid, derived_frame

__all__ = ["Ball", "axial_grid", "ball_labels", "ring_of_balls", "shares"]

_PARTS: Final = 4  # along each axis of a voxel


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Ball:
    """A ball: `centre` (x, y, z) in LPS mm, `diameter` in mm, and the `value` in it, in the unit of its phantom."""

    centre: tuple[float, float, float]
    diameter: float
    value: float

    @property
    def volume(self) -> float:
        """Of the ball, mm3."""
        return math.pi * self.diameter**3 / 6.0


def axial_grid(shape: tuple[int, int, int], spacing: tuple[float, float, float], name: str) -> Grid:
    """Axial slices from the feet up, with (0, 0, 0) in the middle; the frame follows from the name.

    Args:
        shape: (slices, rows, columns).
        spacing: mm between (slices, rows, columns).
        name: Of what lies in it.
    """
    affine = np.eye(4)
    affine[:3, :3] = [[0, 0, spacing[2]], [0, spacing[1], 0], [spacing[0], 0, 0]]
    affine[:3, 3] = [-(n - 1) * s / 2 for n, s in zip(shape[::-1], spacing[::-1], strict=True)]
    return Grid(shape=shape, affine=affine, frame=derived_frame(f"{name} {shape} {spacing}"))


def ring_of_balls(
    diameters: tuple[float, ...], values: tuple[float, ...], *, radius: float, z: float
) -> tuple[Ball, ...]:
    """Balls with their centres on a circle.

    Args:
        diameters: mm.
        values: One each.
        radius: Of the circle, mm.
        z: Its height, mm.

    Source: the body phantom of NEMA NU 2 has six balls of 10 to 37 mm on such a circle.
    """
    turn = [2 * math.pi * n / len(diameters) for n in range(len(diameters))]
    return tuple(
        Ball(centre=(radius * math.cos(t), radius * math.sin(t), z), diameter=d, value=v)
        for t, d, v in zip(turn, diameters, values, strict=True)
    )


def shares(grid: Grid, ball: Ball) -> NDArray[np.float32]:
    """The share of each voxel that lies in a ball, 0 to 1, by counting 64 places in each; for axial grids."""
    offset = (np.arange(_PARTS) + 0.5) / _PARTS - 0.5
    far = []
    for axis, middle in ((2, ball.centre[2]), (1, ball.centre[1]), (0, ball.centre[0])):
        n, step = grid.shape[2 - axis], grid.affine[axis, 2 - axis]
        index = (np.arange(n)[:, None] + offset).ravel()
        far.append(np.square(grid.affine[axis, 3] + index * step - middle))
    near = [np.flatnonzero((f <= (ball.diameter / 2) ** 2).reshape(-1, _PARTS).any(1)) for f in far]
    result = np.zeros(grid.shape, np.float32)
    if any(not n.size for n in near):
        return result
    cut = [f.reshape(-1, _PARTS)[n].ravel() for f, n in zip(far, near, strict=True)]
    inside = cut[0][:, None, None] + cut[1][None, :, None] + cut[2][None, None, :] <= (ball.diameter / 2) ** 2
    parts = inside.reshape(len(near[0]), _PARTS, len(near[1]), _PARTS, len(near[2]), _PARTS)
    result[np.ix_(*near)] = parts.mean(axis=(1, 3, 5))
    return result


def ball_labels(grid: Grid, balls: tuple[Ball, ...]) -> NDArray[np.uint8]:
    """The number of the ball where at least half of a voxel lies in one, 0 elsewhere."""
    labels = np.zeros(grid.shape, np.uint8)
    for n, ball in enumerate(balls, start=1):
        labels[shares(grid, ball) >= 0.5] = n
    return labels
