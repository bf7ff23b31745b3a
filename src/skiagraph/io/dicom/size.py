"""The pixel size that a DICOM picture states: calibrated ultrasound regions, pixel spacing, spacing at the detector."""

from __future__ import annotations

import math
from typing import Any, Final

from pydicom.dataset import Dataset

__all__ = ["planar_size"]

_TWO_D: Final = 1  # RegionSpatialFormat (0018,6012)
_CM: Final = 3  # PhysicalUnitsXDirection (0018,6024) and PhysicalUnitsYDirection (0018,6026)
_Size = tuple[tuple[float, float] | None, tuple[str, ...]]


def planar_size(header: Dataset) -> _Size:
    """Millimetres between (rows, columns) of a picture, and what was noticed.

    None where the file states no size, or states it for a part of the picture only.

    Source: DICOM PS3.3 C.8.5.5 (US region calibration), 10.7 (pixel spacing), C.8.3 and C.8.11 (imager pixel spacing).
    """
    if header.get("SequenceOfUltrasoundRegions"):
        return _of_regions(header)
    for word, said in (
        ("PixelSpacing", ()),
        ("ImagerPixelSpacing", ("Its pixel size holds at the detector; in the patient it is smaller.",)),
        ("NominalScannedPixelSpacing", ("Its pixel size holds on the film that was scanned.",)),
    ):
        size = _pair(header.get(word))
        if size is not None:
            return size, said
    return None, ("It states no size in millimetres.",)


def _pair(value: Any) -> tuple[float, float] | None:
    try:
        rows, columns = (float(v) for v in value)
    except (TypeError, ValueError):
        return None
    good = all(math.isfinite(v) and v > 0 for v in (rows, columns))
    return (rows, columns) if good else None


def _of_regions(header: Dataset) -> _Size:
    regions = list(header.SequenceOfUltrasoundRegions)
    flat = [r for r in regions if r.get("RegionSpatialFormat") == _TWO_D and _in_cm(r)]
    sizes = [_region_size(r) for r in flat]
    if not sizes or None in sizes:
        return None, ("None of its ultrasound regions is two-dimensional and calibrated in centimetres.",)
    first = sizes[0]
    if first is None or any(not _same(first, other) for other in sizes):
        return None, ("Its ultrasound regions have different pixel sizes, so the picture has none.",)
    if len(flat) < len(regions):
        return None, (
            "Only a part of its ultrasound regions shows lengths in both directions, so the picture has no size.",
        )
    covered = sum(_area(r) for r in flat) / (int(header.Rows) * int(header.Columns))
    said = () if covered >= 0.5 else (f"Its pixel size holds for {covered:.0%} of the picture.",)
    return first, said


def _in_cm(region: Dataset) -> bool:
    return all(region.get(f"PhysicalUnits{axis}Direction") == _CM for axis in "XY")


def _region_size(region: Dataset) -> tuple[float, float] | None:
    """Millimetres between (rows, columns); deltas are in cm, and negative where the axis points up or left."""
    x, y = region.get("PhysicalDeltaX"), region.get("PhysicalDeltaY")
    return None if x is None or y is None else _pair((abs(float(y)) * 10.0, abs(float(x)) * 10.0))


def _same(a: tuple[float, float], b: tuple[float, float] | None) -> bool:
    return b is not None and all(math.isclose(p, q, rel_tol=1e-4) for p, q in zip(a, b, strict=True))


def _area(region: Dataset) -> float:
    width = int(region.get("RegionLocationMaxX1", 0)) - int(region.get("RegionLocationMinX0", 0)) + 1
    height = int(region.get("RegionLocationMaxY1", 0)) - int(region.get("RegionLocationMinY0", 0)) + 1
    return float(max(width, 0) * max(height, 0))
