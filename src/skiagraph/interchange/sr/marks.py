"""Marks as measurement groups: points, lines and boxes, in millimetres in the patient or in pixels of a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, Final

import numpy as np
from highdicom.sr import (
    ImageRegion,
    ImageRegion3D,
    Measurement,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    ReferencedSegment,
    Scoord3DContentItem,
    ScoordContentItem,
    SourceImageForMeasurementGroup,
    SourceSeriesForSegmentation,
    VolumeSurface,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from skiagraph.case import Instance
from skiagraph.codes import PERCENT
from skiagraph.findings import Box, Boxes, Contour, Contours, Landmark, Landmarks, Segment
from skiagraph.geometry import Grid, Space, to_index, to_world
from skiagraph.interchange.references import frame_item, series_uid
from skiagraph.interchange.sr import words as w
from skiagraph.interchange.sr.groups import Rest, tracking
from skiagraph.interchange.sr.items import CONTAINS, concept, under
from skiagraph.interchange.sr.subject import Picture, Subject

__all__ = ["in_patient", "mark_groups", "picture_under", "segment_group"]

_FLAT: Final = 1e-3  # mm by which the points of a polygon may leave their plane
Mark = Landmark | Box | Contour


def in_patient(space: Space) -> bool:
    """Whether the places of a space are millimetres in the patient."""
    return isinstance(space, Grid) and space.unit == "mm"


def picture_under(finding: Landmarks | Boxes | Contours, subject: Subject) -> Picture | None:
    """The picture in whose pixels marks are drawn; None for those in the patient, and where there are none.

    Raises:
        NoDicomHome: It is not in the case.
    """
    return subject.picture_of(finding.space) if finding.items and not in_patient(finding.space) else None


def mark_groups(
    finding: Landmarks | Boxes | Contours, subject: Subject, first: int
) -> Iterator[tuple[Dataset, Rest]]:
    """One group a mark, numbered from `first`.

    Raises:
        NoDicomHome: Marks on a picture that is not in the case.
    """
    items: Sequence[Mark] = finding.items
    picture = picture_under(finding, subject)
    for n, item in enumerate(items, start=first):
        if picture is None:
            yield _group_in_patient(item, finding.space, subject, n)
        else:
            yield _group_in_picture(item, finding.space, picture, subject, n)


def _group_in_patient(item: Mark, space: Space, subject: Subject, n: int) -> tuple[Dataset, Rest]:
    rest = _rest(item)
    said = _said(item, subject, n)
    origin = subject.origins[subject.image_of(space)]
    if isinstance(item, Box):
        faces = [_spatial(w.SURFACE, "POLYGON", face, space.frame) for face in _faces(item, space)]
        series = SourceSeriesForSegmentation(series_uid(origin))
        surface = VolumeSurface.from_sequence([*faces, series])
        said["referenced_volume_surface"] = surface
        made = VolumetricROIMeasurementsAndQualitativeEvaluations(**said)[0]
    else:
        kind, points = _drawn(item)
        region = ImageRegion3D("POINT" if len(points) == 1 else "POLYLINE", points, space.frame)
        region.GraphicType = kind
        made = PlanarROIMeasurementsAndQualitativeEvaluations(referenced_region=region, **said)[0]
    return under(made, _seen_in(item, space, subject)), rest


def _group_in_picture(
    item: Mark, space: Space, picture: Picture, subject: Subject, n: int
) -> tuple[Dataset, Rest]:
    rest = _rest(item)
    corners = np.mean(_faces(item, space), axis=0) if isinstance(item, Box) else _drawn(item)[1]
    pixels, number = picture.pixels(corners)
    if space.ndim == 3:
        rest |= _places(item)
    kind = "POINT" if len(pixels) == 1 else "POLYLINE"
    drawn = ScoordContentItem(concept(w.REGION), kind, pixels, picture.tiled, relationship_type=CONTAINS)
    moment = item.moment if _together(space, picture.space) else None
    under(drawn, picture.references(moment, number))
    region = ImageRegion.from_dataset(
        drawn, copy=False
    )  # highdicom makes none on kinds of image unknown to it
    group = PlanarROIMeasurementsAndQualitativeEvaluations(
        referenced_region=region, **_said(item, subject, n)
    )
    return group[0], rest


def _together(space: Space, other: Space) -> bool:
    """Whether a moment of one space is the same moment of the other."""
    if space.timeline is None or other.timeline is None:
        return False
    return len(space.timeline) == len(other.timeline)


def _said(item: Mark, subject: Subject, n: int) -> dict[str, Any]:
    """What a group says of a mark besides its place."""
    certainty = None
    if item.confidence is not None:
        certainty = [Measurement(concept(w.CERTAINTY), float(item.confidence * 100), concept(PERCENT))]
    return {
        "tracking_identifier": tracking(subject, n, item.code, item),
        "finding_type": concept(item.code),
        "algorithm_id": subject.algorithm(),
        "measurements": certainty,
    }


def _rest(item: Mark) -> Rest:
    rest: Rest = {}
    if item.moment is not None:
        rest["moment"] = item.moment
    if item.confidence is not None and item.confidence * 100 / 100 != item.confidence:
        rest["confidence"] = float(item.confidence)
    if isinstance(item, Contour) and not item.closed:
        rest["open"] = True
    return rest


def _places(item: Mark) -> Rest:
    """Where a mark lies in a stack of pictures of unknown size; the picture shows it in one of them."""
    if isinstance(item, Box):
        return {"low": item.low.tolist(), "high": item.high.tolist()}
    points = item.point[None] if isinstance(item, Landmark) else item.points
    return {"points": points.tolist()}


def _drawn(item: Landmark | Contour) -> tuple[str, NDArray[np.float64]]:
    """The kind of graphic and its points; a closed line ends where it begins (DICOM PS3.3 C.18.9.1.2)."""
    if isinstance(item, Landmark):
        return "POINT", item.point[None]
    if not item.closed:
        return "POLYLINE", item.points
    flat = len(item.points) > 2 and _leaves_plane(item.points) < _FLAT
    return "POLYGON" if flat else "POLYLINE", np.concatenate([item.points, item.points[:1]])


def _leaves_plane(points: NDArray[np.float64]) -> float:
    """The distance of the farthest point from the plane that fits all of them best."""
    off = points - points.mean(axis=0)
    normal = np.linalg.svd(off, full_matrices=True)[2][-1]
    return float(np.abs(off @ normal).max())


def _faces(item: Box, space: Space) -> list[NDArray[np.float64]]:
    """The rectangle of a box, closed, in the world; of a box in a volume its lower and its upper face."""
    ends = np.stack([item.low, item.high])
    ring = ((0, 0), (0, 1), (1, 1), (1, 0), (0, 0))
    faces = product((0, 1), repeat=1) if space.ndim == 3 else [()]
    axes = np.arange(space.ndim)
    return [to_world(space, np.stack([ends[(*face, *at), axes] for at in ring])) for face in faces]


def _spatial(name: Any, kind: str, points: NDArray[np.float64], frame: str) -> Dataset:
    """Coordinates of 32 bits leave a plane by more than highdicom lets a polygon do, so its kind is said afterwards."""
    item = Scoord3DContentItem(concept(name), "POLYLINE", points, frame, relationship_type=CONTAINS)
    item.GraphicType = kind
    return item


def _seen_in(item: Mark, space: Space, subject: Subject) -> list[Dataset]:
    """The frame of a moving volume in which a mark lies; none where all moments are meant."""
    name = subject.image_of(space)
    there, origin = subject.case.images[name].space, subject.origins[name]
    if item.moment is None or (there.frame, there.ndim) != (space.frame, 3) or not _together(space, there):
        return []
    middle = to_world(space, (item.low + item.high) / 2) if isinstance(item, Box) else _drawn(item)[1].mean(0)
    number = int(np.clip(np.rint(to_index(there, middle)[0]), 0, origin.frames.shape[1] - 1))
    found = frame_item(origin, item.moment, number)
    if found is None:
        return []
    frame = found.get("ReferencedFrameNumber")
    uids = found.ReferencedSOPClassUID, found.ReferencedSOPInstanceUID
    return [SourceImageForMeasurementGroup(*uids, None if frame is None else [int(frame)])]


def segment_group(
    segment: Segment, number: int, instance: Instance, source: str, subject: Subject, n: int
) -> Dataset:
    """That a segment of a segmentation object is part of the report (TID 1411).

    Args:
        segment: Itself.
        number: Its number there.
        instance: The segmentation object.
        source: SeriesInstanceUID of the images that were segmented.
        subject: Of the report.
        n: Number of the group.
    """
    reference = ReferencedSegment(
        instance.sop_class_uid,
        instance.sop_instance_uid,
        number,
        source_series=SourceSeriesForSegmentation(source),
    )
    certainty = None
    if segment.confidence is not None:
        certainty = [Measurement(concept(w.CERTAINTY), float(segment.confidence * 100), concept(PERCENT))]
    group = VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=tracking(subject, n, segment.code, [instance.sop_instance_uid, number]),
        referenced_segment=reference,
        finding_type=concept(segment.code),
        algorithm_id=subject.algorithm(),
        measurements=certainty,
    )
    return group[0]
