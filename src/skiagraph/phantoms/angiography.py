"""An angiography run: a tree of arteries fills with contrast medium behind bones, and the first frames are the mask."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import XRayAngiographicImageStorage
from scipy import ndimage

from skiagraph.errors import InvalidInput
from skiagraph.findings import Curve, Segment, Segmentation
from skiagraph.geometry import Plane, Timeline, derived_frame
from skiagraph.image import Image
from skiagraph.image.quantity import GREY
from skiagraph.phantoms import concepts
from skiagraph.phantoms.drawn import Drawn
from skiagraph.phantoms.modules import DATE, TIME, item, number, place, put_pixels
from skiagraph.phantoms.strokes import smooth_field
from skiagraph.phantoms.study import invented_study
from skiagraph.values import array_digest

__all__ = ["angiography"]

_PER_UNIT: Final = 620.0  # stored steps for a path of attenuation 1
_WHITE: Final = 3600.0
_FRAME_MS: Final = 250.0
_MAGNIFICATION: Final = 1.3


def angiography(
    seed: int = 1,
    *,
    frames: int = 14,
    masks: int = 2,
    shape: tuple[int, int] = (256, 256),
    noise: float = 6.0,
) -> Drawn:
    """A run of a hand's width of arteries.

    Args:
        seed: The same seed draws the same arteries.
        frames: Of the run.
        masks: Frames before the contrast medium comes; their mean is the mask.
        shape: (rows, columns).
        noise: Standard deviation, stored steps.

    Returns:
        One image ``"run"``, stored logarithmically; mask ``"arteries"``; the attenuation by contrast medium where it is
        greatest, over time. The subtraction of the mask from a frame is ``-620`` steps for an attenuation of 1.

    Raises:
        InvalidInput: No frame with contrast medium.
    """
    if not 1 <= masks < frames:
        raise InvalidInput("a run has frames before and after contrast medium", got=f"{masks} of {frames}")
    rng = np.random.default_rng(seed)
    thickness, arrival = _tree(shape, rng)
    background = _bones(shape, rng)
    late = np.clip(
        (np.arange(frames) - masks + 0.4)[:, None, None] / (frames - masks) * 1.5 - arrival, 0, None
    )
    filled = np.clip(late / 0.12, 0, 1) * np.exp(-np.clip(late - 0.75, 0, None) * 2.5)
    contrast = 0.11 * thickness * filled
    values = _WHITE - _PER_UNIT * (background + contrast) + noise * rng.standard_normal((frames, *shape))
    stored = np.rint(np.clip(values, 0, 4095)).astype(np.uint16)
    known = {"masks": masks, "steps_per_attenuation": _PER_UNIT, "noise": noise}
    peak = np.unravel_index(int(thickness.argmax()), shape)
    return _drawn(stored, thickness > 0.5, contrast[:, peak[0], peak[1]], known)


def _drawn(
    stored: NDArray[np.uint16], inside: NDArray[np.bool_], contrast: NDArray[Any], known: dict[str, Any]
) -> Drawn:
    times = np.arange(len(stored), dtype=np.float64) * _FRAME_MS / 1000.0
    spacing = 0.3 / _MAGNIFICATION
    still = Plane.upright(
        shape=(inside.shape[0], inside.shape[1]),
        spacing=(spacing, spacing),
        frame=derived_frame(array_digest(stored)),
    )
    plane = dataclasses.replace(still, timeline=Timeline(times=times, unit="s"))
    segment = Segment(number=1, code=concepts.ARTERY, confidence=1.0)
    curve = Curve(
        concept=concepts.CONTRAST,
        at=times * 1000.0,
        at_unit=concepts.MILLISECOND,
        values=contrast.astype(np.float64),
        unit=concepts.UNITY,
    )
    return Drawn(
        kind="angiography",
        datasets=(_dataset(stored, known["masks"]),),
        images={"run": Image(data=stored, space=plane, quantity=GREY, modality="XA")},
        findings=(curve,),
        masks={"arteries": Segmentation(space=still, labels=inside.astype(np.uint8), segments=(segment,))},
        phantom=known,
    )


def _tree(shape: tuple[int, int], rng: Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How much blood a ray passes, mm, and when contrast medium comes to a place, 0 to 1."""
    thickness, arrival = np.zeros(shape), np.full(shape, 9.0)
    rows, columns = np.indices(shape)
    scale = shape[0] / 256.0
    todo = [(np.array([4.0 * scale, shape[1] * rng.uniform(0.45, 0.6)]), math.pi / 2, 6.5, 0.0)]
    while todo:
        at, heading, radius, age = todo.pop()
        for _ in range(rng.integers(4, 8)):
            heading += rng.normal(0, 0.16)
            step = 7.0 * scale * np.array([math.sin(heading), math.cos(heading)])
            t = np.clip(((rows - at[0]) * step[0] + (columns - at[1]) * step[1]) / (step @ step), 0, 1)
            far = np.hypot(rows - at[0] - t * step[0], columns - at[1] - t * step[1]) / scale
            chord = 2 * np.sqrt(np.clip(radius**2 - far**2, 0, None)) * 0.3
            arrival = np.where(chord > thickness, age, arrival)
            thickness = np.maximum(thickness, chord)
            at, age, radius = at + step, age + 0.025, radius * 0.985
        if radius > 1.3 and (at > 0).all() and (at < shape).all():
            turn = rng.uniform(0.3, 0.6)
            todo += [(at, heading + turn, radius * 0.76, age), (at, heading - turn * 0.8, radius * 0.82, age)]
    return thickness, arrival


def _bones(shape: tuple[int, int], rng: Generator) -> NDArray[Any]:
    """Attenuation by soft tissue and bones, which do not move."""
    rows, columns = np.indices(shape) / shape[0]
    soft = 1.6 + 0.35 * np.cos((columns - 0.5) * 2.2) + 0.08 * smooth_field(rng, shape, (40.0, 40.0))
    spine = np.exp(-(((columns - 0.36) / 0.075) ** 4)) * (0.62 + 0.16 * np.cos(rows * 2 * math.pi * 6))
    ribs = (
        0.28 * np.clip(np.cos((rows + 0.5 * columns**2) * 2 * math.pi * 5) * 2 - 1, 0, 1) * (columns > 0.42)
    )
    return np.asarray(ndimage.gaussian_filter(soft + spine + ribs, 1.2))


def _dataset(stored: NDArray[np.uint16], masks: int) -> Dataset:
    """Source: DICOM PS3.3 sections A.14, C.7.6.10 (mask) and C.8.7."""
    digest = array_digest(stored)
    ds = invented_study(digest, XRayAngiographicImageStorage, "XA", patient="Phantom^Arteries")
    place(ds, digest, series=1, instance=1)
    ds.StudyDate = ds.SeriesDate = ds.ContentDate = DATE
    ds.StudyTime = ds.SeriesTime = ds.ContentTime = TIME
    ds.ImageType, ds.BodyPartExamined = ["ORIGINAL", "PRIMARY", "SINGLE PLANE"], "ABDOMEN"
    put_pixels(ds, stored, bits=12)
    ds.PixelIntensityRelationship, ds.LossyImageCompression = "DISP", "00"
    ds.FrameTime, ds.FrameIncrementPointer = number(_FRAME_MS), 0x00181063
    ds.RadiationSetting, ds.KVP, ds.XRayTubeCurrent, ds.ExposureTime = "GR", 80, 400, 80
    ds.ContrastBolusAgent = "IODINE"
    ds.PositionerMotion, ds.PositionerPrimaryAngle, ds.PositionerSecondaryAngle = "STATIC", "0", "0"
    ds.ImagerPixelSpacing = ["0.3", "0.3"]
    ds.EstimatedRadiographicMagnificationFactor = number(_MAGNIFICATION)
    ds.DistanceSourceToDetector, ds.DistanceSourceToPatient = "1040", "800"
    ds.WindowCenter, ds.WindowWidth = 2400, 2600
    ds.RecommendedViewingMode = "SUB"
    ds.MaskSubtractionSequence = [
        item(
            MaskOperation="AVG_SUB",
            MaskFrameNumbers=list(range(1, masks + 1)),
            ApplicableFrameRange=[masks + 1, len(stored)],
        )
    ]
    return ds
