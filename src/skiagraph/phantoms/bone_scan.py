"""A whole-body bone scan from the front and the back, with metastases whose counts are known."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import NuclearMedicineImageStorage
from scipy import ndimage

from skiagraph.findings import Box, Boxes, Measurement
from skiagraph.geometry import Plane, derived_frame
from skiagraph.image import Image
from skiagraph.image.quantity import Quantity
from skiagraph.phantoms import concepts
from skiagraph.phantoms.drawn import Drawn
from skiagraph.phantoms.modules import DATE, TIME, item, number, place, put_pixels
from skiagraph.phantoms.study import invented_study
from skiagraph.values import array_digest

__all__ = ["bone_scan"]

_SHAPE: Final = (1024, 256)
_PIXEL: Final = 2.0  # mm
# Bones as lines: x and y of two ends (fractions of half the width, and of the height), half width, uptake at the front
# and at the back. Each is drawn on both sides.
_BONES: Final = (
    ((0.0, 0.075), (0.0, 0.105), 0.150, 1.5, 1.7),
    ((0.0, 0.13), (0.0, 0.17), 0.045, 1.3, 2.2),
    ((0.0, 0.17), (0.0, 0.40), 0.060, 1.0, 3.6),
    ((0.0, 0.18), (0.0, 0.27), 0.040, 2.6, 0.3),
    ((0.04, 0.178), (0.36, 0.165), 0.026, 1.6, 1.0),
    ((0.20, 0.19), (0.30, 0.27), 0.060, 0.7, 1.9),
    ((0.40, 0.175), (0.41, 0.195), 0.060, 2.4, 2.2),
    ((0.42, 0.20), (0.455, 0.34), 0.035, 1.1, 1.0),
    ((0.455, 0.35), (0.465, 0.47), 0.030, 1.0, 0.9),
    ((0.465, 0.49), (0.46, 0.53), 0.042, 1.1, 1.0),
    ((0.05, 0.42), (0.22, 0.405), 0.075, 1.7, 2.7),
    ((0.05, 0.41), (0.06, 0.45), 0.055, 1.2, 4.2),
    ((0.22, 0.475), (0.24, 0.485), 0.060, 2.2, 1.9),
    ((0.22, 0.48), (0.20, 0.70), 0.046, 1.3, 1.2),
    ((0.20, 0.715), (0.20, 0.735), 0.062, 2.2, 1.7),
    ((0.19, 0.75), (0.17, 0.92), 0.038, 1.3, 1.2),
    ((0.17, 0.935), (0.20, 0.965), 0.052, 1.5, 1.4),
)


def bone_scan(seed: int = 1, *, metastases: int | None = None, counts: float = 9.0) -> Drawn:
    """Two frames of 1024 x 256 pixels of 2 mm, anterior and posterior; counts are Poisson distributed.

    Args:
        seed: The same seed draws the same skeleton.
        metastases: How many; none to six where None.
        counts: Mean of a pixel of ordinary bone.

    Returns:
        Images ``"anterior"`` and ``"posterior"`` (mirrored, as seen from behind) in counts, two frames of one object;
        boxes of the metastases in each, and how many counts were added to both frames by each on average.
    """
    rng = np.random.default_rng(seed)
    expected = np.stack([_skeleton(side) for side in (0, 1)])
    wanted = int(rng.integers(0, 7)) if metastases is None else metastases
    boxes: tuple[list[Box], list[Box]] = ([], [])
    measured = []
    for n in range(wanted):
        row, column, radius, strength = _sampled(rng, expected)
        for frame, share in ((0, strength[0]), (1, strength[1])):
            spot = _spot((row, column), radius) * share
            expected[frame] += spot
            middle = np.array([row, column if frame == 0 else _SHAPE[1] - 1 - column])
            boxes[frame].append(
                Box(code=concepts.METASTASIS, low=middle - 2 * radius, high=middle + 2 * radius)
            )
        total = float(2 * np.pi * radius**2 * sum(strength) * counts)
        how = f"known: metastasis {n + 1}, expected in both frames"
        measured.append(Measurement(concept=concepts.NUMBER, value=total, unit=concepts.COUNTS, method=how))
    expected[1] = expected[1, :, ::-1]
    stored = rng.poisson(expected * counts + 0.12).clip(0, 65535).astype(np.uint16)
    digest = array_digest(stored)
    planes = [
        Plane.upright(shape=_SHAPE, spacing=(_PIXEL, _PIXEL), frame=derived_frame(f"{digest} {n}"))
        for n in (0, 1)
    ]
    quantity = Quantity(name="counts", unit=concepts.COUNTS)
    images = {
        name: Image(data=stored[n], space=planes[n], quantity=quantity, modality="NM")
        for n, name in enumerate(("anterior", "posterior"))
    }
    return Drawn(
        kind="bone-scan",
        datasets=(_dataset(stored),),
        images=images,
        findings=(
            *(Boxes(space=p, items=tuple(b)) for p, b in zip(planes, boxes, strict=True) if b),
            *measured,
        ),
        phantom={"metastases": wanted, "counts": counts},
    )


def _skeleton(side: int) -> NDArray[np.float64]:
    """Mean uptake as seen from the front (0) or the back (1, not yet mirrored), 1 for ordinary bone."""
    row, column = np.indices(_SHAPE).astype(np.float64)
    y, x = row / _SHAPE[0], np.abs(column - (_SHAPE[1] - 1) / 2) / _SHAPE[0] * 2
    body = np.zeros(_SHAPE)
    bones = np.zeros(_SHAPE)
    for first, second, wide, *uptake in _BONES:
        (ax, ay), (bx, by) = ((p[0] * 0.5, p[1] * 1.0) for p in (first, second))
        way = (bx - ax, by - ay)
        t = np.clip(
            ((x / 2 - ax / 2) * way[0] / 2 + (y - ay) * way[1]) / ((way[0] / 2) ** 2 + way[1] ** 2 + 1e-9),
            0,
            1,
        )
        far = np.hypot(x / 2 - (ax + t * way[0]) / 2, y - ay - t * way[1])
        half = wide * 0.25
        bones = np.maximum(bones, uptake[side] * 0.75 * np.clip(1.5 - far / half, 0, 1))
        body = np.maximum(body, np.clip(2.0 - far / (half + 0.022), 0, 1))
    ribs = np.clip(np.cos((y + 0.06 * x - 0.1 * x * side) * 2 * np.pi / 0.0155), 0, 1) ** 2
    chest = np.clip(1.15 - np.hypot(x / 0.22, (y - 0.255) / 0.085) ** 4, 0, 1)
    edge = 0.55 + 1.1 * (x / 0.22) ** 4
    bones = np.maximum(bones, 0.95 * ribs * chest * edge)
    body = np.maximum(body, np.clip(1.25 - np.hypot(x / 0.25, (y - 0.30) / 0.15) ** 4, 0, 1))
    spine = (x < 0.03) & (y > 0.17) & (y < 0.40)
    bones = np.where(spine, bones * (0.8 + 0.2 * np.cos(y * 2 * np.pi / 0.018)), bones)
    bladder = (6.0 if side == 0 else 2.5) * np.exp(-((x / 0.035) ** 2) - ((y - 0.452) / 0.017) ** 2)
    kidneys = (0.3 if side == 0 else 1.5) * np.exp(-(((x - 0.10) / 0.035) ** 2) - ((y - 0.345) / 0.022) ** 2)
    return np.asarray(ndimage.gaussian_filter(0.16 * body + bones + bladder + kidneys, 2.2))


def _sampled(rng: Generator, expected: NDArray[Any]) -> tuple[float, float, float, tuple[float, float]]:
    """Place (row, column), radius in pixels and strength at the (front, back) of one metastasis, which lies in bone."""
    total = expected.sum(axis=0)
    bone = np.argwhere((total > 1.3) & (np.arange(_SHAPE[0]) < 0.75 * _SHAPE[0])[:, None])
    row, column = bone[rng.integers(len(bone))]
    front = rng.uniform(0.25, 0.75)
    strength = rng.uniform(5.0, 11.0)
    return float(row), float(column), float(rng.uniform(2.5, 4.5)), (strength * front, strength * (1 - front))


def _spot(centre: tuple[float, float], radius: float) -> NDArray[np.float64]:
    y, x = np.indices(_SHAPE)
    return np.asarray(np.exp(-((y - centre[0]) ** 2 + (x - centre[1]) ** 2) / (2 * radius**2)))


def _coded(value: str, meaning: str) -> Dataset:
    return item(CodeValue=value, CodingSchemeDesignator="SCT", CodeMeaning=meaning)


def _dataset(stored: NDArray[np.uint16]) -> Dataset:
    """Source: DICOM PS3.3 sections A.5 and C.8.4."""
    digest = array_digest(stored)
    ds = invented_study(digest, NuclearMedicineImageStorage, "NM", patient="Phantom^Skeleton")
    place(ds, digest, series=1, instance=1)
    ds.StudyDate = ds.SeriesDate = ds.ContentDate = ds.AcquisitionDate = DATE
    ds.StudyTime = ds.SeriesTime = ds.ContentTime = ds.AcquisitionTime = TIME
    ds.ImageType = ["ORIGINAL", "PRIMARY", "WHOLE BODY", "EMISSION"]
    ds.PatientOrientationCodeSequence = [_coded("102538003", "recumbent")]
    ds.PatientOrientationCodeSequence[0].PatientOrientationModifierCodeSequence = [
        _coded("40199007", "supine")
    ]
    ds.PatientGantryRelationshipCodeSequence = [_coded("102540008", "headfirst")]
    put_pixels(ds, stored)
    ds.PixelSpacing = [number(_PIXEL)] * 2
    ds.FrameIncrementPointer = [0x00540010, 0x00540020]
    ds.EnergyWindowVector, ds.DetectorVector = [1, 1], [1, 2]
    ds.NumberOfEnergyWindows, ds.NumberOfDetectors = 1, 2
    window = item(EnergyWindowLowerLimit="126", EnergyWindowUpperLimit="154")
    ds.EnergyWindowInformationSequence = [item(EnergyWindowRangeSequence=[window], EnergyWindowName="Tc-99m")]
    ds.RadiopharmaceuticalInformationSequence = [
        item(RadionuclideCodeSequence=[_coded("72454007", "^99m^Technetium")], Radiopharmaceutical="MDP")
    ]
    ds.DetectorInformationSequence = [
        item(
            CollimatorType="PARA",
            FieldOfViewShape="RECTANGLE",
            ViewCodeSequence=[_coded(value, meaning)],
            StartAngle=angle,
            ImageOrientationPatient=None,
            ImagePositionPatient=None,
        )
        for value, meaning, angle in (
            ("399321004", "Anterior projection", "180"),
            ("399001007", "Posterior projection", "0"),
        )
    ]
    ds.CountsAccumulated = int(stored.sum())
    ds.ScanVelocity, ds.ScanLength, ds.ActualFrameDuration = "2", 2048, 1000000
    ds.BodyPartExamined, ds.LossyImageCompression = "WHOLEBODY", "00"
    ds.WindowCenter, ds.WindowWidth = 25, 50
    return ds
