"""Coordinates of structured reports as lines: points, polylines, circles and ellipses, in pixels or millimetres."""

from __future__ import annotations

from collections import Counter
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from skiagraph.errors import GeometryError
from skiagraph.geometry.frame import check_frame
from skiagraph.interchange.sr.pieces import Line, Where
from skiagraph.interchange.sr.tree import children, coordinates, kind_of, numbers_of, sequence_in

__all__ = ["line_of", "where_of"]

_CORNERS: Final = 64  # of the polygon that stands for a circle or an ellipse


def line_of(item: Dataset, passed: Counter[str]) -> Line | None:
    """The line of a SCOORD or SCOORD3D item; None where it is none that we know (DICOM PS3.3 C.18.6 and C.18.9)."""
    points, kind = coordinates(item), str(item.get("GraphicType") or "")
    if points is None:
        passed["graphics without coordinates"] += 1
        return None
    if kind in ("POINT", "MULTIPOINT"):
        return Line(points=points, single=True, closed=False)
    if kind in ("POLYLINE", "POLYGON") and len(points) > 1:
        closed = len(points) > 2 and np.array_equal(points[0], points[-1])
        return Line(points=points[:-1] if closed else points, single=False, closed=closed)
    if kind == "CIRCLE" and len(points) == 2:
        passed["circles, which became polygons of 64 points"] += 1
        reach = points[1] - points[0]
        return _round(points[0], reach, np.array([-reach[1], reach[0]]))
    if kind == "ELLIPSE" and len(points) == 4:
        passed["ellipses, which became polygons of 64 points"] += 1
        return _round(points.mean(axis=0), (points[1] - points[0]) / 2, (points[3] - points[2]) / 2)
    passed[f"graphics of type {kind or 'unknown'}"] += 1
    return None


def _round(centre: NDArray[np.float64], major: NDArray[np.float64], minor: NDArray[np.float64]) -> Line:
    turn = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)[:, None]
    return Line(points=centre + np.cos(turn) * major + np.sin(turn) * minor, single=False, closed=True)


def where_of(item: Dataset) -> Where | None:
    """What the coordinates of an item refer to; None where it does not say."""
    try:
        if kind_of(item) == "SCOORD3D":
            frame = str(item.get("ReferencedFrameOfReferenceUID") or "")
            check_frame(frame)
            return Where(frame=frame)
        for image in children(item):
            for reference in sequence_in(image, "ReferencedSOPSequence"):
                return _picture(reference)
    except GeometryError:
        return None
    return None


def _picture(reference: Dataset) -> Where:
    uid = str(reference.get("ReferencedSOPInstanceUID") or "")
    check_frame(uid)
    numbers = numbers_of(reference)
    return Where(instance=uid, number=max(numbers[0], 0) if len(numbers) == 1 else 0)
