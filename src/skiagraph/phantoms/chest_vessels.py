"""The vessels and airways of a synthetic chest: trees that reach for every part of the lung."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from skiagraph.phantoms.chest import Chest, lung
from skiagraph.phantoms.strokes import Canvas, tube

__all__ = ["draw_airways", "draw_great_vessels", "draw_trees"]

Array = NDArray[np.floating[Any]]
_BLOOD, _WALL, _AIR = 45.0, -80.0, -990.0
_TIPS: Final = 330  # vessels that end in each lung
_HILA: Final = {-1: (-40.0, 12.0, 14.0), 1: (44.0, 14.0, 20.0)}
_TRUNKS: Final = (
    (
        "ascending aorta and arch",
        14.5,
        ((-14, -16, -8), (-18, -18, 26), (-10, -8, 46), (8, 14, 56), (20, 32, 48)),
    ),
    ("descending aorta", 12.0, ((20, 32, 48), (23, 38, 20), (22, 37, -60), (14, 36, -150))),
    ("pulmonary trunk", 13.0, ((14, -34, -10), (20, -22, 16), (24, -2, 26))),
    ("left pulmonary artery", 9.5, ((24, -2, 26), (44, 14, 20))),
    ("right pulmonary artery", 9.0, ((22, -6, 22), (-10, 2, 16), (-40, 12, 14))),
    ("superior vena cava", 9.0, ((-27, -6, -14), (-27, -8, 40), (-24, -14, 76))),
    ("left brachiocephalic vein", 6.5, ((-24, -14, 74), (12, -24, 84), (40, -18, 100))),
    ("carotid and subclavian arteries", 5.0, ((-8, -8, 52), (-20, 2, 100), (-24, 4, 150))),
    ("left carotid artery", 4.5, ((2, 4, 56), (14, 8, 100), (20, 6, 150))),
)
_BRONCHI: Final = (
    (8.5, 8.5, ((0, 18, 160), (0, 20, 90), (-2, 26, 36))),
    (7.0, 6.0, ((-2, 26, 36), (-22, 26, 20), (-38, 22, 6))),
    (6.5, 5.5, ((-2, 26, 36), (22, 28, 16), (42, 26, 2))),
    (4.0, 3.0, ((-22, 26, 20), (-46, 24, 34))),
    (4.0, 3.0, ((42, 26, 2), (56, 14, 10))),
    (4.2, 2.8, ((-38, 22, 6), (-52, 34, -28), (-58, 44, -52))),
    (4.2, 2.8, ((42, 26, 2), (56, 38, -28), (62, 46, -52))),
)


def draw_great_vessels(canvas: Canvas, chest: Chest) -> None:
    """Aorta, pulmonary arteries, great veins."""
    for _, radius, points in _TRUNKS:
        for ends in pairwise(points):
            _trunk(canvas, chest, ends, (radius, radius), _BLOOD)


def _trunk(canvas: Canvas, chest: Chest, ends: Any, radii: tuple[float, float], value: float) -> None:
    scale = np.array([chest.size[0], chest.size[1], 1.0])
    first, second = (np.array(e, np.float64) * scale for e in ends)
    tube(canvas, (first, second), radii, value)


def draw_airways(canvas: Canvas, chest: Chest, lumen: Canvas) -> None:
    """Trachea and bronchi: walls first, then the air in them.

    Args:
        canvas: The volume, HU.
        chest: Whose they are.
        lumen: A volume that becomes 1 where there is air in an airway.
    """
    for thickness, value, onto in ((1.4, _WALL + 100.0, canvas), (0.0, _AIR, canvas), (0.0, 1.0, lumen)):
        for first, last, points in _BRONCHI:
            radii = np.linspace(first, last, len(points)) + thickness
            for n, ends in enumerate(pairwise(points)):
                _trunk(onto, chest, ends, (float(radii[n]), float(radii[n + 1])), value)


def draw_trees(canvas: Canvas, chest: Chest, rng: Generator) -> None:
    """The vessels of both lungs, thinner with each branch (Murray's law, exponent 2.5)."""
    for side, hilum in _HILA.items():
        tips = _tips(chest, rng, side)
        nodes, parents = _grown(np.array(hilum), tips, rng)
        load = np.ones(len(nodes))
        for n in range(len(nodes) - 1, 0, -1):
            load[parents[n]] += load[n]
        radii = 0.52 * load ** (1 / 2.5)
        for n in range(1, len(nodes)):
            ends = nodes[parents[n]], nodes[n]
            tube(canvas, ends, (float(radii[n]), float(radii[n]) * 0.92), _BLOOD - 10.0)


def _tips(chest: Chest, rng: Generator, side: int) -> Array:
    """Places in one lung, dense enough that no part is without a vessel, shape (n, 3)."""
    low, high = np.array([20.0, -95.0, -140.0]), np.array([135.0, 95.0, 125.0])
    points = rng.uniform(low, high, (_TIPS * 8, 3)) * (side, 1.0, 1.0)
    inside = lung(chest, points[:, 0], points[:, 1], points[:, 2]) < -3.5
    return np.asarray(points[inside][:_TIPS])


def _grown(root: Array, tips: Array, rng: Generator) -> tuple[Array, list[int]]:
    """Joins each tip, the nearest first, to the tree by a bent branch.

    Returns:
        Places, shape (n, 3), and the parent of each; a parent comes before its children.
    """
    nodes, parents = [root], [0]
    for tip in tips[np.argsort(np.linalg.norm(tips - root, axis=1))]:
        known = np.array(nodes)
        outward = np.linalg.norm(known - root, axis=1)
        cost = np.linalg.norm(known - tip, axis=1) + 0.35 * outward
        start = int(np.argmin(np.where(outward < np.linalg.norm(tip - root), cost, np.inf)))
        way = tip - known[start]
        steps = max(1, round(float(np.linalg.norm(way)) / 14.0))
        at, before = start, known[start]
        for n in range(1, steps + 1):
            bend = rng.normal(0.0, 1.6, 3) if n < steps else 0.0
            nodes.append(before + way * (n / steps) + bend)
            parents.append(at)
            at = len(nodes) - 1
    return np.array(nodes), parents
