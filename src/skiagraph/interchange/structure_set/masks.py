"""Closed contours filled onto a lattice: masks again."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from skiagraph.case import Case
from skiagraph.codes import Code
from skiagraph.errors import FrameMismatch, GeometryError
from skiagraph.findings import Contours, Segment, Segmentation
from skiagraph.findings.checks import field_shape
from skiagraph.geometry import Space, to_index
from skiagraph.interchange.remainder import remembered
from skiagraph.interchange.structure_set.outlines import filled
from skiagraph.interchange.structure_set.read import ReadRegion, read_regions, space_of

__all__ = ["mask_of", "read_masks"]

_TILT: Final = 0.5  # of a slice, that a contour may reach out of its own


def mask_of(contours: Contours, space: Space) -> Segmentation:
    """The masks that closed contours enclose, one segment a code, in the order in which these come first.

    All contours of a code in one slice are taken together by the even-odd rule: a hole is a line within a line, or
    joined to the outer one by a keyhole. A pixel is inside where its centre is, or lies on a line. Each contour goes to
    the slice nearest to it; slices between contours stay empty. Open contours enclose nothing.

    Args:
        contours: In planes of the lattice.
        space: The lattice.

    Returns:
        Segments that may overlap, each as sure as its contours where these agree.

    Raises:
        FrameMismatch: Another frame of reference.
        GeometryError: A contour that crosses the slices of the lattice.

    Source: DICOM PS3.3 C.8.8.6.3.
    """
    if contours.space.frame != space.frame:
        raise FrameMismatch(
            "contours are filled in their own frame of reference",
            got=f"{contours.space.frame} and {space.frame}",
            way_out="resample them onto the other space with a Transform first",
        )
    timed = dataclasses.replace(space, timeline=contours.space.timeline)
    groups: dict[Code, list[int]] = {}
    for n, item in enumerate(contours.items):
        if item.closed:
            groups.setdefault(item.code, []).append(n)
    items = contours.items
    axis = _slice_axis([item.points for item in items if item.closed], space)
    masks = np.zeros((len(groups), *field_shape(timed)), np.bool_)
    for mask, members in zip(masks, groups.values(), strict=True):
        for moment in {items[n].moment for n in members}:
            lines = [items[n].points for n in members if items[n].moment == moment]
            _lay(lines, space, axis, _at(mask, space, moment), 1)
    segments = [
        Segment(number=n, code=code, confidence=_common([items[m].confidence for m in members]))
        for n, (code, members) in enumerate(groups.items(), start=1)
    ]
    return Segmentation(space=timed, labels=masks, segments=tuple(segments), kind="overlapping")


def read_masks(ds: Dataset, case: Case | None = None) -> Segmentation:
    """The regions of a structure set as masks: a segmentation of ours as it was, of others a segment a region.

    Args:
        ds: RT Structure Set Storage.
        case: The images that it may be about; their lattice is filled. See `read_structure_set`.

    Raises:
        FormatError: See `read_structure_set`.
        GeometryError: A contour that crosses the slices of the lattice.
    """
    rest, regions = remembered(ds), read_regions(ds)
    space = space_of(ds, regions, case)
    ours = rest.get("finding") == "Segmentation"
    used = [r for r in regions if ours or (r.frame == space.frame and _closed(r))]
    groups: dict[int, list[ReadRegion]] = {}
    for region in used:
        groups.setdefault(int(region.rest["segment"]) if ours else region.number, []).append(region)
    axis = _slice_axis([points for region in used for points in _closed(region)], space)
    numbers = list(groups) if ours or min(groups, default=1) > 0 else list(range(1, len(groups) + 1))
    kind: Any = rest["kind"] if ours else "overlapping"
    apart = kind == "overlapping"
    labels = np.zeros(
        ((len(groups),) if apart else ()) + field_shape(space), np.bool_ if apart else str(rest["dtype"])
    )
    for n, (number, members) in enumerate(zip(numbers, groups.values(), strict=True)):
        for region in members:
            there = _at(labels[n] if apart else labels, space, region.rest.get("moment"))
            _lay(_closed(region), space, axis, there, 1 if apart else number)
    segments = tuple(
        Segment(
            number=n, code=members[0].code, confidence=members[0].rest.get("confidence") if ours else None
        )
        for n, members in zip(numbers, groups.values(), strict=True)
    )
    return Segmentation(space=space, labels=labels, segments=segments, kind=kind)


def _closed(region: ReadRegion) -> list[NDArray[np.float64]]:
    return [line.points for line in region.lines if line.kind.startswith("CLOSED") and len(line.points) > 2]


def _common(confidences: Sequence[float | None]) -> float | None:
    return confidences[0] if len(set(confidences)) == 1 else None


def _at(field: NDArray[Any], space: Space, moment: int | None) -> list[NDArray[Any]]:
    """The parts of a field at one moment, or at all of them."""
    if field.ndim == space.ndim:
        return [field]
    return list(field) if moment is None else [field[moment]]


def _slice_axis(lines: Sequence[NDArray[np.float64]], space: Space) -> int:
    """The axis across which all lines are flattest; -1 in a plane, which has none."""
    if space.ndim == 2 or not lines:
        return -1 if space.ndim == 2 else 0
    points = to_index(space, np.concatenate(lines))
    begins = np.cumsum([0, *(len(line) for line in lines[:-1])])
    spread = np.maximum.reduceat(points, begins) - np.minimum.reduceat(points, begins)
    worst = spread.max(axis=0)
    axis = int(worst.argmin())
    if worst[axis] > _TILT:
        raise GeometryError(
            "closed contours lie in the slices of the lattice that they fill",
            got=f"one that reaches across {worst[axis]:.3g} slices",
            way_out="fill the lattice that they were drawn on and resample the masks",
        )
    return axis


def _lay(
    lines: Sequence[NDArray[np.float64]], space: Space, axis: int, onto: Sequence[NDArray[Any]], value: Any
) -> None:
    """Sets a value where an odd number of lines goes round, in fields of the spatial shape of the lattice."""
    if not lines:
        return
    points = to_index(space, np.concatenate(lines))
    found: dict[int, list[NDArray[np.float64]]] = {}
    for part in np.split(points, np.cumsum([len(line) for line in lines[:-1]])):
        number = 0 if axis < 0 else int(np.floor(part[:, axis].mean() + 0.5))
        found.setdefault(number, []).append(part if axis < 0 else np.delete(part, axis, axis=1))
    stacks = [field[None] if axis < 0 else np.moveaxis(field, axis, 0) for field in onto]
    count, rows, columns = stacks[0].shape
    for number, flat in found.items():
        if 0 <= number < count:
            inside = filled(flat, (rows, columns))
            for stack in stacks:
                stack[number][inside] = value
