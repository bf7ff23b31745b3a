"""Findings that mark places: landmarks, contours and tracks in world coordinates, boxes as ranges of indices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from skiagraph.codes import Code
from skiagraph.errors import GeometryError, InvalidInput
from skiagraph.findings.checks import check_fraction, checked_points
from skiagraph.geometry import Space
from skiagraph.values import checked_when_unpickled, frozen

__all__ = ["Box", "Boxes", "Contour", "Contours", "Landmark", "Landmarks", "Track", "Tracks"]


def _check_moment(space: Space, moment: int | None) -> None:
    if moment is None:
        return
    if space.timeline is None or not 0 <= moment < len(space.timeline):
        raise GeometryError("a mark names a frame of its space's timeline", got=f"frame {moment}")


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Landmark:
    """One named place.

    Args:
        code: What it is.
        point: Shape (ndim,), world coordinates.
        confidence: 0 to 1, None where the model does not tell.
        moment: Index in the timeline, None in a still image or for all frames.
    """

    code: Code
    point: NDArray[np.float64]
    confidence: float | None = None
    moment: int | None = None

    def __post_init__(self) -> None:
        check_fraction("the confidence of a landmark", self.confidence)
        point = frozen(self.point, np.float64)
        if point.ndim != 1 or not np.isfinite(point).all():
            raise GeometryError("a landmark is one finite point", got=f"shape {point.shape}")
        object.__setattr__(self, "point", point)


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Landmarks:
    """Named places in a space.

    Args:
        space: Where they lie.
        items: The places.
    """

    space: Space
    items: tuple[Landmark, ...]

    def __post_init__(self) -> None:
        for item in self.items:
            _check_moment(self.space, item.moment)
            if len(item.point) != self.space.ndim:
                raise GeometryError(f"a point here has {self.space.ndim} numbers", got=str(len(item.point)))


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Box:
    """One object in a box along the array axes of its space.

    Args:
        code: What it is.
        low: Shape (ndim,), index of the lower edge; voxel n reaches from n - 0.5 to n + 0.5.
        high: Shape (ndim,), index of the upper edge, above `low`.
        confidence: 0 to 1, None where the model does not tell.
        moment: Index in the timeline, None in a still image or for all frames.
    """

    code: Code
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    confidence: float | None = None
    moment: int | None = None

    def __post_init__(self) -> None:
        check_fraction("the confidence of a box", self.confidence)
        low, high = frozen(self.low, np.float64), frozen(self.high, np.float64)
        if (
            low.ndim != 1
            or low.shape != high.shape
            or not (np.isfinite(low) & np.isfinite(high) & (low < high)).all()
        ):
            raise GeometryError(
                "a box has finite edges, each low below its high", got=f"{low.tolist()}, {high.tolist()}"
            )
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Boxes:
    """Detected objects in a space.

    Args:
        space: Where they lie.
        items: The boxes.
    """

    space: Space
    items: tuple[Box, ...]

    def __post_init__(self) -> None:
        for item in self.items:
            _check_moment(self.space, item.moment)
            if len(item.low) != self.space.ndim:
                raise GeometryError(f"a box here has {self.space.ndim} axes", got=str(len(item.low)))


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contour:
    """One line through places.

    Args:
        code: What it goes round, or along.
        points: Shape (n, ndim), n >= 2, world coordinates, in order.
        closed: Whether the last point joins the first.
        confidence: 0 to 1, None where the model does not tell.
        moment: Index in the timeline, None in a still image or for all frames.
    """

    code: Code
    points: NDArray[np.float64]
    closed: bool = True
    confidence: float | None = None
    moment: int | None = None

    def __post_init__(self) -> None:
        check_fraction("the confidence of a contour", self.confidence)
        ndim = np.shape(self.points)[-1] if np.ndim(self.points) == 2 else 0
        if ndim not in (2, 3):
            raise GeometryError(
                "the points of a contour have 2 or 3 numbers each", got=f"shape {np.shape(self.points)}"
            )
        object.__setattr__(self, "points", checked_points(self.points, ndim, least=2))


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contours:
    """Lines in a space: outlines and diameters.

    Args:
        space: Where they lie.
        items: The lines.
    """

    space: Space
    items: tuple[Contour, ...]

    def __post_init__(self) -> None:
        for item in self.items:
            _check_moment(self.space, item.moment)
            if item.points.shape[1] != self.space.ndim:
                raise GeometryError(
                    f"a contour here has {self.space.ndim} axes", got=str(item.points.shape[1])
                )


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Track:
    """One object followed through time.

    Args:
        code: What it is.
        moments: Shape (n,), rising indices in the timeline.
        points: Shape (n, ndim), world coordinates.
    """

    code: Code
    moments: NDArray[np.int64]
    points: NDArray[np.float64]

    def __post_init__(self) -> None:
        moments = frozen(self.moments, np.int64)
        if moments.ndim != 1 or (np.diff(moments) <= 0).any() or (moments < 0).any():
            raise InvalidInput("the moments of a track rise", got=str(moments.tolist()[:10]))
        points = checked_points(self.points, np.shape(self.points)[-1] if np.ndim(self.points) == 2 else 0)
        if len(points) != len(moments):
            raise GeometryError("a track has one point a moment", got=f"{len(points)} and {len(moments)}")
        object.__setattr__(self, "moments", moments)
        object.__setattr__(self, "points", points)


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tracks:
    """Objects followed through time in a space.

    Args:
        space: Where they move; it has a timeline.
        items: The objects.
    """

    space: Space
    items: tuple[Track, ...]

    def __post_init__(self) -> None:
        for item in self.items:
            _check_moment(self.space, int(item.moments[-1]))
            if item.points.shape[1] != self.space.ndim:
                raise GeometryError(f"a track here has {self.space.ndim} axes", got=str(item.points.shape[1]))
