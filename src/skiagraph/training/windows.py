"""The part of a volume that a network is shown: anywhere, and often enough where a structure is."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from skiagraph.training.plan import Plan

__all__ = ["drawn_window", "places_inside"]

_PLACES: Final = 2048  # of each structure; windows are drawn round them

Array = NDArray[np.float32]


def drawn_window(
    picture: Array, target: Array, plan: Plan, rng: Generator, places: NDArray[np.int64] | None = None
) -> tuple[Array, Array]:
    """A window of the shape of the recipe, of an image and its masks.

    Args:
        picture: Shape (channels, spatial...).
        target: Shape (outputs, spatial...), with a first background where labels exclude one another; NaN is not known,
            and somewhere something is.
        plan: Shape, and the share of windows that hold a structure.
        rng: Draws where.
        places: What `places_inside` found; None looks for it.

    Returns:
        Both of the shape of the recipe, with something that is known; beyond the image lie its smallest value, and
        background.
    """
    first = 1 if plan.recipe.activation == "softmax" else 0
    middle = None
    if rng.random() < plan.foreground:
        middle = _drawn_place(
            places_inside(target[first:]) if places is None else places, picture.shape[1:], rng
        )
    where, margins = _placed(picture.shape[1:], plan.recipe.shape, middle, rng)
    if np.isnan(target[(slice(None), *where)]).all():
        where, margins = _placed(picture.shape[1:], plan.recipe.shape, _somewhere_known(target, rng), rng)
    cut, sides = (slice(None), *where), [(0, 0), *margins]
    beyond = float(picture.min()) if any(map(any, margins)) else 0.0
    seen = np.pad(picture[cut], sides, constant_values=beyond)
    outlined = np.pad(target[cut], sides)
    if first:
        outlined[0] = np.pad(target[0][where], margins, constant_values=1.0)
    return seen, outlined


def _placed(
    size: tuple[int, ...], shape: tuple[int, ...], middle: NDArray[np.intp] | None, rng: Generator
) -> tuple[tuple[slice, ...], list[tuple[int, int]]]:
    """Where a window lies, round `middle` where there is one, and how far it reaches beyond the image."""
    where, margins = [], []
    for axis, (n, w) in enumerate(zip(size, shape, strict=True)):
        missing, free = max(0, w - n), max(0, n - w)
        start = int(rng.integers(free + 1))
        if middle is not None:
            start = int(np.clip(middle[axis] - rng.integers(w // 4, w - w // 4), 0, free))
        where.append(slice(start, start + w))
        margins.append((missing // 2, missing - missing // 2))
    return tuple(where), margins


def places_inside(masks: Array) -> NDArray[np.int64]:
    """Some places of each structure, evenly from all of them; a window is drawn round one without a look at the whole.

    Args:
        masks: Shape (structures, spatial...), 0 to 1.

    Returns:
        Flat indices, shape (structures, 2048); -1 of a structure that is not there.
    """
    found = np.full((len(masks), _PLACES), -1, np.int64)
    for row, mask in zip(found, masks, strict=True):
        inside = np.flatnonzero(mask > 0.5)
        if len(inside):
            row[:] = inside[np.linspace(0, len(inside) - 1, _PLACES).round().astype(np.intp)]
    return found


def _drawn_place(
    places: NDArray[np.int64], shape: tuple[int, ...], rng: Generator
) -> NDArray[np.intp] | None:
    """A place of a structure, each structure as often as any other; None where there is none."""
    there = np.flatnonzero(places[:, 0] >= 0)
    if not len(there):
        return None
    return np.array(np.unravel_index(int(rng.choice(places[rng.choice(there)])), shape))


def _somewhere_known(target: Array, rng: Generator) -> NDArray[np.intp]:
    """A place of which something is known."""
    places = np.flatnonzero(np.isfinite(target).any(0))
    return np.array(np.unravel_index(int(rng.choice(places)), target.shape[1:]))
