"""What a structure set draws: regions of interest, each with its lines and the frames that they lie on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from skiagraph.codes import Code
from skiagraph.errors import NoDicomHome
from skiagraph.findings import Contour, Contours, Segmentation
from skiagraph.geometry import to_index
from skiagraph.interchange.places import Placed
from skiagraph.interchange.planes import Planes, as_frames
from skiagraph.interchange.references import frame_item
from skiagraph.interchange.structure_set.outlines import outlines
from skiagraph.values import frozen

__all__ = ["Line", "Region", "contour_regions", "is_flat", "mask_regions"]

_FLAT: Final = 1e-3  # mm, by which points may leave their plane
_ON_SLICE: Final = 1e-3  # of the way to the next slice


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Line:
    """One contour of a region.

    Args:
        kind: Contour Geometric Type.
        points: Shape (n, 3), mm, in the patient.
        frames: References to the frames that it lies on.
    """

    kind: str
    points: NDArray[np.float64]
    frames: tuple[Dataset, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", frozen(self.points, np.float64))


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Region:
    """One region of interest.

    Args:
        code: What it is.
        moment: Index in the timeline; None in a still image or for all of its frames.
        lines: Of it.
        rest: What no attribute says of it.
    """

    code: Code
    moment: int | None
    lines: tuple[Line, ...]
    rest: dict[str, Any] = field(default_factory=dict)


def mask_regions(finding: Segmentation, where: Placed) -> Iterator[Region]:
    """Each segment, at each moment at which it is there; one that is nowhere is a region without lines."""
    for segment in finding.segments:
        frames = as_frames(finding.mask(segment.number), where.planes)
        there = [m for m in range(len(frames)) if frames[m].any()] or [0]
        for m in there:
            moment = None if where.planes.moments is None else m
            rest = {"segment": segment.number, "confidence": segment.confidence, "moment": moment}
            lines = tuple(_outlines(frames[m], m, where))
            yield Region(code=segment.code, moment=moment, lines=lines, rest=rest)


def _outlines(slices: NDArray[np.bool_], moment: int, where: Placed) -> Iterator[Line]:
    for number in np.flatnonzero(slices.any(axis=(1, 2))).tolist():
        picture = slices[number]
        rows, columns = (np.flatnonzero(picture.any(axis=axis)) for axis in (1, 0))
        part = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        item = frame_item(where.origin, moment, number) if where.aligned else None
        for corners in outlines(part):
            points = _in_patient(corners + np.array([rows[0], columns[0]]), number, where.planes)
            yield Line(kind="CLOSED_PLANAR", points=points, frames=() if item is None else (item,))


def _in_patient(corners: NDArray[np.float64], number: int, planes: Planes) -> NDArray[np.float64]:
    """Places of (row, column) in a slice: DICOM PS3.3 equation C.7.6.2.1-1."""
    if planes.positions is None or planes.orientation is None or planes.spacing is None:
        raise NoDicomHome("the lines of a structure set lie in the patient", got="a lattice that does not")
    down, right = planes.orientation[3:] * planes.spacing[0], planes.orientation[:3] * planes.spacing[1]
    return np.asarray(planes.positions[number] + corners[:, :1] * down + corners[:, 1:] * right)


def contour_regions(finding: Contours, where: Placed) -> Iterator[Region]:
    """The contours of each code and moment, in the order in which these come first."""
    groups: dict[tuple[Code, int | None], list[int]] = {}
    for n, contour in enumerate(finding.items):
        groups.setdefault((contour.code, contour.moment), []).append(n)
    for (code, moment), members in groups.items():
        items = [finding.items[n] for n in members]
        lines = tuple(_drawn(item, finding, where) for item in items)
        rest = [_line_rest(n, finding.items[n], line) for n, line in zip(members, lines, strict=True)]
        yield Region(code=code, moment=moment, lines=lines, rest={"moment": moment, "lines": rest})


def _line_rest(at: int, contour: Contour, line: Line) -> dict[str, Any]:
    """Which of the contours a line is, and how sure; and that it is closed where its kind does not say so."""
    rest: dict[str, Any] = {"at": at, "confidence": contour.confidence}
    return rest | {"closed": True} if contour.closed and line.kind != "CLOSED_PLANAR" else rest


def _drawn(contour: Contour, finding: Contours, where: Placed) -> Line:
    points, flat = contour.points, is_flat(contour.points)
    closed = contour.closed and len(points) > 2
    if closed and not flat:
        points = np.concatenate([points, points[:1]])
    kind = ("CLOSED_PLANAR" if closed else "OPEN_PLANAR") if flat else "OPEN_NONPLANAR"
    frames = _frames(contour, finding, where) if where.aligned and flat else ()
    return Line(kind=kind, points=points, frames=frames)


def _frames(contour: Contour, finding: Contours, where: Placed) -> tuple[Dataset, ...]:
    """The frames that a contour lies on: one, or that of each moment where it holds for all; none beside slices."""
    axis = where.planes.axes[0]
    heights = to_index(finding.space, contour.points)[:, axis]
    at = int(np.rint(heights[0]))
    count = where.planes.shape[0]
    if np.abs(heights - at).max() > _ON_SLICE or not 0 <= at < count:
        return ()
    number = count - 1 - at if where.planes.reversed[0] else at
    moments = range(where.planes.moments or 1) if contour.moment is None else [contour.moment]
    items = (frame_item(where.origin, moment, number) for moment in moments)
    return tuple(item for item in items if item is not None)


def is_flat(points: NDArray[np.float64]) -> bool:
    """Whether points lie in one plane, to a thousandth of a millimetre."""
    apart = points - points.mean(axis=0)
    if len(points) < 4:
        return True
    normal = np.linalg.svd(apart, full_matrices=False)[2][-1]
    return float(np.abs(apart @ normal).max()) <= _FLAT
