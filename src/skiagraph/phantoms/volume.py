"""A small CT volume whose numbers are known: a ball and a box in water, as an image and as a DICOM series."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import UID, CTImageStorage

from skiagraph.errors import InvalidInput
from skiagraph.geometry import Grid, derived_frame
from skiagraph.image import Image
from skiagraph.image.quantity import HU
from skiagraph.phantoms.study import invented_study, write_dataset
from skiagraph.values import array_digest

__all__ = [
    "BALL_HU",
    "BOX_HU",
    "WATER_HU",
    "BallAndBox",
    "ball_and_box_image",
    "series_datasets",
    "write_series",
]

WATER_HU: Final = 0
BALL_HU: Final = 60
BOX_HU: Final = 700
_INTERCEPT: Final = -1024


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class BallAndBox:
    """An axial CT volume: water with a ball (`BALL_HU`) and a box (`BOX_HU`) in it.

    Args:
        shape: (slices, rows, columns).
        spacing: mm between (slices, rows, columns).
        origin: (x, y, z) of the centre of the first voxel, LPS mm.

    Raises:
        InvalidInput: Too small to hold both.
    """

    shape: tuple[int, int, int] = (12, 32, 40)
    spacing: tuple[float, float, float] = (3.0, 1.5, 1.25)
    origin: tuple[float, float, float] = (-25.0, -20.0, 100.0)

    def __post_init__(self) -> None:
        if min(self.shape) < 8 or not all(s > 0 for s in self.spacing):
            raise InvalidInput("this phantom has at least 8 voxels along each axis", got=str(self.shape))


def ball_and_box_image(phantom: BallAndBox) -> Image:
    """The volume, int16 HU, axes (slice, row, column)."""
    lengths = np.array(phantom.shape) * phantom.spacing
    axes = [(np.arange(n) + 0.5) * s for n, s in zip(phantom.shape, phantom.spacing, strict=True)]
    places = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    ball = np.linalg.norm(places - lengths * (0.5, 0.5, 0.3), axis=-1) <= 0.22 * lengths.min()
    box = (np.abs(places - lengths * (0.4, 0.6, 0.75)) <= lengths * (0.2, 0.15, 0.1)).all(axis=-1)
    values = np.full(phantom.shape, WATER_HU, np.int16)
    values[ball], values[box] = BALL_HU, BOX_HU
    return Image(data=values, space=_grid(phantom), quantity=HU, modality="CT")


def _grid(phantom: BallAndBox) -> Grid:
    slices, rows, columns = phantom.spacing
    affine = np.eye(4)
    affine[:3, :3] = [[0, 0, columns], [0, rows, 0], [slices, 0, 0]]
    affine[:3, 3] = phantom.origin
    return Grid(shape=phantom.shape, affine=affine, frame=derived_frame(f"ball and box {phantom}"))


def series_datasets(phantom: BallAndBox) -> tuple[Dataset, ...]:
    """The volume as CT Image Storage, one data set a slice, from the feet up."""
    image = ball_and_box_image(phantom)
    values = np.asarray(image.data)
    study = array_digest(values)
    return tuple(_slice(phantom, image.space.frame, study, (n, plane)) for n, plane in enumerate(values))


def _slice(phantom: BallAndBox, frame: str, study: str, numbered: tuple[int, NDArray[np.int16]]) -> Dataset:
    """Source: DICOM PS3.3 sections C.7.6.2 (image plane) and C.8.2.1 (CT image)."""
    n, plane = numbered
    slices, rows, columns = phantom.spacing
    ds = invented_study(study, CTImageStorage, "CT", patient="Phantom^Ball and box")
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = UID(derived_frame(f"{study} image {n}"))
    ds.ImageType, ds.InstanceNumber, ds.AcquisitionNumber = ["ORIGINAL", "PRIMARY", "AXIAL"], n + 1, 1
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = UID(frame), ""
    ds.PatientPosition, ds.PatientOrientation, ds.Laterality = "HFS", ["L", "P"], ""
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.ImagePositionPatient = [phantom.origin[0], phantom.origin[1], phantom.origin[2] + n * slices]
    ds.PixelSpacing, ds.SliceThickness, ds.KVP = [rows, columns], slices, None
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = plane.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 0
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = _INTERCEPT, 1, "HU"
    ds.PixelData = (plane - _INTERCEPT).astype("<u2").tobytes()
    return ds


def write_series(phantom: BallAndBox, to: Path) -> tuple[Path, ...]:
    """Writes the series to a folder, which is made; the order of the names is not that of the slices.

    Raises:
        WriteFailed: The disk does not take it.
    """
    to.mkdir(parents=True, exist_ok=True)
    paths = []
    for ds in series_datasets(phantom):
        path = to / f"{str(ds.SOPInstanceUID)[-12:]}.dcm"
        write_dataset(ds, path)
        paths.append(path)
    return tuple(paths)
