"""Draws a synthetic chest: attenuation slice by slice, then vessels, airways, nodules and noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.phantoms.chest import Chest, body, cavity, chest_grid, diaphragm, heart, lung
from skiagraph.phantoms.chest_vessels import draw_airways, draw_great_vessels, draw_trees
from skiagraph.phantoms.strokes import Canvas, ball, blended, coverage, grain, texture_of, tube

__all__ = ["LABELS", "ChestVolume", "draw_chest", "nodule_labels"]

LABELS: Final = {"right lung": 1, "left lung": 2, "heart": 3, "vertebra": 4, "rib": 5, "airway": 6}
_AIR, _LUNG, _FAT, _MUSCLE, _HEART = -1000.0, -870.0, -105.0, 52.0, 44.0
_CORTEX, _MARROW, _CARTILAGE, _DISC = 950.0, 260.0, 110.0, 85.0
_RIBS, _VERTEBRAE = 23.0, 25.0  # mm from one to the next
Array = NDArray[np.floating[Any]]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChestVolume:
    """A drawn chest.

    Args:
        values: int16 HU, axes (slice, row, column).
        labels: uint8, the same axes, numbers of `LABELS`; lungs hold their vessels and nodules.
        nodules: uint8, the same axes, n for the n-th nodule: voxels whose centre lies in the ball.
    """

    values: NDArray[np.int16]
    labels: NDArray[np.uint8]
    nodules: NDArray[np.uint8]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Level:
    """One slice while it is drawn: places in mm, the distances that several tissues need, and the size of a pixel."""

    x: Array
    y: Array
    z: float
    wall: Array
    skin: Array
    pixel: float


def draw_chest(chest: Chest) -> ChestVolume:
    """The volume: the same value gives the same numbers."""
    rng = np.random.default_rng(chest.seed)
    z, y, x = _axes(chest)
    values, labels = np.empty(chest.shape, np.float32), np.zeros(chest.shape, np.uint8)
    texture = texture_of(rng, chest.shape)
    for n, height in enumerate(z):
        values[n], labels[n] = _slice(chest, (x[None, :], y[:, None], float(height)), texture(n))
    canvas, lumen = (Canvas(values=v, z=z, y=y, x=x) for v in (values, np.zeros_like(values)))
    draw_great_vessels(canvas, chest)
    draw_trees(canvas, chest, rng)
    _draw_collar_bones(canvas, chest)
    draw_airways(canvas, chest, lumen)
    labels[lumen.values >= 0.5] = LABELS["airway"]
    for nodule in chest.nodules:
        ball(canvas, nodule.centre, nodule.diameter / 2, nodule.attenuation)
    values += chest.noise * grain(rng, chest.shape, 0.65)
    stored = np.rint(np.clip(values, -1024, 3071)).astype(np.int16)
    return ChestVolume(values=stored, labels=labels, nodules=nodule_labels(chest))


def _axes(chest: Chest) -> tuple[NDArray[np.float32], ...]:
    """Places in mm of (slices, rows, columns)."""
    origin = chest_grid(chest).affine[:3, 3][::-1]
    return tuple(
        (start + np.arange(n) * step).astype(np.float32)
        for start, n, step in zip(origin, chest.shape, chest.spacing, strict=True)
    )


def nodule_labels(chest: Chest) -> NDArray[np.uint8]:
    """The number of the nodule where the centre of a voxel lies in one, 0 elsewhere."""
    z, y, x = _axes(chest)
    labels = np.zeros(chest.shape, np.uint8)
    for number, nodule in enumerate(chest.nodules, start=1):
        cx, cy, cz = nodule.centre
        radius = nodule.diameter / 2
        box = tuple(np.flatnonzero(np.abs(a - c) <= radius) for a, c in ((z, cz), (y, cy), (x, cx)))
        far = (
            np.square(z[box[0]] - cz)[:, None, None]
            + np.square(y[box[1]] - cy)[None, :, None]
            + np.square(x[box[2]] - cx)[None, None, :]
        )
        part = labels[np.ix_(*box)]
        part[far <= radius**2] = number
        labels[np.ix_(*box)] = part
    return labels


def _slice(
    chest: Chest, place: tuple[Array, Array, float], texture: Array
) -> tuple[Array, NDArray[np.uint8]]:
    """One slice without vessels: HU and labels."""
    x, y, z = place
    at = _Level(x=x, y=y, z=z, wall=cavity(chest, x, y, z), skin=body(chest, x, y, z), pixel=chest.spacing[1])
    hu = _outside(at)
    hu = blended(hu, coverage(at.skin, at.pixel), _FAT + 8.0 * texture)
    hu = blended(hu, coverage(_muscle(chest, at, texture), at.pixel), _MUSCLE + 6.0 * texture)
    hu = _below_diaphragm(chest, at, blended(hu, coverage(at.wall - 1.0, at.pixel), _FAT + 12.0), texture)
    distance = heart(chest, x, y, z)
    hu = blended(hu, coverage(distance, at.pixel), _HEART + 5.0 * texture)
    in_lung = lung(chest, x, y, z)
    gravity = 45.0 * y / 90.0
    hu = blended(hu, coverage(in_lung, at.pixel), _LUNG + gravity + 14.0 * texture)
    labels = np.where(in_lung <= 0, np.where(x < 0, LABELS["right lung"], LABELS["left lung"]), 0)
    labels = np.where((distance <= 0) & (in_lung > 0), LABELS["heart"], labels)
    return _bones(chest, at, hu, labels, texture)


def _outside(at: _Level) -> Array:
    """Air, and the couch under the back."""
    couch = np.abs(at.y - 142.0 + 0.0016 * at.x**2) - 2.2
    return blended(
        np.full(np.broadcast_shapes(at.x.shape, at.y.shape), _AIR), coverage(couch, at.pixel), -250.0
    )


def _muscle(chest: Chest, at: _Level, texture: Array) -> Array:
    """Muscle under the fat, in layers that fat parts; distance in mm."""
    under_skin = at.skin + chest.fat
    planes = 1.6 - np.abs(at.wall - 14.0 - 2.0 * texture) + 1.2 * texture
    planes = np.where(at.z > 15.0, planes, -5.0)
    return np.asarray(np.maximum(under_skin, planes))


def _below_diaphragm(chest: Chest, at: _Level, hu: Array, texture: Array) -> Array:
    """Liver, spleen, stomach with its air, and fat."""
    under = np.maximum(diaphragm(chest, at.x, at.y, at.z) + 2.0, at.wall + 2.0)
    liver = np.maximum(under, 0.55 * (at.x - 30.0 + 0.35 * (at.y + 40.0)))
    spleen = 44.0 * (
        np.sqrt(((at.x - 88) / 38) ** 2 + ((at.y - 42) / 46) ** 2 + ((at.z + 124) / 44) ** 2) - 1.0
    )
    stomach = 36.0 * (
        np.sqrt(((at.x - 56) / 44) ** 2 + ((at.y + 22) / 48) ** 2 + ((at.z + 122) / 34) ** 2) - 1.0
    )
    hu = blended(hu, coverage(liver, at.pixel), 58.0 + 6.0 * texture)
    hu = blended(hu, coverage(np.maximum(spleen, under), at.pixel), 50.0 + 4.0 * texture)
    stomach = np.maximum(stomach, under)
    hu = blended(hu, coverage(stomach, at.pixel), 42.0)
    inner = stomach + 4.0
    return blended(hu, coverage(inner, at.pixel), np.where(at.y < -26.0, -960.0, 18.0))


def _bones(
    chest: Chest, at: _Level, hu: Array, labels: NDArray[Any], texture: Array
) -> tuple[Array, NDArray[np.uint8]]:
    for distance, inside, name in (
        (*_scapula(at), None),
        (*_ribs(chest, at), "rib"),
        (*_sternum(at), None),
        (*_vertebrae(chest, at, texture), "vertebra"),
    ):
        hu = blended(hu, coverage(distance, at.pixel), inside)
        if name is not None:
            labels = np.where(distance <= 0, LABELS[name], labels)
    return hu, labels.astype(np.uint8)


def _ribs(chest: Chest, at: _Level) -> tuple[Array, Array]:
    """Bands that run round the wall, falling to the front, where they become cartilage."""
    round_wall = np.arctan2(np.abs(at.x), at.y - 10.0) / math.pi  # 0 at the back, 1 at the breastbone
    fall = 78.0 * round_wall**1.15 - 16.0 * np.clip(round_wall - 0.72, 0.0, None) / 0.28
    along = at.z + fall - chest.rib_phase
    off = np.mod(along, _RIBS) - _RIBS / 2
    q = np.sqrt(((at.wall - 5.5) / 4.2) ** 2 + (off / 6.2) ** 2)
    distance = 4.5 * (q - 1.0)
    ends = np.maximum(along - 5.2 * _RIBS, -105.0 - at.z + 70.0 * np.clip(round_wall - 0.55, 0, None))
    distance = np.maximum(np.maximum(distance, 0.5 * ends), 9.0 - np.abs(at.x))
    bone = np.where(q < 0.66, _MARROW, _CORTEX)
    inside = np.where(round_wall > 0.80, _CARTILAGE, bone)
    return distance, inside


def _sternum(at: _Level) -> tuple[Array, Array]:
    q = np.sqrt((at.x / 17.0) ** 2 + ((at.wall - 6.0) / 6.0) ** 2)
    distance = np.maximum(6.0 * (q - 1.0), np.maximum(at.z - 92.0, -48.0 - at.z))
    distance = np.where(at.y < 0.0, distance, 50.0)
    return distance, np.where(q < 0.72, 120.0, 0.7 * _CORTEX)


def _scapula(at: _Level) -> tuple[Array, Array]:
    round_wall = np.arctan2(np.abs(at.x), at.y) / math.pi
    middle = 0.30 + 0.10 * np.clip((at.z - 20.0) / 90.0, 0.0, 1.0)
    reach = 0.03 + 0.10 * np.clip((at.z + 20.0) / 80.0, 0.0, 1.0)
    edge = np.clip((np.abs(round_wall - middle) - reach + 0.03) / 0.03, 0.0, 1.0)
    plate = np.abs(at.wall - 19.0) - 1.9 - 1.8 * edge
    distance = np.maximum(plate, 280.0 * (np.abs(round_wall - middle) - reach))
    distance = np.maximum(distance, np.maximum(at.z - 118.0, -20.0 - at.z))
    return distance, np.full_like(distance, 0.75 * _CORTEX)


def _vertebrae(chest: Chest, at: _Level, texture: Array) -> tuple[Array, Array]:
    """Bodies with discs between them, arch, transverse and spinous processes."""
    level = np.mod(at.z - chest.rib_phase, _VERTEBRAE) - _VERTEBRAE / 2
    waist = 1.0 - 0.08 * math.cos(math.pi * level / 12.0) ** 2
    core = 15.0 * (np.sqrt((at.x / (19.0 * waist)) ** 2 + ((at.y - 54.0) / (15.5 * waist)) ** 2) - 1.0)
    core = np.maximum(core, 42.0 + at.y * 0.0 - 3.0 - at.y)
    ring = np.abs(np.hypot(at.x, at.y - 78.0) - 10.5) - 2.3
    spine = np.maximum(np.abs(at.x) - 3.2, np.maximum(86.0 - at.y, at.y - 108.0))
    wings = np.maximum(np.abs(at.y - 79.0 - 0.18 * np.abs(at.x)) - 4.2, np.abs(at.x) - 33.0)
    wings = np.maximum(wings, 11.0 - np.abs(at.x))
    arch = np.minimum(ring + max(0.0, abs(level) - 8.0), spine + max(0.0, abs(level + 3.0) - 7.0))
    arch = np.minimum(arch, wings + max(0.0, abs(level - 3.0) - 5.5))
    disc = abs(level) > _VERTEBRAE / 2 - 2.6
    near_end = abs(level) > _VERTEBRAE / 2 - 4.6
    shell = _CORTEX * 0.75 if near_end else np.where(core > -1.8, _CORTEX * 0.8, _MARROW + 25.0 * texture)
    inside = np.where(core <= 0.6, _DISC if disc else shell, 0.8 * _CORTEX)
    return np.minimum(core, arch), inside


def _draw_collar_bones(canvas: Canvas, chest: Chest) -> None:
    points = ((14, -52, 92), (52, -66, 104), (92, -52, 116), (132, -20, 122), (160, 0, 118))
    for side in (-1.0, 1.0):
        bent = [np.array(p) * (side * chest.size[0], chest.size[1], 1.0) for p in points]
        for radius, value in ((6.2, _CORTEX), (3.8, _MARROW)):
            for ends in pairwise(bent):
                tube(canvas, ends, (radius, radius), value)
