"""A chest X-ray projected from the synthetic chest CT: Beer-Lambert, scatter, quanta, a logarithmic detector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import DigitalXRayImageStorageForPresentation
from scipy import ndimage

from skiagraph import codes
from skiagraph.errors import InvalidInput
from skiagraph.findings import Box, Boxes, Finding, Measurement, Segment, Segmentation
from skiagraph.geometry import Plane, derived_frame
from skiagraph.image import Image
from skiagraph.image.quantity import GREY
from skiagraph.phantoms import concepts
from skiagraph.phantoms.chest import Chest, sample_chest
from skiagraph.phantoms.chest_ct import nodule_code
from skiagraph.phantoms.chest_volume import LABELS, ChestVolume, draw_chest
from skiagraph.phantoms.drawn import Drawn
from skiagraph.phantoms.modules import DATE, TIME, code_item, item, number, place, put_pixels
from skiagraph.phantoms.study import invented_study
from skiagraph.values import array_digest

__all__ = ["WATER", "Beam", "attenuation", "chest_xray", "projected", "projection"]

WATER: Final = 0.02059
"""Linear attenuation of water at 60 keV, 1/mm (NIST XCOM: 0.2059 cm2/g)."""
_BITS: Final = 12
_WHITE: Final = 2**_BITS - 1
Array = NDArray[np.floating[Any]]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Beam:
    """How the picture is taken, from back to front (PA).

    Args:
        source_to_detector: mm; None for parallel rays.
        source_to_middle: mm from the source to the middle of the volume; of no account for parallel rays.
        photons: That reach a pixel where nothing is in the way; 0 for no noise.
        scatter: Scattered photons for each one that comes through unscattered, on average.
        pixel: mm, of the detector.

    Raises:
        InvalidInput: A size that is not positive, or a source inside of the patient.
    """

    source_to_detector: float | None = 1800.0
    source_to_middle: float = 1620.0
    photons: float = 20000.0
    scatter: float = 0.35
    pixel: float = 0.8

    def __post_init__(self) -> None:
        far = self.source_to_detector
        if self.pixel <= 0 or min(self.photons, self.scatter) < 0 or self.source_to_middle <= 0:
            raise InvalidInput("a beam has positive sizes", got=f"pixel {self.pixel} mm")
        if far is not None and far < self.source_to_middle:
            raise InvalidInput("the detector is behind the patient", got=f"{far} mm")

    def magnification(self, toward_detector: Any) -> Any:
        """Of things that lie so many mm from the middle towards the detector."""
        if self.source_to_detector is None:
            return 1.0 + 0.0 * toward_detector
        return self.source_to_detector / (self.source_to_middle + toward_detector)


def attenuation(hu: NDArray[Any]) -> NDArray[np.float32]:
    """Linear attenuation, 1/mm, of Hounsfield units: ``WATER * (1 + HU / 1000)``, never below zero.

    Source: the definition of the Hounsfield unit, taken at 60 keV for all tissues.
    """
    return np.asarray(np.maximum(WATER * (1.0 + np.asarray(hu, np.float32) / 1000.0), 0.0), np.float32)


def projection(
    volume: NDArray[np.float32], spacing: tuple[float, float, float], beam: Beam, shape: tuple[int, int]
) -> NDArray[np.float32]:
    """The line integral of a volume along each ray.

    Args:
        volume: Anything per mm, axes (slice from the feet up, row from front to back, column to the left).
        spacing: mm between (slices, rows, columns).
        beam: Rays enter at the back and leave at the front, where the detector is.
        shape: (rows, columns) of the detector, whose middle faces the middle of the volume.

    Returns:
        Head at the top, the patient's left at the right; bilinear in each plane, so exact for what is even in it.
    """
    v = -(np.arange(shape[0]) - (shape[0] - 1) / 2) * beam.pixel  # towards the head
    u = (np.arange(shape[1]) - (shape[1] - 1) / 2) * beam.pixel
    total = np.zeros(shape, np.float32)
    middle = (volume.shape[1] - 1) / 2
    for row in np.flatnonzero(volume.any(axis=(0, 2))):
        scale = float(beam.magnification(-(row - middle) * spacing[1]))
        at = [
            _weights(axis / scale, n, step)
            for axis, n, step in ((v, volume.shape[0], spacing[0]), (u, volume.shape[2], spacing[2]))
        ]
        total += _bilinear(volume[:, row], at[0], at[1])
    if beam.source_to_detector is None:
        return total * np.float32(spacing[1])
    slant = np.sqrt(1.0 + (v[:, None] ** 2 + u[None, :] ** 2) / beam.source_to_detector**2)
    return np.asarray(total * spacing[1] * slant, np.float32)


def _weights(
    place: Array, count: int, step: float
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.bool_]]:
    """Of places in mm from the middle: the sample before, the share of the one after, and whether inside."""
    index = place / step + (count - 1) / 2
    inside = (index >= -0.5) & (index <= count - 0.5)
    index = np.clip(index, 0.0, count - 1.0)
    first = np.minimum(index.astype(np.int64), count - 2)
    return first, (index - first).astype(np.float32), inside


def _bilinear(plane: NDArray[np.float32], down: Any, along: Any) -> NDArray[np.float32]:
    rows = plane[down[0]] * (1 - down[1])[:, None] + plane[down[0] + 1] * down[1][:, None]
    rows *= down[2][:, None]
    both = rows[:, along[0]] * (1 - along[1]) + rows[:, along[0] + 1] * along[1]
    return np.asarray(both * along[2], np.float32)


def projected(beam: Beam, shape: tuple[int, int], places: Array) -> Array:
    """Where places in the patient appear on the detector.

    Args:
        beam: How the picture is taken.
        shape: (rows, columns) of the detector.
        places: Shape (..., 3), (x, y, z) mm from the middle of the volume.

    Returns:
        Shape (..., 2), (row, column), fractional.
    """
    scale = beam.magnification(-places[..., 1])
    row = (shape[0] - 1) / 2 - places[..., 2] * scale / beam.pixel
    column = (shape[1] - 1) / 2 + places[..., 0] * scale / beam.pixel
    return np.stack([row, column], axis=-1)


def chest_xray(
    seed: int = 1,
    *,
    beam: Beam | None = None,
    photometric: Literal["MONOCHROME1", "MONOCHROME2"] = "MONOCHROME2",
    shape: tuple[int, int, int] = (150, 256, 256),
    spacing: tuple[float, float, float] = (2.0, 1.4, 1.4),
) -> Drawn:
    """A digital chest X-ray, PA, of the chest that `chest_ct` draws.

    Args:
        seed: The same seed draws the same picture.
        beam: How it is taken.
        photometric: Whether small values are white (MONOCHROME1) or black.
        shape: Of the CT that is projected, (slices, rows, columns).
        spacing: Of that CT, mm.

    Returns:
        One image ``"xray"``, brighter where more was absorbed, whose size holds in the middle of the patient; the
        shadows ``"organs"`` (heart, inner chest); boxes of the nodules, and the cardiothoracic ratio.

    Raises:
        InvalidInput: A volume that is too small for its nodules.
    """
    beam = beam or Beam()
    rng = np.random.default_rng(seed)
    chest = sample_chest(rng, shape=shape, spacing=spacing)
    volume = draw_chest(chest)
    size = _detector(chest, beam)
    paths = projection(attenuation(volume.values), chest.spacing, beam, size)
    grey = _detected(paths, beam, rng)
    pixel = beam.pixel / float(beam.magnification(0.0))  # in the middle of the patient
    plane = Plane.upright(shape=size, spacing=(pixel, pixel), frame=derived_frame(array_digest(grey)))
    organs = _organs(volume, chest, beam, plane)
    return Drawn(
        kind="chest-xray",
        datasets=(_dataset(grey, beam, photometric),),
        images={"xray": Image(data=grey, space=plane, quantity=GREY, modality="DX")},
        findings=_findings(chest, beam, organs),
        masks={"organs": organs},
        phantom={"chest": chest, "beam": beam},
    )


def _detector(chest: Chest, beam: Beam) -> tuple[int, int]:
    """As large as the middle of the volume appears."""
    scale = float(beam.magnification(0.0)) / beam.pixel
    height, width = (int(n * s * scale) for n, s in zip(chest.shape[::2], chest.spacing[::2], strict=True))
    return height, width


def _detected(paths: NDArray[np.float32], beam: Beam, rng: Generator) -> NDArray[np.uint16]:
    """What a detector with a logarithmic answer stores, 12 bits: greater where more was absorbed."""
    primary = np.exp(-paths.astype(np.float64))
    blur = 25.0 / beam.pixel
    scattered = beam.scatter * ndimage.gaussian_filter(primary, blur, mode="nearest")
    arrived = primary + scattered
    if beam.photons > 0:
        arrived = rng.poisson(np.maximum(arrived * beam.photons, 1e-3)) / beam.photons
    absorbed = -np.log(np.maximum(arrived, 0.3 / max(beam.photons, 1e4)))
    low, high = np.percentile(absorbed, (3.0, 99.8))
    return np.asarray(np.rint(np.clip((absorbed - low) / (high - low), 0.0, 1.0) * _WHITE), np.uint16)


def _organs(volume: ChestVolume, chest: Chest, beam: Beam, plane: Plane) -> Segmentation:
    """The shadows of the heart and of what the inner border of the ribs encloses."""
    shape = plane.shape
    lungs = np.isin(volume.labels, (LABELS["right lung"], LABELS["left lung"]))
    heart = volume.labels == LABELS["heart"]
    shadows = [
        projection(part.astype(np.float32), chest.spacing, beam, shape) > 0.75 for part in (lungs, heart)
    ]
    across = [np.flatnonzero(row) for row in shadows[0]]
    chest_shadow = np.zeros(shape, np.bool_)
    for n, columns in enumerate(across):
        if columns.size:
            chest_shadow[n, columns[0] : columns[-1] + 1] = True
    segments = (
        Segment(number=1, code=concepts.THORACIC_CAVITY, confidence=1.0),
        Segment(number=2, code=concepts.HEART, confidence=1.0),
    )
    labels = np.stack([chest_shadow, shadows[1]])
    return Segmentation(space=plane, labels=labels, segments=segments, kind="overlapping")


def _findings(chest: Chest, beam: Beam, organs: Segmentation) -> tuple[Finding, ...]:
    widths = [_width(organs.mask(n)) for n in (1, 2)]
    ratio = Measurement(
        concept=concepts.CARDIOTHORACIC_RATIO,
        value=widths[1] / widths[0],
        unit=codes.ONE,
        method="known: greatest width of the heart's shadow by that of the inner chest",
    )
    boxes = []
    for nodule in chest.nodules:
        surface = np.array(nodule.centre) + nodule.diameter / 2 * _directions()
        seen = projected(beam, organs.space.shape, surface)  # type: ignore[arg-type]
        boxes.append(Box(code=nodule_code(nodule), low=seen.min(axis=0), high=seen.max(axis=0)))
    return (*((Boxes(space=organs.space, items=tuple(boxes)),) if boxes else ()), ratio)


def _width(mask: NDArray[np.bool_]) -> int:
    """Columns from the outermost left to the outermost right pixel."""
    columns = np.flatnonzero(mask.any(axis=0))
    return int(columns[-1] - columns[0] + 1)


def _directions(count: int = 4000) -> Array:
    """Unit vectors all over a sphere, shape (count, 3)."""
    n = np.arange(count) + 0.5
    z, turn = 1 - 2 * n / count, np.pi * (1 + 5**0.5) * n
    return np.stack([np.sqrt(1 - z**2) * np.cos(turn), np.sqrt(1 - z**2) * np.sin(turn), z], axis=-1)


def _dataset(grey: NDArray[np.uint16], beam: Beam, photometric: str) -> Dataset:
    """Source: DICOM PS3.3 sections A.26 and C.8.11 (digital X-ray)."""
    digest = array_digest(grey, photometric)
    ds = invented_study(digest, DigitalXRayImageStorageForPresentation, "DX", patient="Phantom^Chest")
    place(ds, digest, series=1, instance=1)
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = DATE
    ds.StudyTime = ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = TIME
    ds.ImageType, ds.PatientOrientation = ["ORIGINAL", "PRIMARY", ""], ["L", "F"]
    ds.PresentationIntentType, ds.ImageLaterality, ds.BodyPartExamined = "FOR PRESENTATION", "U", "CHEST"
    ds.AnatomicRegionSequence = [code_item(concepts.CHEST)]
    ds.ViewPosition, ds.DetectorType, ds.PositionerType = "PA", "DIRECT", ""
    ds.ViewCodeSequence = [
        item(CodeValue="399348003", CodingSchemeDesignator="SCT", CodeMeaning="postero-anterior")
    ]
    ds.PatientOrientationModifierCodeSequence = []
    inverted = photometric == "MONOCHROME1"
    put_pixels(ds, _WHITE - grey if inverted else grey, bits=_BITS, photometric=photometric)
    ds.PresentationLUTShape = "INVERSE" if inverted else "IDENTITY"
    ds.PixelIntensityRelationship, ds.PixelIntensityRelationshipSign = "LOG", 1 if not inverted else -1
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = 0, 1, "US"
    ds.LossyImageCompression, ds.BurnedInAnnotation = "00", "NO"
    ds.ImagerPixelSpacing = [number(beam.pixel)] * 2
    ds.WindowCenter, ds.WindowWidth = (_WHITE + 1) / 2, _WHITE + 1
    ds.AcquisitionContextSequence = []
    ds.KVP = 120
    if beam.source_to_detector is not None:
        ds.DistanceSourceToDetector = number(beam.source_to_detector)
        ds.DistanceSourceToPatient = number(beam.source_to_middle)
        ds.EstimatedRadiographicMagnificationFactor = number(float(beam.magnification(0.0)))
    del ds.PatientOrientationModifierCodeSequence
    return ds
