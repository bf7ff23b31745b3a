"""A synthetic chest: what it is made of, how it varies, and how far any place lies from its surfaces."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Final, Literal, final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput
from skiagraph.geometry import Grid, derived_frame

__all__ = ["Chest", "Nodule", "body", "cavity", "chest_grid", "diaphragm", "heart", "lung", "sample_chest"]

Array = NDArray[np.floating[Any]]
_TRIES: Final = 4000


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Nodule:
    """A ball in the lung.

    Args:
        centre: (x, y, z), LPS mm.
        diameter: mm.
        kind: Solid, or ground glass that is denser than lung and less dense than tissue.
        attenuation: HU.
    """

    centre: tuple[float, float, float]
    diameter: float
    kind: Literal["solid", "ground-glass"]
    attenuation: float

    @property
    def volume(self) -> float:
        """Of the ball, mm3."""
        return math.pi * self.diameter**3 / 6.0


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Chest:
    """All that one chest CT shows. Places in LPS mm; (0, 0, 0) is the middle of the volume.

    Args:
        seed: Of vessels, texture and noise.
        shape: (slices, rows, columns).
        spacing: mm between (slices, rows, columns).
        size: Factors of an average chest along (x, y).
        fat: Thickness of the fat under the skin, mm.
        heart: Semi-axes of the heart, mm, the long one first.
        heart_centre: (x, y, z), mm.
        domes: z of the top of the (right, left) dome of the diaphragm, mm.
        rib_phase: How far the ribs and vertebrae are shifted upwards, mm.
        nodules: What is to be found.
        noise: Standard deviation in soft tissue, HU.

    Raises:
        InvalidInput: Too small, a size that is not positive, or a nodule outside of the volume.
    """

    seed: int
    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    size: tuple[float, float]
    fat: float
    heart: tuple[float, float, float]
    heart_centre: tuple[float, float, float]
    domes: tuple[float, float]
    rib_phase: float
    nodules: tuple[Nodule, ...]
    noise: float

    def __post_init__(self) -> None:
        positive = (*self.spacing, *self.size, self.fat, *self.heart)
        if min(self.shape) < 8 or not all(0 < n < math.inf for n in positive) or self.noise < 0:
            raise InvalidInput(
                "a chest has at least 8 voxels along each axis and sizes above zero", got=str(positive)
            )
        reach = [n * s / 2 for n, s in zip(self.shape, self.spacing, strict=True)][::-1]
        for nodule in self.nodules:
            if any(abs(c) + nodule.diameter / 2 > r for c, r in zip(nodule.centre, reach, strict=True)):
                raise InvalidInput("a nodule lies whole in its volume", got=str(nodule.centre))


def chest_grid(chest: Chest) -> Grid:
    """The voxels of the volume: axial, from the feet up."""
    slices, rows, columns = chest.spacing
    affine = np.eye(4)
    affine[:3, :3] = [[0, 0, columns], [0, rows, 0], [slices, 0, 0]]
    affine[:3, 3] = [-(n - 1) * s / 2 for n, s in zip(chest.shape[::-1], chest.spacing[::-1], strict=True)]
    return Grid(shape=chest.shape, affine=affine, frame=derived_frame(f"chest {chest}"))


def _narrowing(z: Any) -> Any:
    """How much of its width the thorax keeps at a height."""
    return 1.0 - 0.60 * np.clip((z + 15.0) / 145.0, 0.0, 1.15) ** 2.3


def _oval(place: tuple[Any, Any], axes: tuple[Any, Any]) -> Array:
    """Millimetres from a superellipse of power 2.5 round (0, 0), along the way to its middle; negative inside."""
    x, y = place
    u, v = np.abs(x) / axes[0], np.abs(y) / axes[1]
    q = (u * u * np.sqrt(u) + v * v * np.sqrt(v)) ** 0.4
    result: Array = np.sqrt(x * x + y * y) * (1.0 - 1.0 / np.maximum(q, 0.05))
    return result


def cavity(chest: Chest, x: Any, y: Any, z: Any) -> Array:
    """Millimetres from the inner wall of the thorax; negative inside."""
    keep = _narrowing(z)
    axes = 128.0 * chest.size[0] * keep, 90.0 * chest.size[1] * (0.25 + 0.75 * keep)
    return _oval((x, y - 14.0 * (1.0 - keep)), axes)


def body(chest: Chest, x: Any, y: Any, z: Any) -> Array:
    """Millimetres from the skin; negative inside."""
    shoulder = np.clip((z - 40.0) / 90.0, 0.0, 1.0) ** 1.5
    axes = (
        (143.0 + 34.0 * shoulder) * chest.size[0] + chest.fat,
        (103.0 - 14.0 * shoulder) * chest.size[1] + chest.fat,
    )
    return _oval((x, y - 6.0), axes)


def heart(chest: Chest, x: Any, y: Any, z: Any) -> Array:
    """Millimetres from the heart, an ellipsoid that points to the left, front and feet; negative inside."""
    long = np.array([0.80, -0.42, -0.43])
    long /= np.linalg.norm(long)
    across = np.cross(long, [0.0, 0.0, 1.0])
    across /= np.linalg.norm(across)
    up = np.cross(across, long)
    parts = [c - m for c, m in zip((x, y, z), chest.heart_centre, strict=True)]
    squares: Any = 0.0
    for way, semi in zip((long, across, up), chest.heart, strict=True):
        along = sum(part * float(w) for part, w in zip(parts, way, strict=True))
        squares = squares + (along / semi) ** 2
    q = np.sqrt(squares)
    result: Array = (q - 1.0) * np.sqrt(sum(p**2 for p in parts)) / np.maximum(q, 0.05)
    return result


def diaphragm(chest: Chest, x: Any, y: Any, z: Any) -> Array:
    """Millimetres above the domes of the diaphragm, about; negative below."""
    right, left = chest.domes
    side = 0.5 + 0.5 * np.tanh(x / 18.0)
    top = right + (left - right) * side
    middle = 62.0 * chest.size[0]
    drop = 0.0115 * (np.abs(x) - middle) ** 2 / chest.size[0] + 0.0075 * (y + 12.0) ** 2
    drop = drop - 0.5 * 0.0115 * np.clip(middle - np.abs(x), 0.0, None) ** 2 / chest.size[0]
    result: Array = 0.75 * (z - top + drop)
    return result


def lung(chest: Chest, x: Any, y: Any, z: Any) -> Array:
    """Millimetres from the surface of the nearer lung; negative inside."""
    front = np.clip((y + 72.0) / 45.0, 0.0, 1.0)
    middle = 4.0 + 12.0 * front + 6.0 * np.clip((z - 50.0) / 60.0, 0.0, 1.0) * front - np.abs(x)
    spine = 25.0 - np.hypot(x, y - 54.0)
    aorta = 16.0 - np.hypot(x - 22.0, y - 36.0) - np.clip(z - 50.0, 0.0, None)
    along = np.clip((0.43 * (x + 12.0) + 0.57 * (y + 12.0)) / 39.0, 0.0, 1.0)
    arch = 18.0 - np.sqrt((x + 12.0 - 33.0 * along) ** 2 + (y + 12.0 - 44.0 * along) ** 2 + (z - 47.0) ** 2)
    vein = 12.0 - np.hypot(x + 25.0, y + 8.0) - np.clip(-14.0 - z, 0.0, None)
    trunk = 22.0 - np.sqrt((x - 20.0) ** 2 + 0.6 * (y + 14.0) ** 2 + 0.7 * (z - 14.0) ** 2)
    apex = 0.8 * (z - 128.0 + 0.006 * (np.abs(x) - 42.0) ** 2 + 0.003 * (y - 15.0) ** 2)
    pieces = (cavity(chest, x, y, z) + 3.0, middle, spine, aorta, arch, vein, trunk, apex)
    surface = np.maximum(-diaphragm(chest, x, y, z), 3.0 - heart(chest, x, y, z))
    for piece in pieces:
        surface = np.maximum(surface, piece)
    return np.asarray(surface)


def sample_chest(
    rng: Generator,
    *,
    shape: tuple[int, int, int] = (120, 256, 256),
    spacing: tuple[float, float, float] = (2.5, 1.4, 1.4),
    nodules: int | None = None,
    noise: float = 14.0,
) -> Chest:
    """A chest of an adult, with nodules of 6 to 24 mm.

    Args:
        rng: Where all chance comes from.
        shape: (slices, rows, columns).
        spacing: mm between (slices, rows, columns).
        nodules: How many; two to five where None.
        noise: Standard deviation in soft tissue, HU.

    Raises:
        InvalidInput: The volume is too small to hold the nodules.
    """
    width, depth = float(rng.uniform(0.93, 1.06)), float(rng.uniform(0.92, 1.08))
    heart_size = float(rng.uniform(0.92, 1.10))
    right = float(rng.uniform(-80.0, -62.0))
    chest = Chest(
        seed=int(rng.integers(2**31)),
        shape=shape,
        spacing=spacing,
        size=(width, depth),
        fat=float(rng.uniform(9.0, 20.0)),
        heart=(66.0 * heart_size * depth, 44.0 * heart_size * depth, 45.0 * heart_size * depth),
        heart_centre=(
            float(rng.uniform(20.0, 27.0)),
            -24.0 * depth,
            right + float(rng.uniform(24.0, 32.0)),
        ),
        domes=(right, right - float(rng.uniform(8.0, 16.0))),
        rib_phase=float(rng.uniform(0.0, 24.0)),
        nodules=(),
        noise=noise,
    )
    wanted = int(rng.integers(2, 6)) if nodules is None else nodules
    return _with_nodules(chest, rng, wanted)


def _with_nodules(chest: Chest, rng: Generator, wanted: int) -> Chest:
    found: list[Nodule] = []
    reach = np.array([n * s / 2 for n, s in zip(chest.shape, chest.spacing, strict=True)])[::-1]
    for _ in range(_TRIES):
        if len(found) == wanted:
            break
        solid = bool(rng.random() < 0.6) if found else True
        diameter = float(rng.uniform(6.0, 18.0) if solid else rng.uniform(10.0, 24.0))
        x, y, z = (float(n) for n in rng.uniform(-1.0, 1.0, 3) * (reach - diameter / 2 - 4.0))
        room = diameter / 2 + 3.0
        apart = all(math.dist((x, y, z), other.centre) > room + other.diameter / 2 + 4.0 for other in found)
        if float(lung(chest, x, y, z)) < -room and abs(x) > 40.0 and apart:
            hu = rng.uniform(10.0, 60.0) if solid else rng.uniform(-620.0, -480.0)
            kind: Literal["solid", "ground-glass"] = "solid" if solid else "ground-glass"
            found.append(Nodule(centre=(x, y, z), diameter=diameter, kind=kind, attenuation=float(hu)))
    if len(found) < wanted:
        raise InvalidInput(
            "the lungs have room for all nodules that are asked for",
            got=f"{len(found)} of {wanted}",
            way_out="ask for fewer or for a larger volume",
        )
    return dataclasses.replace(chest, nodules=tuple(found))
