"""Histograms of oriented gradients: which edges lie where in the box around a region."""

from __future__ import annotations

import itertools
from typing import Final

import numpy as np
from numpy.typing import NDArray
from skimage.feature import hog
from skimage.transform import resize

from skiagraph.errors import InvalidInput
from skiagraph.features.feature import Feature
from skiagraph.features.local.area import bounding_box, described, planes, unusable, window
from skiagraph.features.region import Region

__all__ = ["oriented_gradients"]

_FAMILY: Final = "oriented gradients"


def oriented_gradients(
    region: Region, *, cells: int = 4, cell: int = 8, block: int = 2, directions: int = 9
) -> tuple[Feature, ...]:
    """Histograms of oriented gradients of the bounding box, brought to one size.

    The box, with all that it holds, is resampled to ``cells * cell`` samples along both sides, whatever its form. Of a
    volume the same box is cut from each slice along the first axis, and histograms are averaged over slices, each
    with the number of its places in the mask.

    Args:
        region: A picture or a volume.
        cells: Along each side of the box, at least `block`.
        cell: Samples along each side of a cell.
        block: Cells along each side of the blocks in which histograms are normalised (L2, cut at 0.2, L2 again).
        directions: Bins over half a turn.

    Returns:
        ``(cells - block + 1) ** 2 * block ** 2 * directions`` pure numbers, blocks row by row, in each the cells row by
        row; 0 where nothing changes.

    Raises:
        InvalidInput: Sizes that are not positive, a cell of one sample, or a block that is larger than the box.

    Source: Dalal and Triggs, Histograms of oriented gradients for human detection, CVPR 2005, 886-893.
    """
    if not 1 <= block <= cells or cell < 2 or directions < 1:
        raise InvalidInput(
            "a histogram has cells of 2 samples or more, and blocks no larger than the box",
            got=f"{cells} cells of {cell}, blocks of {block}, {directions} directions",
        )
    reason = unusable(region)
    if not reason and min(s.stop - s.start for s in bounding_box(region.mask)[-2:]) < 3:
        reason = "the box is narrower than three samples"
    steps = cells - block + 1
    names = [
        f"block {r} {c} cell {i} {j} direction {d}"
        for r, c, i, j, d in itertools.product(
            range(steps), range(steps), range(block), range(block), range(directions)
        )
    ]
    if reason:
        return tuple(described(_FAMILY, name, reason) for name in names)
    histograms = _histograms(region, cells * cell, cell, block, directions)
    return tuple(described(_FAMILY, n, float(v)) for n, v in zip(names, histograms, strict=True))


def _histograms(region: Region, side: int, cell: int, block: int, directions: int) -> NDArray[np.float64]:
    """Averaged over slices with the places of the mask in each."""
    numbers, mask = window(region, (0,) * region.ndim)
    scale = np.abs(numbers - numbers.mean()).max()
    rounding = 1e-12 * np.abs(numbers).max()
    # Numbers are brought to a scale of 1, so that the constant in the normalisation does not depend on their unit.
    numbers = (numbers - numbers.mean()) / scale if scale > rounding else np.zeros_like(numbers)
    total, places = np.zeros(0), 0
    for picture, inside in planes(numbers, mask):
        found = hog(
            resize(picture, (side, side), order=1, mode="symmetric", anti_aliasing=True),
            orientations=directions,
            pixels_per_cell=(cell, cell),
            cells_per_block=(block, block),
            block_norm="L2-Hys",
        )
        n = int(inside.sum())
        total = n * found if total.size == 0 else total + n * found
        places += n
    histograms: NDArray[np.float64] = total / places
    return histograms
