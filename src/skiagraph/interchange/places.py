"""Where a finding lies among the images of its case, and which DICOM objects these came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

import numpy as np

from skiagraph.case import Case, Origin
from skiagraph.geometry import Space
from skiagraph.interchange.invented import invented
from skiagraph.interchange.planes import Planes, planes_of

__all__ = ["Placed", "image_of", "origin_of", "placed", "same_place"]

_SAME: Final = 1e-4  # of a voxel, by which two lattices may differ and be one


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Placed:
    """Where a finding lies among the images of its case.

    Args:
        name: Of the image.
        origin: Of that image, invented where it did not come from DICOM.
        planes: Of the finding.
        aligned: Slice n of the planes is slice n of the origin; else the two share no more than a frame of reference.
    """

    name: str
    origin: Origin
    planes: Planes
    aligned: bool


def placed(space: Space, case: Case) -> Placed:
    """Where a finding in a space lies: on the image with the same lattice, or beside the first of its frame.

    Raises:
        NoDicomHome: Rows and columns of the lattice do not stand at right angles.
    """
    name = image_of(space, case)
    same = same_place(space, case.images[name].space)
    planes = planes_of(space, natural=name in case.origins or not same)
    return Placed(name=name, origin=origin_of(case, name), planes=planes, aligned=same)


def image_of(space: Space, case: Case) -> str:
    """The name of the image with the same lattice, or else the first in the same frame, or else the first."""
    names = list(case.images)
    same = [name for name in names if same_place(space, case.images[name].space)]
    near = [name for name in names if case.images[name].space.frame == space.frame]
    return (same or near or names)[0]


def same_place(a: Space, b: Space) -> bool:
    """Whether two lattices are one: frame, shape, unit, moments, and places to a ten-thousandth of a voxel."""
    if (a.ndim, a.shape, a.frame, a.unit) != (b.ndim, b.shape, b.frame, b.unit):
        return False
    if _moments(a) != _moments(b):
        return False
    off = np.abs(np.linalg.solve(b.affine, a.affine) - np.eye(len(a.affine)))
    return bool(off[:-1, :-1].max() * max(a.shape) < _SAME and off[:-1, -1].max() < _SAME)


def origin_of(case: Case, name: str) -> Origin:
    """The DICOM objects behind an image of a case; invented where it did not come from DICOM."""
    return case.origins[name] if name in case.origins else invented(case, name)


def _moments(space: Space) -> int | None:
    return None if space.timeline is None else len(space.timeline)
