"""What the masks of a data set hold, where nobody has said it: one structure, numbered ones, or counted objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, final

import numpy as np

from skiagraph.case import Label, Target
from skiagraph.codes import Code
from skiagraph.errors import FormatError, SkiagraphError
from skiagraph.image import pixels
from skiagraph.io.datasets.words import coded, local, mask_labels
from skiagraph.io.formats import read_image

__all__ = ["Held", "held_by", "mask_target"]

_LOOKED_AT: Final = 64
_OBJECTS: Final = 10  # more than this in one file, numbered without a gap: objects, not structures
_SHADES: Final = 16  # more values than this up to 255 in a picture: the soft edge of one structure


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What was found in masks.

    Args:
        kind: ``"binary"``, ``"segmentation"`` or ``"instances"``.
        numbers: That stand for a structure, rising.
        files: How many were looked at.
    """

    kind: Literal["binary", "segmentation", "instances"]
    numbers: tuple[int, ...]
    files: int


def held_by(files: Sequence[Path]) -> Held:
    """Looks through up to 64 masks, spread over all of them.

    One value beside 0 is one structure, whatever the value is; so are the shades of a picture up to 255. Numbers
    without a gap, of which files have unlike many and some more than ten, count objects. All others are labels.

    Raises:
        FormatError: None of them can be read.
    """
    sets: list[tuple[int, ...]] = []
    error: SkiagraphError | None = None
    for file in files[:: max(1, -(-len(files) // _LOOKED_AT))]:
        try:
            sets.append(_numbers(file))
        except SkiagraphError as one:
            error = error or one
    if not sets:
        raise error or FormatError("masks are looked through for their labels", got="no mask")
    every = sorted({n for numbers in sets for n in numbers})
    told = [numbers for numbers in sets if numbers]
    counts = {len(numbers) for numbers in told}
    gapless = bool(told) and all(numbers[-1] == len(numbers) for numbers in told)
    if len(every) <= 1 or (every[-1] == 255 and len(every) > _SHADES):
        return Held(kind="binary", numbers=tuple(every[-1:]), files=len(sets))
    if gapless and max(counts) > _OBJECTS and len(counts) > 1:
        return Held(kind="instances", numbers=(1,), files=len(sets))
    return Held(kind="segmentation", numbers=tuple(every), files=len(sets))


def _numbers(file: Path) -> tuple[int, ...]:
    image = read_image(file).image
    array = np.asarray(pixels(image))
    if image.channels:
        array = np.asarray(array.any(axis=-1))
    if array.dtype.kind == "f":
        array = array[np.isfinite(array)]
        array = np.rint(array).astype(np.int64)
    if array.dtype.kind == "b" or (array.size and array.min() >= 0 and array.max() < 2**16):
        there = np.flatnonzero(np.bincount(array.ravel().astype(np.uint16, copy=False)))
    else:
        there = np.unique(array)
    return tuple(int(n) for n in there if n)


def mask_target(
    name: str, files: Sequence[Path], structures: Mapping[int, Code] | None = None, words: str = ""
) -> tuple[Target, bool]:
    """The target of label maps, and whether all that is not 0 in them is one structure.

    Args:
        name: Of the target.
        files: The masks; they are looked through where `structures` is None.
        structures: What their numbers mean. Of one structure the masks are taken as binary. What is called ignore is no
            structure.
        words: What a single structure is called, a word or ``SCHEME|VALUE|MEANING``; empty for `name`.

    Raises:
        FormatError: No mask can be read.
    """
    concept = coded(words or name)
    if structures is not None:
        labels, ignore = mask_labels([Label(number=n, code=code) for n, code in structures.items()])
        if len(labels) == 1:
            concept = labels[0].code
        target = Target(name=name, kind="segmentation", concept=concept, labels=labels, ignore=ignore)
        return target, len(structures) == 1
    held = held_by(files)
    if held.kind == "segmentation":
        labels = tuple(Label(number=n, code=local(f"{name} {n}")) for n in held.numbers)
        return Target(name=name, kind="segmentation", concept=concept, labels=labels), False
    one = (Label(number=1, code=concept),)
    kind: Literal["instances", "segmentation"] = "instances" if held.kind == "instances" else "segmentation"
    return Target(name=name, kind=kind, concept=concept, labels=one), held.kind == "binary"
