"""A synthetic head: tissues in layers, folds of the cortex, ventricles, and lesions of known volume."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage

from skiagraph.errors import InvalidInput
from skiagraph.geometry import Grid, derived_frame
from skiagraph.phantoms.strokes import smooth_field

__all__ = ["TISSUES", "Head", "Lesion", "draw_tissues", "head_grid", "lesion_labels", "sample_head"]

TISSUES: Final = ("air", "csf", "grey", "white", "fat", "muscle", "skull", "lesion", "ventricle")
"""The label of a tissue is its place here; ventricles hold CSF."""
_N: Final = {name: n for n, name in enumerate(TISSUES)}
_TRIES: Final = 3000
Array = NDArray[np.floating[Any]]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Lesion:
    """A ball in the white matter: `centre` (x, y, z) in LPS mm, `diameter` in mm."""

    centre: tuple[float, float, float]
    diameter: float

    @property
    def volume(self) -> float:
        """Of the ball, mm3."""
        return math.pi * self.diameter**3 / 6.0


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """All that one head shows. Places in LPS mm; (0, 0, 0) is the middle of the volume.

    Args:
        seed: Of the folds of the cortex.
        shape: (slices, rows, columns).
        spacing: mm between (slices, rows, columns).
        brain: Semi-axes of the brain along (x, y, z), mm.
        ventricles: Size of the ventricles, 1 for an average one.
        lesions: What is to be found.

    Raises:
        InvalidInput: Too small, or a size that is not positive.
    """

    seed: int
    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    brain: tuple[float, float, float]
    ventricles: float
    lesions: tuple[Lesion, ...]

    def __post_init__(self) -> None:
        if min(self.shape) < 8 or not min(*self.spacing, *self.brain, self.ventricles) > 0:
            raise InvalidInput(
                "a head has at least 8 voxels along each axis and sizes above zero", got=str(self.shape)
            )


def head_grid(head: Head) -> Grid:
    """The voxels of the volume: axial, from the feet up."""
    slices, rows, columns = head.spacing
    affine = np.eye(4)
    affine[:3, :3] = [[0, 0, columns], [0, rows, 0], [slices, 0, 0]]
    affine[:3, 3] = [-(n - 1) * s / 2 for n, s in zip(head.shape[::-1], head.spacing[::-1], strict=True)]
    return Grid(shape=head.shape, affine=affine, frame=derived_frame(f"head {head}"))


def sample_head(
    rng: Generator,
    *,
    shape: tuple[int, int, int] = (48, 224, 192),
    spacing: tuple[float, float, float] = (3.0, 1.0, 1.0),
    lesions: int | None = None,
) -> Head:
    """An adult's head, with lesions of 4 to 12 mm in the white matter.

    Args:
        rng: Where all chance comes from.
        shape: (slices, rows, columns).
        spacing: mm between (slices, rows, columns).
        lesions: How many; none to five where None.

    Raises:
        InvalidInput: No room for all lesions.
    """
    head = Head(
        seed=int(rng.integers(2**31)),
        shape=shape,
        spacing=spacing,
        brain=(float(rng.uniform(64, 70)), float(rng.uniform(80, 88)), float(rng.uniform(61, 66))),
        ventricles=float(rng.uniform(0.8, 1.35)),
        lesions=(),
    )
    wanted = int(rng.integers(0, 6)) if lesions is None else lesions
    return dataclasses.replace(head, lesions=_sample_lesions(head, rng, wanted)) if wanted else head


def _sample_lesions(head: Head, rng: Generator, wanted: int) -> tuple[Lesion, ...]:
    white = draw_tissues(head) == _N["white"]
    deep = ndimage.distance_transform_edt(white, sampling=head.spacing)
    places = np.argwhere(deep > 2.6)
    found: list[Lesion] = []
    grid = head_grid(head)
    for _ in range(_TRIES):
        if len(found) == wanted or not len(places):
            break
        index = places[rng.integers(len(places))]
        room = float(deep[tuple(index)])
        diameter = float(rng.uniform(4.0, 12.0))
        centre = grid.affine[:3, :3] @ index + grid.affine[:3, 3]
        apart = all(math.dist(centre, o.centre) > (o.diameter + diameter) / 2 + 2 for o in found)
        if apart and diameter / 2 < room + 1.5:
            found.append(Lesion(centre=tuple(float(c) for c in centre), diameter=diameter))  # type: ignore[arg-type]
    if len(found) < wanted:
        raise InvalidInput(
            "the white matter has room for all lesions that are asked for",
            got=f"{len(found)} of {wanted}",
            way_out="ask for fewer",
        )
    return tuple(found)


def _places(head: Head) -> tuple[Array, Array, Array]:
    """(x, y, z) in mm, ready to be broadcast over (slice, row, column)."""
    z, y, x = (
        ((np.arange(n) - (n - 1) / 2) * s).astype(np.float32)
        for n, s in zip(head.shape, head.spacing, strict=True)
    )
    return x[None, None, :], y[None, :, None], z[:, None, None]


def _ellipsoid(place: tuple[Array, Array, Array], centre: Any, axes: Any) -> Array:
    """Millimetres from an ellipsoid, about; negative inside."""
    parts = [p - np.float32(c) for p, c in zip(place, centre, strict=True)]
    q = np.sqrt(sum((p / np.float32(a)) ** 2 for p, a in zip(parts, axes, strict=True)))
    far = np.sqrt(sum(p**2 for p in parts))
    return np.asarray(far * (1 - 1 / np.maximum(q, 0.05)))


def draw_tissues(head: Head) -> NDArray[np.uint8]:
    """The tissue of each voxel, axes (slice, row, column), labels as in `TISSUES`."""
    place = _places(head)
    a, b, c = head.brain
    outside = _ellipsoid(place, (0, 0, 0), (a, b, c))
    labels = np.zeros(head.shape, np.uint8)
    for reach, name in ((15.0, "fat"), (11.0, "muscle"), (9.5, "skull"), (2.0, "csf")):
        labels[outside < reach] = _N[name]
    _fold_cortex(head, labels, outside, place)
    _hind_brain(labels, place)
    _deep_grey(labels, place)
    ventricle = _ventricles(head, place)
    labels[(ventricle < 2.0) & (outside < -14)] = _N["white"]
    labels[ventricle < 0] = _N["ventricle"]
    labels[lesion_labels(head) > 0] = _N["lesion"]
    return labels


def _fold_cortex(head: Head, labels: NDArray[np.uint8], outside: Array, place: Any) -> None:
    """Sulci are the sheets where a random field is zero, so that they wind as real ones do."""
    x, y, z = place
    rng = np.random.default_rng(head.seed)
    scale = tuple(8.5 / s for s in head.spacing)
    field = smooth_field(rng, head.shape, scale)
    wide = smooth_field(rng, head.shape, tuple(16.0 / s for s in head.spacing))
    sheet = np.abs(field + 0.4 * wide)
    depth = -outside
    fissure = np.abs(x + 1.2 * wide) + 0.0 * y
    fissure = np.where((z > 12) | (y < -38) | (y > 38), fissure, 20.0)
    reach = np.clip(1.0 - depth / 26.0, 0.0, 1.0)
    inside = depth > 0
    labels[inside] = _N["white"]
    grey = (depth < 4.2) | ((sheet < 0.80 * reach**0.5) & (depth < 26)) | (fissure < 4.2)
    labels[inside & grey] = _N["grey"]
    sulcus = (sheet < 0.13 * reach) & (depth < 19)
    labels[inside & (sulcus | (depth < 0.8) | (fissure < 1.1))] = _N["csf"]


def _hind_brain(labels: NDArray[np.uint8], place: Any) -> None:
    """Cerebellum with its leaves, and the brain stem, in CSF below the tentorium."""
    x, y, z = place
    brain = np.isin(labels, [_N[n] for n in ("csf", "grey", "white")])
    cerebellum = _ellipsoid(place, (0, 42, -36), (49, 30, 22))
    labels[brain & (cerebellum < 3.5)] = _N["csf"]
    leaves = np.cos(2 * math.pi * (_ellipsoid(place, (0, 18, -30), (30, 20, 14))) / 5.5)
    labels[brain & (cerebellum < 0)] = _N["grey"]
    labels[brain & (cerebellum < -3.0) & (leaves > 0.15)] = _N["white"]
    labels[brain & (_ellipsoid(place, (0, 22, -30), (6, 5, 8)) < 0)] = _N["ventricle"]
    stem = np.hypot(x / 1.25, y - 8.0 - 0.12 * (z + 30.0)) - np.clip(12.0 + 0.08 * (z + 40.0), 6.0, 14.0)
    labels[brain & (stem < 0) & (z < -8.0)] = _N["white"]
    labels[brain & (np.hypot(x, y + 12.0) < 11.0) & (z < -14.0) & (z > -34.0)] = _N["csf"]


def _deep_grey(labels: NDArray[np.uint8], place: Any) -> None:
    for side in (-1, 1):
        for centre, axes in (
            ((13.0 * side, 12.0, 4.0), (8.0, 14.0, 9.0)),  # thalamus
            ((25.0 * side, -4.0, 2.0), (6.0, 16.0, 10.0)),  # lentiform nucleus
            ((15.0 * side, -22.0, 8.0), (5.0, 9.0, 9.0)),  # head of the caudate nucleus
        ):
            near = _ellipsoid(place, centre, axes)
            labels[near < 0] = _N["grey"]


def _ventricles(head: Head, place: tuple[Array, Array, Array]) -> Array:
    """Millimetres from the lateral ventricles and the third; negative inside."""
    x, y, z = place
    size = head.ventricles
    result = _ellipsoid(place, (0, 10, 1), (2.2 * size, 11, 8))
    for side in (-1, 1):
        bent = (x * side - 5.0 - 0.0045 * (y - 2.0) ** 2, y, z + 0.0035 * (y + 4.0) ** 2)
        horn = _ellipsoid(bent, (2.5, 2, 17), (6.0 * size, 40, 7.0 * size))
        result = np.minimum(result, horn)
    return result


def lesion_labels(head: Head) -> NDArray[np.uint8]:
    """The number of the lesion where the centre of a voxel lies in one, 0 elsewhere."""
    x, y, z = _places(head)
    labels = np.zeros(head.shape, np.uint8)
    for n, lesion in enumerate(head.lesions, start=1):
        cx, cy, cz = lesion.centre
        labels[(x - cx) ** 2 + (y - cy) ** 2 + (z - cz) ** 2 <= (lesion.diameter / 2) ** 2] = n
    return labels
