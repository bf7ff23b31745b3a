"""A PET series of a body with hot balls of known standardized uptake value."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import PositronEmissionTomographyImageStorage

from skiagraph import codes
from skiagraph.errors import InvalidInput
from skiagraph.findings import Finding, Landmark, Landmarks, Measurement, Segment, Segmentation
from skiagraph.geometry import Grid
from skiagraph.image import Image
from skiagraph.image.quantity import SUV
from skiagraph.phantoms import concepts
from skiagraph.phantoms.drawn import Drawn
from skiagraph.phantoms.modules import DATE, item, number, place, put_pixels, slice_place
from skiagraph.phantoms.spheres import Ball, axial_grid, ball_labels, ring_of_balls, shares
from skiagraph.phantoms.strokes import grain
from skiagraph.phantoms.study import invented_study
from skiagraph.values import array_digest

__all__ = ["activity_per_suv", "pet"]

_WEIGHT: Final = 70.0  # kg
_DOSE: Final = 3.7e8  # Bq, at the time of injection
_HALF_LIFE: Final = 6586.2  # s, of fluorine 18
_INJECTED, _SCANNED, _WAIT = "110000", "120000", 3600.0  # times of day, and the seconds between them


def activity_per_suv() -> float:
    """Bq/ml for an SUV of 1, decay corrected to the start of the scan.

    Source: SUV by body weight, QIBA profile for FDG-PET/CT: tissue activity x weight / decayed dose.
    """
    return _DOSE * math.exp(-math.log(2.0) * _WAIT / _HALF_LIFE) / (_WEIGHT * 1000.0)


def pet(
    seed: int = 1,
    *,
    shape: tuple[int, int, int] = (40, 128, 128),
    spacing: tuple[float, float, float] = (4.0, 4.0, 4.0),
    noise: float = 0.06,
    background: float = 1.0,
) -> Drawn:
    """A body of even uptake with six hot balls, stored as Bq/ml with a slope for each slice.

    Args:
        seed: The same seed draws the same body.
        shape: (slices, rows, columns).
        spacing: mm between (slices, rows, columns).
        noise: Standard deviation, of the background.
        background: SUV of the body.

    Returns:
        One image ``"pet"`` in SUV by body weight; mask ``"balls"``; place, diameter and SUV of each ball.

    Raises:
        InvalidInput: Noise or background below zero.
    """
    if noise < 0 or background < 0:
        raise InvalidInput("noise and background are not below zero", got=f"{noise}, {background}")
    rng = np.random.default_rng(seed)
    grid = axial_grid(shape, spacing, f"pet {seed}")
    uptake = tuple(float(v) for v in rng.uniform(4.0, 12.0, 6))
    balls = ring_of_balls((37.0, 28.0, 22.0, 17.0, 13.0, 10.0), uptake, radius=57.2, z=0.0)
    suv = _body(grid, background)
    for ball in balls:
        suv += shares(grid, ball) * (ball.value - background)
    suv = np.maximum(suv + noise * background * grain(rng, shape, 0.7) * np.sqrt(suv + 0.02), 0.0)
    stored, slopes = _stored(suv * activity_per_suv())
    back = stored * slopes[:, None, None] / activity_per_suv()
    labels = ball_labels(grid, balls)
    segments = tuple(Segment(number=n + 1, code=concepts.TUMOUR, confidence=1.0) for n in range(len(balls)))
    mask = Segmentation(space=grid, labels=labels, segments=segments, kind="instances")
    return Drawn(
        kind="pet",
        datasets=_objects(stored, slopes, grid),
        images={"pet": Image(data=back.astype(np.float32), space=grid, quantity=SUV, modality="PT")},
        findings=_findings(grid, balls),
        masks={"balls": mask},
        phantom={"balls": balls, "background": background, "noise": noise},
    )


def _body(grid: Grid, background: float) -> NDArray[np.float32]:
    """A torso of even uptake with a cold lung in its middle."""
    y, x = (
        np.arange(n) * s + o
        for n, s, o in zip(
            grid.shape[1:], (grid.affine[1, 1], grid.affine[0, 2]), grid.affine[[1, 0], 3], strict=True
        )
    )
    torso = (np.abs(x[None, :]) / 150) ** 2.5 + (np.abs(y[:, None]) / 112) ** 2.5 < 1
    lung = np.hypot(x[None, :], y[:, None]) < 22
    plane = np.where(torso, np.where(lung, 0.2 * background, background), 0.0)
    z = grid.affine[2, 3] + np.arange(grid.shape[0]) * grid.affine[2, 0]
    return np.where((np.abs(z) < 95)[:, None, None], plane, 0.0).astype(np.float32)


def _stored(activity: NDArray[np.float32]) -> tuple[NDArray[np.int16], NDArray[np.float64]]:
    """Stored values and the slope of each slice, which makes the most of 15 bits."""
    tops = np.maximum(activity.max(axis=(1, 2)).astype(np.float64), 1.0)
    slopes = np.array([float(number(top / 32767)) for top in tops])
    return np.clip(np.rint(activity / slopes[:, None, None]), 0, 32767).astype(np.int16), slopes


def _objects(stored: NDArray[np.int16], slopes: NDArray[np.float64], grid: Grid) -> tuple[Dataset, ...]:
    """Source: DICOM PS3.3 sections A.21, C.8.9.1 and C.8.9.2."""
    digest = array_digest(stored, slopes)
    result = []
    for n, plane in enumerate(stored):
        ds = invented_study(digest, PositronEmissionTomographyImageStorage, "PT", patient="Phantom^Balls")
        place(ds, digest, series=1, instance=n + 1)
        ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = DATE
        ds.StudyTime = ds.SeriesTime = ds.AcquisitionTime = _SCANNED
        ds.PatientWeight, ds.PatientSex = number(_WEIGHT), "O"
        ds.ImageType, ds.Units, ds.CountsSource = ["ORIGINAL", "PRIMARY"], "BQML", "EMISSION"
        ds.SeriesType, ds.NumberOfSlices = ["WHOLE BODY", "IMAGE"], len(stored)
        ds.CorrectedImage, ds.DecayCorrection = ["DECY", "ATTN", "SCAT", "DTIM", "RAN", "NORM"], "START"
        ds.CollimatorType, ds.ImageIndex, ds.FrameReferenceTime = "NONE", n + 1, "0"
        ds.ActualFrameDuration, ds.DecayFactor, ds.BodyPartExamined = 120000, "1", "CHEST"
        ds.RadiopharmaceuticalInformationSequence = [_injection()]
        ds.PatientOrientationCodeSequence = [_coded("102538003", "recumbent")]
        ds.PatientOrientationCodeSequence[0].PatientOrientationModifierCodeSequence = [
            _coded("40199007", "supine")
        ]
        ds.PatientGantryRelationshipCodeSequence = [_coded("102540008", "headfirst")]
        slice_place(ds, grid, n, thickness=float(grid.affine[2, 0]))
        del ds.PatientPosition  # PS3.3 section C.7.3.1.1.2: the codes say it here
        put_pixels(ds, plane)
        ds.RescaleIntercept, ds.RescaleSlope = 0, number(float(slopes[n]))
        result.append(ds)
    return tuple(result)


def _coded(value: str, meaning: str) -> Dataset:
    return item(CodeValue=value, CodingSchemeDesignator="SCT", CodeMeaning=meaning)


def _injection() -> Dataset:
    return item(
        RadionuclideCodeSequence=[_coded("77004003", "^18^Fluorine")],
        RadiopharmaceuticalCodeSequence=[_coded("35321007", "Fluorodeoxyglucose F^18^")],
        Radiopharmaceutical="FDG",
        RadiopharmaceuticalStartTime=_INJECTED,
        RadiopharmaceuticalStartDateTime=DATE + _INJECTED,
        RadionuclideTotalDose=number(_DOSE),
        RadionuclideHalfLife=number(_HALF_LIFE),
        RadionuclidePositronFraction="0.967",
    )


def _findings(grid: Grid, balls: tuple[Ball, ...]) -> tuple[Finding, ...]:
    points = tuple(Landmark(code=concepts.TUMOUR, point=np.array(b.centre)) for b in balls)
    measured: list[Finding] = []
    for n, ball in enumerate(balls, start=1):
        how = f"known: ball {n}"
        measured += [
            Measurement(concept=concepts.UPTAKE, value=ball.value, unit=codes.SUV_BODY_WEIGHT, method=how),
            Measurement(concept=concepts.DIAMETER, value=ball.diameter, unit=codes.MM, method=how),
        ]
    return (Landmarks(space=grid, items=points), *measured)
