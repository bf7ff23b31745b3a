"""Colours of a Doppler picture as velocities, where its file says which colour is which velocity."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from skiagraph.io.dicom.attributes import items_of, numbers, whole, word

__all__ = ["composite", "velocity"]

_CM_PER_SECOND: Final = 7  # Pixel Component Physical Units (0018,604C)
_TWO_D: Final = 1
_FLOW: Final = 2
_NOT: Final = "Its colours show flow and are not calibrated, so they give no velocities."
_CONVERTED: Final = (
    "Its colours are calibrated for codes that were lost in decoding, so they give no velocities."
)


def composite(stored: NDArray[Any], header: Dataset) -> NDArray[np.int64] | None:
    """One code a pixel: the value itself, or red, green and blue one after the other, red in the highest bits.

    None where colours were stored as anything but RGB: their codes are lost in decoding.

    Args:
        stored: Axes ([frame,] row, column[, sample]); colours as RGB, palette numbers as they are.
        header: The object.

    Source: DICOM PS3.3 C.7.6.3.1.1 (composite pixel code).
    """
    if (whole(header, "SamplesPerPixel") or 1) == 1:
        return stored.astype(np.int64)
    if word(header, "PhotometricInterpretation") != "RGB":
        return None
    bits = whole(header, "BitsAllocated") or 8
    red, green, blue = (stored[..., k].astype(np.int64) for k in range(3))
    return np.asarray((red << (2 * bits)) | (green << bits) | blue)


def velocity(stored: NDArray[Any], header: Dataset) -> tuple[NDArray[np.float32] | None, tuple[str, ...]]:
    """Velocity of blood or tissue at each pixel, cm/s.

    Args:
        stored: Axes ([frame,] row, column[, sample]); colours as RGB, palette numbers as they are.
        header: The object.

    Returns:
        Axes ([frame,] row, column), NaN where a pixel is outside of calibrated regions or its code means no velocity;
        None where no region is calibrated in cm/s. And what was noticed.

    Source: DICOM PS3.3 C.8.5.5.1.3 (priority), C.8.5.5.1.4 to C.8.5.5.1.13 (pixel component calibration).
    """
    items = items_of(header, "SequenceOfUltrasoundRegions")
    calibrated = [item for item in items if _is_calibrated(item)]
    if not calibrated:
        flow = any(whole(item, "RegionDataType") == _FLOW for item in items)
        return None, (_NOT,) if flow else ()
    codes = composite(stored, header)
    if codes is None:
        return None, (_CONVERTED,)
    result = np.full(codes.shape, np.nan, dtype=np.float32)
    above = np.zeros(codes.shape[-2:], dtype=np.bool_)  # where a region of high priority lies
    for item in items:
        if not (whole(item, "RegionFlags") or 0) & 1:
            above[_window(item)] = True
    for item in sorted(calibrated, key=lambda i: -((whole(i, "RegionFlags") or 0) & 1)):
        place = (..., *_window(item))
        meant = _physical(codes[place], item)
        if (whole(item, "RegionFlags") or 0) & 1:
            meant[..., above[_window(item)]] = np.nan
        result[place] = np.where(np.isnan(meant), result[place], meant)
    return result, ()


def _is_calibrated(item: Dataset) -> bool:
    known = whole(item, "PixelComponentPhysicalUnits") == _CM_PER_SECOND
    return known and whole(item, "RegionSpatialFormat") == _TWO_D and _organised(item)


def _organised(item: Dataset) -> bool:
    """Whether the table that its organisation asks for is there and whole."""
    how = whole(item, "PixelComponentOrganization")
    if how == 2:
        pixels, values = numbers(item, "TableOfPixelValues"), numbers(item, "TableOfParameterValues")
        return 0 < len(pixels) == len(values)
    x, y = numbers(item, "TableOfXBreakPoints"), numbers(item, "TableOfYBreakPoints")
    if not 0 < len(x) == len(y) or sorted(x) != list(x):
        return False
    ends = whole(item, "PixelComponentRangeStart"), whole(item, "PixelComponentRangeStop")
    return (how == 0 and bool(whole(item, "PixelComponentMask"))) or (how == 1 and None not in ends)


def _window(item: Dataset) -> tuple[slice, slice]:
    left, upper, right, lower = (
        max(whole(item, f"RegionLocation{end}") or 0, 0) for end in ("MinX0", "MinY0", "MaxX1", "MaxY1")
    )
    return slice(upper, lower + 1), slice(left, right + 1)


def _physical(codes: NDArray[np.int64], item: Dataset) -> NDArray[np.float32]:
    """Physical values of pixel codes by one region, NaN where it calibrates none."""
    how = whole(item, "PixelComponentOrganization")
    if how == 2:
        return _from_table(codes, item)
    x, y = (np.asarray(numbers(item, f"TableOf{axis}BreakPoints")) for axis in "XY")
    if how == 0:
        mask = whole(item, "PixelComponentMask") or 1
        codes = (codes & mask) >> ((mask & -mask).bit_length() - 1)
        inside = (codes >= x[0]) & (codes <= x[-1])
    else:
        start, stop = whole(item, "PixelComponentRangeStart"), whole(item, "PixelComponentRangeStop")
        inside = (codes >= max(x[0], start or 0)) & (codes <= min(x[-1], stop or 0))
    return np.where(inside, np.interp(codes, x, y), np.nan).astype(np.float32)


def _from_table(codes: NDArray[np.int64], item: Dataset) -> NDArray[np.float32]:
    """Codes that stand in the table have its value; of a code that stands there twice, the first."""
    pixels = np.asarray(numbers(item, "TableOfPixelValues"), dtype=np.int64)
    values = np.asarray(numbers(item, "TableOfParameterValues"), dtype=np.float32)
    known, first = np.unique(pixels, return_index=True)
    place = np.minimum(np.searchsorted(known, codes), len(known) - 1)
    return np.where(known[place] == codes, values[first[place]], np.float32(np.nan)).astype(np.float32)
