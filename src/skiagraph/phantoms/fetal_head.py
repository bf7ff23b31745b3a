"""A synthetic sonogram of a fetal head in the standard plane: first what it shows, then the picture, and the truth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput
from skiagraph.features.ellipse import Ellipse, circumference
from skiagraph.phantoms.sonogram import (
    Beams,
    Sector,
    beams_of,
    scan_converted,
    smooth_noise,
    speckled,
    to_grey,
)

__all__ = ["SHAPE", "FetalHead", "draw_fetal_head", "outer_skull", "sample_fetal_head"]

SHAPE: Final = (540, 800)
"""(rows, columns) of the picture."""

_TISSUE_DB, _FLUID_DB, _BRAIN_DB = -42.0, -66.0, -48.0

Array = NDArray[np.float64]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class FetalHead:
    """All that one picture shows. Places in mm: x to the right, y down, (0, 0) the centre of the first pixel.

    Args:
        seed: Of everything that is random in the picture: speckle, texture, and how the fluid lies.
        pixel_size: mm.
        centre: (x, y) of the head, mm.
        semi_axes: (long, short) of the outer border of the skull, mm.
        angle: From x towards y to the long axis, rad.
        skull: Thickness of the bright band of the skull, mm.
        sector: Field of view of the probe.
        fluid: How far the amniotic fluid reaches around the head, mm.
        shadow: Loss in bone, dB per mm there and back.
        gain: How much louder the depth is shown, dB per mm.
        resolution: mm (along, across) the beam.
        dynamic_range: dB from black to white.

    Raises:
        InvalidInput: The head does not lie whole in the picture, or a size is not positive.
    """

    seed: int
    pixel_size: float
    centre: tuple[float, float]
    semi_axes: tuple[float, float]
    angle: float
    skull: float
    sector: Sector
    fluid: float
    shadow: float
    gain: float
    resolution: tuple[float, float]
    dynamic_range: float

    def __post_init__(self) -> None:
        positive = (self.pixel_size, *self.semi_axes, self.skull, *self.resolution, self.dynamic_range)
        if not all(0 < n < math.inf for n in positive) or min(self.fluid, self.shadow) < 0 or self.seed < 0:
            raise InvalidInput("the sizes of a phantom are positive", got=str(positive))
        if self.semi_axes[0] < self.semi_axes[1] or self.skull >= self.semi_axes[1]:
            raise InvalidInput(
                "the long semi-axis comes first, and the skull is a band", got=str(self.semi_axes)
            )
        reach = np.sqrt(np.diag(outer_skull(self).form)) / self.pixel_size
        middle = np.array([self.centre[1], self.centre[0]]) / self.pixel_size
        if (middle - reach < 0).any() or (middle + reach > np.array(SHAPE) - 1).any():
            raise InvalidInput(
                "a head lies whole in its picture", got=f"centre {middle.round()}, reach {reach.round()}"
            )

    @property
    def head_circumference(self) -> float:
        """Of the outer border of the skull, mm."""
        return circumference(*self.semi_axes)

    @property
    def biparietal_diameter(self) -> float:
        """Outer to outer, mm."""
        return 2 * self.semi_axes[1]

    @property
    def occipitofrontal_diameter(self) -> float:
        """Outer to outer, mm."""
        return 2 * self.semi_axes[0]


def outer_skull(head: FetalHead) -> Ellipse:
    """The outer border of the skull in mm, (y, x) as (row, column) of the picture times the pixel size."""
    c, s = math.cos(head.angle), math.sin(head.angle)
    turn = np.array([[s, c], [c, -s]])  # columns: the long and the short axis as (y, x)
    form = turn @ np.diag(np.square(head.semi_axes)) @ turn.T
    return Ellipse(centre=np.array([head.centre[1], head.centre[0]]), form=(form + form.T) / 2)


def sample_fetal_head(rng: Generator) -> FetalHead:
    """A head of 80 to 320 mm circumference (about 12 to 40 weeks), shown as large as sonographers do.

    Args:
        rng: Where all chance comes from.

    Source: own; the cephalic index after Hadlock et al., AJR 137 (1981), 83-85: 78.3 +- 4.4 %.
    """
    index = float(np.clip(rng.normal(0.783, 0.035), 0.70, 0.88))
    long = rng.uniform(80.0, 320.0) / circumference(1.0, index)
    angle = float(np.clip(rng.normal(0.0, 0.35), -0.8, 0.8))
    reach_y = math.hypot(
        math.sin(angle), index * math.cos(angle)
    )  # half heights of the head, in long semi-axes
    reach_x = math.hypot(math.cos(angle), index * math.sin(angle))
    radius = min(rng.uniform(170.0, 265.0), 0.40 * SHAPE[0] / reach_y, 0.42 * SHAPE[1] / reach_x)  # pixels
    pixel = long / radius
    free = np.array([SHAPE[1] / 2 - radius * reach_x - 30, SHAPE[0] / 2 - radius * reach_y - 12]) * pixel
    middle = np.array([SHAPE[1] - 1, SHAPE[0] - 1]) * pixel / 2
    place = middle + np.clip(rng.normal(0.0, 0.25, 2), -0.8, 0.8) * free
    centre = (float(place[0]), float(place[1]))
    return FetalHead(
        seed=int(rng.integers(2**31)),
        pixel_size=pixel,
        centre=centre,
        semi_axes=(long, long * index),
        angle=angle,
        skull=float(np.clip(0.035 * long + rng.uniform(0.6, 1.2), 1.0, 3.2)),
        sector=_sample_sector(rng, centre, (long * reach_x, long * reach_y), pixel),
        fluid=long * rng.uniform(0.10, 0.35),
        shadow=rng.uniform(0.5, 1.1),
        gain=rng.uniform(0.05, 0.12) * 100.0 / (SHAPE[0] * pixel),
        resolution=(float(rng.uniform(1.6, 2.6)) * pixel, float(rng.uniform(3.0, 5.5)) * pixel),
        dynamic_range=rng.uniform(56.0, 64.0),
    )


def _sample_sector(
    rng: Generator, centre: tuple[float, float], reach: tuple[float, float], pixel: float
) -> Sector:
    """A sector that holds the whole head with a little room beside and below it."""
    height, width = SHAPE[0] * pixel, SHAPE[1] * pixel
    apex = (width / 2 + rng.uniform(-0.04, 0.04) * width, -rng.uniform(0.35, 0.9) * height)
    turn = np.linspace(0, 2 * math.pi, 64)
    x, y = centre[0] + reach[0] * np.cos(turn) - apex[0], centre[1] + reach[1] * np.sin(turn) - apex[1]
    half_angle = float(np.abs(np.arctan2(x, y)).max()) + rng.uniform(0.05, 0.16)
    top = -apex[1] + rng.uniform(-0.12, 0.04) * height
    near = min(top, float(np.hypot(x, y).min()) - 0.03 * height)
    far = max(-apex[1] + rng.uniform(0.98, 1.08) * height, float(np.hypot(x, y).max()) + 0.05 * height)
    return Sector(apex=apex, near=near, far=far, half_angle=half_angle)


def draw_fetal_head(head: FetalHead) -> NDArray[np.uint8]:
    """The picture: the same value gives the same picture.

    Returns:
        Shape `SHAPE` (rows, columns), black outside of the sector.
    """
    rng, beams = np.random.default_rng(head.seed), beams_of(head.sector)
    u, v = _along_head(head, beams)
    distance = _distance(u, v, head.semi_axes)
    echo = _surroundings(head, beams, distance, rng)
    echo = np.where(distance < 0, _brain(head, beams, (u, v), rng), echo)
    skull = _skull(head, beams, (u, v), rng)
    change = _loss(head, beams, distance) + head.gain * (beams.y - head.centre[1]) + _lateral(head, beams)
    amplitude = speckled(echo + change, beams, rng, head.resolution)
    grey = to_grey(amplitude + 10.0 ** ((skull + change) / 20.0), head.dynamic_range)
    picture = scan_converted(grey, head.sector, SHAPE, head.pixel_size)
    return np.asarray(np.rint(np.clip(picture, 0, 255)), dtype=np.uint8)


def _along_head(head: FetalHead, beams: Beams) -> tuple[Array, Array]:
    """Places along the (long, short) axis of the head, mm from its centre."""
    dx, dy = beams.x - head.centre[0], beams.y - head.centre[1]
    c, s = math.cos(head.angle), math.sin(head.angle)
    return c * dx + s * dy, c * dy - s * dx


def _distance(u: Array, v: Array, semi_axes: tuple[float, float]) -> Array:
    """Millimetres from the outer border of the skull, negative inside; exact to first order."""
    a, b = semi_axes
    q = np.sqrt((u / a) ** 2 + (v / b) ** 2)
    slope = np.sqrt(u**2 / a**4 + v**2 / b**4) + 1e-9
    result: Array = (q - 1.0) * np.maximum(q, 1e-3) / slope
    return result


def _step(distance: Array, width: float) -> Array:
    """0 below, 1 above, rising over about `width` around 0."""
    result: Array = 1.0 / (1.0 + np.exp(-np.clip(distance / width, -30, 30)))
    return result


def _surroundings(head: FetalHead, beams: Beams, distance: Array, rng: Generator) -> Array:
    """Amniotic fluid around the head, and the layered tissue of the mother around that."""
    size = head.semi_axes[0]
    tissue = (
        _TISSUE_DB + 3.0 * smooth_noise(beams, rng, 0.25 * size) + 2.0 * smooth_noise(beams, rng, 0.06 * size)
    )
    tissue = tissue + 6.0 * np.clip(smooth_noise(beams, rng, 0.5 * size), -2, 2)
    layers = np.sin(
        2 * math.pi * (beams.y + 0.15 * size * smooth_noise(beams, rng, 0.6 * size)) / (0.22 * size)
    )
    tissue = tissue + 2.0 * layers + 5.0 * _step(beams.y - head.centre[1] - head.semi_axes[1], 0.2 * size)
    reach = head.fluid * (0.7 + 0.9 * smooth_noise(beams, rng, 0.9 * size))
    side = math.cos(rng.uniform(0, 2 * math.pi))
    pool = reach + head.fluid * 1.5 * np.clip(side * (beams.x - head.centre[0]) / size, 0, None)
    wet = _step(pool - distance, 0.015 * size) * _step(
        distance - 0.02 * size * rng.uniform(0.3, 1.5), 0.01 * size
    )
    wall = 11.0 * np.exp(-(((distance - pool) / (0.03 * size)) ** 2)) * np.cos(beams.angle) ** 2
    result: Array = tissue + wall + wet * (_FLUID_DB - tissue)
    return result


def _brain(head: FetalHead, beams: Beams, place: tuple[Array, Array], rng: Generator) -> Array:
    """Dark hemispheres with the midline, the cavum of the septum, the thalami and the plexus in the far one."""
    (u, v), (a, b) = place, head.semi_axes
    front = 1.0 if rng.random() < 0.5 else -1.0
    s, t = front * u / a, v / b
    echo = _BRAIN_DB + 4.5 * smooth_noise(beams, rng, 0.16 * a) + 2.5 * smooth_noise(beams, rng, 0.06 * a)
    bend = 0.02 * np.sin(3.0 * s + rng.uniform(0, 6.3))
    gap = (s > 0.28) & (s < 0.55)
    line = np.exp(-(((t - bend) / 0.022) ** 2)) * (np.abs(s) < 0.82) * np.where(gap, 0.0, 1.0)
    walls = (np.exp(-(((t - bend - 0.07) / 0.022) ** 2)) + np.exp(-(((t - bend + 0.07) / 0.022) ** 2))) * gap
    broken = np.clip(0.8 + 0.5 * smooth_noise(beams, rng, 0.12 * a), 0, 1.4)
    plexus = np.exp(-(((s + 0.42) / 0.20) ** 2) - ((t - 0.36) / 0.10) ** 2)
    thalami = np.exp(-(((s + 0.02) / 0.20) ** 2) - ((np.abs(t) - 0.17) / 0.12) ** 2)
    ventricle = np.exp(-(((s + 0.30) / 0.38) ** 2) - ((t - 0.30) / 0.17) ** 2)
    haze = 6.0 * _step(-(beams.y - head.centre[1]) / b - 0.35, 0.15)
    return (
        echo + (24.0 * line + 19.0 * walls) * broken + 17.0 * plexus - 7.0 * thalami - 9.0 * ventricle + haze
    )


def _skull(head: FetalHead, beams: Beams, place: tuple[Array, Array], rng: Generator) -> Array:
    """Bone as a mirror, dB: bright where the beam meets it square, faint where it grazes."""
    (u, v), (a, b) = place, head.semi_axes
    distance = _distance(u, v, head.semi_axes)
    gu, gv = u / a**2, v / b**2
    beam_u = np.sin(beams.angle + head.angle)
    beam_v = np.cos(beams.angle + head.angle)
    square = np.abs(gu * beam_u + gv * beam_v) / (np.hypot(gu, gv) + 1e-9)
    profile = ((distance + 0.56 * head.skull) / (head.skull / 2)) ** 2
    patches = 5.0 * np.clip(smooth_noise(beams, rng, 0.30 * a), -2, 2) + 1.5 * smooth_noise(
        beams, rng, 0.06 * a
    )
    result: Array = -4.0 - 52.0 * (1.0 - square) ** 1.1 + patches - 8.0 * np.clip(profile, 0, 12)
    return result


def _loss(head: FetalHead, beams: Beams, distance: Array) -> Array:
    """What bone on the way takes away, dB, at most 22: beams that graze the skull run long in it and cast shadows."""
    bone = _step(distance + head.skull, 0.1 * head.skull) * _step(-distance, 0.1 * head.skull)
    taken = head.shadow * np.cumsum(bone, axis=1) * beams.step
    result: Array = -22.0 * np.tanh(taken / 22.0)
    return result


def _lateral(head: FetalHead, beams: Beams) -> Array:
    """Outer beams are weaker, dB."""
    result: Array = -7.0 * (beams.angle / head.sector.half_angle) ** 4
    return result
