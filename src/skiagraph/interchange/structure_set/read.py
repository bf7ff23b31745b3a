"""DICOM structure sets, ours and those of others, to contours and points again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from skiagraph.case import Case
from skiagraph.codes import Code
from skiagraph.errors import FormatError, InvalidInput
from skiagraph.findings import Contour, Contours, Landmark, Landmarks
from skiagraph.geometry import Grid, derived_frame
from skiagraph.interchange.coded import code_of
from skiagraph.interchange.remainder import remembered
from skiagraph.interchange.structure_set.lattice import lattice_round, stated_lattice
from skiagraph.plain import from_plain

__all__ = ["ReadLine", "ReadRegion", "read_points", "read_regions", "read_structure_set", "space_of"]

_KINDS: Final = ("POINT", "OPEN_PLANAR", "OPEN_NONPLANAR", "CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
_NAMED: Final = "99ROI"
"""Our coding scheme for regions that have a name and no code."""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadLine:
    """One contour of a region, as it stands in the object.

    Args:
        kind: Contour Geometric Type.
        points: Shape (n, 3), mm, in the patient.
        rest: What we kept of it beside the attributes.
    """

    kind: str
    points: NDArray[np.float64]
    rest: dict[str, Any]

    @property
    def closed(self) -> bool:
        """Whether the last point joins the first."""
        return self.kind.startswith("CLOSED") or bool(self.rest.get("closed"))


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadRegion:
    """One region of interest, as it stands in the object.

    Args:
        number: ROINumber.
        code: Its identification code, or else its name under the scheme ``99ROI``.
        frame: Its frame of reference.
        lines: Its contours.
        rest: What we kept of it beside the attributes.
    """

    number: int
    code: Code
    frame: str
    lines: tuple[ReadLine, ...]
    rest: dict[str, Any]


def read_structure_set(ds: Dataset, case: Case | None = None) -> Contours:
    """The contours of a structure set.

    Points are passed over, also lines of a single point (`read_points` gives both), and regions without any line. Ours
    say on which lattice they were drawn. Those of others get the lattice of the image of the case in the same frame,
    the referenced one before others; or else the one that they were made of, where they tell; or else the smallest that
    holds them, see `lattice_round`.

    Args:
        ds: RT Structure Set Storage.
        case: The images that it may be about.

    Raises:
        FormatError: Numbers that are none, or regions in several frames of which the case does not choose one.

    Source: DICOM PS3.3 C.8.8.5, C.8.8.6, C.8.8.8.
    """
    regions = read_regions(ds)
    space = space_of(ds, regions, case)
    drawn = [
        (line, _contour(region, line))
        for region in regions
        if region.frame == space.frame
        for line in region.lines
        if line.kind != "POINT" and len(line.points) > 1
    ]
    if all("at" in line.rest for line, _ in drawn):
        drawn.sort(key=lambda pair: int(pair[0].rest["at"]))
    return Contours(space=space, items=tuple(contour for _, contour in drawn))


def read_points(ds: Dataset, case: Case | None = None) -> Landmarks:
    """The points of a structure set: isocentres, markers. See `read_structure_set`."""
    regions = read_regions(ds)
    space = space_of(ds, regions, case)
    items = [
        Landmark(code=region.code, point=line.points[0])
        for region in regions
        if region.frame == space.frame
        for line in region.lines
        if len(line.points) == 1
    ]
    return Landmarks(space=space, items=tuple(items))


def _contour(region: ReadRegion, line: ReadLine) -> Contour:
    repeated = line.closed and line.kind == "OPEN_NONPLANAR"
    of_segment = region.rest.get("confidence")
    return Contour(
        code=region.code,
        points=line.points[:-1] if repeated else line.points,
        closed=line.closed,
        confidence=line.rest.get("confidence", of_segment),
        moment=region.rest.get("moment"),
    )


def read_regions(ds: Dataset) -> tuple[ReadRegion, ...]:
    """The regions of interest of a structure set, in its order.

    Raises:
        FormatError: Numbers that are none.
    """
    told = remembered(ds).get("regions")
    kept = [r if isinstance(r, dict) else {} for r in told] if isinstance(told, list) else []
    default = str(ds.get("FrameOfReferenceUID") or "") or derived_frame(str(ds.get("SOPInstanceUID")))
    drawn = {_number(i, "ReferencedROINumber"): i for i in ds.get("ROIContourSequence") or ()}
    seen = {_number(i, "ReferencedROINumber"): i for i in ds.get("RTROIObservationsSequence") or ()}
    regions = []
    for item in ds.get("StructureSetROISequence") or ():
        number = _number(item, "ROINumber")
        rest = kept[number - 1] if 0 < number <= len(kept) else {}
        region = ReadRegion(
            number=number,
            code=_code(item, seen.get(number)),
            frame=str(item.get("ReferencedFrameOfReferenceUID") or default),
            lines=tuple(_lines(drawn.get(number), rest.get("lines", []))),
            rest=rest,
        )
        regions.append(region)
    return tuple(regions)


def space_of(ds: Dataset, regions: Sequence[ReadRegion], case: Case | None) -> Grid:
    """The lattice of the contours, see `read_structure_set`."""
    kept = remembered(ds).get("space")
    if kept is not None:
        space: Grid = from_plain(Grid, kept)
        return space
    frames = list(dict.fromkeys(region.frame for region in regions if region.lines))
    images = {} if case is None else case.images
    shared = [name for name, image in images.items() if image.space.frame in frames and image.space.ndim == 3]
    if case is not None and shared:
        cited = _cited(ds)
        known = [n for n in shared if n in case.origins]
        of = [n for n in known if any(i.sop_instance_uid in cited for i in case.origins[n].instances)]
        found = images[(of or shared)[0]].space
        if isinstance(found, Grid):
            return found
    if len(frames) > 1:
        raise FormatError(
            "contours lie in one frame of reference",
            got=f"a structure set in {len(frames)}",
            way_out="read it together with the case that it is about",
        )
    frame = next(iter([*frames, *(region.frame for region in regions)]), None)
    for item in ds.get("ROIContourSequence") or ():
        if frame and item.get("SourcePixelPlanesCharacteristicsSequence"):
            return stated_lattice(item.SourcePixelPlanesCharacteristicsSequence[0], frame)
    lines = [line.points for region in regions for line in region.lines]
    longer = [line for line in lines if len(line) > 1]
    return lattice_round(longer or lines, frame or derived_frame(str(ds.get("SOPInstanceUID"))))


def _cited(ds: Dataset) -> set[str]:
    """The images that a structure set says it was drawn on."""
    found = set()
    for frame in ds.get("ReferencedFrameOfReferenceSequence") or ():
        for study in frame.get("RTReferencedStudySequence") or ():
            for series in study.get("RTReferencedSeriesSequence") or ():
                found |= {
                    str(i.get("ReferencedSOPInstanceUID")) for i in series.get("ContourImageSequence") or ()
                }
    return found


def _lines(item: Dataset | None, kept: Sequence[dict[str, Any]]) -> Iterator[ReadLine]:
    contours = [] if item is None else list(item.get("ContourSequence") or [])
    rest = kept if len(kept) == len(contours) else [{}] * len(contours)
    for contour, own in zip(contours, rest, strict=True):
        kind = str(contour.get("ContourGeometricType") or "")
        if kind not in _KINDS:
            raise FormatError("a contour is of a kind that the standard knows", got=repr(kind[:20]))
        yield ReadLine(kind=kind, points=_points(contour), rest=own)


def _points(contour: Dataset) -> NDArray[np.float64]:
    """Contour Data as numbers; from its text, for pydicom would make an object of each."""
    element: Any = contour.get_item("ContourData")
    value: Any = b"" if element is None else element.value
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    several = value.strip(" \0").split("\\") if isinstance(value, str) else value
    try:
        numbers = np.array(several, dtype=np.float64) if len(several) else np.empty(0)
    except (TypeError, ValueError) as error:
        raise FormatError("the points of a contour are decimal numbers", got="other text") from error
    if not numbers.size or numbers.size % 3 or not np.isfinite(numbers).all():
        raise FormatError("the points of a contour are finite and have 3 numbers each", got=f"{numbers.size}")
    return numbers.reshape(-1, 3)


def _number(item: Dataset, keyword: str) -> int:
    try:
        return int(item.get(keyword))
    except (TypeError, ValueError) as error:
        raise FormatError(f"{keyword} of a structure set is a whole number", got="none") from error


def _code(item: Dataset, seen: Dataset | None) -> Code:
    """What a region is: by its code, or else by its name."""
    entries = [] if seen is None else list(seen.get("RTROIIdentificationCodeSequence") or [])
    for entry in entries:
        with suppress(InvalidInput):
            return code_of(entry)
    name = str(item.get("ROIName") or "").strip() or f"ROI {item.ROINumber}"
    short = name if len(name) <= 16 else f"{name[:7]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return Code(value=short, scheme=_NAMED, meaning=name)
