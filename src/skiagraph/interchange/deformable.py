"""Displacement fields to and from DICOM deformable spatial registration objects."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import UID

from skiagraph.case import Case, Origin
from skiagraph.errors import FormatError, NoDicomHome
from skiagraph.findings import DisplacementField
from skiagraph.geometry import Grid, Timeline, to_world
from skiagraph.interchange.envelope import begun, decimal, place_in_frame, put_label, sealed
from skiagraph.interchange.identity import Content, Equipment, Series
from skiagraph.interchange.object import DicomObject
from skiagraph.interchange.places import origin_of
from skiagraph.interchange.references import instance_item
from skiagraph.interchange.registration import matrix_of, of_frame, refer
from skiagraph.interchange.remainder import remember, remembered
from skiagraph.plain import from_plain, to_plain

__all__ = ["deformable_registration", "read_deformable_registration"]

STORAGE: Final = "1.2.840.10008.5.1.4.1.1.66.3"
"""Deformable Spatial Registration Storage."""
_SAME: Final = 1e-3  # of a voxel, by which the grid as it is written may miss the lattice at its far corner


def deformable_registration(
    field: DisplacementField, case: Case, equipment: Equipment, series: Series, content: Content
) -> DicomObject:
    """A displacement field as a deformable spatial registration object.

    Its frame of reference (the registered one) is that of the lattice, its source the frame that places go to: the
    standard too takes a place of the registered frame and adds the vector that lies there, so that a resampler finds
    what to show. Slices, rows and columns of the grid are the axes of the array; a left-handed lattice is written from
    its other end, which reading back undoes.

    Args:
        field: In the patient. Its vectors are kept as 32-bit floats; others are rounded to such.
        case: Whose images it joins.
        equipment: What writes it.
        series: Where the object stands.
        content: What it is about.

    Raises:
        NoDicomHome: A plane, an unknown size, a lattice with shear, or vectors too long for 32 bits.

    Source: DICOM PS3.3 A.39.2, C.20.3.
    """
    space = field.space
    if not isinstance(space, Grid) or space.unit != "mm":
        raise NoDicomHome(
            "a DICOM deformation lies in the patient, in mm",
            got="one in a plane or in pixels",
            way_out="write it as JSON",
        )
    fixed, moving = of_frame(case, space.frame), of_frame(case, field.target)
    origin = next(iter([*fixed, *moving]), None) or origin_of(case, next(iter(case.images)))
    ds = begun(STORAGE, "REG", origin, equipment, series, content)
    place_in_frame(ds, space.frame)
    put_label(ds, "DEFORMATION", content)
    item, turned = _item(space, field.vectors)
    ds.DeformableRegistrationSequence = [_about(item, field.target, moving)]
    if fixed and field.target != space.frame:
        ds.DeformableRegistrationSequence.append(_about(Dataset(), space.frame, fixed))
    refer(ds, [*fixed, *moving])
    rest = {"turned": turned, "dtype": field.vectors.dtype.name, "timeline": to_plain(space.timeline)}
    remember(ds, rest)
    return sealed(ds)


def read_deformable_registration(ds: Dataset) -> tuple[DisplacementField, ...]:
    """The displacement fields of an object, ours or another's, each from the frame of the object to that of its source.

    Matrices before and after the deformation become part of the vectors. Items that have matrices only are no fields
    and left out.

    Raises:
        FormatError: A grid that is none, or with places where the deformation is not defined.

    Source: DICOM PS3.3 C.20.3.1.
    """
    frame = str(ds.get("FrameOfReferenceUID") or "")
    items = [
        i
        for i in ds.get("DeformableRegistrationSequence") or ()
        if i.get("DeformableRegistrationGridSequence")
    ]
    if not frame or not items:
        raise FormatError("a deformable registration has a frame of reference and a grid", got="one without")
    fields = tuple(_field(item, frame) for item in items)
    rest = remembered(ds)
    return tuple(_as_it_was(field, rest) for field in fields) if rest else fields


def _item(space: Grid, vectors: NDArray[Any]) -> tuple[Dataset, bool]:
    turned = bool(np.linalg.det(space.affine[:3, :3][:, ::-1]) < 0)
    with np.errstate(over="ignore"):
        numbers = vectors.astype(np.float32)
    if not np.isfinite(numbers).all():
        raise NoDicomHome("vectors of a DICOM deformation are 32-bit floats", got="longer ones")
    ways = space.affine[:3, :3] * ((-1.0 if turned else 1.0), 1.0, 1.0)
    lengths = np.linalg.norm(ways, axis=0)
    along = ways / lengths
    first = to_world(space, np.array([(space.shape[0] - 1) * float(turned), 0.0, 0.0]))
    square = np.stack([np.cross(along[:, 2], along[:, 1]), along[:, 1], along[:, 2]], axis=-1) * lengths
    off = np.abs(np.linalg.solve(ways, square) - np.eye(3)) * max(space.shape)
    if off.max() > _SAME:
        raise NoDicomHome(
            "the axes of a DICOM deformation grid stand at right angles",
            got="a lattice with shear",
            way_out="resample the field onto a lattice without shear",
        )
    grid, item = Dataset(), Dataset()
    grid.ImagePositionPatient = [decimal(v) for v in first]
    turns = np.concatenate([along[:, 2], along[:, 1]])
    grid.ImageOrientationPatient = [decimal(v) for v in turns]
    grid.GridDimensions, grid.GridResolution = list(space.shape[::-1]), lengths[::-1].tolist()
    grid.VectorGridData = (numbers[::-1] if turned else numbers).astype("<f4").tobytes()
    item.DeformableRegistrationGridSequence = [grid]
    return item, turned


def _about(item: Dataset, frame: str, origins: list[Origin]) -> Dataset:
    """Which frame an item is about, and its images; without a grid it says that these lie in the registered frame."""
    item.SourceFrameOfReferenceUID, item.RegistrationTypeCodeSequence = UID(frame), []
    images = {i.sop_instance_uid: instance_item(i) for o in origins for i in o.instances}
    if images:
        item.ReferencedImageSequence = list(images.values())
    return item


def _field(item: Dataset, frame: str) -> DisplacementField:
    grid = item.DeformableRegistrationGridSequence[0]
    space = _grid(grid, frame)
    data = grid.get("VectorGridData") or b""
    if len(data) != 12 * int(np.prod(space.shape, dtype=np.int64)):
        raise FormatError("a deformation grid has three 32-bit numbers a voxel", got=f"{len(data)} bytes")
    vectors: NDArray[Any] = np.frombuffer(data, "<f4").reshape(*space.shape, 3).astype(np.float32, copy=False)
    if not np.isfinite(vectors).all():
        raise FormatError(
            "a displacement field is defined everywhere",
            got="a deformation with places where it is not",
            way_out="cut it down to where it is defined",
        )
    before, after = (
        _matrix(item, f"{when}DeformationMatrixRegistrationSequence") for when in ("Pre", "Post")
    )
    if before is not None or after is not None:
        places = to_world(space, np.moveaxis(np.indices(space.shape), 0, -1).astype(np.float64))
        vectors = _moved(_moved(places, before) + vectors, after) - places
    return DisplacementField(
        space=space, vectors=vectors, target=str(item.get("SourceFrameOfReferenceUID") or "")
    )


def _grid(item: Dataset, frame: str) -> Grid:
    numbers = {}
    for keyword, count in (
        ("ImagePositionPatient", 3),
        ("ImageOrientationPatient", 6),
        ("GridDimensions", 3),
        ("GridResolution", 3),
    ):
        values: Any = item.get(keyword)
        numbers[keyword] = np.array([float(v) for v in values] if values is not None else [])
        if numbers[keyword].size != count:
            raise FormatError(
                f"{keyword} of a deformation grid has {count} numbers", got=str(numbers[keyword].size)
            )
    first, ways, counts, steps = numbers.values()
    right, down = ways[:3], ways[3:]
    affine = np.eye(4)
    affine[:3, :3] = np.stack([np.cross(right, down), down, right], axis=-1) * steps[::-1]
    affine[:3, 3] = first
    shape = (int(counts[2]), int(counts[1]), int(counts[0]))
    return Grid(shape=shape, affine=affine, frame=frame)


def _matrix(item: Dataset, keyword: str) -> NDArray[np.float64] | None:
    steps = list(item.get(keyword) or [])
    return matrix_of(steps[0]) if steps else None


def _moved(places: NDArray[np.float64], matrix: NDArray[np.float64] | None) -> NDArray[np.float64]:
    return places if matrix is None else places @ matrix[:3, :3].T + matrix[:3, 3]


def _as_it_was(field: DisplacementField, rest: dict[str, Any]) -> DisplacementField:
    """As it was before it was written: its own end first, its type and its moments."""
    space, vectors = field.space, field.vectors
    affine = space.affine
    if rest.get("turned"):
        change = np.diag([-1.0, 1.0, 1.0, 1.0])
        change[0, 3] = space.shape[0] - 1
        affine, vectors = affine @ change, vectors[::-1]
    timeline = from_plain(Timeline | None, rest.get("timeline"))
    grid = dataclasses.replace(space, affine=affine, timeline=timeline)
    return DisplacementField(space=grid, vectors=vectors.astype(str(rest["dtype"])), target=field.target)
