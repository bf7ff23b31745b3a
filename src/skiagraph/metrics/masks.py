"""Two segmentations made comparable: one lattice, one structure, moment by moment, unjudged places left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from skiagraph.codes import Code
from skiagraph.errors import GeometryError
from skiagraph.findings import Segmentation
from skiagraph.geometry import Space

__all__ = [
    "Structure",
    "check_same_lattice",
    "diagonal",
    "judged",
    "label_of",
    "mask_of",
    "moments",
    "numbers_of",
    "speaks_of",
]

Structure: TypeAlias = Code | int | None
"""What is measured: all segments of a code, the segment of a number, or everything that is not background (None)."""


def check_same_lattice(prediction: Segmentation, reference: Segmentation) -> None:
    """Refuses segmentations that do not lie voxel on voxel.

    Raises:
        GeometryError: Two lattices, or two timelines.
    """
    a, b = prediction.space, reference.space
    times = [None if s.timeline is None else len(s.timeline) for s in (a, b)]
    if (a.shape, a.unit, times[0]) != (b.shape, b.unit, times[1]) or not np.allclose(
        a.affine, b.affine, atol=1e-4
    ):
        raise GeometryError(
            "both outlines lie on one lattice",
            got=f"shapes {a.shape} and {b.shape}, or other places",
            way_out="resample one onto the other",
        )


def label_of(structure: Structure) -> str:
    """The word for a structure in the names of figures; empty for everything."""
    if structure is None:
        return ""
    return f"segment {structure}" if isinstance(structure, int) else structure.meaning or structure.value


def numbers_of(segmentation: Segmentation, structure: Structure) -> list[int]:
    """The numbers of the segments that a structure is made of; none where the segmentation has no such segment."""
    return [s.number for s in segmentation.segments if structure is None or structure in (s.number, s.code)]


def mask_of(segmentation: Segmentation, structure: Structure) -> NDArray[np.bool_]:
    """Where a structure is: boolean, axes (time, spatial...)."""
    numbers, labels = numbers_of(segmentation, structure), segmentation.labels
    if segmentation.kind == "overlapping":
        chosen = [i for i, s in enumerate(segmentation.segments) if s.number in numbers]
        return np.asarray(labels[chosen].any(axis=0), dtype=np.bool_)
    if len(numbers) == len(segmentation.segments):
        return np.asarray(labels != 0, dtype=np.bool_)
    if len(numbers) <= 1:
        return np.asarray(
            labels == numbers[0] if numbers else np.zeros(labels.shape, np.bool_), dtype=np.bool_
        )
    return np.isin(labels, numbers)


def judged(reference: Segmentation, ignore: Structure) -> NDArray[np.bool_] | None:
    """Where the reference tells the truth: everywhere (None) but in the segments to ignore."""
    if ignore is None or not numbers_of(reference, ignore):
        return None
    return ~mask_of(reference, ignore)


def speaks_of(reference: Segmentation, structure: Structure) -> bool:
    """Whether a reference says where a structure is, be it nowhere.

    It speaks of its segments. One without any segment says that nothing is there; among instances, what has no object
    is not there.
    """
    silent = structure is not None and reference.segments and not numbers_of(reference, structure)
    return reference.kind == "instances" or not silent


def moments(space: Space, *masks: NDArray[np.bool_]) -> Iterator[tuple[NDArray[np.bool_], ...]]:
    """The masks of each moment, shape (spatial...); of a still image once."""
    if space.timeline is None:
        yield masks
    else:
        yield from zip(*masks, strict=True)


def diagonal(space: Space) -> float:
    """The longest way through a space, from corner to corner, in its unit: no distance within it is longer."""
    steps = space.affine[:-1, :-1] * np.array(space.shape)
    signs = np.array(np.meshgrid(*[[1.0]] + [[-1.0, 1.0]] * (space.ndim - 1))).reshape(space.ndim, -1)
    return float(np.linalg.norm(steps @ signs, axis=0).max())
