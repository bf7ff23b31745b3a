"""The parts that DICOM objects of phantoms share: series, pixels, a place in the patient, functional groups."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import UID

from skiagraph.codes import Code
from skiagraph.geometry import Grid, derived_frame

__all__ = [
    "DATE",
    "TIME",
    "code_item",
    "direction",
    "item",
    "number",
    "pixels_of",
    "place",
    "position",
    "put_pixels",
    "slice_place",
]

DATE: Final = "20200101"  # of nobody's examination
TIME: Final = "120000"
_DIGITS: Final = 10


def item(**attributes: Any) -> Dataset:
    """An item of a sequence, by keyword."""
    ds = Dataset()
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return ds


def code_item(code: Code) -> Dataset:
    """A coded concept (DICOM PS3.3 section 8.8)."""
    return item(
        CodeValue=code.value, CodingSchemeDesignator=code.scheme, CodeMeaning=code.meaning or code.value
    )


def number(value: float) -> str:
    """A decimal string of at most 16 characters (DICOM PS3.5 section 6.2)."""
    for digits in range(15, 3, -1):
        text = f"{float(value):.{digits}g}"
        if len(text) <= 16:
            return text
    return f"{float(value):.4e}"


def place(ds: Dataset, digest: str, *, series: int, instance: int, description: str = "") -> None:
    """Where an object stands in its study: UIDs that follow from the content, and its numbers.

    Args:
        ds: From `invented_study`.
        digest: Of the study.
        series: Number of the series, from 1.
        instance: Number in the series, from 1.
        description: Of the series.
    """
    ds.SeriesInstanceUID = UID(derived_frame(f"{digest} series {series}"))
    ds.SOPInstanceUID = UID(derived_frame(f"{digest} series {series} image {instance}"))
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.SeriesNumber, ds.InstanceNumber = series, instance
    if description:
        ds.SeriesDescription = description


def put_pixels(
    ds: Dataset, pixels: NDArray[Any], *, bits: int | None = None, photometric: str = "MONOCHROME2"
) -> None:
    """The image pixel module (DICOM PS3.3 section C.7.6.3), uncompressed, little endian.

    Args:
        ds: Gets it.
        pixels: Integers, shape (rows, columns), (frames, rows, columns), or with three samples last for colour.
        bits: BitsStored; all that are allocated where None.
        photometric: Photometric interpretation.
    """
    colour = photometric in ("RGB", "YBR_FULL", "YBR_FULL_422")
    rows, columns = pixels.shape[-3:-1] if colour else pixels.shape[-2:]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 3 if colour else 1, photometric
    if colour:
        ds.PlanarConfiguration = 0
    if pixels.ndim == (4 if colour else 3):
        ds.NumberOfFrames = len(pixels)
    ds.Rows, ds.Columns = rows, columns
    ds.BitsAllocated = 8 * pixels.dtype.itemsize
    ds.BitsStored = bits or ds.BitsAllocated
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    raw = np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("<")).tobytes()
    ds.PixelData = raw + b"\0" * (len(raw) % 2)
    ds["PixelData"].VR = "OB" if ds.BitsAllocated == 8 else "OW"


def direction(grid: Grid) -> list[float]:
    """ImageOrientationPatient: the direction cosines of a row (columns rise), then of a column (rows rise)."""
    axes = [grid.affine[:3, axis] / np.linalg.norm(grid.affine[:3, axis]) for axis in (2, 1)]
    return [round(float(n), _DIGITS) + 0.0 for axis in axes for n in axis]


def pixels_of(grid: Grid) -> list[float]:
    """PixelSpacing: mm between rows, between columns."""
    return [float(np.linalg.norm(grid.affine[:3, axis])) for axis in (1, 2)]


def position(grid: Grid, index: int) -> list[str]:
    """ImagePositionPatient of slice `index`."""
    return [number(round(float(n), 6) + 0.0) for n in grid.affine[:3, 3] + index * grid.affine[:3, 0]]


def slice_place(ds: Dataset, grid: Grid, index: int, *, thickness: float) -> None:
    """The frame of reference and image plane modules (DICOM PS3.3 sections C.7.4.1 and C.7.6.2).

    Args:
        ds: Gets them.
        grid: Of the volume, axes (slice, row, column).
        index: Of the slice.
        thickness: mm.
    """
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = UID(grid.frame), ""
    ds.PatientPosition = "HFS"
    ds.ImageOrientationPatient = [number(n) for n in direction(grid)]
    ds.ImagePositionPatient = position(grid, index)
    ds.PixelSpacing = [number(n) for n in pixels_of(grid)]
    ds.SliceThickness = number(thickness)
