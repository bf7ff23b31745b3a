"""From the index order of volume files (fastest axis first) to ours (slowest first), and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput
from skiagraph.geometry import Grid, Plane, Space, Timeline
from skiagraph.image import Image, pixels

__all__ = ["channel_names", "file_affine", "is_placeless", "placed", "plain_pixels", "regular_step"]

_NEAR = 1e-6


def channel_names(n: int) -> tuple[str, ...]:
    """Red, green and blue where there are three channels, numbers where there are others, none where there is one."""
    if n == 3:
        return ("red", "green", "blue")
    return () if n == 1 else tuple(str(i) for i in range(n))


def is_placeless(affine: NDArray[np.float64]) -> bool:
    """Whether an affine says no more than sizes: axes along x, y, z in one sense or the other, origin at zero."""
    linear = affine[:3, :3]
    return bool(
        np.allclose(affine[:3, 3], 0, atol=_NEAR)
        and np.allclose(linear, np.diag(np.diag(linear)), atol=_NEAR)
    )


def placed(
    shape: tuple[int, ...],
    affine: NDArray[np.float64],
    *,
    unit: Literal["mm", "pixel"],
    flat: bool,
    timeline: Timeline | None,
) -> tuple[Callable[[str], Space], tuple[str, ...]]:
    """The way from a frame to the space of a file's pixels.

    Args:
        shape: Ours: (k, j, i), or (rows, columns) where `flat`.
        affine: 4x4, LPS, from the file's index (i, j, k, 1).
        unit: Of the affine.
        flat: The pixels are a picture: a `Plane`, kept as it is stored.
        timeline: When the frames were taken.

    Returns:
        A function of the frame, and what was noticed.
    """
    if not flat:
        ours = affine[:, [2, 1, 0, 3]]
        k, j, i = shape
        return lambda frame: Grid(shape=(k, j, i), affine=ours, frame=frame, unit=unit, timeline=timeline), ()
    rows, columns = shape
    sizes = np.linalg.norm(affine[:3, :2], axis=0)
    upright = np.allclose(affine[:2, :2], np.diag(sizes), atol=_NEAR * sizes.max())
    x, y = affine[:2, 3] if upright else (0.0, 0.0)
    matrix = np.array([[0.0, sizes[0], x], [sizes[1], 0.0, y], [0.0, 0.0, 1.0]])
    problems = (
        ()
        if upright
        else ("It turns or mirrors the picture in the patient; the picture is kept as it is stored.",)
    )
    return (
        lambda frame: Plane(shape=(rows, columns), affine=matrix, frame=frame, unit=unit, timeline=timeline),
        problems,
    )


def file_affine(space: Space) -> NDArray[np.float64]:
    """4x4, LPS, from a file's index (i, j, k, 1); a plane lies at z = 0 and has a step of 1 along k."""
    if isinstance(space, Grid):
        return np.asarray(space.affine[:, [2, 1, 0, 3]])
    matrix = np.eye(4)
    matrix[:2, :2], matrix[:2, 3] = space.affine[:2, [1, 0]], space.affine[:2, 2]
    return matrix


def plain_pixels(image: Image) -> tuple[NDArray[Any], tuple[str, ...]]:
    """The pixels in a type that every volume format knows, and what that changed."""
    array = pixels(image)
    if array.dtype == np.bool_:
        return array.astype(np.uint8), ("It holds no truth values: true became 1.",)
    if array.dtype == np.float16:
        return array.astype(np.float32), ("It holds no 16-bit fractions: they became 32-bit ones.",)
    return array, ()


def regular_step(timeline: Timeline) -> float:
    """The time between two frames, in the unit of the timeline; 1 for a single frame.

    Raises:
        InvalidInput: The frames are not evenly spaced.
    """
    steps = np.diff(timeline.times)
    if not len(steps):
        return 1.0
    if not np.allclose(steps, steps.mean(), rtol=1e-3, atol=0):
        raise InvalidInput(
            "this format holds frames at even times",
            got="uneven ones",
            way_out="write TIFF, which keeps each time",
        )
    return float(steps.mean())
