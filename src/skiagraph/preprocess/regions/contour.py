"""Active contours: an outline that moves until it parts two levels, or until it lies on edges."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import (
    inverse_gaussian_gradient,
    morphological_chan_vese,
    morphological_geodesic_active_contour,
)

from skiagraph.errors import GeometryError, InvalidInput
from skiagraph.findings import Segmentation
from skiagraph.image import Image
from skiagraph.preprocess.filters.still import Still, check_counts, sigmas_of
from skiagraph.preprocess.regions.selected import segmented

__all__ = ["snake"]

_REACH: Final = 0.4  # half axes of the first outline, as a share of the picture's sides
_STEEP: Final = 100.0  # as scikit-image has it, for numbers from 0 to 1


def snake(
    image: Image,
    *,
    start: NDArray[np.bool_] | None = None,
    method: Literal["chan-vese", "geodesic"] = "chan-vese",
    steps: int = 100,
    smoothing: int = 1,
    balloon: int = -1,
) -> Segmentation:
    """What an active contour encloses in the end.

    Args:
        image: Still or moving, 2-D or 3-D.
        start: What it encloses at first, shape of one moment; None takes an ellipse in the middle, four fifths as wide
            and high as the picture.
        method: ``"chan-vese"`` parts two levels and needs no edges; ``"geodesic"`` stops at edges.
        steps: How often it moves.
        smoothing: How often it is smoothed a step; 1 to 4.
        balloon: Of ``"geodesic"``: -1 shrinks and 1 grows where there is no edge; 0 does neither.

    Raises:
        GeometryError: A start of another shape.
        InvalidInput: An unknown method, or steps or smoothing that are no count.

    Source: Marquez-Neila, Baumela and Alvarez, A morphological approach to curvature-based evolution of curves and
        surfaces (2014); Chan and Vese (2001); Caselles, Kimmel and Sapiro (1997); `skimage.segmentation`.
    """
    check_counts(steps=steps, smoothing=smoothing)
    if method not in ("chan-vese", "geodesic"):
        raise InvalidInput("a snake moves by chan-vese or by geodesic", got=repr(method))
    if balloon not in (-1, 0, 1):
        raise InvalidInput("a balloon shrinks (-1), grows (1) or does neither (0)", got=str(balloon))

    def act(still: Still) -> NDArray[np.bool_]:
        first = _first(still.numbers.shape) if start is None else np.asarray(start, dtype=np.bool_)
        if first.shape != still.numbers.shape:
            raise GeometryError(
                "a start has the shape of one moment", got=f"{first.shape} for {still.numbers.shape}"
            )
        level = (still.numbers - still.numbers.min()) / np.ptp(still.numbers)
        if method == "chan-vese":
            moved = morphological_chan_vese(level, steps, init_level_set=first, smoothing=smoothing)
        else:
            edges = inverse_gaussian_gradient(level, alpha=_STEEP, sigma=sigmas_of(still, 2.0, "pixel"))
            moved = morphological_geodesic_active_contour(
                edges, steps, init_level_set=first, smoothing=smoothing, balloon=balloon
            )
        return np.asarray(moved, dtype=np.bool_)

    return segmented(image, act)


def _first(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The ellipse or ellipsoid in the middle."""
    axes = np.indices(shape, dtype=np.float64)
    far = [((axis - (side - 1) / 2) / (_REACH * side)) ** 2 for axis, side in zip(axes, shape, strict=True)]
    return np.asarray(np.sum(far, axis=0) <= 1.0)
