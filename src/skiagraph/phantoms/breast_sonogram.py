"""The sonogram of a breast tumour between skin and muscle, and many of them as a data set with its truth."""

from __future__ import annotations

import math
from functools import partial
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from skiagraph.case import Case, Dataset, Label, Sample, Target
from skiagraph.errors import InvalidInput
from skiagraph.findings import Classification, ClassScore, Segment, Segmentation
from skiagraph.geometry import Plane, derived_frame
from skiagraph.image import Image
from skiagraph.image.quantity import GREY
from skiagraph.phantoms.breast_tumour import (
    SHAPE,
    BreastTumour,
    radius_at,
    rasterised_tumour,
    sample_breast_tumour,
)
from skiagraph.phantoms.concepts import BENIGN, MALIGNANT, TUMOUR, TUMOUR_KIND
from skiagraph.phantoms.sonogram import (
    Beams,
    Sector,
    beams_of,
    scan_converted,
    smooth_noise,
    speckled,
    to_grey,
)

__all__ = ["breast_tumour_image", "breast_tumour_truth", "breast_tumours", "draw_breast_tumour"]

Array = NDArray[np.float64]

_APEX: Final = 1500.0  # mm above the skin: so far that the beams of a linear probe run side by side
_SKIN_DB, _FAT_DB, _GLAND_DB, _MUSCLE_DB = -22.0, -43.0, -33.0, -45.0
_RESOLUTION: Final = (0.13, 0.24)  # mm (along, across) the beam
_DYNAMIC_RANGE: Final = 60.0  # dB
_TARGETS: Final = (
    Target(
        name="kind",
        kind="multi-class",
        concept=TUMOUR_KIND,
        labels=(Label(number=0, code=BENIGN), Label(number=1, code=MALIGNANT)),
    ),
    Target(name="mask", kind="segmentation", concept=TUMOUR, labels=(Label(number=1, code=TUMOUR),)),
)


def draw_breast_tumour(tumour: BreastTumour) -> NDArray[np.uint8]:
    """The picture: the same value gives the same picture.

    Returns:
        Shape `SHAPE` (rows, columns).
    """
    rng, sector = np.random.default_rng(tumour.seed), _linear_probe(tumour.pixel_size)
    beams = beams_of(sector)
    distance = _distance(tumour, beams)
    inside = 1.0 / (1.0 + np.exp(np.clip(distance / (0.07 + 0.45 * tumour.blur), -30.0, 30.0)))
    echo = _tissue(beams, rng)
    halo = 7.0 * tumour.blur * np.exp(-(((distance - 0.9) / 0.8) ** 2)) * (distance > -0.5)
    echo = echo + halo + inside * (_inside(tumour, beams, rng) - echo)
    amplitude = speckled(echo + _behind(tumour, beams, distance), beams, rng, _RESOLUTION)
    picture = scan_converted(to_grey(amplitude, _DYNAMIC_RANGE), sector, SHAPE, tumour.pixel_size)
    return np.asarray(np.rint(np.clip(picture, 0, 255)), dtype=np.uint8)


def _linear_probe(pixel_size: float) -> Sector:
    """A field of view a little larger than the picture."""
    height, width = (n * pixel_size for n in SHAPE)
    return Sector(
        apex=(width / 2, -_APEX),
        near=_APEX - 0.5,
        far=_APEX + height + 1.0,
        half_angle=math.atan(0.52 * width / _APEX),
    )


def _distance(tumour: BreastTumour, beams: Beams) -> Array:
    """Millimetres from the border, negative inside; exact to first order."""
    x, y = beams.x - tumour.centre[0], beams.y - tumour.centre[1]
    angle, step = np.arctan2(y, x), 1e-3
    border = radius_at(tumour, angle)
    slope = (radius_at(tumour, angle + step) - border) / step / border
    result: Array = (np.hypot(x, y) - border) / np.sqrt(1.0 + slope**2)
    return result


def _tissue(beams: Beams, rng: Generator) -> Array:
    """Skin, fat with its septa, the gland in bands, and the muscle under a bright fascia, from above."""
    wave = smooth_noise(beams, rng, 9.0)
    fat, muscle = 5.5 + 1.2 * wave, 31.0 + 0.9 * smooth_noise(beams, rng, 14.0)
    bands = np.sin(2 * math.pi * (beams.y + 1.6 * smooth_noise(beams, rng, 5.0)) / 3.6)
    septa = np.exp(-((smooth_noise(beams, rng, 3.0) / 0.13) ** 2))
    gland = (
        _GLAND_DB + 2.2 * bands + 2.5 * smooth_noise(beams, rng, 1.6) + 2.0 * smooth_noise(beams, rng, 6.0)
    )
    fatty = _FAT_DB + 9.0 * septa + 1.5 * smooth_noise(beams, rng, 2.0)
    fibres = np.sin(2 * math.pi * (beams.y + 0.6 * smooth_noise(beams, rng, 8.0)) / 1.3)
    deep = _MUSCLE_DB + 3.0 * fibres + 1.5 * smooth_noise(beams, rng, 3.0)
    echo = _blend(beams.y - fat, fatty, gland)
    echo = _blend(beams.y - muscle, echo, deep)
    echo = echo + 13.0 * np.exp(-(((beams.y - muscle) / 0.35) ** 2))
    return _blend(beams.y - 1.3, np.full_like(echo, _SKIN_DB), echo)


def _blend(depth: Array, above: Array, below: Array) -> Array:
    share = 1.0 / (1.0 + np.exp(-np.clip(depth / 0.2, -30.0, 30.0)))
    result: Array = above + share * (below - above)
    return result


def _inside(tumour: BreastTumour, beams: Beams, rng: Generator) -> Array:
    grain = smooth_noise(beams, rng, 0.9)
    return _GLAND_DB - 11.0 - 9.0 * tumour.echo + (0.6 + 3.0 * tumour.echo) * grain


def _behind(tumour: BreastTumour, beams: Beams, distance: Array) -> Array:
    """What a beam gains or loses on its way through the tumour, dB."""
    path = np.cumsum(distance < 0, axis=1) * beams.step / (2.0 * tumour.radius)
    result: Array = (6.0 - 19.0 * tumour.shadow) * np.clip(path, 0.0, 1.2)
    return result


def breast_tumour_image(tumour: BreastTumour) -> Image:
    """The picture with its size."""
    return Image(data=draw_breast_tumour(tumour), space=_space(tumour), quantity=GREY, modality="US")


def _space(tumour: BreastTumour) -> Plane:
    """The same value lies in the same frame, whether it was drawn or not."""
    spacing = (tumour.pixel_size, tumour.pixel_size)
    return Plane.upright(shape=SHAPE, spacing=spacing, frame=derived_frame(repr(tumour)))


def breast_tumour_truth(tumour: BreastTumour) -> tuple[Classification, Segmentation]:
    """What it is, and the pixels whose centre lies within its border, in the space of its picture."""
    scores = tuple(
        ClassScore(code=code, probability=float(tumour.malignant == (code is MALIGNANT)))
        for code in (BENIGN, MALIGNANT)
    )
    labels = rasterised_tumour(tumour).astype(np.uint8)
    segments = (Segment(number=1, code=TUMOUR, confidence=1.0),)
    return (
        Classification(concept=TUMOUR_KIND, scores=scores),
        Segmentation(space=_space(tumour), labels=labels, segments=segments),
    )


def breast_tumours(n: int, difficulty: float, rng: Generator, *, malignant: float = 0.5) -> Dataset:
    """Synthetic breast tumours as a data set; a picture is drawn when its sample is asked for.

    Args:
        n: How many, each of a patient of its own.
        difficulty: 0 (every sign tells the kinds apart) to 1 (nothing does), as of `sample_breast_tumour`.
        rng: Where all chance comes from.
        malignant: Share of malignant ones; their number is rounded, and which they are is drawn.

    Returns:
        Samples of the split ``"train"`` with two references: a `Classification` into benign and malignant, and the
        `Segmentation` of the tumour. Their stratum is 1 where malignant, else 0.

    Raises:
        InvalidInput: No tumour is asked for, or a difficulty or share outside of 0 to 1.
    """
    if n < 1 or not 0 <= malignant <= 1:
        raise InvalidInput(
            "a data set has a sample, and a share lies between 0 and 1", got=f"{n} and {malignant}"
        )
    kinds = rng.permutation(np.arange(n) < round(n * malignant))
    tumours = [sample_breast_tumour(rng, malignant=bool(kind), difficulty=difficulty) for kind in kinds]
    return Dataset(
        name="breast tumour phantoms",
        samples=tuple(_sample(f"tumour-{i:04d}", tumour) for i, tumour in enumerate(tumours, 1)),
        licence="CC0-1.0",
        targets=_TARGETS,
        layout="Drawn by the phantom of breast tumours.",
    )


def _sample(name: str, tumour: BreastTumour) -> Sample:
    return Sample(
        identifier=name,
        group=name,
        split="train",
        case=partial(_case, name, tumour),
        reference=partial(breast_tumour_truth, tumour),
        stratum=float(tumour.malignant),
    )


def _case(name: str, tumour: BreastTumour) -> Case:
    return Case(identifier=name, images={"image": breast_tumour_image(tumour)})
