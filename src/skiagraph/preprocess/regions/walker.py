"""Random walks: a place belongs to the seed that a walker who avoids edges is likely to reach first."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import random_walker

from skiagraph.findings import Segmentation
from skiagraph.image import Image
from skiagraph.preprocess.filters.still import Still, check_positive, steps_of
from skiagraph.preprocess.regions.selected import Places, places_of, segmented
from skiagraph.preprocess.regions.threshold import otsu_threshold

__all__ = ["random_walk"]

_CLOSE: Final = 1e-6  # of the equations: looser, and shares leave the range from 0 to 1


def random_walk(
    image: Image, *, seeds: Places | None = None, outside: Places | None = None, beta: float = 130.0
) -> Segmentation:
    """What a random walker reaches from inside before it reaches the outside.

    Args:
        image: Still or moving, 2-D or 3-D.
        seeds: Indices of places inside; None takes what is brighter than the mean of all that is above the threshold
            of Otsu, and as outside what is darker than the mean of all below.
        outside: Indices of places outside; None takes the rim of the picture, where seeds are given.
        beta: How hard it is to cross an edge, for numbers from 0 to 1.

    Raises:
        GeometryError: A seed outside of the picture.
        InvalidInput: A beta that is not positive.

    Source: Grady, Random walks for image segmentation (2006); `skimage.segmentation.random_walker`.
    """
    check_positive(beta=beta)

    def act(still: Still) -> NDArray[np.bool_]:
        markers = _markers(still, seeds, outside)
        if len(np.unique(markers)) < 3:
            return np.asarray(markers == 1)
        level = (still.numbers - still.numbers.min()) / np.ptp(still.numbers)
        found = random_walker(level, markers, beta=beta, mode="cg_j", tol=_CLOSE, spacing=steps_of(still))
        return np.asarray(found == 1)

    return segmented(image, act)


def _markers(still: Still, seeds: Places | None, outside: Places | None) -> NDArray[np.int32]:
    """1 inside, 2 outside, 0 where it is not known."""
    markers = np.zeros(still.numbers.shape, dtype=np.int32)
    if seeds is None:
        numbers, above = still.numbers, still.numbers > otsu_threshold(still.numbers[still.known])
        markers[numbers < numbers[~above].mean()] = 2
        markers[numbers > numbers[above].mean()] = 1
    elif outside is None:
        markers[...] = 2
        markers[
            (slice(1, -1),) * markers.ndim if min(markers.shape) > 2 else (..., slice(1, -1), slice(1, -1))
        ] = 0
    if outside is not None:
        markers[places_of(outside, still, "places outside")] = 2
    if seeds is not None:
        markers[places_of(seeds, still, "seeds")] = 1
    return markers
