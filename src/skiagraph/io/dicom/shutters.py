"""Shutters and collimators: which part of a picture is meant to be seen, and which part was hit by rays at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from PIL import ImageDraw
from pydicom.dataset import Dataset

from skiagraph.codes import Code
from skiagraph.findings import Segmentation
from skiagraph.geometry import Space
from skiagraph.io.dicom.attributes import group_of, lattice_of, number, numbers, words
from skiagraph.io.dicom.masks import mask_finding

__all__ = ["collimator", "shutter", "shutter_findings"]

_SHUTTER: Final = Code(value="in-shutter", scheme="99SKIAGRAPH", meaning="Part of the image meant to be seen")
_COLLIMATOR: Final = Code(
    value="in-collimator", scheme="99SKIAGRAPH", meaning="Part of the image that was exposed"
)


def shutter(header: Dataset, groups: Dataset | None = None) -> NDArray[np.bool_] | None:
    """Which pixels the display shutter leaves open: shape (row, column); None where there is no shutter.

    Several shapes leave open what all of them do.

    Args:
        header: The object.
        groups: Functional groups of the frame, for enhanced objects.

    Raises:
        FormatError: More pixels than can be.

    Source: DICOM PS3.3 C.7.6.11 and C.7.6.16.2.16.
    """
    return _open(header, group_of(header, groups, "FrameDisplayShutterSequence"), "Shutter")


def collimator(header: Dataset, groups: Dataset | None = None) -> NDArray[np.bool_] | None:
    """Which pixels lie inside the collimator: shape (row, column); None where it is not stated.

    Args:
        header: The object.
        groups: Functional groups of the frame, for enhanced objects.

    Raises:
        FormatError: More pixels than can be.

    Source: DICOM PS3.3 C.8.7.3 and C.8.19.6.5.
    """
    return _open(header, group_of(header, groups, "CollimatorShapeSequence"), "Collimator")


def shutter_findings(
    header: Dataset, space: Space, groups: Dataset | None = None
) -> Mapping[str, Segmentation]:
    """``"shutter"`` and ``"collimator"``, where the object states them, as segmentations of what is open.

    Raises:
        GeometryError: The space is of another object.
    """
    masks = {
        "shutter": (shutter(header, groups), _SHUTTER),
        "collimator": (collimator(header, groups), _COLLIMATOR),
    }
    return {name: mask_finding(mask, space, code) for name, (mask, code) in masks.items() if mask is not None}


def _open(header: Dataset, item: Dataset, what: str) -> NDArray[np.bool_] | None:
    shapes = words(item, f"{what}Shape")
    if not shapes:
        return None
    _, rows, columns = lattice_of(header)
    masks = [
        mask
        for name, mask in (
            ("RECTANGULAR", _rectangle(item, what, rows, columns)),
            ("CIRCULAR", _circle(header, item, what, (rows, columns))),
            ("POLYGONAL", _polygon(item, what, rows, columns)),
        )
        if name in shapes and mask is not None
    ]
    return np.logical_and.reduce(masks) if masks else None


def _rectangle(item: Dataset, what: str, rows: int, columns: int) -> NDArray[np.bool_] | None:
    """Edges are columns and rows from 1, and belong to what is open."""
    edges = [
        number(item, f"{what}{edge}")
        for edge in ("LeftVerticalEdge", "RightVerticalEdge", "UpperHorizontalEdge", "LowerHorizontalEdge")
    ]
    known = [edge for edge in edges if edge is not None]
    if len(known) < 4:
        return None
    left, right, upper, lower = known
    row, column = np.arange(1, rows + 1)[:, None], np.arange(1, columns + 1)
    return np.asarray((row >= upper) & (row <= lower) & (column >= left) & (column <= right))


def _circle(header: Dataset, item: Dataset, what: str, shape: tuple[int, int]) -> NDArray[np.bool_] | None:
    """The radius counts pixels along a row; where pixels are not square, the circle is one in millimetres."""
    center, radius = numbers(item, f"CenterOfCircular{what}"), number(item, f"RadiusOfCircular{what}")
    if len(center) != 2 or radius is None:
        return None
    row, column = np.arange(1, shape[0] + 1)[:, None] - center[0], np.arange(1, shape[1] + 1) - center[1]
    return np.asarray((row * _aspect(header)) ** 2 + column**2 <= radius**2)


def _aspect(header: Dataset) -> float:
    """Height of a pixel over its width (C.7.6.3.1.7)."""
    for name in ("PixelAspectRatio", "PixelSpacing", "ImagerPixelSpacing"):
        sides = numbers(header, name)
        if len(sides) == 2 and min(sides) > 0:
            return sides[0] / sides[1]
    return 1.0


def _polygon(item: Dataset, what: str, rows: int, columns: int) -> NDArray[np.bool_] | None:
    """Vertices are (row, column) from 1; pixels on an edge belong to what is open."""
    flat = numbers(item, f"VerticesOfThePolygonal{what}")
    if len(flat) < 6 or len(flat) % 2:
        return None
    corners = [(column - 1, row - 1) for row, column in zip(flat[::2], flat[1::2], strict=True)]
    picture = Picture.new("1", (columns, rows))
    ImageDraw.Draw(picture).polygon(corners, fill=1, outline=1)
    return np.array(picture, dtype=np.bool_)
