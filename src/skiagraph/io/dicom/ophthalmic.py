"""The eye: where each slice of a tomography lies on the picture of the fundus that was taken with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from skiagraph.codes import Code
from skiagraph.errors import GeometryError
from skiagraph.findings import Contour, Contours
from skiagraph.geometry import Space, to_world
from skiagraph.io.dicom.attributes import items_of, numbers, raw, word
from skiagraph.values import checked_when_unpickled, frozen

__all__ = ["OPHTHALMIC", "OnFundus", "fundus_finding", "places_on_fundus"]

OPHTHALMIC: Final = frozenset({"OPT", "OCT"})
"""Modalities of the tomographies of the eye."""
_LINE: Final = Code(
    value="oct-slice", scheme="99SKIAGRAPH", meaning="Slice of an optical coherence tomography"
)
_AREA: Final = Code(value="oct-area", scheme="99SKIAGRAPH", meaning="Area of an en-face tomography")


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OnFundus:
    """Where one frame lies on another picture.

    Args:
        uid: SOPInstanceUID of the picture.
        points: Shape (n, 2), n >= 2, index (row, column) on that picture: along the line of a slice from its first
            column on, or two corners of an area.
        orientation: ``"LINEAR"``, ``"NONLINEAR"`` (a curved line) or ``"TRANSVERSE"`` (an area).
    """

    uid: str
    points: NDArray[np.float64]
    orientation: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", frozen(self.points, np.float64))


def places_on_fundus(groups: Dataset | None) -> tuple[OnFundus, ...]:
    """Where a frame of an OPT object lies on the pictures that it refers to.

    Args:
        groups: Functional groups of the frame.

    Source: DICOM PS3.3 C.8.17.10.1: pairs of row and column, 0.0 at the outer corner of the first pixel, which has its
    centre at 0.5; an index is that minus one half.
    """
    found = []
    for item in items_of(groups, "OphthalmicFrameLocationSequence"):
        flat = numbers(item, "ReferenceCoordinates")
        uid = raw(item, "ReferencedSOPInstanceUID")
        if uid and len(flat) >= 4 and len(flat) % 2 == 0:
            orientation = word(item, "OphthalmicImageOrientation") or "LINEAR"
            points = np.asarray(flat, dtype=np.float64).reshape(-1, 2) - 0.5
            found.append(OnFundus(uid=str(uid), points=points, orientation=orientation))
    return tuple(found)


def fundus_finding(places: Sequence[OnFundus], uid: str, space: Space) -> Mapping[str, Contours]:
    """``"oct_slices"``: the lines and areas of all frames on one fundus picture, in their order.

    Args:
        places: Of the frames.
        uid: SOPInstanceUID of the picture.
        space: Of the picture.

    Returns:
        Nothing where no frame refers to it.

    Raises:
        GeometryError: The space is no flat picture.
    """
    if space.ndim != 2:
        raise GeometryError("the fundus is a flat picture", got=f"{space.ndim} dimensions")
    items = tuple(_contour(place, space) for place in places if place.uid == uid)
    return {"oct_slices": Contours(space=space, items=items)} if items else {}


def _contour(place: OnFundus, space: Space) -> Contour:
    if place.orientation != "TRANSVERSE":
        return Contour(code=_LINE, points=to_world(space, place.points), closed=False)
    (top, left), (bottom, right) = place.points[0], place.points[-1]
    corners = np.array([[top, left], [top, right], [bottom, right], [bottom, left]])
    return Contour(code=_AREA, points=to_world(space, corners), closed=True)
