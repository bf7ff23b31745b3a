"""Rigid and affine registrations to and from DICOM spatial registration objects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import UID

from skiagraph.case import Case, Origin
from skiagraph.errors import FormatError, NoDicomHome
from skiagraph.geometry import Transform
from skiagraph.interchange.envelope import begun, decimal, place_in_frame, put_label, sealed
from skiagraph.interchange.identity import Content, Equipment, Series
from skiagraph.interchange.object import DicomObject
from skiagraph.interchange.places import origin_of
from skiagraph.interchange.references import evidence, instance_item

__all__ = ["matrix_of", "of_frame", "read_spatial_registration", "refer", "spatial_registration"]

STORAGE: Final = "1.2.840.10008.5.1.4.1.1.66.1"
"""Spatial Registration Storage."""
_EQUAL: Final = 1e-6  # by which lengths and right angles of a rigid matrix may miss


def spatial_registration(
    transform: Transform, case: Case, equipment: Equipment, series: Series, content: Content
) -> DicomObject:
    """A registration as a spatial registration object.

    Its frame of reference is the target of the transform, which holds there with the identity; the matrix brings places
    of the source into it. The images of the case that lie in either frame are referenced; a frame without an image is
    named by its UID alone.

    Args:
        transform: Between two frames in the patient; its numbers are kept to 16 characters.
        case: Whose images it joins.
        equipment: What writes it.
        series: Where the object stands.
        content: What it is about.

    Raises:
        NoDicomHome: A transform between planes.

    Source: DICOM PS3.3 A.39.1, C.20.2.
    """
    if len(transform.matrix) != 4:
        raise NoDicomHome(
            "a DICOM registration joins frames of reference in the patient",
            got="a transform between planes",
            way_out="write it as JSON",
        )
    target, source = of_frame(case, transform.target), of_frame(case, transform.source)
    origin = next(iter([*target, *source]), None) or origin_of(case, next(iter(case.images)))
    ds = begun(STORAGE, "REG", origin, equipment, series, content)
    place_in_frame(ds, transform.target)
    put_label(ds, "REGISTRATION", content)
    ds.RegistrationSequence = [_item(transform.source, source, transform.matrix)]
    if transform.source != transform.target:
        ds.RegistrationSequence.insert(0, _item(transform.target, target, np.eye(4)))
    refer(ds, [*target, *source])
    return sealed(ds)


def read_spatial_registration(ds: Dataset) -> tuple[Transform, ...]:
    """The transforms of an object, ours or another's, each from the frame of its item to the frame of the object.

    The matrices of an item are multiplied in their order. What only says that the frame of the object is itself is left
    out, unless nothing else is said.

    Raises:
        FormatError: No frame of reference, or matrices that are none.

    Source: DICOM PS3.3 C.20.2.1.1.
    """
    target = str(ds.get("FrameOfReferenceUID") or "")
    found = [_transform(item, target) for item in ds.get("RegistrationSequence") or ()]
    if not target or not found:
        raise FormatError(
            "a registration has a frame of reference and registers something", got="one without"
        )
    told = [t for t in found if t.source != target or not np.array_equal(t.matrix, np.eye(4))]
    return tuple(told or found[:1])


def of_frame(case: Case, frame: str) -> list[Origin]:
    """The objects behind the volumes of a case that lie in a frame."""
    images = case.images.items()
    return [origin_of(case, name) for name, i in images if i.space.frame == frame and i.space.ndim == 3]


def refer(ds: Dataset, origins: Iterable[Origin]) -> None:
    """The common instance reference module (DICOM PS3.3 C.12.2): objects of this study, and of others."""
    others = []
    for study in evidence(origins):
        for item in study.ReferencedSeriesSequence:
            item.ReferencedInstanceSequence = item.ReferencedSOPSequence
            del item.ReferencedSOPSequence
        if study.StudyInstanceUID == ds.StudyInstanceUID:
            ds.ReferencedSeriesSequence = study.ReferencedSeriesSequence
        else:
            others.append(study)
    if others:
        ds.StudiesContainingOtherReferencedInstancesSequence = others


def matrix_of(item: Dataset) -> NDArray[np.float64]:
    """The 4x4 matrix of an item of a matrix sequence.

    Raises:
        FormatError: Not 16 finite numbers that end with 0, 0, 0, 1.
    """
    values: Any = item.get("FrameOfReferenceTransformationMatrix") or ()
    matrix = np.array([float(v) for v in values])
    if matrix.size != 16 or not np.isfinite(matrix).all() or not np.allclose(matrix[12:], [0, 0, 0, 1]):
        raise FormatError(
            "a matrix of a registration has 16 numbers, the last of them 0, 0, 0, 1", got="another"
        )
    matrix[12:] = 0, 0, 0, 1
    return matrix.reshape(4, 4)


def _item(frame: str, origins: Iterable[Origin], matrix: NDArray[np.float64]) -> Dataset:
    ds, registration, step = Dataset(), Dataset(), Dataset()
    step.FrameOfReferenceTransformationMatrix = [decimal(v) for v in matrix.ravel()]
    step.FrameOfReferenceTransformationMatrixType = _kind(matrix)
    registration.RegistrationTypeCodeSequence, registration.MatrixSequence = [], [step]
    ds.FrameOfReferenceUID, ds.MatrixRegistrationSequence = UID(frame), [registration]
    images = {i.sop_instance_uid: instance_item(i) for origin in origins for i in origin.instances}
    if images:
        ds.ReferencedImageSequence = list(images.values())
    return ds


def _kind(matrix: NDArray[np.float64]) -> str:
    """The type of a matrix (DICOM PS3.3 C.20.2.1.2); what mirrors is no rotation."""
    linear = matrix[:3, :3]
    product = linear.T @ linear
    lengths = np.sqrt(np.diag(product))
    square = np.abs(product / np.outer(lengths, lengths) - np.eye(3)).max() < _EQUAL
    if not square or np.linalg.det(linear) <= 0:
        return "AFFINE"
    return "RIGID" if np.abs(lengths - 1).max() < _EQUAL else "RIGID_SCALE"


def _transform(item: Dataset, target: str) -> Transform:
    matrix = np.eye(4)
    for registration in item.get("MatrixRegistrationSequence") or ():
        for step in registration.get("MatrixSequence") or ():
            matrix = matrix @ matrix_of(step)
    source = str(item.get("FrameOfReferenceUID") or "")
    if not source:
        raise FormatError(
            "a registration names the frame that it registers by its UID",
            got="an item that only refers to images",
            way_out="read the frame of reference from these images and add it",
        )
    return Transform(matrix=matrix, source=source, target=target)
