"""The part of a volume that a network is shown: anywhere, and often enough where a structure is."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from skiagraph.training.plan import Plan

__all__ = ["drawn_window"]

Array = NDArray[np.float32]


def drawn_window(picture: Array, target: Array, plan: Plan, rng: Generator) -> tuple[Array, Array]:
    """A window of the shape of the recipe, of an image and its masks.

    Args:
        picture: Shape (channels, spatial...).
        target: Shape (outputs, spatial...), with a first background where labels exclude one another.
        plan: Shape, and the share of windows that hold a structure.
        rng: Draws where.

    Returns:
        Both of the shape of the recipe; beyond the image lie its smallest value, and background.
    """
    shape = plan.recipe.shape
    first = 1 if plan.recipe.activation == "softmax" else 0
    middle = _somewhere_inside(target[first:], rng) if rng.random() < plan.foreground else None
    where, margins = [], [(0, 0)]
    for axis, (n, w) in enumerate(zip(picture.shape[1:], shape, strict=True)):
        missing, free = max(0, w - n), max(0, n - w)
        start = int(rng.integers(free + 1))
        if middle is not None:
            start = int(np.clip(middle[axis] - rng.integers(w // 4, w - w // 4), 0, free))
        where.append(slice(start, start + w))
        margins.append((missing // 2, missing - missing // 2))
    cut = (slice(None), *where)
    seen = np.pad(picture[cut], margins, constant_values=float(picture.min()))
    outlined = np.pad(target[cut], margins)
    if first:
        outlined[0] = 1 - outlined[1:].sum(0).clip(0, 1)
    return seen, outlined


def _somewhere_inside(masks: Array, rng: Generator) -> NDArray[np.intp] | None:
    """A place of a structure, each structure as often as any other; None where there is none."""
    there = [n for n, mask in enumerate(masks) if mask.max() > 0.5]
    if not there:
        return None
    places = np.flatnonzero(masks[rng.choice(there)] > 0.5)
    place = np.unravel_index(int(rng.choice(places)), masks.shape[1:])
    return np.array(place)
