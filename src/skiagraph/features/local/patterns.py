"""Local binary patterns: how often each pattern of brighter and darker neighbours occurs in a region."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput
from skiagraph.features.feature import Feature
from skiagraph.features.local.area import described, planes, unusable, window
from skiagraph.features.region import Region

__all__ = ["binary_patterns", "pattern_codes"]

_FAMILY: Final = "local binary patterns"
_EQUAL: Final = 1e-12  # of the largest number: what interpolation may take from an equal neighbour


def binary_patterns(
    region: Region,
    *,
    circles: Sequence[tuple[int, float]] = ((8, 1.0), (16, 2.0), (24, 3.0)),
    rotation_invariant: bool = True,
) -> tuple[Feature, ...]:
    """Shares of the uniform local binary patterns among the places of the mask.

    Args:
        region: A picture, or a volume that is read slice by slice along its first axis.
        circles: Number of neighbours and radius in samples, one pair a circle.
        rotation_invariant: Patterns that are turns of each other count as one.

    Returns:
        For each circle one feature a pattern, which sum to 1. Patterns are numbered as in `pattern_codes`.

    Raises:
        InvalidInput: A circle of fewer than 3 neighbours, or whose radius is not positive.

    Source: Ojala, Pietikäinen and Mäenpää, Multiresolution gray-scale and rotation invariant texture classification
        with local binary patterns, IEEE TPAMI 24 (2002) 971-987.
    """
    for points, radius in circles:
        if points < 3 or not 0 < radius < np.inf:
            raise InvalidInput(
                "a circle has 3 or more neighbours and a positive radius", got=f"{points} at {radius}"
            )
    reason, features = unusable(region), []
    for points, radius in circles:
        n = points + 2 if rotation_invariant else points * (points - 1) + 3
        names = [f"radius {radius:g} pattern {i}" for i in range(n - 1)] + [f"radius {radius:g} not uniform"]
        answers: Sequence[float | str] = [reason] * n
        if not reason:
            answers = _shares(region, points, radius, n, rotation_invariant=rotation_invariant)
        features += [described(_FAMILY, name, answer) for name, answer in zip(names, answers, strict=True)]
    return tuple(features)


def _shares(
    region: Region, points: int, radius: float, n: int, *, rotation_invariant: bool
) -> Sequence[float]:
    """The histogram of the codes in the mask, over all slices."""
    room = int(np.ceil(radius)) + 1
    numbers, mask = window(region, (0,) * (region.ndim - 2) + (room, room))
    counts = np.zeros(n)
    for picture, places in planes(numbers, mask):
        codes = pattern_codes(picture, points, radius, rotation_invariant=rotation_invariant)
        counts += np.bincount(codes[places[room:-room, room:-room]], minlength=n)
    shares: list[float] = (counts / counts.sum()).tolist()
    return shares


def pattern_codes(
    picture: NDArray[np.float64], points: int, radius: float, *, rotation_invariant: bool = True
) -> NDArray[np.intp]:
    """The number of the uniform pattern at each place that lies the radius, rounded up, and one sample from the edge.

    A neighbour counts as bright where it is at least as bright as the centre; those between samples are interpolated
    linearly. A pattern is uniform where bright and dark change at most twice around the circle.

    Args:
        picture: Shape (rows, columns), finite.
        points: Neighbours, evenly around the circle, counter-clockwise from the right.
        radius: In samples.
        rotation_invariant: The code is the number of bright neighbours, and ``points + 1`` where not uniform. Else it
            is 0 (none bright), ``1 + (bright - 1) * points + turn``, ``points * (points - 1) + 1`` (all bright), or
            one more (not uniform).

    Returns:
        Shape (rows, columns), each less twice ``ceil(radius) + 1``.
    """
    room = int(np.ceil(radius)) + 1
    centre = picture[room:-room, room:-room]
    lowest = centre - _EQUAL * np.abs(picture).max(initial=0.0)
    angles = 2 * np.pi * np.arange(points) / points
    bright = np.stack(
        [
            _neighbour(picture, room, -radius * np.sin(a), radius * np.cos(a), centre.shape) >= lowest
            for a in angles
        ]
    )
    starts = bright & ~np.roll(bright, 1, axis=0)
    count = bright.sum(axis=0, dtype=np.intp)
    uniform = starts.sum(axis=0) <= 1
    if rotation_invariant:
        return np.where(uniform, count, points + 1)
    code = 1 + (count - 1) * points + (points - starts.argmax(axis=0)) % points
    code = np.where(count == 0, 0, np.where(count == points, points * (points - 1) + 1, code))
    return np.where(uniform, code, points * (points - 1) + 2)


def _neighbour(
    picture: NDArray[np.float64], room: int, down: float, right: float, shape: tuple[int, ...]
) -> NDArray[np.float64]:
    """The picture at an offset from each inner place, interpolated linearly."""
    down, right = round(down, 9), round(right, 9)  # so that a sine of 1e-17 asks for no interpolation
    row, column = int(np.floor(down)), int(np.floor(right))
    y, x = down - row, right - column
    total = np.zeros(shape)
    for r, c, weight in (
        (0, 0, (1 - y) * (1 - x)),
        (0, 1, (1 - y) * x),
        (1, 0, y * (1 - x)),
        (1, 1, y * x),
    ):
        if weight:
            top, left = room + row + r, room + column + c
            total += weight * picture[top : top + shape[0], left : left + shape[1]]
    return total
