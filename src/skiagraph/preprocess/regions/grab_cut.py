"""GrabCut: parts what is in a box from what is around it by their colours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import GeometryError, InvalidInput
from skiagraph.findings import Segment, Segmentation
from skiagraph.geometry import Plane
from skiagraph.image import Image, pixels, seen
from skiagraph.optional import optional
from skiagraph.preprocess.filters.still import check_counts
from skiagraph.preprocess.regions.selected import SELECTED

__all__ = ["grab_cut"]


def grab_cut(image: Image, *, box: tuple[int, int, int, int] | None = None, steps: int = 5) -> Segmentation:
    """What stands out in a box from what is around the box.

    Numbers are seen as on a screen, through the window of the image's file. Needs OpenCV.

    Args:
        image: Still or moving picture, grey or red, green and blue.
        box: First row, first column, rows, columns; None leaves a tenth of the picture at each edge.
        steps: How often colours are learnt and parted.

    Raises:
        MissingPackage: OpenCV is not installed.
        InvalidInput: A volume, or other channels.
        GeometryError: A box that is empty, reaches beyond the picture, or leaves nothing around it.

    Source: Rother, Kolmogorov and Blake, GrabCut: interactive foreground extraction using iterated graph cuts (2004);
        `cv2.grabCut`.
    """
    check_counts(steps=steps)
    if not isinstance(image.space, Plane) or len(image.channels) not in (0, 3):
        raise InvalidInput(
            "GrabCut parts pictures in grey or in three colours",
            got=f"axes {', '.join(image.axes)}",
            way_out="take random_walk, which knows volumes",
        )
    array = pixels(image)
    level = seen(array, () if image.channels else image.windows)
    frames = level if image.space.timeline is not None else level[np.newaxis]
    labels = np.stack([_cut(frame, _checked(box, image.space.shape), steps) for frame in frames])
    known = np.isfinite(array).all(axis=-1) if image.channels else np.isfinite(array)
    return Segmentation(
        space=image.space,
        labels=(labels if image.space.timeline is not None else labels[0]) * known,
        segments=(Segment(number=1, code=SELECTED),),
    )


def _checked(box: tuple[int, int, int, int] | None, shape: tuple[int, int]) -> tuple[int, int, int, int]:
    rows, columns = shape
    if box is None:
        top, left = max(1, rows // 10), max(1, columns // 10)
        box = (top, left, rows - 2 * top, columns - 2 * left)
    row, column, high, wide = box
    fits = (
        row >= 0 and column >= 0 and high > 0 and wide > 0 and row + high <= rows and column + wide <= columns
    )
    if not fits or high * wide == rows * columns:
        raise GeometryError(
            "a box lies in the picture and leaves something around it", got=f"{box} in {shape}"
        )
    return box


def _cut(frame: NDArray[np.uint8], box: tuple[int, int, int, int], steps: int) -> NDArray[np.uint8]:
    if frame.min() == frame.max():
        return np.zeros(frame.shape[:2], dtype=np.uint8)
    cv2 = optional("cv2", package="OpenCV", extra="opencv")
    colours = frame if frame.ndim == 3 else np.repeat(frame[..., np.newaxis], 3, axis=-1)
    row, column, high, wide = box
    mask = np.zeros(frame.shape[:2], dtype=np.uint8)
    models = np.zeros((2, 1, 65), dtype=np.float64)
    cv2.setRNGSeed(0)  # its clusters begin by chance, and two runs must give one outline
    cv2.grabCut(
        np.ascontiguousarray(colours[..., ::-1]),
        mask,
        (column, row, wide, high),
        models[0],
        models[1],
        steps,
        cv2.GC_INIT_WITH_RECT,
    )
    return np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
