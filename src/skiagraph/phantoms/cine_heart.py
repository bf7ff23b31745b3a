"""A beating heart in short axis slices, whose volumes are known at every moment of the cycle."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from scipy import ndimage

from skiagraph import codes
from skiagraph.errors import InvalidInput
from skiagraph.findings import Curve, Finding, Measurement, Segment, Segmentation
from skiagraph.geometry import Grid, Timeline, derived_frame
from skiagraph.image import Image
from skiagraph.image.quantity import SIGNAL
from skiagraph.phantoms import concepts
from skiagraph.phantoms.brain_mr import rician
from skiagraph.phantoms.drawn import Drawn
from skiagraph.phantoms.modules import number
from skiagraph.phantoms.mr_series import MrScan, mr_series
from skiagraph.phantoms.relaxation import HEART, balanced_signal
from skiagraph.phantoms.strokes import blended, coverage, smooth_field
from skiagraph.values import array_digest

__all__ = ["BeatingHeart", "cine_heart", "sample_heart"]

_SYSTOLE: Final = 0.36  # of the cycle, until the ventricle is smallest
_TR, _FLIP, _FULL = 3.2, 55.0, 9000.0
Array = NDArray[np.floating[Any]]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class BeatingHeart:
    """All that one cine series shows. The left ventricle is half of an ellipsoid whose base stays where it is.

    Args:
        seed: Of the noise.
        shape: (slices, rows, columns).
        spacing: mm between (slices, rows, columns).
        phases: Moments of the cycle.
        cycle: Length of a heart beat, ms.
        end_diastolic: Volume of the left ventricle at its largest, ml.
        end_systolic: At its smallest, ml.
        length: From the base to the apex of the blood pool, mm.
        wall: Thickness of the muscle at end diastole, mm.
        noise: Standard deviation, of the signal of water at full magnetisation.

    Raises:
        InvalidInput: A size that is not positive, or a ventricle that grows in systole.
    """

    seed: int
    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    phases: int
    cycle: float
    end_diastolic: float
    end_systolic: float
    length: float
    wall: float
    noise: float

    def __post_init__(self) -> None:
        positive = (*self.spacing, self.cycle, self.end_systolic, self.length, self.wall)
        if min(self.shape) < 4 or self.phases < 2 or not min(positive) > 0 or self.noise < 0:
            raise InvalidInput(
                "a beating heart has at least 4 slices, 2 phases and sizes above zero", got=str(positive)
            )
        if self.end_systolic >= self.end_diastolic:
            raise InvalidInput("a heart empties", got=f"{self.end_diastolic} to {self.end_systolic} ml")

    @property
    def times(self) -> NDArray[np.float64]:
        """Of each phase after the R wave, ms."""
        return np.arange(self.phases) * self.cycle / self.phases

    @property
    def volumes(self) -> NDArray[np.float64]:
        """Of the left ventricle in each phase, ml; the first is the largest, and one of them the smallest."""
        at = np.arange(self.phases)
        smallest = max(1, round(_SYSTOLE * self.phases))
        out = 0.5 - 0.5 * np.cos(math.pi * at / smallest)
        back = (at - smallest) / (self.phases - smallest)
        filled = np.clip(back / 0.45, 0, 1)
        early = 0.78 * (3 * filled**2 - 2 * filled**3)
        kick = np.clip((back - 0.7) / 0.3, 0, 1)
        emptied = np.where(at <= smallest, out, 1.0 - early - 0.22 * (3 * kick**2 - 2 * kick**3))
        return np.asarray(self.end_diastolic - (self.end_diastolic - self.end_systolic) * emptied)

    @property
    def ejection_fraction(self) -> float:
        """Of the volume at end diastole, percent."""
        return 100.0 * (1.0 - self.end_systolic / self.end_diastolic)


def sample_heart(
    rng: Generator,
    *,
    shape: tuple[int, int, int] = (11, 160, 160),
    spacing: tuple[float, float, float] = (9.0, 1.8, 1.8),
    phases: int = 20,
) -> BeatingHeart:
    """An adult's heart: 100 to 190 ml, ejection fraction 30 to 70 percent."""
    largest, fraction = float(rng.uniform(100, 190)), float(rng.uniform(0.30, 0.70))
    return BeatingHeart(
        seed=int(rng.integers(2**31)),
        shape=shape,
        spacing=spacing,
        phases=phases,
        cycle=float(phases * round(rng.uniform(700, 1050) / phases)),
        end_diastolic=largest,
        end_systolic=largest * (1 - fraction),
        length=spacing[0] * (shape[0] - 3.0),
        wall=float(rng.uniform(8.0, 10.5)),
        noise=0.006,
    )


def cine_heart(
    seed: int = 1,
    *,
    shape: tuple[int, int, int] = (11, 160, 160),
    spacing: tuple[float, float, float] = (9.0, 1.8, 1.8),
    phases: int = 20,
) -> Drawn:
    """A cine series of the heart in its short axis: oblique slices, one object for each slice and phase.

    Args:
        seed: The same seed draws the same heart.
        shape: (slices, rows, columns).
        spacing: mm between (slices, rows, columns).
        phases: Moments of the cycle.

    Returns:
        One image ``"cine"`` with a timeline in seconds; mask ``"ventricle"`` (blood and muscle of the left ventricle,
        blood of the right); volumes at end diastole and end systole, ejection fraction, and the curve of the volume.

    Raises:
        InvalidInput: Too few slices or phases.
    """
    heart = sample_heart(np.random.default_rng(seed), shape=shape, spacing=spacing, phases=phases)
    rng = np.random.default_rng(heart.seed)
    coil = np.exp(0.25 * smooth_field(rng, shape[1:], (80.0, 80.0)))
    frames = [[_frame(heart, slice_, phase) for slice_ in range(shape[0])] for phase in range(phases)]
    clean = np.stack([[f[0] for f in row] for row in frames]) * coil
    labels = np.stack([[f[1] for f in row] for row in frames])
    noisy = rician(ndimage.gaussian_filter(clean, (0, 0, 0.5, 0.5)).astype(np.float32), heart.noise, rng)
    values = np.rint(np.clip(noisy * _FULL, 0, 4095)).astype(np.uint16)
    grid = _grid(heart)
    return Drawn(
        kind="cine-heart",
        datasets=_objects(heart, values, grid),
        images={"cine": Image(data=values, space=grid, quantity=SIGNAL, modality="MR")},
        findings=_findings(heart),
        masks={"ventricle": _mask(grid, labels)},
        phantom=heart,
    )


def _grid(heart: BeatingHeart) -> Grid:
    """Slices across the long axis, which points to the left, front and feet."""
    long = np.array([0.62, -0.55, -0.56])
    long /= np.linalg.norm(long)
    row = np.cross([0.0, 0.0, 1.0], long)
    row *= -1 / np.linalg.norm(row)
    down = np.cross(long, row)
    axes = np.stack([long, down, row], axis=1) * heart.spacing
    affine = np.eye(4)
    affine[:3, :3] = axes
    affine[:3, 3] = [-10.0, 15.0, 20.0] - axes[:, 1:] @ ((np.array(heart.shape[1:]) - 1) / 2)
    timeline = Timeline(times=heart.times / 1000.0, unit="s", conditions={"trigger_time": heart.times})
    frame = derived_frame(f"heart {heart}")
    return Grid(shape=heart.shape, affine=affine, frame=frame, timeline=timeline)


def _radii(heart: BeatingHeart, slice_: int, phase: int) -> tuple[float, float, float]:
    """Radii in one slice of the blood pool, of the muscle round it, and of that at end diastole, mm; 0 for none.

    The muscle keeps its volume: it thickens as the pool shrinks.
    """
    depth = (slice_ - 0.5) * heart.spacing[0]  # of the middle of the slice below the base
    result = []
    for volume in (heart.volumes[phase], heart.end_diastolic):
        inner = math.sqrt(1500.0 * volume / (math.pi * heart.length))
        widest = math.sqrt(1500.0 * heart.end_diastolic / (math.pi * heart.length))
        outer_length = heart.length + heart.wall
        grown = (
            (widest + heart.wall) ** 2 * outer_length - (widest**2 - inner**2) * heart.length
        ) / outer_length
        result.append((inner, heart.length, math.sqrt(grown), outer_length))
    pool, muscle = _at(depth, *result[0][:2]), _at(depth, *result[0][2:])
    return pool, muscle, _at(depth, *result[1][2:])


def _at(depth: float, radius: float, length: float) -> float:
    """The radius of half an ellipsoid so far below its base."""
    return radius * math.sqrt(1 - (depth / length) ** 2) if 0 <= depth < length else 0.0


def _frame(heart: BeatingHeart, slice_: int, phase: int) -> tuple[Array, NDArray[np.uint8]]:
    """The signal of one slice in one phase, and its labels: 1 blood and 2 muscle of the left, 3 blood of the right."""
    y, x = (
        ((np.arange(n) - (n - 1) / 2) * s).astype(np.float32)
        for n, s in zip(heart.shape[1:], heart.spacing[1:], strict=True)
    )
    x, y = x[None, :], y[:, None]
    signal = {name: balanced_signal(tissue, tr=_TR, flip=_FLIP) for name, tissue in HEART.items()}
    edge = heart.spacing[1]
    picture = _thorax(x, y, signal, edge)
    pool, muscle, full = _radii(heart, slice_, phase)
    share = slice_ / heart.shape[0]
    labels, far = np.zeros(picture.shape, np.uint8), np.hypot(x, y)
    size = max(full, 24.0)
    around = np.hypot((x + 0.42 * size) / 1.45, y) - size * 0.98 - 3.0
    picture = blended(picture, coverage(around, edge), signal["fat"])
    shrink = 1.0 - 0.22 * (1 - heart.volumes[phase] / heart.end_diastolic) / (
        1 - heart.end_systolic / heart.end_diastolic
    )
    right = np.hypot((x + 0.95 * size) / 1.05, (y + 4.0) / 0.95) - size * (0.98 - 0.35 * share) * shrink
    right = np.maximum(right, full - far + 0.0)
    if slice_ >= 1 and share < 0.85:
        picture = blended(picture, coverage(right - 3.0, edge), signal["myocardium"])
        picture = blended(picture, coverage(right, edge), signal["blood"])
        labels[(right <= 0) & (far > muscle)] = 3
    if slice_ < 1:
        picture = blended(picture, coverage(np.hypot(x / 1.1, y - 6.0) - 24.0, edge), signal["blood"])
    if muscle > 0:
        picture = blended(picture, coverage(far - muscle, edge), signal["myocardium"])
        labels[far <= muscle] = 2
    if pool > 0:
        picture = blended(picture, coverage(far - pool, edge), signal["blood"])
        labels[far <= pool] = 1
    return picture, labels


def _thorax(x: Array, y: Array, signal: dict[str, float], edge: float) -> Array:
    """What lies round the heart: chest wall, lung, liver under the diaphragm, aorta."""
    picture = np.full(np.broadcast_shapes(x.shape, y.shape), 0.0, np.float32)
    body = (np.hypot((x + 6) / 1.12, y - 4) - 118.0) * 0.9
    picture = blended(picture, coverage(body, edge), signal["fat"])
    picture = blended(picture, coverage(body + 9.0, edge), signal["muscle"])
    picture = blended(picture, coverage(body + 20.0, edge), signal["lung"])
    liver = np.maximum(58.0 - y + 0.006 * (x + 40.0) ** 2, body + 21.0)
    picture = blended(picture, coverage(liver, edge), signal["liver"])
    aorta = np.hypot(x - 52.0, y - 44.0) - 10.5
    return blended(picture, coverage(aorta, edge), signal["blood"])


def _objects(heart: BeatingHeart, values: NDArray[np.uint16], grid: Grid) -> tuple[Dataset, ...]:
    digest = array_digest(values, grid.affine)
    result: list[Dataset] = []
    for phase, (volume, time) in enumerate(zip(values, heart.times, strict=True)):
        more = {
            "TriggerTime": number(float(time)),
            "NominalInterval": round(heart.cycle),
            "HeartRate": round(60000.0 / heart.cycle),
            "CardiacNumberOfImages": heart.phases,
            "ScanOptions": "CG",
            "SequenceVariant": ["SS", "SP"],
        }
        scan = MrScan(
            name="cine short axis",
            tr=_TR,
            te=_TR / 2,
            flip=_FLIP,
            body="HEART",
            sequence="GR",
            first=1 + phase * heart.shape[0],
            thickness=heart.spacing[0] - 1.0,
            more=more,
        )
        result += mr_series(volume, grid, scan, digest=digest, patient="Phantom^Heart")
    return tuple(result)


def _mask(grid: Grid, labels: NDArray[np.uint8]) -> Segmentation:
    concept = (concepts.LEFT_VENTRICLE, concepts.LV_MYOCARDIUM, concepts.RIGHT_VENTRICLE)
    segments = tuple(Segment(number=n, code=code, confidence=1.0) for n, code in enumerate(concept, start=1))
    return Segmentation(space=grid, labels=labels, segments=segments)


def _findings(heart: BeatingHeart) -> tuple[Finding, ...]:
    how = "known: the half ellipsoid that was drawn"
    values = (
        (concepts.END_DIASTOLIC_VOLUME, heart.end_diastolic, concepts.MILLILITRE),
        (concepts.END_SYSTOLIC_VOLUME, heart.end_systolic, concepts.MILLILITRE),
        (concepts.EJECTION_FRACTION, heart.ejection_fraction, codes.PERCENT),
    )
    curve = Curve(
        concept=concepts.VOLUME,
        at=heart.times,
        at_unit=concepts.MILLISECOND,
        values=heart.volumes,
        unit=concepts.MILLILITRE,
    )
    return (*(Measurement(concept=c, value=v, unit=u, method=how) for c, v, u in values), curve)
