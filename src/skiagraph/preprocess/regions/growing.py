"""Region growing: what is connected with the seeds and has their value."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from skiagraph.findings import Segmentation
from skiagraph.image import Image
from skiagraph.preprocess.filters.still import Still, check_positive, noise_of
from skiagraph.preprocess.regions.selected import Places, places_of, segmented

__all__ = ["grown"]


def grown(image: Image, *, seeds: Places, tolerance: float | None = None) -> Segmentation:
    """What is connected, face to face, with a seed through values that are close to those around the seeds.

    Args:
        image: Still or moving, 2-D or 3-D.
        seeds: Indices of places inside of the region.
        tolerance: How far a value may lie from the mean of the seeds and their neighbours, in the unit of the image;
            None takes three deviations of the estimated noise. A seed always belongs.

    Raises:
        GeometryError: No seed, or one outside of the picture.
        InvalidInput: A tolerance that is not positive.

    Source: Adams and Bischof, Seeded region growing (1994), with a fixed tolerance.
    """
    check_positive(tolerance=tolerance)

    def act(still: Still) -> NDArray[np.bool_]:
        at = places_of(seeds, still, "seeds")
        sown = np.zeros(still.numbers.shape, dtype=np.bool_)
        sown[at] = True
        around = ndimage.binary_dilation(sown) & still.known
        level = float(still.numbers[around].mean()) if around.any() else float(still.numbers[at].mean())
        far = 3.0 * noise_of(still) if tolerance is None else tolerance
        alike = (np.abs(still.numbers - level) <= far) | sown
        return np.asarray(ndimage.binary_propagation(sown, mask=alike & still.known))

    return segmented(image, act)
