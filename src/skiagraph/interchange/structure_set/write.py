"""Segmentations and contours to DICOM structure sets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import UID, ImplicitVRLittleEndian

from skiagraph.case import Case, Origin
from skiagraph.errors import NoDicomHome
from skiagraph.findings import Contours, Segmentation
from skiagraph.geometry import Grid
from skiagraph.interchange.coded import coded
from skiagraph.interchange.envelope import begun, decimal, place_in_frame, plain_words, sealed
from skiagraph.interchange.identity import Content, Equipment, Series
from skiagraph.interchange.object import DicomObject
from skiagraph.interchange.places import placed
from skiagraph.interchange.references import instance_item, series_uid, study_uid
from skiagraph.interchange.remainder import remember
from skiagraph.interchange.structure_set.lattice import statement_of
from skiagraph.interchange.structure_set.regions import Line, Region, contour_regions, mask_regions
from skiagraph.plain import to_plain

__all__ = ["structure_set_object"]

STORAGE: Final = "1.2.840.10008.5.1.4.1.1.481.3"
"""RT Structure Set Storage."""
_STUDY: Final = (
    "1.2.840.10008.3.1.2.3.1"  # detached study management, retired but still asked for (PS3.3 C.8.8.5.4)
)
_CONTOUR_DATA: Final = tag_for_keyword("ContourData") or 0
_COLOURS: Final = (
    (255, 0, 0),
    (0, 255, 0),
    (0, 128, 255),
    (255, 255, 0),
    (255, 0, 255),
    (0, 255, 255),
    (255, 128, 0),
    (128, 255, 128),
)


def structure_set_object(
    finding: Segmentation | Contours, case: Case, equipment: Equipment, series: Series, content: Content
) -> DicomObject:
    """A segmentation or contours as an RT structure set.

    One region of interest a structure; where things move, one a structure and moment, so that nobody lays them over one
    another. Masks become outlines along the edges of their pixels with holes by the keyhole technique, see `outlines`.
    Closed lines that do not lie in a plane are written open, with their first point repeated at the end; probabilities
    have no place here. Places are kept to 16 characters.

    Args:
        finding: In the patient.
        case: The images that it was found on.
        equipment: What writes it.
        series: Where the object stands.
        content: What it is about.

    Raises:
        NoDicomHome: It lies in a plane or in no known size, or rows and columns do not stand at right angles.

    Source: DICOM PS3.3 A.19, C.8.8.5, C.8.8.6, C.8.8.8.
    """
    space = finding.space
    if not isinstance(space, Grid) or space.unit != "mm":
        raise NoDicomHome(
            "a structure set has its lines in the patient, in mm",
            got="a picture or an image of unknown size",
            way_out="export marks as a structured report and masks as a segmentation object",
        )
    where = placed(space, case)
    regions = list(
        mask_regions(finding, where) if isinstance(finding, Segmentation) else contour_regions(finding, where)
    )
    if not regions:
        raise NoDicomHome(
            "a structure set has at least one region", got="none", way_out="write what was found as JSON"
        )
    ds = begun(STORAGE, "RTSTRUCT", where.origin, equipment, series, content)
    # Lines longer than 64 kB do not fit into explicit value representations (PS3.3 C.8.8.6, note to Contour Data).
    ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    place_in_frame(ds, space.frame)
    words = plain_words(content.description)
    ds.OperatorsName, ds.StructureSetLabel, ds.StructureSetName = "", words[:16].rstrip(), words
    ds.StructureSetDate, ds.StructureSetTime = ds.ContentDate, ds.ContentTime
    shares = case.images[where.name].space.frame == space.frame
    ds.ReferencedFrameOfReferenceSequence = [_frame(space.frame, where.origin if shares else None)]
    names = list(_names(regions))
    _add_regions(ds, regions, names, content)
    planes = statement_of(where.planes) if isinstance(finding, Segmentation) else None
    if planes is not None:
        for item in ds.ROIContourSequence:
            item.SourcePixelPlanesCharacteristicsSequence = [planes]
    remember(ds, _rest(finding, regions))
    return sealed(ds)


def _frame(frame: str, origin: Origin | None) -> Dataset:
    """The frame of reference and its images; None where none of them are of the case."""
    item = Dataset()
    item.FrameOfReferenceUID = UID(frame)
    if origin is not None and origin.instances:
        study, series = Dataset(), Dataset()
        study.ReferencedSOPClassUID, study.ReferencedSOPInstanceUID = UID(_STUDY), UID(study_uid(origin))
        series.SeriesInstanceUID = UID(series_uid(origin))
        series.ContourImageSequence = [instance_item(instance) for instance in origin.instances]
        study.RTReferencedSeriesSequence = [series]
        item.RTReferencedStudySequence = [study]
    return item


def _names(regions: Sequence[Region]) -> Iterator[str]:
    """What each region is called, no two alike."""
    taken: set[str] = set()
    for region in regions:
        words = (region.code.meaning or region.code.value).replace("\\", "/")[:40].strip() or "region"
        plain = words if region.moment is None else f"{words}, moment {region.moment}"
        name, n = plain, 1
        while name in taken:
            n += 1
            name = f"{plain} {n}"
        taken.add(name)
        yield name


def _add_regions(ds: Dataset, regions: Sequence[Region], names: Sequence[str], content: Content) -> None:
    ds.StructureSetROISequence, ds.ROIContourSequence, ds.RTROIObservationsSequence = [], [], []
    for n, (region, name) in enumerate(zip(regions, names, strict=True), start=1):
        roi, drawn, seen = Dataset(), Dataset(), Dataset()
        roi.ROINumber, roi.ReferencedFrameOfReferenceUID, roi.ROIName = n, ds.FrameOfReferenceUID, name
        roi.ROIGenerationAlgorithm = "MANUAL" if content.algorithm is None else "AUTOMATIC"
        if content.algorithm is not None:
            roi.ROIGenerationDescription = plain_words(
                f"{content.algorithm.name} {content.algorithm.version}"
            )
        drawn.ROIDisplayColor = list(_COLOURS[(n - 1) % len(_COLOURS)])
        drawn.ReferencedROINumber = n
        if region.lines:
            drawn.ContourSequence = [_line(line, m) for m, line in enumerate(region.lines, start=1)]
        seen.ObservationNumber, seen.ReferencedROINumber = n, n
        seen.RTROIInterpretedType, seen.ROIInterpreter = "", ""
        seen.RTROIIdentificationCodeSequence = [coded(region.code)]
        ds.StructureSetROISequence.append(roi)
        ds.ROIContourSequence.append(drawn)
        ds.RTROIObservationsSequence.append(seen)


def _line(line: Line, number: int) -> Dataset:
    ds = Dataset()
    if line.frames:
        ds.ContourImageSequence = list(line.frames)
    ds.ContourGeometricType, ds.NumberOfContourPoints, ds.ContourNumber = line.kind, len(line.points), number
    # One text: pydicom would turn each number into an object of its own and back.
    ds.add(DataElement(_CONTOUR_DATA, "DS", _texts(line.points), already_converted=True))
    return ds


def _texts(points: NDArray[np.float64]) -> str:
    values, place = np.unique(points, return_inverse=True)
    texts = [decimal(v) for v in values.tolist()]
    return "\\".join([texts[n] for n in place.ravel().tolist()])


def _rest(finding: Segmentation | Contours, regions: Sequence[Region]) -> dict[str, Any]:
    rest: dict[str, Any] = {
        "finding": type(finding).__name__,
        "space": to_plain(finding.space),
        "regions": [region.rest for region in regions],
    }
    if isinstance(finding, Segmentation):
        rest |= {"kind": finding.kind, "dtype": finding.labels.dtype.name}
    return rest
