"""A synthetic breast tumour: how benign and malignant ones are drawn by chance, and the outline that is its truth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput

__all__ = ["SHAPE", "BreastTumour", "outline_of", "radius_at", "rasterised_tumour", "sample_breast_tumour"]

SHAPE: Final = (320, 400)
"""(rows, columns) of the picture."""

Array = NDArray[np.float64]
Border = Literal["spiculated", "microlobulated", "irregular"]

_BORDERS: Final[tuple[Border, ...]] = ("spiculated", "microlobulated", "irregular")
_GAP: Final = 0.38  # of a sign from the middle, at difficulty 0
_STEADY, _SPREAD = 0.05, 0.15  # standard deviation of a sign at difficulty 0, and what difficulty 1 adds
_FINEST: Final = 24  # ripples round an irregular border, at most


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class BreastTumour:
    """All that one picture shows. Places in mm: x to the right, y down, (0, 0) the centre of the first pixel.

    Each sign runs from 0, as of a benign tumour, to 1, as of a malignant one.

    Args:
        seed: Of everything that is random in the picture: speckle, layers, the texture of the tissue.
        malignant: What it is.
        pixel_size: mm.
        centre: (x, y), mm.
        radius: Of the circle of the same area as the ellipse that it grew from, mm.
        aspect: Height over width of that ellipse.
        tilt: Of that ellipse, rad.
        ripples: (number round the border, amplitude as a share of the radius, phase in rad) of each wave on the border.
        spicules: (direction in rad, height as a share of the radius, width in rad) of each spike.
        border: How its border is rough, as far as it is.
        roughness: Sign: how rough the border is.
        echo: Sign: how dark and uneven it is inside.
        blur: Sign: how wide the border fades, and how bright a halo lies round it.
        shadow: Sign: 0 is brighter tissue behind it, 1 a shadow.

    Raises:
        InvalidInput: A size that is not positive, a sign outside of 0 to 1, or a tumour that leaves its picture.
    """

    seed: int
    malignant: bool
    pixel_size: float
    centre: tuple[float, float]
    radius: float
    aspect: float
    tilt: float
    ripples: tuple[tuple[int, float, float], ...]
    spicules: tuple[tuple[float, float, float], ...]
    border: Border
    roughness: float
    echo: float
    blur: float
    shadow: float

    def __post_init__(self) -> None:
        positive = (self.pixel_size, self.radius, self.aspect)
        if not all(0 < n < math.inf for n in positive) or self.seed < 0:
            raise InvalidInput("the sizes of a phantom are positive", got=str(positive))
        signs = (self.roughness, self.echo, self.blur, self.shadow)
        if not all(0 <= sign <= 1 for sign in signs):
            raise InvalidInput("a sign of a tumour lies between 0 and 1", got=str(signs))
        edge = outline_of(self) / self.pixel_size
        if edge.min() < 0 or (edge > np.array(SHAPE) - 1).any():
            raise InvalidInput("a tumour lies whole in its picture", got=f"its centre at {self.centre} mm")


def sample_breast_tumour(rng: Generator, *, malignant: bool, difficulty: float) -> BreastTumour:
    """A tumour of 6 to 15 mm.

    Benign ones are smooth ellipses with gentle lobes, wider than tall, evenly and little darker than the tissue,
    sharply bordered, with brighter tissue behind; malignant ones are spiculated, microlobulated or irregular, taller,
    darker, faded at the border, with a halo and a shadow. Each tumour has each of these signs to a degree of its own.

    Args:
        rng: Where all chance comes from.
        malignant: Which kind.
        difficulty: 0: every sign tells the kinds apart; between: signs overlap more and more, and lean together in one
            tumour; 1: both kinds are drawn alike, and nothing tells them apart.

    Raises:
        InvalidInput: A difficulty outside of 0 to 1.

    Source: own; the signs are those of Stavros et al., Solid breast nodules (Radiology 196, 1995).
    """
    if not 0 <= difficulty <= 1:
        raise InvalidInput("the difficulty lies between 0 and 1", got=str(difficulty))
    seed, pixel = int(rng.integers(2**31)), float(rng.uniform(0.11, 0.13))
    roughness, height, echo, blur, shadow = _signs(rng, malignant=malignant, difficulty=difficulty)
    height_mm, width_mm = (n * pixel for n in SHAPE)
    border = _BORDERS[int(rng.integers(len(_BORDERS)))]
    return BreastTumour(
        seed=seed,
        malignant=malignant,
        pixel_size=pixel,
        centre=(width_mm * float(rng.uniform(0.44, 0.56)), height_mm * float(rng.uniform(0.42, 0.48))),
        radius=float(rng.uniform(3.2, 6.2)),
        aspect=0.50 + 0.70 * height,
        tilt=float(rng.normal(0.0, 0.12)),
        ripples=(*_lobes(rng), *_rough_ripples(rng, border, roughness)),
        spicules=_spicules(rng, roughness) if border == "spiculated" else (),
        border=border,
        roughness=roughness,
        echo=echo,
        blur=blur,
        shadow=shadow,
    )


def _signs(rng: Generator, *, malignant: bool, difficulty: float) -> tuple[float, ...]:
    """Five numbers from 0 to 1 about the middle of their kind."""
    middle = 0.5 + (1.0 if malignant else -1.0) * _GAP * (1.0 - difficulty)
    lean = _SPREAD * difficulty * rng.standard_normal()
    own = (_STEADY + _SPREAD * difficulty) * rng.standard_normal(5)
    return tuple(float(sign) for sign in np.clip(middle + lean + own, 0.0, 1.0))


def _lobes(rng: Generator) -> tuple[tuple[int, float, float], ...]:
    """The gentle lobes that every tumour has."""
    return tuple(
        (k, float(rng.uniform(0.0, 0.05)) / (k - 1), float(rng.uniform(0, 2 * math.pi))) for k in (2, 3)
    )


def _rough_ripples(rng: Generator, border: Border, roughness: float) -> tuple[tuple[int, float, float], ...]:
    size = 0.20 * roughness**1.5
    if border == "spiculated":
        return ()
    if border == "microlobulated":
        first = int(rng.integers(8, 13))
        shares = {first: 0.5, first + 3: 0.3, first + 5: 0.2}
    else:
        shares = {k: 0.9 / (k - 2) ** 0.9 for k in range(4, _FINEST + 1)}
    return tuple(
        (k, size * share * float(rng.uniform(0.6, 1.2)), float(rng.uniform(0, 2 * math.pi)))
        for k, share in shares.items()
    )


def _spicules(rng: Generator, roughness: float) -> tuple[tuple[float, float, float], ...]:
    count = int(rng.integers(9, 16))
    even = 2 * math.pi * (np.arange(count) + rng.uniform(-0.35, 0.35, count)) / count
    heights = 0.75 * roughness**1.5 * rng.uniform(0.35, 1.0, count)
    widths = rng.uniform(0.05, 0.10, count)
    return tuple((float(a), float(h), float(w)) for a, h, w in zip(even, heights, widths, strict=True))


def radius_at(tumour: BreastTumour, angle: Array) -> Array:
    """Distance from the centre to the border, mm: the border is exactly this, and every ray meets it once.

    Args:
        tumour: The value.
        angle: From x towards y, rad, any shape.
    """
    turned = angle - tumour.tilt
    wide, tall = tumour.radius / math.sqrt(tumour.aspect), tumour.radius * math.sqrt(tumour.aspect)
    ellipse = wide * tall / np.hypot(tall * np.cos(turned), wide * np.sin(turned))
    factor = np.ones_like(turned)
    for number, amplitude, phase in tumour.ripples:
        factor = factor + amplitude * np.cos(number * turned + phase)
    spikes = np.zeros_like(turned)
    for direction, height, width in tumour.spicules:
        apart = np.angle(np.exp(1j * (turned - direction)))
        spikes = spikes + height * np.exp(-(np.abs(apart / width) ** 1.3))
    result: Array = ellipse * np.maximum(factor, 0.2) + tumour.radius * spikes
    return result


def outline_of(tumour: BreastTumour, n: int = 720) -> Array:
    """`n` points on the border as (y, x) in mm, in order, shape (n, 2)."""
    angle = np.linspace(0, 2 * math.pi, n, endpoint=False)
    radius = radius_at(tumour, angle)
    x, y = tumour.centre
    return np.stack([y + radius * np.sin(angle), x + radius * np.cos(angle)], axis=1)


def rasterised_tumour(tumour: BreastTumour) -> NDArray[np.bool_]:
    """The pixels whose centre lies inside, shape `SHAPE`."""
    y = (np.arange(SHAPE[0]) * tumour.pixel_size - tumour.centre[1])[:, None]
    x = (np.arange(SHAPE[1]) * tumour.pixel_size - tumour.centre[0])[None, :]
    inside: NDArray[np.bool_] = np.hypot(x, y) <= radius_at(tumour, np.arctan2(y, x))
    return inside
