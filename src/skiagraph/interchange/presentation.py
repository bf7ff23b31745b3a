"""Marks as DICOM presentation states: what viewers draw over the images they are about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray
from PIL import ImageCms
from pydicom.dataset import Dataset
from pydicom.uid import UID

from skiagraph import codes
from skiagraph.case import Case, Instance, Origin
from skiagraph.errors import NoDicomHome
from skiagraph.image import Window, pixels
from skiagraph.interchange.envelope import begun, decimal, put_label, sealed
from skiagraph.interchange.graphics import Drawn, Marks, drawings
from skiagraph.interchange.identity import Content, Equipment, Series
from skiagraph.interchange.invented import COLOUR
from skiagraph.interchange.object import DicomObject
from skiagraph.interchange.places import placed
from skiagraph.interchange.planes import Planes, planes_of
from skiagraph.interchange.references import instance_item, series_uid
from skiagraph.interchange.source_image import source_object
from skiagraph.interchange.windows import put_windows, whole_range

__all__ = ["presentation_state"]

GREY_STATE: Final = "1.2.840.10008.5.1.4.1.1.11.1"
COLOUR_STATE: Final = "1.2.840.10008.5.1.4.1.1.11.2"
"""Grayscale and color softcopy presentation state storage."""
_LAYER: Final = "FINDINGS"
_DATED: Final = slice(24, 36)  # when a profile was made (ICC.1 7.2.8)
_CLASS: Final = slice(12, 16)  # what a profile is for (ICC.1 7.2.5)


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Target:
    """The image that is drawn on."""

    name: str
    origin: Origin
    planes: Planes
    colour: bool


def presentation_state(
    finding: Marks, case: Case, equipment: Equipment, series: Series, content: Content
) -> DicomObject:
    """Marks as a presentation state: lines, points and rectangles with their meaning, over the frames that they lie on.

    In a volume a contour is drawn on its slice (one that runs across slices as a point on each that it cuts), a
    landmark on the slice nearest to it, a box on each slice between its edges. A mark without a moment is drawn at
    every moment. A presentation state says all about how its images are shown: stored values become those of the image
    by its slope and intercept; then its first window applies, or where it has none all from its least to its greatest
    value, bytes excepted. It is no home to read findings back from; that is the structured report.

    Args:
        finding: Contours, landmarks or boxes.
        case: Whose images it lies on.
        equipment: What writes it.
        series: Where the object stands.
        content: What it is about.

    Raises:
        NoDicomHome: No image of the case lies in the frame of the marks, or no mark on any of its frames.

    Source: DICOM PS3.3 A.33.1, A.33.2, C.10.4, C.10.5, C.10.7, C.11.8, C.11.10, C.11.11; PS3.4 N.2.
    """
    target = _target(finding, case)
    image = case.images[target.name]
    frames: dict[tuple[int, int], list[Drawn]] = {}
    for drawn in drawings(finding, image.space, target.planes):
        for moment in (m for m in drawn.moments if m < len(target.origin.frames)):
            index, number = (int(n) for n in target.origin.frames[moment, drawn.number])
            if index >= 0:
                frames.setdefault((index, number), []).append(drawn)
    if not frames:
        raise NoDicomHome(
            "a presentation state draws on frames of an image",
            got="no mark that lies on one",
            way_out="export the marks as a structured report",
        )
    kind = COLOUR_STATE if target.colour else GREY_STATE
    ds = begun(kind, "PR", target.origin, equipment, series, content)
    _identify(ds, content)
    _add_images(ds, target, sorted(frames))
    _add_graphics(ds, target.origin, frames)
    if target.colour:
        ds.ICCProfile = _srgb()
    else:
        _add_greys(ds, target, case)
    return sealed(ds)


def _target(finding: Marks, case: Case) -> _Target:
    where = placed(finding.space, case)
    image = case.images[where.name]
    if (image.space.frame, image.space.ndim) != (finding.space.frame, finding.space.ndim):
        raise NoDicomHome(
            "a presentation state draws on an image in the frame of its marks",
            got="a case without such an image",
            way_out="export the marks as a structured report",
        )
    natural = where.name in case.origins
    colour = len(image.channels) == 3 if natural else where.origin.instances[0].sop_class_uid == COLOUR
    planes = planes_of(image.space, natural=natural)
    return _Target(name=where.name, origin=where.origin, planes=planes, colour=colour)


def _identify(ds: Dataset, content: Content) -> None:
    """The presentation state identification module (DICOM PS3.3 C.11.10)."""
    put_label(ds, _LAYER, content)
    ds.PresentationCreationDate, ds.PresentationCreationTime = ds.ContentDate, ds.ContentTime
    ds.pop("FrameOfReferenceUID", None)  # of the image; a presentation state lies in none


def _add_images(ds: Dataset, target: _Target, frames: Sequence[tuple[int, int]]) -> None:
    """The presentation state relationship and displayed area modules (DICOM PS3.3 C.11.11, C.10.4)."""
    item, area = Dataset(), Dataset()
    item.SeriesInstanceUID = UID(series_uid(target.origin))
    item.ReferencedImageSequence = _references(target.origin.instances, frames)
    ds.ReferencedSeriesSequence = [item]
    rows, columns = target.planes.shape[1:]
    area.DisplayedAreaTopLeftHandCorner, area.DisplayedAreaBottomRightHandCorner = [1, 1], [columns, rows]
    area.PresentationSizeMode = "SCALE TO FIT"
    if target.planes.spacing is None:
        area.PresentationPixelAspectRatio = [1, 1]
    else:
        area.PresentationPixelSpacing = [decimal(step) for step in target.planes.spacing]
    ds.DisplayedAreaSelectionSequence = [area]


def _references(instances: Sequence[Instance], frames: Sequence[tuple[int, int]]) -> list[Dataset]:
    """References to frames, one for each object (DICOM PS3.3 table 10-3)."""
    numbers: dict[int, list[int]] = {}
    for index, number in frames:
        numbers.setdefault(index, []).append(number)
    items = []
    for index, of_it in numbers.items():
        item = instance_item(instances[index])
        if instances[index].frames is not None:
            item.ReferencedFrameNumber = of_it if len(of_it) > 1 else of_it[0]
        items.append(item)
    return items


def _add_graphics(ds: Dataset, origin: Origin, frames: dict[tuple[int, int], list[Drawn]]) -> None:
    """The graphic annotation and graphic layer modules (DICOM PS3.3 C.10.5, C.10.7); equal frames share an item."""
    groups: dict[tuple[int, ...], list[tuple[int, int]]] = {}
    for frame in sorted(frames):
        groups.setdefault(tuple(id(drawn) for drawn in frames[frame]), []).append(frame)
    ds.GraphicAnnotationSequence = []
    for members in groups.values():
        item, drawn = Dataset(), frames[members[0]]
        item.ReferencedImageSequence = _references(origin.instances, members)
        item.GraphicLayer = _LAYER
        item.TextObjectSequence = [_text(d) for d in drawn]
        item.GraphicObjectSequence = [_graphic(points, d.kind) for d in drawn for points in d.lines]
        ds.GraphicAnnotationSequence.append(item)
    layer = Dataset()
    layer.GraphicLayer, layer.GraphicLayerOrder = _LAYER, 1
    layer.GraphicLayerDescription = "What was found"
    ds.GraphicLayerSequence = [layer]


def _graphic(points: NDArray[np.float64], kind: str) -> Dataset:
    ds = Dataset()
    ds.GraphicAnnotationUnits, ds.GraphicDimensions = "PIXEL", 2
    ds.NumberOfGraphicPoints, ds.GraphicType = len(points), kind
    ds.GraphicData = points.astype(np.float32).astype(np.float64).ravel().tolist()
    if kind == "POLYLINE" and len(points) > 2:
        ds.GraphicFilled = "N"
    return ds


def _text(drawn: Drawn) -> Dataset:
    """The words of a mark, beside its first point."""
    ds = Dataset()
    ds.AnchorPointAnnotationUnits, ds.AnchorPointVisibility = "PIXEL", "N"
    ds.AnchorPoint = drawn.lines[0][0].astype(np.float32).astype(np.float64).tolist()
    ds.UnformattedTextValue = drawn.words
    return ds


def _add_greys(ds: Dataset, target: _Target, case: Case) -> None:
    """Modality LUT, VOI LUT and presentation LUT modules (DICOM PS3.3 C.11.1, C.11.8, C.11.6).

    Whatever a presentation state does not say is the identity, not what the image says (PS3.4 N.2.1).
    """
    ds.PresentationLUTShape = "IDENTITY"
    image, item = case.images[target.name], Dataset()
    if target.name not in case.origins:
        own = source_object(case, target.name).header
        for keyword in ("WindowCenter", "WindowWidth", "VOILUTFunction"):
            if keyword in own:
                setattr(item, keyword, own[keyword].value)
    elif target.origin.stored is not None:
        slope, intercept = target.origin.stored
        ds.RescaleSlope, ds.RescaleIntercept = decimal(slope), decimal(intercept)
        ds.RescaleType = "HU" if image.quantity.unit == codes.HOUNSFIELD else "US"
        windows = [window for window in image.windows if isinstance(window, Window)][:1]
        if not windows and image.data.dtype != np.uint8:
            windows = [whole_range(pixels(image))]
        put_windows(item, windows)
    if "WindowCenter" in item:
        ds.SoftcopyVOILUTSequence = [item]


def _srgb() -> bytes:
    """The profile of sRGB as one of an input device, made at no time, so that it is the same at every call.

    Source: DICOM PS3.3 C.11.15.1.1.
    """
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[_CLASS], profile[_DATED] = b"scnr", bytes([7, 208, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0])  # 2000-01-01
    return bytes(profile)
