"""Regions of an ultrasound picture: what each shows, and what a step along its rows and columns means."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from pydicom.dataset import Dataset

from skiagraph import codes
from skiagraph.codes import Code
from skiagraph.errors import GeometryError, InvalidInput
from skiagraph.findings import Box, Boxes, Finding, Text
from skiagraph.geometry import Space
from skiagraph.io.dicom.attributes import items_of, number, whole
from skiagraph.io.dicom.projection import Size

__all__ = ["Axis", "Region", "region_findings", "regions", "ultrasound_size"]


def _ucum(value: str, meaning: str) -> Code:
    return Code(value=value, scheme="UCUM", meaning=meaning)


UNITS: Final = {
    1: codes.PERCENT,
    2: codes.DECIBEL,
    3: codes.CM,
    4: codes.SECOND,
    5: codes.HERTZ,
    6: _ucum("dB/s", "decibel per second"),
    7: codes.CM_PER_SECOND,
    8: _ucum("cm2", "square centimetre"),
    9: _ucum("cm2/s", "square centimetre per second"),
    10: _ucum("cm3", "cubic centimetre"),
    11: _ucum("cm3/s", "cubic centimetre per second"),
    12: _ucum("deg", "degree"),
}
"""Physical Units X and Y Direction (0018,6024) and (0018,6026), PS3.3 C.8.5.5.1.15; 0 means none."""

FORMS: Final = {1: "two-dimensional", 2: "M-mode", 3: "spectral", 4: "waveform", 5: "graphics"}
"""Region Spatial Format (0018,6012), PS3.3 C.8.5.5.1.1."""

SHOWS: Final = {
    1: Code(value="us-tissue", scheme="99SKIAGRAPH", meaning="Tissue"),
    2: Code(value="us-colour-flow", scheme="99SKIAGRAPH", meaning="Colour flow"),
    3: Code(value="us-pw-doppler", scheme="99SKIAGRAPH", meaning="Pulsed-wave spectral Doppler"),
    4: Code(value="us-cw-doppler", scheme="99SKIAGRAPH", meaning="Continuous-wave spectral Doppler"),
    5: Code(value="us-doppler-mean", scheme="99SKIAGRAPH", meaning="Doppler mean trace"),
    6: Code(value="us-doppler-mode", scheme="99SKIAGRAPH", meaning="Doppler mode trace"),
    7: Code(value="us-doppler-max", scheme="99SKIAGRAPH", meaning="Doppler maximum trace"),
    8: Code(value="us-volume", scheme="99SKIAGRAPH", meaning="Volume trace"),
    9: Code(value="us-volume-rate", scheme="99SKIAGRAPH", meaning="Change of volume trace"),
    10: Code(value="us-ecg", scheme="99SKIAGRAPH", meaning="Electrocardiogram"),
    11: Code(value="us-pulse", scheme="99SKIAGRAPH", meaning="Pulse trace"),
    12: Code(value="us-phono", scheme="99SKIAGRAPH", meaning="Phonocardiogram"),
    13: Code(value="us-grey-bar", scheme="99SKIAGRAPH", meaning="Grey bar"),
    14: Code(value="us-colour-bar", scheme="99SKIAGRAPH", meaning="Colour bar"),
    15: Code(value="us-backscatter", scheme="99SKIAGRAPH", meaning="Integrated backscatter"),
    16: Code(value="us-area", scheme="99SKIAGRAPH", meaning="Area trace"),
    17: Code(value="us-area-rate", scheme="99SKIAGRAPH", meaning="Change of area trace"),
    18: Code(value="us-other", scheme="99SKIAGRAPH", meaning="Other physiological input"),
}
"""Region Data Type (0018,6014), PS3.3 C.8.5.5.1.2."""
UNSTATED: Final = Code(value="us-unstated", scheme="99SKIAGRAPH", meaning="Region of unstated content")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """What a step of one pixel means, along the columns (to the right) or the rows (down) of a region.

    Args:
        step: In `unit` a pixel; negative where values fall to the right or down.
        unit: UCUM code; None where the axis has no unit.
        zero: Index (column or row of the whole picture) of the reference pixel; None where none is stated.
        value: At the reference pixel, in `unit`.
    """

    step: float
    unit: Code | None
    zero: float | None = None
    value: float = 0.0

    def at(self, index: float) -> float:
        """The value at a column or row of the whole picture, in `unit`.

        Raises:
            InvalidInput: The file states no reference pixel, so only steps are known.
        """
        if self.zero is None:
            raise InvalidInput("a value along an axis needs its reference pixel", got="an axis without one")
        return self.value + (index - self.zero) * self.step


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """One region of an ultrasound picture.

    Args:
        rows: First and last row, from 0, both inside.
        columns: First and last column, from 0, both inside.
        form: ``"two-dimensional"``, ``"M-mode"``, ``"spectral"``, ``"waveform"``, ``"graphics"`` or ``"unstated"``.
        shows: What its data are.
        across: Along the columns, to the right; None where the file gives no step.
        down: Along the rows.
        low_priority: Whether other regions overwrite its pixels where they overlap.
    """

    rows: tuple[int, int]
    columns: tuple[int, int]
    form: str
    shows: Code
    across: Axis | None
    down: Axis | None
    low_priority: bool = False


def regions(header: Dataset) -> tuple[Region, ...]:
    """All regions of an ultrasound object that lie in its picture.

    Source: DICOM PS3.3 C.8.5.5.
    """
    found = (_region(item, header) for item in items_of(header, "SequenceOfUltrasoundRegions"))
    return tuple(region for region in found if region is not None)


def _region(item: Dataset, header: Dataset) -> Region | None:
    edges = [whole(item, f"RegionLocation{end}") for end in ("MinX0", "MinY0", "MaxX1", "MaxY1")]
    known = [edge for edge in edges if edge is not None]
    if len(known) < 4:
        return None
    left, upper, right, lower = known
    right = min(right, (whole(header, "Columns") or 0) - 1)
    lower = min(lower, (whole(header, "Rows") or 0) - 1)
    if not (0 <= left <= right and 0 <= upper <= lower):
        return None
    return Region(
        rows=(upper, lower),
        columns=(left, right),
        form=FORMS.get(whole(item, "RegionSpatialFormat") or 0, "unstated"),
        shows=SHOWS.get(whole(item, "RegionDataType") or 0, UNSTATED),
        across=_axis(item, "X", left),
        down=_axis(item, "Y", upper),
        low_priority=bool((whole(item, "RegionFlags") or 0) & 1),
    )


def _axis(item: Dataset, name: str, start: int) -> Axis | None:
    """Steps from the region's calibration; the reference pixel counts from the upper left corner of the region."""
    step = number(item, f"PhysicalDelta{name}")
    if step is None or step == 0:
        return None
    reference, value = (
        number(item, f"ReferencePixel{name}0"),
        number(item, f"ReferencePixelPhysicalValue{name}"),
    )
    return Axis(
        step=step,
        unit=UNITS.get(whole(item, f"PhysicalUnits{name}Direction") or 0),
        zero=None if reference is None else start + reference,
        value=value or 0.0,
    )


def region_findings(found: Sequence[Region], space: Space) -> Mapping[str, Finding]:
    """``"regions"`` as boxes that say what each shows, and ``"region_1"`` and on: its form and axes in words.

    Raises:
        GeometryError: The space is no flat picture.
    """
    if not found:
        return {}
    if space.ndim != 2:
        raise GeometryError("regions of ultrasound lie in a flat picture", got=f"{space.ndim} dimensions")
    boxes = tuple(
        Box(
            code=region.shows,
            low=np.array([region.rows[0], region.columns[0]]) - 0.5,
            high=np.array([region.rows[1], region.columns[1]]) + 0.5,
        )
        for region in found
    )
    words = {f"region_{n}": Text(text=_described(region)) for n, region in enumerate(found, start=1)}
    return {"regions": Boxes(space=space, items=boxes), **words}


def _described(region: Region) -> str:
    axes = [
        f"{abs(axis.step):.6g} {axis.unit.value} a pixel {way}"
        if axis is not None and axis.unit is not None
        else f"no unit {way}"
        for axis, way in ((region.across, "along rows"), (region.down, "along columns"))
    ]
    return f"{region.shows.meaning}, {region.form}: {axes[0]}, {axes[1]}."


def ultrasound_size(header: Dataset) -> Size:
    """Millimetres between (rows, columns), where all regions that show a picture agree on it, and what was noticed.

    Source: DICOM PS3.3 C.8.5.5.1.15 to C.8.5.5.1.17.
    """
    found = regions(header)
    flat = [region for region in found if _flat(region)]
    sizes = [_millimetres(region) for region in flat]
    if not sizes:
        return None, ("None of its ultrasound regions is two-dimensional and calibrated in centimetres.",)
    first = sizes[0]
    if any(not math.isclose(p, q, rel_tol=1e-4) for s in sizes for p, q in zip(first, s, strict=True)):
        return None, ("Its ultrasound regions have different pixel sizes, so the picture has none.",)
    if len(flat) < len(items_of(header, "SequenceOfUltrasoundRegions")):
        return None, (
            "Only a part of its ultrasound regions shows lengths in both directions, so the picture has no size.",
        )
    covered = sum(_area(region) for region in flat) / (
        (whole(header, "Rows") or 1) * (whole(header, "Columns") or 1)
    )
    return first, () if covered >= 0.5 else (f"Its pixel size holds for {covered:.0%} of the picture.",)


def _flat(region: Region) -> bool:
    axes = (region.across, region.down)
    return region.form == "two-dimensional" and all(a is not None and a.unit == codes.CM for a in axes)


def _millimetres(region: Region) -> tuple[float, float]:
    down, across = region.down, region.across
    return (abs(down.step) * 10.0 if down else 0.0), (abs(across.step) * 10.0 if across else 0.0)


def _area(region: Region) -> int:
    return (region.rows[1] - region.rows[0] + 1) * (region.columns[1] - region.columns[0] + 1)
