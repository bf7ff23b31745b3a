"""Optical coherence tomography of the macula: layers of known thickness, with speckle."""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import UID, OphthalmicTomographyImageStorage
from scipy import ndimage

from skiagraph.findings import Measurement, Segment, Segmentation
from skiagraph.geometry import Grid, derived_frame
from skiagraph.image import Image
from skiagraph.image.quantity import UNKNOWN
from skiagraph.phantoms import concepts
from skiagraph.phantoms.drawn import Drawn
from skiagraph.phantoms.modules import (
    DATE,
    TIME,
    direction,
    item,
    number,
    pixels_of,
    place,
    position,
    put_pixels,
)
from skiagraph.phantoms.study import invented_study
from skiagraph.values import array_digest

__all__ = ["oct_volume"]

# Share of the thickness of the retina at which a layer ends, and its brightness.
_LAYERS: Final = (
    (0.13, 0.78),
    (0.32, 0.46),
    (0.42, 0.58),
    (0.55, 0.30),
    (0.80, 0.20),
    (0.84, 0.62),
    (0.92, 0.34),
    (1.0, 0.95),
)


def oct_volume(
    seed: int = 1,
    *,
    eye: Literal["L", "R"] = "R",
    shape: tuple[int, int, int] = (25, 320, 384),
    extent: tuple[float, float, float] = (6.0, 1.6, 6.0),
) -> Drawn:
    """A stack of sections through the pit of the macula.

    Args:
        seed: The same seed draws the same retina.
        eye: Which one.
        shape: (sections, depth, width).
        extent: mm along the same axes.

    Returns:
        One image ``"oct"``; mask ``"retina"`` (inner border to pigment epithelium); thickness in the pit and beside it.
    """
    rng = np.random.default_rng(seed)
    spacing = tuple(e / n for e, n in zip(extent, shape, strict=True))
    thin, thick = float(rng.uniform(0.21, 0.25)), float(rng.uniform(0.31, 0.35))
    z, y, x = ((np.arange(n) - (n - 1) / 2) * s for n, s in zip(shape, spacing, strict=True))
    far2 = z[:, None] ** 2 + x[None, :] ** 2
    thickness = thick - (thick - thin) * np.exp(-far2 / 0.45) - 0.010 * far2
    floor = (
        0.18 + 0.020 * far2 + rng.uniform(-0.03, 0.03) * x[None, :]
    )  # pigment epithelium, below the middle
    heights = floor[:, None, :] - y[None, :, None]  # mm above the pigment epithelium
    levels = 1 - heights / thickness[:, None, :]
    values = [_section(level, height, rng) for level, height in zip(levels, heights, strict=True)]
    stored = np.rint(np.clip(np.stack(values), 0, 255)).astype(np.uint8)
    grid = _grid(shape, spacing, array_digest(stored))  # type: ignore[arg-type]
    segment = Segment(number=1, code=concepts.RETINA, confidence=1.0)
    beside = float(thick - (thick - thin) * np.exp(-(1.5**2) / 0.45) - 0.010 * 1.5**2)
    places = ((thin, "in the pit"), (beside, "1.5 mm beside the pit"))
    measured = tuple(
        Measurement(
            concept=concepts.THICKNESS, value=1000 * mm, unit=concepts.MICROMETRE, method=f"known: {where}"
        )
        for mm, where in places
    )
    return Drawn(
        kind="oct",
        datasets=(_dataset(stored, grid, eye),),
        images={"oct": Image(data=stored, space=grid, quantity=UNKNOWN, modality="OPT")},
        findings=measured,
        masks={
            "retina": Segmentation(
                space=grid, labels=((levels >= 0) & (levels <= 1)).astype(np.uint8), segments=(segment,)
            )
        },
        phantom={"eye": eye, "thickness_in_pit": thin, "thickness_of_rim": thick, "extent": extent},
    )


def _section(level: NDArray[Any], height: NDArray[Any], rng: Generator) -> NDArray[np.float64]:
    """One section: brightness of the layers times speckle; choroid below fades with depth."""
    bright = np.full(level.shape, 0.04)
    top = 0.0
    for bottom, value in _LAYERS:
        bright = np.where((level >= top) & (level < bottom), value, bright)
        top = bottom
    below = height < 0
    bright = np.where(below, 0.55 * np.exp(height / 0.16) + 0.03, bright)
    blurred = ndimage.gaussian_filter(bright, (0.8, 1.5))
    parts = [ndimage.gaussian_filter(rng.standard_normal(level.shape), (0.6, 1.1)) for _ in range(4)]
    speckle = np.sqrt(sum(p**2 for p in parts))
    speckle = speckle / speckle.mean()
    return np.asarray(255 * np.sqrt(blurred) * speckle**0.9 * 0.72 + rng.normal(0, 5, level.shape))


def _grid(shape: tuple[int, int, int], spacing: tuple[float, float, float], digest: str) -> Grid:
    """Sections from the bottom of the eye upwards; depth runs to the back of the head."""
    affine = np.eye(4)
    affine[:3, :3] = [[0, 0, spacing[2]], [0, spacing[1], 0], [spacing[0], 0, 0]]
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return Grid(shape=shape, affine=affine, frame=derived_frame(digest))


def _coded(value: str, meaning: str, scheme: str = "SCT") -> Dataset:
    return item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


def _dataset(stored: NDArray[np.uint8], grid: Grid, eye: str) -> Dataset:
    """Source: DICOM PS3.3 sections A.52 and C.8.17.6 to C.8.17.14."""
    digest = array_digest(stored, eye)
    ds = invented_study(digest, OphthalmicTomographyImageStorage, "OPT", patient="Phantom^Eye")
    place(ds, digest, series=1, instance=1)
    ds.StudyDate = ds.SeriesDate = ds.ContentDate = DATE
    ds.StudyTime = ds.SeriesTime = ds.ContentTime = TIME
    ds.AcquisitionDateTime, ds.AcquisitionNumber, ds.AcquisitionDuration = DATE + TIME, 1, 2.0
    ds.ImageType, ds.ImageLaterality = ["ORIGINAL", "PRIMARY"], eye
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = UID(grid.frame), ""
    ds.DeviceSerialNumber, ds.ConcatenationFrameOffsetNumber = "0", 0
    ds.InConcatenationNumber = ds.InConcatenationTotalNumber = 1
    ds.LossyImageCompression, ds.BurnedInAnnotation, ds.PresentationLUTShape = "00", "NO", "IDENTITY"
    ds.AcquisitionContextSequence = []
    ds.AcquisitionDeviceTypeCodeSequence = [_coded("392012008", "Optical Coherence Tomography Scanner")]
    ds.AnatomicRegionSequence = [_coded("5665001", "Retina")]
    ds.LightPathFilterTypeStackCodeSequence = []
    ds.DetectorType, ds.IlluminationWaveLength, ds.IlluminationPower = "CCD", 870.0, 1200.0
    ds.IlluminationBandwidth, ds.DepthSpatialResolution = 50.0, 7.0
    ds.MaximumDepthDistortion = ds.AlongScanSpatialResolution = ds.MaximumAlongScanDistortion = 14.0
    ds.AcrossScanSpatialResolution = ds.MaximumAcrossScanDistortion = 14.0
    ds.EmmetropicMagnification = ds.IntraOcularPressure = ds.PupilDilated = ds.AxialLengthOfTheEye = None
    ds.HorizontalFieldOfView, ds.RefractiveStateSequence, ds.OphthalmicAxialLengthMethod = None, [], ""
    put_pixels(ds, stored)
    _groups(ds, grid, digest)
    del ds.PatientOrientation, ds.QualityControlImage, ds.OphthalmicAxialLengthMethod
    return ds


def _groups(ds: Dataset, grid: Grid, digest: str) -> None:
    organisation = UID(derived_frame(f"{digest} dimensions"))
    ds.DimensionOrganizationSequence = [item(DimensionOrganizationUID=organisation)]
    ds.DimensionIndexSequence = [
        item(
            DimensionIndexPointer=pointer,
            FunctionalGroupPointer=0x00209111,
            DimensionOrganizationUID=organisation,
        )
        for pointer in (0x00209056, 0x00209057)
    ]
    rows = [number(n) for n in pixels_of(grid)]
    gap = number(float(np.linalg.norm(grid.affine[:3, 0])))
    ds.SharedFunctionalGroupsSequence = [
        item(
            PixelMeasuresSequence=[item(PixelSpacing=rows, SliceThickness=gap, SpacingBetweenSlices=gap)],
            PlaneOrientationSequence=[item(ImageOrientationPatient=[number(n) for n in direction(grid)])],
            FrameAnatomySequence=[
                item(FrameLaterality=ds.ImageLaterality, AnatomicRegionSequence=[_coded("5665001", "Retina")])
            ],
        )
    ]
    ds.PerFrameFunctionalGroupsSequence = [
        item(
            FrameContentSequence=[
                item(
                    FrameAcquisitionDateTime=DATE + TIME,
                    FrameReferenceDateTime=DATE + TIME,
                    FrameAcquisitionDuration=80.0,
                    StackID="1",
                    InStackPositionNumber=n + 1,
                    DimensionIndexValues=[1, n + 1],
                )
            ],
            PlanePositionSequence=[item(ImagePositionPatient=position(grid, n))],
        )
        for n in range(grid.shape[0])
    ]
