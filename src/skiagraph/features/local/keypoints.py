"""SIFT: descriptors of the surroundings of points in a region, at blobs that stand out or on a grid."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.feature import SIFT

from skiagraph.errors import GeometryError, InvalidInput
from skiagraph.features.local.area import bounding_box, unusable, window
from skiagraph.features.region import Region

__all__ = ["dense_sift", "sift_points"]

_SIDE: Final = 4  # histograms along each side of a descriptor
_DIRECTIONS: Final = 8
_LENGTH: Final = _SIDE**2 * _DIRECTIONS
_CUT: Final = 0.2  # the share of the length above which one number is cut
_ROOM: Final = 32  # samples around the box, mirrored where the picture ends

Points = NDArray[np.float64]
Descriptors = NDArray[np.float32]


def sift_points(
    numbers: NDArray[np.float64], mask: NDArray[np.bool_], *, fewest: int = 16, step: int = 8, cell: int = 4
) -> tuple[Points, Descriptors]:
    """SIFT descriptors at the keypoints in a mask; on a grid where too few are found.

    Args:
        numbers: Shape (rows, columns); brought to a range of 1 in the mask before keypoints are sought, which takes
            about 1 kB of memory a sample of the box around the mask.
        mask: Of the same shape.
        fewest: Keypoints below which the grid is taken instead of them.
        step: Of the grid, in samples.
        cell: Of descriptors on the grid, in samples.

    Returns:
        Points, shape (n, 2), as (row, column), and descriptors, shape (n, 128), of length 1. None where the mask is
        empty, a number in it is not finite, or nothing changes around it.

    Raises:
        GeometryError: No picture, or a mask of another shape.
        InvalidInput: A step or a cell below 1.

    Source: Lowe, Distinctive image features from scale-invariant keypoints, IJCV 60 (2004) 91-110.
    """
    region = _picture(numbers, mask, step, cell)
    if unusable(region) or np.ptp(region.inside) == 0:
        return dense_sift(numbers, mask, step=step, cell=cell)
    low, span = region.inside.min(), np.ptp(region.inside)
    around, _ = window(region, (_ROOM, _ROOM))
    sift = SIFT()
    try:
        sift.detect_and_extract((around - low) / span)
    except RuntimeError:  # how it says that there are none
        return dense_sift(numbers, mask, step=step, cell=cell)
    corner = np.array([side.start - _ROOM for side in bounding_box(region.mask)])
    points = np.asarray(sift.positions, dtype=np.float64) + corner
    places = np.round(points).astype(np.intp)
    within = ((places >= 0) & (places < numbers.shape)).all(axis=1)
    within[within] = region.mask[tuple(places[within].T)]
    if within.sum() < fewest:
        return dense_sift(numbers, mask, step=step, cell=cell)
    found = sift.descriptors[within].astype(np.float64)
    return points[within], (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def dense_sift(
    numbers: NDArray[np.float64], mask: NDArray[np.bool_], *, step: int = 8, cell: int = 4
) -> tuple[Points, Descriptors]:
    """Upright SIFT descriptors on a grid in a mask, laid out as those of `sift_points`.

    Args:
        numbers: Shape (rows, columns).
        mask: Of the same shape.
        step: Of the grid, in samples; it lies centrally in the box around the mask.
        cell: Samples along each side of the 4 by 4 histograms of a descriptor.

    Returns:
        Points, shape (n, 2), as (row, column), and descriptors, shape (n, 128), of length 1. Points around which
        nothing changes are left out.

    Raises:
        GeometryError: No picture, or a mask of another shape.
        InvalidInput: A step or a cell below 1.

    Source: Lowe (2004) section 6, at points as of Lazebnik, Schmid and Ponce, Beyond bags of features, CVPR 2006.
    """
    region = _picture(numbers, mask, step, cell)
    if unusable(region):
        return np.zeros((0, 2)), np.zeros((0, _LENGTH), dtype=np.float32)
    room = 3 * cell + 2
    around, inside = window(region, (room, room))
    sides = [
        np.arange(room + (n - 2 * room - 1) % step // 2, n - room, step, dtype=np.intp) for n in around.shape
    ]
    points = np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1).reshape(-1, 2)
    points = points[inside[tuple(points.T)]]
    found = _descriptors(around, points, cell)
    length = np.linalg.norm(found, axis=1, keepdims=True)
    kept = length[:, 0] > 1e-9 * cell**2 * np.abs(around).max()
    found, length = found[kept], length[kept]
    found = np.minimum(found, _CUT * length)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    corner = np.array([side.start - room for side in bounding_box(region.mask)], dtype=np.float64)
    return points[kept] + corner, found.astype(np.float32)


def _picture(numbers: NDArray[np.float64], mask: NDArray[np.bool_], step: int, cell: int) -> Region:
    if np.ndim(numbers) != 2:
        raise GeometryError("keypoints are sought in a picture", got=f"{np.ndim(numbers)} axes")
    if step < 1 or cell < 1:
        raise InvalidInput("a grid has steps and cells of 1 sample or more", got=f"{step} and {cell}")
    return Region(numbers=numbers, mask=mask)


def _descriptors(picture: NDArray[np.float64], points: NDArray[np.intp], cell: int) -> NDArray[np.float64]:
    """Histograms of gradients around points, shape (points, 128), neither cut nor of length 1.

    The order is (row, column, direction); directions begin down the rows and turn towards the columns' axis, as
    in scikit-image.
    """
    smooth = ndimage.gaussian_filter(picture, cell / 3)
    down, right = np.gradient(smooth)
    strength = np.hypot(down, right)
    direction = np.mod(np.arctan2(right, down) * _DIRECTIONS / (2 * np.pi), _DIRECTIONS)
    ramp = 1 - np.abs(np.arange(1 - cell, cell)) / cell
    offsets = (np.arange(_SIDE) - (_SIDE - 1) / 2) * cell
    weights = np.exp(-((offsets / (2 * cell)) ** 2) / 2)
    found = np.empty((len(points), _SIDE, _SIDE, _DIRECTIONS))
    for d in range(_DIRECTIONS):
        distance = np.abs(direction - d)
        share = np.maximum(1 - np.minimum(distance, _DIRECTIONS - distance), 0) * strength
        pooled = ndimage.correlate1d(ndimage.correlate1d(share, ramp, axis=0), ramp, axis=1)
        for i, j in np.ndindex(_SIDE, _SIDE):
            places = points + np.array([offsets[i], offsets[j]])
            there = ndimage.map_coordinates(pooled, places.T, order=1, mode="nearest")
            found[:, i, j, d] = weights[i] * weights[j] * there
    return found.reshape(len(points), _LENGTH)
