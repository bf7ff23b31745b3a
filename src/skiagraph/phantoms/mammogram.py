"""A mammogram: glandular tissue in fat, a mass and a cluster of calcifications, whose places are known."""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import DigitalMammographyXRayImageStorageForPresentation
from scipy import ndimage

from skiagraph import codes
from skiagraph.codes import Code
from skiagraph.findings import Box, Boxes, Measurement, Segment, Segmentation
from skiagraph.geometry import Plane, derived_frame
from skiagraph.image import Image
from skiagraph.image.quantity import GREY
from skiagraph.phantoms import concepts
from skiagraph.phantoms.drawn import Drawn
from skiagraph.phantoms.modules import DATE, TIME, code_item, item, number, place, put_pixels
from skiagraph.phantoms.strokes import smooth_field
from skiagraph.phantoms.study import invented_study
from skiagraph.values import array_digest

__all__ = ["mammogram"]

_VIEWS: Final = {"CC": ("399162004", "cranio-caudal"), "MLO": ("399368009", "medio-lateral oblique")}
_TOP: Final = 4095


def mammogram(
    seed: int = 1,
    *,
    laterality: Literal["L", "R"] = "L",
    view: Literal["CC", "MLO"] = "CC",
    shape: tuple[int, int] = (640, 480),
    pixel: float = 0.3,
) -> Drawn:
    """One view of one breast.

    Args:
        seed: The same seed draws the same breast.
        laterality: The left breast has its chest wall at the left of the picture.
        view: CC, or MLO with the pectoral muscle.
        shape: (rows, columns).
        pixel: mm, of the detector.

    Returns:
        One image ``"mammogram"``; mask ``"breast"``; boxes of the mass and of each calcification, diameter of the mass.
    """
    rng = np.random.default_rng(seed)
    breast, tissue, depth = _breast(shape, rng, pectoral=view == "MLO")
    centre, radius = _mass_place(depth, rng, 24.0 * shape[0] / 640)
    rows, columns = np.indices(shape)
    edge = radius * (1 + 0.10 * smooth_field(rng, shape, (14.0, 14.0)))
    far = np.hypot(rows - centre[0], columns - centre[1])
    tissue += 0.30 * np.sqrt(np.clip(1 - (far / edge) ** 2, 0, 1))
    spots = _calcifications(centre, radius, rng)
    for row, column, size in spots:
        tissue += 0.55 * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * size**2))
    noisy = tissue + rng.normal(0, 0.012, shape)
    grey = np.rint(np.clip(np.where(depth > 0, noisy, 0.01), 0, 1) * _TOP).astype(np.uint16)
    boxes = [
        _box(concepts.MASS, float(centre[0]), float(centre[1]), radius),
        *(_box(concepts.CALCIFICATION, r, c, 2 * s) for r, c, s in spots),
    ]
    if laterality == "R":
        grey, breast = grey[:, ::-1], breast[:, ::-1]
        boxes = [_mirrored(box, shape[1]) for box in boxes]
    plane = Plane.upright(
        shape=shape, spacing=(pixel, pixel), frame=derived_frame(array_digest(np.ascontiguousarray(grey)))
    )
    segment = Segment(number=1, code=concepts.BREAST, confidence=1.0)
    diameter = Measurement(
        concept=concepts.DIAMETER, value=2 * radius * pixel, unit=codes.MM, method="known: mean of the mass"
    )
    return Drawn(
        kind="mammogram",
        datasets=(_dataset(np.ascontiguousarray(grey), pixel, laterality, view),),
        images={"mammogram": Image(data=grey, space=plane, quantity=GREY, modality="MG")},
        findings=(Boxes(space=plane, items=tuple(boxes)), diameter),
        masks={"breast": Segmentation(space=plane, labels=breast.astype(np.uint8), segments=(segment,))},
        phantom={"laterality": laterality, "view": view, "pixel": pixel},
    )


def _breast(
    shape: tuple[int, int], rng: Generator, *, pectoral: bool
) -> tuple[NDArray[np.bool_], NDArray[Any], NDArray[Any]]:
    """Where it is, how bright (0 to 1), and how far from the skin in pixels; chest wall at the left."""
    rows, columns = np.indices(shape).astype(np.float64)
    height, width = shape[0] * rng.uniform(0.40, 0.45), shape[1] * rng.uniform(0.70, 0.85)
    middle = shape[0] * (0.50 if not pectoral else 0.56)
    q = np.hypot((rows - middle) / height, columns / width)
    depth = (1 - q) * height
    nipple = 9 - np.hypot(rows - middle, columns - width)
    depth = np.maximum(depth, nipple)
    inside = depth > 0
    size = shape[0] / 640
    coarse, fine = (smooth_field(rng, shape, (s * size, s * size)) for s in (60.0, 16.0))
    thread = 1 - np.abs(smooth_field(rng, shape, (22.0 * size, 30.0 * size)))
    gland = np.exp(-((((rows - middle) / height) / 0.62) ** 2) - ((columns / width - 0.55) / 0.34) ** 2)
    bright = (
        0.17
        + 0.30 * gland * np.clip(0.75 + 0.5 * coarse, 0, 1.4)
        + 0.035 * fine
        + 0.06 * np.clip(thread, 0, 1)
    )
    rim = np.clip(depth / (26 * size), 0, 1)
    bright = bright * (0.45 + 0.55 * rim) + 0.16 * np.exp(-(((depth - 2.5) / 2.0) ** 2))
    if pectoral:
        muscle = (0.62 * shape[0] - rows) / (0.62 * shape[0]) * 0.36 * shape[1] - columns
        bright += 0.26 / (1 + np.exp(-np.clip(muscle / 3, -30, 30)))
    return inside, ndimage.gaussian_filter(bright, 0.8), depth


def _mass_place(depth: NDArray[Any], rng: Generator, most: float) -> tuple[NDArray[np.float64], float]:
    radius = float(rng.uniform(0.55, 1.0) * most)
    allowed = np.argwhere(depth > radius * 2.2)
    allowed = allowed[allowed[:, 1] > 0.18 * depth.shape[1]]
    return allowed[rng.integers(len(allowed))].astype(np.float64), radius


def _calcifications(centre: NDArray[Any], radius: float, rng: Generator) -> list[tuple[float, float, float]]:
    """Row, column and size in pixels of a cluster beside the mass."""
    away = centre + rng.normal(0, 0.5 * radius, 2)
    return [
        (float(r), float(c), float(rng.uniform(0.6, 1.2)))
        for r, c in away + rng.normal(0, 0.35 * radius, (int(rng.integers(6, 14)), 2))
    ]


def _box(code: Code, row: float, column: float, half: float) -> Box:
    middle = np.array([row, column])
    return Box(code=code, low=middle - half, high=middle + half)


def _mirrored(box: Box, columns: int) -> Box:
    low, high = np.array(box.low), np.array(box.high)
    low[1], high[1] = columns - 1 - box.high[1], columns - 1 - box.low[1]
    return Box(code=box.code, low=low, high=high)


def _dataset(grey: NDArray[np.uint16], pixel: float, laterality: str, view: str) -> Dataset:
    """Source: DICOM PS3.3 sections A.27 and C.8.11.7."""
    digest = array_digest(grey, laterality, view)
    uid = DigitalMammographyXRayImageStorageForPresentation
    ds = invented_study(digest, uid, "MG", patient="Phantom^Breast")
    place(ds, digest, series=1, instance=1)
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = DATE
    ds.StudyTime = ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = TIME
    ds.ImageType, ds.PresentationIntentType = ["ORIGINAL", "PRIMARY", ""], "FOR PRESENTATION"
    foot = "F" if view == "MLO" else ("L" if laterality == "R" else "R")
    ds.PatientOrientation = ["A" if laterality == "L" else "P", foot]
    ds.ImageLaterality, ds.ViewPosition, ds.BodyPartExamined = laterality, view, "BREAST"
    value, meaning = _VIEWS[view]
    ds.ViewCodeSequence = [
        item(
            CodeValue=value,
            CodingSchemeDesignator="SCT",
            CodeMeaning=meaning,
            ViewModifierCodeSequence=[],
        )
    ]
    ds.AnatomicRegionSequence = [code_item(concepts.BREAST)]
    put_pixels(ds, grey, bits=12)
    ds.PresentationLUTShape, ds.PixelIntensityRelationship = "IDENTITY", "LOG"
    ds.PixelIntensityRelationshipSign = 1
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = 0, 1, "US"
    ds.LossyImageCompression, ds.BurnedInAnnotation = "00", "NO"
    ds.ImagerPixelSpacing = [number(pixel)] * 2
    ds.EstimatedRadiographicMagnificationFactor = "1"
    ds.WindowCenter, ds.WindowWidth = 1500, 3000
    ds.DetectorType, ds.PositionerType, ds.PositionerPrimaryAngle = "DIRECT", "MAMMOGRAPHIC", "0"
    ds.KVP, ds.BodyPartThickness, ds.CompressionForce = 28, "50", "100"
    ds.OrganExposed, ds.BreastImplantPresent, ds.QualityControlImage = "BREAST", "NO", "YES"
    ds.AcquisitionContextSequence = []
    return ds
