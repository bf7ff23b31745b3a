"""What a data set is like, in numbers: from these a plan follows, and with them it is understood later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from skiagraph.case import Dataset, Sample, Target
from skiagraph.errors import InvalidInput, SkiagraphError
from skiagraph.findings import Classification, Measurement
from skiagraph.geometry import Grid, reoriented, spacing_of
from skiagraph.image import pixels
from skiagraph.image.quantity import HU
from skiagraph.training.forms import ellipticity, thickness
from skiagraph.training.targets import outlines_of, reference_of

__all__ = ["Fingerprint", "Spread", "fingerprint"]

_LOOKED_AT: Final = 100  # images; more of them change no choice
_FEW: Final = 0.1  # of the images may have another number of axes: each is left out when it is met
_DRAWN: Final = 4000  # numbers that are looked at of each image
_ORDER: Final = "SPL"  # of the axes of volumes, as recipes have them


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Numbers of one kind: half a percent lies below `low`, and half a percent above `high`."""

    low: float
    median: float
    high: float
    mean: float
    deviation: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """A data set in numbers.

    Args:
        samples: How many.
        groups: Patients.
        ndim: Spatial axes.
        channels: 1 where every image that was looked at is grey, else 3.
        shape: Median number of samples along each spatial axis.
        least: The smallest.
        largest: The largest.
        spacing: Median mm between samples; empty where an image has no millimetres.
        extent: mm along each axis that 95 % of the images do not exceed; empty likewise.
        modality: DICOM Modality that most files state; empty where none does.
        quantity: What most images measure.
        intensity: Of all pixels, in the unit of the images.
        foreground: Of the pixels inside of structures; None where there are none.
        counts: How often each class is true, or in how many looked-at samples each structure is there, by its name.
        sizes: Median share of the image that a structure takes where it is there, by its name.
        values: Of each measured concept, by its name.
        brightness: Rank correlation of each measured concept with the mean of its image, by its name.
        looked_at: Images that were looked at.
        thickness: How thick each structure is in its thinnest tenth of pictures, as a share of the longest side
            (`skiagraph.training.forms.thickness`), by its name.
        ellipses: How nearly each structure is an ellipse in the least elliptic tenth of pictures: Dice with the ellipse
            of its moments, by its name; empty for volumes.
        unreadable: Samples that were looked at and could not be used.
        odd: A sample that is grey where most have colours, or the other way round; empty where there is none.
    """

    samples: int
    groups: int
    ndim: int
    channels: int
    shape: tuple[int, ...]
    least: tuple[int, ...]
    largest: tuple[int, ...]
    spacing: tuple[float, ...] = ()
    extent: tuple[float, ...] = ()
    modality: str = ""
    quantity: str = ""
    intensity: Spread
    foreground: Spread | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    sizes: Mapping[str, float] = field(default_factory=dict)
    values: Mapping[str, Spread] = field(default_factory=dict)
    brightness: Mapping[str, float] = field(default_factory=dict)
    looked_at: int = 0
    thickness: Mapping[str, float] = field(default_factory=dict)
    ellipses: Mapping[str, float] = field(default_factory=dict)
    unreadable: int = 0
    odd: str = ""

    @property
    def anisotropy(self) -> float:
        """Largest over smallest spacing; 1 where it is not known."""
        return max(self.spacing) / min(self.spacing) if self.spacing else 1.0

    @property
    def hounsfield(self) -> bool:
        """Whether a number means the same in every image."""
        return self.quantity == HU.name


def fingerprint(dataset: Dataset, targets: Sequence[Target], image: str = "image") -> Fingerprint:
    """Measures a data set.

    Args:
        dataset: Up to 100 of its images are looked at, evenly; classes and values of all samples.
        targets: The questions.
        image: Name of the image in each case.

    Raises:
        InvalidInput: No image can be read, or they have different numbers of axes.
    """
    rows, unreadable = _looks(dataset, targets, image)
    shapes, spacings = np.array([r.shape for r in rows]), [r.spacing for r in rows]
    inside = np.concatenate([r.inside for r in rows])
    known = not any(s is None for s in spacings)
    counts, sizes, values = _answers(dataset, targets, rows)
    return Fingerprint(
        samples=len(dataset),
        groups=len({s.group for s in dataset}),
        ndim=shapes.shape[1],
        channels=max(r.channels for r in rows),
        shape=tuple(int(n) for n in np.median(shapes, 0)),
        least=tuple(int(n) for n in shapes.min(0)),
        largest=tuple(int(n) for n in shapes.max(0)),
        spacing=tuple(float(x) for x in np.median(np.array(spacings), 0)) if known else (),
        extent=tuple(map(float, np.percentile(shapes * np.array(spacings), 95, 0, method="higher")))
        if known
        else (),
        modality=_most([r.modality for r in rows]),
        quantity=_most([r.quantity for r in rows]),
        intensity=_spread(np.concatenate([r.drawn for r in rows])),
        foreground=_spread(inside) if len(inside) else None,
        counts=counts,
        sizes=sizes,
        values=values,
        brightness=_brightness(rows, targets),
        looked_at=len(rows),
        thickness=_least_tenth([r.thickness for r in rows]),
        ellipses=_least_tenth([r.ellipses for r in rows]),
        unreadable=unreadable,
        odd=_odd(rows, lambda r: r.channels),
    )


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Look:
    """What is kept of one image that was looked at."""

    name: str
    shape: tuple[int, ...]
    spacing: tuple[float, ...] | None
    channels: int
    modality: str
    quantity: str
    drawn: NDArray[np.float64]
    inside: NDArray[np.float64]
    shares: Mapping[str, float]
    thickness: Mapping[str, float]
    ellipses: Mapping[str, float]
    measured: Mapping[str, float]


def _looks(dataset: Dataset, targets: Sequence[Target], image: str) -> tuple[list[_Look], int]:
    """Images of one number of axes, and how many others there were."""
    every = max(1, len(dataset) // _LOOKED_AT)
    rows: list[_Look] = []
    unreadable = 0
    for n, sample in enumerate(dataset.samples[::every]):
        try:
            rows.append(_looked_at(sample, targets, image, np.random.default_rng(n)))
        except SkiagraphError:
            unreadable += 1
    if not rows:
        raise InvalidInput("a data set has images that can be read", got=f"none of {unreadable}")
    axes = Counter(len(row.shape) for row in rows).most_common()
    ndim = axes[0][0]
    if len(axes) > 1 and axes[1][1] > _FEW * len(rows):
        raise InvalidInput(
            "the images of a data set have one number of axes",
            got=f"{sorted(n for n, _ in axes)}, {_odd(rows, lambda r: len(r.shape))} among others",
        )
    unreadable += sum(n for _, n in axes[1:])
    return [row for row in rows if len(row.shape) == ndim], unreadable


def _odd(rows: Sequence[_Look], kind: Callable[[_Look], int]) -> str:
    """The name of an image that is of another kind than most; empty where all are of one."""
    usual = Counter(map(kind, rows)).most_common(1)[0][0]
    return next((row.name for row in rows if kind(row) != usual), "")


def _looked_at(sample: Sample, targets: Sequence[Target], name: str, rng: np.random.Generator) -> _Look:
    case = sample.case()
    image = case.images.get(name)
    if image is None:
        raise InvalidInput(f"a case here has an image named {name}", got=sample.identifier)
    data = pixels(image)
    inside, shares = np.zeros(0), {}
    forms: list[dict[str, float]] = [{}, {}]
    for target in (t for t in targets if t.kind in {"segmentation", "overlapping"}):
        outlined = outlines_of(sample, [label.code for label in target.labels])
        masks, names = outlined.masks, [label.name for label in target.labels]
        shares = {n: float(m.mean()) for n, m, told in zip(names, masks, outlined.told, strict=True) if told}
        if masks.any() and not image.channels:
            inside = _some(data[masks.any(0)], rng)
        there = {label.name: mask for label, mask in zip(target.labels, masks, strict=True) if mask.any()}
        forms[0] = {name: thickness(mask) for name, mask in there.items()}
        if masks.ndim == 3:
            forms[1] = {name: ellipticity(mask) for name, mask in there.items()}
    place = reoriented(image.space, _ORDER) if isinstance(image.space, Grid) else image.space
    steps = spacing_of(place)
    return _Look(
        name=sample.identifier,
        shape=tuple(place.shape),
        spacing=None if steps is None else tuple(float(step) for step in steps),
        channels=3 if image.channels else 1,
        modality=image.modality or "",
        quantity=image.quantity.name,
        drawn=_some(data, rng),
        inside=inside,
        shares=shares,
        thickness=forms[0],
        ellipses=forms[1],
        measured=_measured(sample, targets),
    )


def _measured(sample: Sample, targets: Sequence[Target]) -> dict[str, float]:
    names = {t.concept: t.name for t in targets if t.kind == "regression"}
    true = sample.reference() if names else ()
    return {names[f.concept]: f.value for f in true if isinstance(f, Measurement) and f.concept in names}


def _brightness(rows: Sequence[_Look], targets: Sequence[Target]) -> dict[str, float]:
    found = {}
    for name in (t.name for t in targets if t.kind == "regression"):
        pairs = [(row.measured[name], row.drawn.mean()) for row in rows if name in row.measured]
        if len(pairs) > 2 and min(np.ptp(np.array(pairs), axis=0)) > 0:
            found[name] = float(spearmanr(*zip(*pairs, strict=True)).statistic)
    return found


def _some(values: NDArray[np.generic], rng: np.random.Generator) -> NDArray[np.float64]:
    flat = values.reshape(-1)
    drawn = flat[rng.integers(len(flat), size=min(_DRAWN, len(flat)))].astype(np.float64)
    return np.asarray(drawn[np.isfinite(drawn)])


def _spread(values: NDArray[np.float64]) -> Spread:
    if not len(values):
        return Spread(low=0.0, median=0.0, high=0.0, mean=0.0, deviation=0.0)
    low, median, high = (float(v) for v in np.percentile(values, [0.5, 50, 99.5]))
    return Spread(low=low, median=median, high=high, mean=float(values.mean()), deviation=float(values.std()))


def _least_tenth(rows: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: float(np.quantile([row[name] for row in rows if name in row], 0.1)) for name in names}


def _most(words: Sequence[str]) -> str:
    return max(sorted(set(words)), key=words.count)


def _answers(
    dataset: Dataset, targets: Sequence[Target], rows: Sequence[_Look]
) -> tuple[Mapping[str, int], Mapping[str, float], Mapping[str, Spread]]:
    """Counts of classes, sizes of structures and spreads of values."""
    counts: dict[str, int] = {}
    sizes: dict[str, float] = {}
    values: dict[str, Spread] = {}
    for target in targets:
        if target.kind == "regression":
            values[target.name] = _spread(np.array(_numbers(dataset, target)))
        elif target.kind in {"segmentation", "overlapping"}:
            for label in target.labels:
                there = [r.shares[label.name] for r in rows if r.shares.get(label.name, 0.0) > 0]
                counts[label.name], sizes[label.name] = len(there), float(np.median(there)) if there else 0.0
        else:
            counts |= _classes(dataset, target)
    return counts, sizes, values


def _numbers(dataset: Dataset, target: Target) -> list[float]:
    found = []
    for sample in dataset:
        try:
            reference = reference_of(sample, Measurement, target.concept)
        except SkiagraphError:
            continue
        if isinstance(reference, Measurement):
            found.append(reference.value)
    return found


def _classes(dataset: Dataset, target: Target) -> dict[str, int]:
    counts = {label.code: 0 for label in target.labels}
    for sample in dataset:
        try:
            reference = reference_of(sample, Classification, target.concept)
        except SkiagraphError:
            continue
        if isinstance(reference, Classification):
            for score in reference.scores:
                if score.code in counts and score.probability > 0.5:
                    counts[score.code] += 1
    return {label.name: counts[label.code] for label in target.labels}
