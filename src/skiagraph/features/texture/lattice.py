"""A region as texture sees it: cropped, in grey levels, slices first; and the ways to go from place to place."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, final, get_args

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput
from skiagraph.features.region import Region
from skiagraph.features.texture.levels import Levels, levels_of

__all__ = [
    "NOT_MEASURABLE",
    "Codes",
    "Lattice",
    "Merge",
    "lattice_of",
    "matrices",
    "not_measurable",
    "padded",
    "parts",
    "steps",
]

Codes = NDArray[np.uint8] | NDArray[np.uint16]
Merge = Literal["2D:avg", "2D:mrg", "2.5D:avg", "2.5D:mrg", "3D:avg", "3D:mrg"]
Step = tuple[int, int, int]

MOST_LEVELS: Final = 1024  # a matrix of levels by levels then takes 8 MB
HIGHEST_LEVEL: Final = 65535
NOT_MEASURABLE: Final = "a number in the region is not finite or beyond 1e60"


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lattice:
    """Grey levels on the smallest box around a region.

    Args:
        codes: Shape (slices, rows, columns); 0 outside of the region, k where the grey level is ``levels[k - 1]``.
        levels: The grey levels that occur, ascending, int64.
        inside: Shape of `codes`; the region before numbers out of range were left out.
        flat: Whether it is a picture: nothing is compared from slice to slice.
        merge: How matrices of slices and directions become one value.
        reason: Why it has no texture; empty where it has.
    """

    codes: Codes
    levels: NDArray[np.int64]
    inside: NDArray[np.bool_]
    flat: bool
    merge: Merge
    reason: str = ""

    @property
    def in_plane(self) -> bool:
        """Whether neighbours are looked for in the same slice only."""
        return self.flat or not self.merge.startswith("3D")


def lattice_of(region: Region, levels: Levels, merge: Merge, along: int) -> Lattice:
    """Brings a region to grey levels.

    Args:
        region: A picture or a volume.
        levels: How numbers become grey levels.
        merge: How matrices become one value.
        along: The axis of a volume along which its slices are stacked.

    Raises:
        InvalidInput: An unknown merge, or an axis that the region does not have.
    """
    if merge not in get_args(Merge):
        raise InvalidInput(
            "matrices are merged in one of six ways", got=merge, way_out=", ".join(get_args(Merge))
        )
    if not 0 <= along < region.ndim:
        raise InvalidInput("slices are stacked along an axis of the region", got=str(along))
    flat = region.ndim == 2 or region.numbers.shape[along] == 1
    if not region.mask.any():
        return _without("the region is empty", flat=flat, merge=merge)
    numbers, inside = _upright(region, along)
    if not_measurable(numbers[inside]):
        return _without(NOT_MEASURABLE, flat=flat, merge=merge)
    kept = inside
    if levels.within is not None:
        kept = inside & (numbers >= levels.within[0]) & (numbers <= levels.within[1])
    if not kept.any():
        return _without("no number of the region is in the range", flat=flat, merge=merge)
    grey = levels_of(numbers[kept], levels)
    if grey.max() > HIGHEST_LEVEL:
        return _without("the bins are too narrow: more than 65,535 grey levels", flat=flat, merge=merge)
    seen = np.bincount(grey.astype(np.int64)) > 0
    if seen.sum() > MOST_LEVELS:
        return _without("the bins are too narrow: more than 1,024 grey levels occur", flat=flat, merge=merge)
    code = np.cumsum(seen).astype(np.uint8 if seen.sum() < 256 else np.uint16)
    codes = np.zeros(kept.shape, dtype=code.dtype)
    codes[kept] = code[grey.astype(np.int64)]
    return Lattice(codes=codes, levels=np.flatnonzero(seen), inside=inside, flat=flat, merge=merge)


def not_measurable(numbers: NDArray[np.float64]) -> bool:
    """Whether one of them, of which there is at least one, is NaN, infinite, or so large that its power may be."""
    return not (numbers.max() < 1e60 and numbers.min() > -1e60)


def _without(reason: str, *, flat: bool, merge: Merge) -> Lattice:
    nothing = np.zeros((0, 0, 0), dtype=np.uint8)
    return Lattice(
        codes=nothing,
        levels=np.zeros(0, dtype=np.int64),
        inside=nothing > 0,
        flat=flat,
        merge=merge,
        reason=reason,
    )


def _upright(region: Region, along: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Numbers and mask of the smallest box around the mask, shape (slices, rows, columns)."""
    box = []
    for axis in range(region.ndim):
        there = np.flatnonzero(region.mask.any(axis=tuple(a for a in range(region.ndim) if a != axis)))
        box.append(slice(int(there[0]), int(there[-1]) + 1))
    numbers, mask = region.numbers[tuple(box)], region.mask[tuple(box)]
    if region.ndim == 2:
        return numbers[np.newaxis], mask[np.newaxis]
    return np.moveaxis(numbers, along, 0), np.moveaxis(mask, along, 0)


def parts(lattice: Lattice) -> Iterator[Codes]:
    """What gets matrices of its own: each slice where merged by slice, all of the region otherwise."""
    if not lattice.merge.startswith("2D"):
        yield lattice.codes
        return
    for index in range(len(lattice.codes)):
        if lattice.codes[index].any():
            yield lattice.codes[index : index + 1]


def steps(reach: int, *, in_plane: bool) -> tuple[Step, ...]:
    """Half of the steps to all neighbours within a Chebyshev distance; the other half goes the opposite way."""
    span = range(-reach, reach + 1)
    return tuple(
        (i, j, k)
        for i, j, k in itertools.product((0,) if in_plane else span, span, span)
        if (i, j, k) > (0, 0, 0)
    )


def padded(codes: Codes, taken: Sequence[Step], reach: int) -> tuple[Codes, list[int]]:
    """Codes in one row, with so many zeros behind each line that a step out of the box ends on a zero.

    Args:
        codes: Shape (slices, rows, columns).
        taken: Steps, none longer than `reach` along an axis.
        reach: Zeros behind each line.

    Returns:
        The row, and for each step how far it goes in that row; always forward.
    """
    _, rows, columns = (size + reach for size in codes.shape)
    wide = np.zeros(tuple(size + reach for size in codes.shape), dtype=codes.dtype)
    wide[tuple(slice(size) for size in codes.shape)] = codes
    row: Codes = wide.ravel()
    return row, [(i * rows + j) * columns + k for i, j, k in taken]


def matrices(
    lattice: Lattice, distance: int, count: Callable[[Codes, int], NDArray[Any]]
) -> Iterator[NDArray[Any]]:
    """Matrices of counts along directions, merged over directions and slices as the lattice says.

    Args:
        lattice: What is described.
        distance: Length of a step, in samples.
        count: From codes in one row and the length of a step in that row to a matrix; shapes must not differ.
    """
    taken = [(i * distance, j * distance, k * distance) for i, j, k in steps(1, in_plane=lattice.in_plane)]
    for part in parts(lattice):
        row, lengths = padded(part, taken, distance)
        each = (count(row, length) for length in lengths)
        if lattice.merge.endswith("avg"):
            yield from each
        else:
            yield sum(each, start=next(each))
