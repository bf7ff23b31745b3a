"""One finding to the DICOM object that is its home: exhaustive over the closed union."""

from __future__ import annotations

from typing import Final, assert_never

from skiagraph.case import Case
from skiagraph.errors import NoDicomHome
from skiagraph.findings import (
    Boxes,
    Classification,
    Contours,
    Curve,
    DerivedImage,
    DisplacementField,
    Embedding,
    Finding,
    Heatmap,
    Landmarks,
    Measurement,
    NotApplicable,
    Ranking,
    Segmentation,
    Text,
    Tracks,
    Transform,
)
from skiagraph.interchange.deformable import deformable_registration
from skiagraph.interchange.derived import derived_image
from skiagraph.interchange.identity import SKIAGRAPH, Content, Equipment, Series
from skiagraph.interchange.object import DicomObject
from skiagraph.interchange.parametric import parametric_map
from skiagraph.interchange.registration import spatial_registration
from skiagraph.interchange.seg import segmentation_object
from skiagraph.interchange.sr import report_object

__all__ = ["SERIES", "export"]

SERIES: Final = {
    "segmentation": Series(number=8101, description="Segmentation"),
    "map": Series(number=8102, description="Parametric map"),
    "derived": Series(number=8103, description="Derived image"),
    "registration": Series(number=8104, description="Registration"),
    "measurements": Series(number=8105, description="Measurements and evaluations"),
    "structures": Series(number=8106, description="Contours"),
    "presentation": Series(number=8107, description="Marks on the image"),
    "capture": Series(number=8108, description="Overlay burned in, not a source image"),
    "key-images": Series(number=8109, description="Key images"),
    "report": Series(number=8110, description="Report"),
}
"""Our usual series, one a kind of object."""


def export(
    finding: Finding,
    case: Case,
    *,
    content: Content,
    series: Series | None = None,
    equipment: Equipment = SKIAGRAPH,
) -> DicomObject:
    """The DICOM object that is the home of a finding; `imported` makes the same finding of it again.

    Args:
        finding: Any of the closed union.
        case: What it is about. A case that did not come from DICOM gets a study of its own.
        content: What made it, and when.
        series: Where the object stands; None for our usual one of its kind.
        equipment: The device that writes it.

    Raises:
        NoDicomHome: No standard object can carry it; JSON can.
    """
    match finding:
        case Segmentation():
            return segmentation_object(finding, case, equipment, series or SERIES["segmentation"], content)
        case Heatmap():
            return parametric_map(finding, case, equipment, series or SERIES["map"], content)
        case DerivedImage():
            return derived_image(finding, case, equipment, series or SERIES["derived"], content)
        case DisplacementField():
            where = series or SERIES["registration"]
            return deformable_registration(finding, case, equipment, where, content)
        case Transform():
            return spatial_registration(finding, case, equipment, series or SERIES["registration"], content)
        case Landmarks() | Boxes() | Contours() | Measurement() | Classification() | Text() | NotApplicable():
            return report_object([finding], case, equipment, series or SERIES["measurements"], content)
        case Tracks() | Curve() | Embedding() | Ranking():
            raise NoDicomHome(
                f"no DICOM object that others read carries a finding of the kind {type(finding).__name__}",
                way_out="write it as JSON",
            )
        case _:
            assert_never(finding)
