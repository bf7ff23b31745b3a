"""A photograph of the back of the eye: disc, cup, macula and branching vessels, in colour."""

from __future__ import annotations

import math
from typing import Any, Final, Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import UID, OphthalmicPhotography8BitImageStorage
from scipy import ndimage

from skiagraph import codes
from skiagraph.findings import Box, Boxes, Landmark, Landmarks, Measurement, Segment, Segmentation
from skiagraph.geometry import Plane, derived_frame
from skiagraph.image import Image
from skiagraph.image.quantity import COLOUR
from skiagraph.phantoms import concepts
from skiagraph.phantoms.drawn import Drawn
from skiagraph.phantoms.modules import DATE, TIME, item, place, put_pixels
from skiagraph.phantoms.strokes import smooth_field
from skiagraph.phantoms.study import invented_study
from skiagraph.values import array_digest

__all__ = ["fundus"]

_ORANGE: Final = np.array([205.0, 98.0, 42.0])


def fundus(
    seed: int = 1, *, eye: Literal["L", "R"] = "R", size: int = 480, haemorrhages: int | None = None
) -> Drawn:
    """A field of about 45 degrees; the file states no size in millimetres.

    Args:
        seed: The same seed draws the same eye.
        eye: In a right eye the disc lies at the right of the macula.
        size: Rows and columns.
        haemorrhages: How many dots; none to six where None.

    Returns:
        One image ``"fundus"``; mask ``"disc"`` (disc and cup, overlapping); boxes of the haemorrhages, the place of the
        macula, and the vertical cup-to-disc ratio.
    """
    rng = np.random.default_rng(seed)
    rows, columns = np.indices((size, size)).astype(np.float64)
    u, v = (columns - size / 2) / (size / 2), (rows - size / 2) / (size / 2)  # 1 at the rim of the field
    disc, macula = np.array([0.34, rng.uniform(-0.05, 0.03)]), np.array([-0.22, 0.03])
    radius, ratio = float(rng.uniform(0.115, 0.14)), float(rng.uniform(0.3, 0.7))
    texture = smooth_field(rng, (size, size), (size / 20,) * 2) + 0.5 * smooth_field(
        rng, (size, size), (size / 90,) * 2
    )
    light = (1.02 - 0.42 * np.hypot(u, v) ** 2 + 0.035 * texture)[..., None]
    picture = _ORANGE * light
    dark = np.exp(-(((u - macula[0]) ** 2 + (v - macula[1]) ** 2) / 0.018))
    picture *= 1 - np.stack([0.42 * dark, 0.55 * dark, 0.55 * dark], axis=-1)
    far = np.hypot(u - disc[0], (v - disc[1]) / 1.08) / radius
    picture = _painted(picture, 1 / (1 + np.exp((far - 1.0) * 22)), np.array([238.0, 190.0, 118.0]))
    picture = _painted(picture, 1 / (1 + np.exp((far - ratio) * 22)), np.array([250.0, 228.0, 170.0]))
    vessels = _vessels(size, disc, macula, rng)
    picture *= 1 - np.stack([0.42 * vessels, 0.66 * vessels, 0.5 * vessels], axis=-1)
    spots = _spots(rng, haemorrhages, disc, macula)
    for x, y, r in spots:
        share = 1 / (1 + np.exp(np.clip((np.hypot(u - x, v - y) / r - 1) * 9, -50, 50)))
        picture = _painted(picture, 0.85 * share, np.array([92.0, 22.0, 14.0]))
    field = 1 / (1 + np.exp((np.hypot(u, v) - 0.965) * 130))
    picture = ndimage.gaussian_filter(picture, (0.7, 0.7, 0)) * field[..., None] + rng.normal(
        0, 2.0, picture.shape
    )
    colour = np.rint(np.clip(picture, 0, 255)).astype(np.uint8)
    labels = np.stack([far <= 1.0, far <= ratio])
    if eye == "L":
        colour, labels = np.ascontiguousarray(colour[:, ::-1]), np.ascontiguousarray(labels[..., ::-1])
    return _drawn(colour, labels, eye, {"spots": spots, "macula": macula, "ratio": ratio})


def _painted(picture: NDArray[Any], share: NDArray[Any], colour: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(picture + share[..., None] * (colour - picture))


def _vessels(size: int, disc: NDArray[Any], macula: NDArray[Any], rng: Generator) -> NDArray[np.float64]:
    """How much of the light vessels take, 0 to 1: arcades that bend round the macula, and their branches."""
    depth = np.zeros((size, size))
    rows, columns = np.indices((size, size))
    u, v = (columns - size / 2) / (size / 2), (rows - size / 2) / (size / 2)
    todo = []
    for up in (-1, 1):
        for offset, width in ((0.0, 0.0135), (0.14, 0.0105)):
            todo.append((disc.copy(), up * (math.pi / 2 + 0.15 + offset), width, 0.030 * up, 0))
            todo.append((disc.copy(), up * (0.9 - offset), 0.75 * width, 0.0, 1))
    while todo:
        at, heading, width, bend, generation = todo.pop()
        for n in range(26):
            step = 0.034 * np.array([math.cos(heading), math.sin(heading)])
            low = np.minimum(at, at + step) - 0.03
            high = np.maximum(at, at + step) + 0.03
            (c0, r0), (c1, r1) = ((np.clip((e + 1) * size / 2, 0, size)).astype(int) for e in (low, high))
            box = np.s_[r0 : r1 + 1, c0 : c1 + 1]
            t = np.clip(((u[box] - at[0]) * step[0] + (v[box] - at[1]) * step[1]) / (step @ step), 0, 1)
            far = np.hypot(u[box] - at[0] - t * step[0], v[box] - at[1] - t * step[1])
            depth[box] = np.maximum(depth[box], np.clip(1.35 - far / width, 0, 1))
            at = at + step
            heading += bend + rng.normal(0, 0.07)
            width *= 0.972
            if generation < 3 and n > 2 and rng.random() < 0.16:
                turn = float(rng.choice([-1, 1])) * rng.uniform(0.45, 0.9)
                todo.append((at.copy(), heading + turn, width * 0.68, -0.01 * turn, generation + 1))
            if width < 0.0022 or np.hypot(*at) > 1 or np.hypot(*(at - macula)) < 0.11:
                break
    return depth


def _spots(
    rng: Generator, wanted: int | None, disc: NDArray[Any], macula: NDArray[Any]
) -> list[tuple[float, float, float]]:
    """Centre (x, y) and radius of the haemorrhages; 1 is the radius of the field."""
    count = int(rng.integers(0, 7)) if wanted is None else wanted
    found: list[tuple[float, float, float]] = []
    while len(found) < count:
        x, y = rng.uniform(-0.7, 0.7, 2)
        if math.hypot(x - disc[0], y - disc[1]) > 0.24 and math.hypot(x - macula[0], y - macula[1]) > 0.12:
            found.append((float(x), float(y), float(rng.uniform(0.012, 0.03))))
    return found


def _drawn(colour: NDArray[np.uint8], labels: NDArray[np.bool_], eye: str, known: dict[str, Any]) -> Drawn:
    size, side = len(colour), -1.0 if eye == "L" else 1.0
    plane = Plane.upright(shape=(size, size), spacing=None, frame=derived_frame(array_digest(colour)))
    segments = tuple(
        Segment(number=n, code=code, confidence=1.0)
        for n, code in enumerate((concepts.OPTIC_DISC, concepts.OPTIC_CUP), start=1)
    )
    middle = (size - 1) / 2 + (np.array(known["macula"]) * (side, 1.0)) * size / 2
    boxes = []
    for x, y, r in known["spots"]:
        centre = np.array([y, side * x]) * size / 2 + size / 2 - (0.0 if eye == "R" else np.array([0.0, 1.0]))
        boxes.append(Box(code=concepts.HAEMORRHAGE, low=centre - r * size / 2, high=centre + r * size / 2))
    ratio = Measurement(
        concept=concepts.CUP_TO_DISC, value=known["ratio"], unit=codes.ONE, method="known: vertical"
    )
    return Drawn(
        kind="fundus",
        datasets=(_dataset(colour, eye),),
        images={
            "fundus": Image(
                data=colour, space=plane, quantity=COLOUR, channels=("red", "green", "blue"), modality="OP"
            )
        },
        findings=(
            *((Boxes(space=plane, items=tuple(boxes)),) if boxes else ()),
            Landmarks(space=plane, items=(Landmark(code=concepts.MACULA, point=middle),)),
            ratio,
        ),
        masks={"disc": Segmentation(space=plane, labels=labels, segments=segments, kind="overlapping")},
        phantom={"eye": eye, "haemorrhages": len(boxes)},
    )


def _coded(value: str, meaning: str, scheme: str = "SCT") -> Dataset:
    return item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


def _dataset(colour: NDArray[np.uint8], eye: str) -> Dataset:
    """Source: DICOM PS3.3 sections A.41 and C.8.17."""
    digest = array_digest(colour, eye)
    ds = invented_study(digest, OphthalmicPhotography8BitImageStorage, "OP", patient="Phantom^Eye")
    place(ds, digest, series=1, instance=1)
    ds.StudyDate = ds.SeriesDate = ds.ContentDate = DATE
    ds.StudyTime = ds.SeriesTime = ds.ContentTime = TIME
    ds.ImageType, ds.ImageLaterality = ["ORIGINAL", "PRIMARY", "", "COLOR"], eye
    put_pixels(ds, colour[None], photometric="RGB")
    ds.FrameIncrementPointer, ds.FrameTime = 0x00181063, "0"
    ds.AcquisitionDateTime, ds.LossyImageCompression, ds.BurnedInAnnotation = DATE + TIME, "00", "NO"
    ds.DetectorType, ds.HorizontalFieldOfView, ds.PatientEyeMovementCommanded = "CCD", 45.0, "NO"
    ds.AcquisitionDeviceTypeCodeSequence = [_coded("409898007", "Fundus Camera")]
    ds.IlluminationTypeCodeSequence = ds.LightPathFilterTypeStackCodeSequence = []
    ds.ImagePathFilterTypeStackCodeSequence = ds.LensesCodeSequence = []
    ds.EmmetropicMagnification = ds.IntraOcularPressure = ds.PupilDilated = None
    ds.RefractiveStateSequence = []
    ds.AnatomicRegionSequence = [_coded("5665001", "Retina")]
    ds.AcquisitionContextSequence = []
    ds.DeviceSerialNumber = "0"
    ds.SynchronizationFrameOfReferenceUID = UID(derived_frame(f"{digest} clock"))
    ds.SynchronizationTrigger, ds.AcquisitionTimeSynchronized = "NO TRIGGER", "N"
    return ds
