"""The second look at an outline: the picture is unrolled around it, and it moves to the edge that a network finds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput
from skiagraph.features import Ellipse
from skiagraph.features.unrolled import (
    axes_of,
    bent,
    edge_offsets,
    ellipse_of,
    motion,
    moved,
    unrolled,
)
from skiagraph.geometry import Space, index_map
from skiagraph.image import Image
from skiagraph.preprocess import network_pixels, normalised
from skiagraph.preprocess.lattice import fitted
from skiagraph.task import Engine, Recipe, Refine

__all__ = ["carried", "refined"]


def carried(ellipse: Ellipse, lattice: Space, onto: Space) -> Ellipse:
    """An ellipse in the indices of one lattice, in those of another."""
    way = index_map(lattice, onto)
    return ellipse.mapped(way.matrix[:-1, :-1], way.matrix[:-1, -1])


def refined(ellipse: Ellipse, lattice: Space, image: Image, recipe: Recipe, engine: Engine) -> Ellipse:
    """An outline after the second look.

    Args:
        ellipse: The first outline, in indices of `lattice`.
        lattice: Of the first network.
        image: What was read, one grey channel.
        recipe: With `Recipe.refine`.
        engine: Runs the ring networks.

    Returns:
        Between the first outline and where its motions lead, in indices of `lattice`.

    Raises:
        InvalidInput: The recipe asks for no second look.
    """
    how = recipe.refine
    if how is None:
        raise InvalidInput("a recipe says how an outline is looked at again", got="nothing")
    fine = fitted(image.space, how.shape)
    picture = network_pixels(image, fine)
    first = carried(ellipse, lattice, fine)
    centre, axes = first.centre, axes_of(first)
    for _ in range(how.rounds):
        centre, axes = moved(centre, axes, _motion(picture, centre, axes, recipe, engine))
        axes = axes_of(ellipse_of(centre, axes))
    return carried(_between(first, ellipse_of(centre, axes), how), fine, lattice)


def _motion(
    picture: NDArray[np.floating],
    centre: NDArray[np.float64],
    axes: NDArray[np.float64],
    recipe: Recipe,
    engine: Engine,
) -> NDArray[np.float64]:
    """The mean motion over all networks."""
    how = recipe.refine or Refine()
    seen = bent(normalised(unrolled(picture, centre, axes, how), recipe.normalise), axes, how)
    return np.asarray(motion(*edge_offsets(engine(seen[None]), how)).mean((0, 1)))


def _between(first: Ellipse, last: Ellipse, how: Refine) -> Ellipse:
    """The ellipse at `share` of the way: centres, and square roots of the forms, are mixed."""
    roots = [_root(e.form) for e in (first, last)]
    root = (1 - how.share) * roots[0] + how.share * roots[1]
    return Ellipse(centre=(1 - how.share) * first.centre + how.share * last.centre, form=root @ root)


def _root(form: NDArray[np.float64]) -> NDArray[np.float64]:
    """The symmetric square root of a symmetric, positive definite matrix."""
    squares, directions = np.linalg.eigh(form)
    return np.asarray((directions * np.sqrt(squares)) @ directions.T)
