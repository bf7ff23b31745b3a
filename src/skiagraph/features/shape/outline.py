"""The outline of a region: the boundary of its largest part as an ordered, closed, evenly sampled curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import find_contours

from skiagraph.features.region import Region

__all__ = ["Outline", "contour", "enclosed", "outline_of", "resampled", "smoothed"]

_POINTS: Final = 512
_STAIRS: Final = 1.0  # samples: the steps of a lattice are this long
_FEWEST: Final = 4  # samples: the contour of fewer says more about the lattice than about the region
_EVERY_NEIGHBOUR: Final = np.ones((3, 3), dtype=bool)


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outline:
    """What the descriptions of an outline share.

    Args:
        points: Shape (512, 2), along the axes of the picture, at equal distances along the curve, the first not
            repeated; in mm where the spacing is known, else in samples. Turned the same way for every region, and it
            starts at the point farthest from the centroid, so that neither the lattice's axes nor its origin matter.
        part: The largest part with its holes filled, cropped, with a rim of one empty sample.
        spacing: Of a sample; 1.0 where it is not known.
        known: Whether the spacing is known.
        parts: How many there are.
        holes: In the largest part.
        cut: Whether the largest part touches the border of the picture.
    """

    points: NDArray[np.float64]
    part: NDArray[np.bool_]
    spacing: tuple[float, float]
    known: bool
    parts: int
    holes: int
    cut: bool


def contour(mask: NDArray[Any]) -> NDArray[np.float64]:
    """The boundary of the largest part of a mask, its holes filled: what is drawn over the picture.

    Args:
        mask: Shape (rows, columns).

    Returns:
        Shape (n, 2), (row, column) in samples, halfway between the samples inside and outside; closed (the last point
        is the first again); n is 0 for an empty mask. It may leave the picture by half a sample.

    Source: Lorensen and Cline, Marching cubes (1987), in two dimensions, at level 0.5.
    """
    labels, sizes = _labelled(np.asarray(mask, dtype=np.bool_))
    if not sizes.size:
        return np.zeros((0, 2))
    filled, corner, _ = _cropped(labels, int(sizes.argmax()) + 1)
    return _boundary(filled) + corner - 1


def outline_of(region: Region) -> Outline | str:
    """The outline of a region; where it has none, why not."""
    if region.ndim != 2:
        return "an outline is that of a picture, and this is a volume"
    labels, sizes = _labelled(region.mask)
    if not sizes.size:
        return "the region is empty"
    largest = int(sizes.argmax()) + 1
    if sizes[largest - 1] < _FEWEST:
        return f"an outline needs {_FEWEST} samples, and the largest part has fewer"
    filled, _, holes = _cropped(labels, largest)
    spacing = (1.0, 1.0) if region.spacing is None else (region.spacing[0], region.spacing[1])
    edges = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    raw = _from_farthest(_boundary(filled), np.array(spacing))
    even = smoothed(resampled(raw, _POINTS), _STAIRS)
    return Outline(
        points=resampled(_closed(even) * spacing, _POINTS),
        part=filled,
        spacing=spacing,
        known=region.spacing is not None,
        parts=sizes.size,
        holes=holes,
        cut=bool((edges == largest).any()),
    )


def resampled(closed: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """`n` points at equal distances along a closed polygon.

    Args:
        closed: Shape (m, 2), the last point is the first again.
        n: How many.

    Returns:
        Shape (n, 2); the first is the first of `closed`, and is not repeated.
    """
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    places = np.arange(n) * (along[-1] / n)
    return np.stack([np.interp(places, along, closed[:, axis]) for axis in (0, 1)], axis=1)


def smoothed(points: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Evenly spaced points of a closed curve after a Gaussian of width `sigma`, a length, along the curve.

    Args:
        points: Shape (n, 2), the first not repeated.
        sigma: In the unit of the points.
    """
    length = np.hypot(*(np.roll(points, -1, axis=0) - points).T).sum()
    turns = np.fft.fftfreq(len(points), 1 / len(points))
    kept = np.exp(-2 * (np.pi * sigma * turns / length) ** 2)
    even: NDArray[np.float64] = np.fft.ifft(np.fft.fft(points, axis=0) * kept[:, None], axis=0).real
    return even


def enclosed(points: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Area (positive where the first axis turns towards the second) and centroid, shape (2,), of a polygon.

    Args:
        points: Shape (n, 2); whether the first is repeated does not matter.
    """
    origin = points[0]
    a, b = points - origin, np.roll(points, -1, axis=0) - origin
    cross = a[:, 0] * b[:, 1] - b[:, 0] * a[:, 1]
    area = cross.sum() / 2
    if area == 0:
        return 0.0, points.mean(axis=0)
    return float(area), origin + ((a + b) * cross[:, None]).sum(axis=0) / (6 * area)


def _labelled(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """Parts (samples that meet at a corner belong together) and their sizes."""
    labels, _ = ndimage.label(mask, structure=_EVERY_NEIGHBOUR)
    return labels, np.bincount(labels.ravel())[1:]


def _cropped(labels: NDArray[np.int32], part: int) -> tuple[NDArray[np.bool_], NDArray[np.float64], int]:
    """A part filled, with a rim of one empty sample; the place of its first sample; the number of its holes."""
    box = ndimage.find_objects(labels)[part - 1]
    there = np.pad(labels[box] == part, 1)
    filled: NDArray[np.bool_] = ndimage.binary_fill_holes(there)
    corner = np.array([s.start for s in box], dtype=np.float64)
    return filled, corner, int(ndimage.label(filled & ~there)[1])


def _boundary(filled: NDArray[np.bool_]) -> NDArray[np.float64]:
    found = find_contours(filled.astype(np.float64), 0.5, fully_connected="high")
    longest: NDArray[np.float64] = max(found, key=len)
    return longest


def _closed(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([points, points[:1]])


def _from_farthest(closed: NDArray[np.float64], spacing: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same polygon from its vertex farthest from the centroid on, its area positive.

    Of several such vertices, the one that the farther ones follow: a rotated region starts at the rotated place.
    """
    points = closed[:-1]
    area, centre = enclosed(points * spacing)
    points = points if area > 0 else points[::-1]
    distances = np.hypot(*(points * spacing - centre).T)
    distances = np.round(distances / distances.max(), 9)
    first = max(np.flatnonzero(distances == 1.0), key=lambda k: tuple(np.roll(distances, -k)))
    return _closed(np.roll(points, -first, axis=0))
