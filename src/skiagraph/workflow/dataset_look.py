"""One look at each sample of a data set: what its image and its reference are, and what cannot be read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from skiagraph import codes
from skiagraph.case import Case, Sample, Target
from skiagraph.errors import SkiagraphError
from skiagraph.features.likeness import signature
from skiagraph.features.neighbours import plain_features
from skiagraph.findings import Boxes, Classification, Finding, Measurement, Segmentation
from skiagraph.geometry import Grid, axis_codes, spacing_of
from skiagraph.image import Image, pixels
from skiagraph.values import array_digest

__all__ = ["Looked", "Seen", "look_at"]

Watch: TypeAlias = Callable[[int, int], None]

_GREY: Final = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # of red, green, blue (ITU-R BT.601)
_AT_ONCE: Final = 64  # samples that wait for the next worker


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one image is.

    Args:
        shape: Of its array without time and channels.
        moments: Frames in time; 1 of a still image.
        channels: Numbers a place.
        dtype: Type of its numbers as its file gives them.
        spacing: mm between neighbours; None where it is not known.
        orientation: Axis codes of a volume; empty of a picture.
        modality: DICOM Modality, or empty.
        low: The 1 % quantile of its numbers.
        high: The 99 % quantile.
        finite: Whether all its numbers are.
    """

    shape: tuple[int, ...]
    moments: int
    channels: int
    dtype: str
    spacing: tuple[float, ...] | None
    orientation: str
    modality: str
    low: float
    high: float
    finite: bool


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Looked:
    """What one sample is.

    Args:
        sample: The sample.
        images: By name; empty where they cannot be read.
        digest: SHA-256 of the pixels; empty where they cannot be read.
        signature: Of its first image, for `skiagraph.features.likeness`.
        features: Of its first image, for `skiagraph.features.neighbours`.
        classes: The true labels of each target that asks for classes.
        sizes: Pixels or voxels of each label, or boxes, of each target that lies in space.
        numbers: The values of each regression.
        unreadable: Why the image cannot be read; empty where it can.
        wrong: Why the reference cannot be used; empty where it can.
        outside: Boxes that reach beyond the image.
    """

    sample: Sample
    images: Mapping[str, Seen]
    digest: str
    signature: NDArray[np.float32] | None
    features: NDArray[np.float32] | None
    classes: Mapping[str, frozenset[int]]
    sizes: Mapping[str, Mapping[int, int]]
    numbers: Mapping[str, float]
    unreadable: str = ""
    wrong: str = ""
    outside: int = 0


def look_at(samples: Sequence[Sample], targets: Sequence[Target], watch: Watch) -> list[Looked]:
    """Looks at every sample once; images are decoded, and let go again.

    Args:
        samples: In any order.
        targets: What their references answer.
        watch: Told how many were looked at, and of how many.

    Returns:
        In the order of `samples`.
    """
    found = []
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        for start in range(0, len(samples), _AT_ONCE):
            part = samples[start : start + _AT_ONCE]
            found += list(pool.map(lambda sample: _looked(sample, targets), part))
            watch(len(found), len(samples))
    return found


def _looked(sample: Sample, targets: Sequence[Target]) -> Looked:
    try:
        case = sample.case()
        arrays = {name: np.asarray(pixels(image)) for name, image in case.images.items()}
    except SkiagraphError as error:
        return _unseen(sample, str(error))
    first = _plain(next(iter(case.images.values())), next(iter(arrays.values())))
    sign = signature(first)
    wrong, findings = "", tuple[Finding, ...]()
    try:
        findings = sample.reference()
    except SkiagraphError as error:
        wrong = str(error)
    return Looked(
        sample=sample,
        images={name: _seen(image, arrays[name]) for name, image in case.images.items()},
        digest=array_digest(*(part for array in arrays.values() for part in (array, str(array.shape)))),
        signature=sign,
        features=plain_features(sign, first),
        classes=dict(_classes(findings, targets)),
        sizes=dict(_sizes(findings, targets)),
        numbers=dict(_numbers(findings, targets)),
        wrong=wrong,
        outside=sum(_outside(f, case) for f in findings if isinstance(f, Boxes)),
    )


def _unseen(sample: Sample, why: str) -> Looked:
    return Looked(
        sample=sample,
        images={},
        digest="",
        signature=None,
        features=None,
        classes={},
        sizes={},
        numbers={},
        unreadable=why,
    )


def _plain(image: Image, array: NDArray[Any]) -> NDArray[np.float32]:
    """One number a place: the middle frame, colours as their brightness."""
    if image.space.timeline is not None:
        array = array[len(array) // 2]
    if len(image.channels) == 3:
        return np.asarray(array.astype(np.float32) @ _GREY)
    return np.asarray(array[..., 0] if image.channels else array, dtype=np.float32)


def _seen(image: Image, array: NDArray[Any]) -> Seen:
    finite = array.dtype.kind != "f" or bool(np.isfinite(array).all())
    numbers = array if finite else array[np.isfinite(array)]
    step = max(1, numbers.size // 2**18)
    low, high = (
        np.quantile(numbers.ravel()[::step].astype(np.float64), (0.01, 0.99)) if numbers.size else (0.0, 0.0)
    )
    space = image.space
    return Seen(
        shape=tuple(space.shape),
        moments=1 if space.timeline is None else len(space.timeline),
        channels=max(1, len(image.channels)),
        dtype=array.dtype.name,
        spacing=spacing_of(space),
        orientation=axis_codes(space) if isinstance(space, Grid) else "",
        modality=image.modality or "",
        low=float(low),
        high=float(high),
        finite=finite,
    )


def _classes(findings: Sequence[Finding], targets: Sequence[Target]) -> Iterator[tuple[str, frozenset[int]]]:
    for target in targets:
        number = {label.code: label.number for label in target.labels}
        for finding in findings:
            if isinstance(finding, Classification) and finding.concept == target.concept:
                yield target.name, frozenset(number[s.code] for s in finding.scores if s.probability > 0.5)


def _numbers(findings: Sequence[Finding], targets: Sequence[Target]) -> Iterator[tuple[str, float]]:
    for target in targets:
        for finding in findings:
            if (
                target.kind == "regression"
                and isinstance(finding, Measurement)
                and finding.concept == target.concept
            ):
                yield target.name, finding.value


def _sizes(findings: Sequence[Finding], targets: Sequence[Target]) -> Iterator[tuple[str, Mapping[int, int]]]:
    masks = [finding for finding in findings if isinstance(finding, Segmentation)]
    boxes = [finding for finding in findings if isinstance(finding, Boxes)]
    for target in targets:
        if target.kind == "boxes" and boxes:
            one = boxes.pop(0)
            yield (
                target.name,
                {label.number: sum(item.code == label.code for item in one.items) for label in target.labels},
            )
        elif target.kind in ("segmentation", "overlapping", "instances"):
            known = {label.code for label in target.labels} | {codes.IGNORE}
            mask = next((m for m in masks if {s.code for s in m.segments} <= known), None)
            if mask is not None:
                masks.remove(mask)
                yield target.name, _of_mask(mask, target)


def _of_mask(mask: Segmentation, target: Target) -> Mapping[int, int]:
    if mask.kind == "instances":
        return {target.labels[0].number: int(np.count_nonzero(mask.labels))}
    structures = [s for s in mask.segments if s.code != codes.IGNORE]
    if mask.kind == "overlapping":
        return {s.number: int(np.count_nonzero(mask.mask(s.number))) for s in structures}
    counts = np.bincount(mask.labels.ravel(), minlength=max((s.number for s in mask.segments), default=0) + 1)
    return {s.number: int(counts[s.number]) for s in structures}


def _outside(boxes: Boxes, case: Case) -> int:
    shape = np.array(next(iter(case.images.values())).space.shape)
    return sum(bool((item.low < -1).any() or (item.high > shape).any()) for item in boxes.items)
