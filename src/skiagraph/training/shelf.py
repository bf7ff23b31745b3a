"""Prepared samples on the disk, mapped when they are asked for, so that they may be more than the memory holds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, final, overload

import numpy as np

from skiagraph.case import Dataset, Sample
from skiagraph.plain import to_plain
from skiagraph.task import Recipe
from skiagraph.training.cache import Cache
from skiagraph.training.samples import Prepared, arrays_of, sample_of
from skiagraph.version import __version__

__all__ = ["Shelf", "has_own_files", "shelved"]

_HELD: Final = 2 * 2**30  # bytes up to which samples are held in memory all the same: nothing is faster


@final
class Shelf(Sequence[Prepared]):
    """Samples of which each is mapped from the disk when it is asked for, and only while it is used.

    Args:
        cache: Where they are.
        samples: Which.
        recipe: For what they were prepared.
    """

    def __init__(self, cache: Cache, samples: Sequence[Sample], recipe: Recipe) -> None:
        self._cache, self._samples, self._recipe = cache, samples, recipe

    def __len__(self) -> int:
        return len(self._samples)

    @overload
    def __getitem__(self, which: int) -> Prepared: ...

    @overload
    def __getitem__(self, which: slice) -> Shelf: ...

    def __getitem__(self, which: int | slice) -> Prepared | Shelf:
        if isinstance(which, slice):
            return Shelf(self._cache, self._samples[which], self._recipe)
        sample = self._samples[which]
        return sample_of(sample, self._recipe, self._cache.arrays(sample))


def has_own_files(dataset: Dataset) -> bool:
    """Whether each sample lies in files of its own; arrays of one large file are prepared faster than they are kept."""
    files = [sample.files for sample in dataset]
    return all(files) and len(set(files)) == len(files)


def shelved(
    dataset: Dataset, recipe: Recipe, folder: Path, *, strict: bool, held: int = _HELD
) -> tuple[Sequence[Prepared], tuple[str, ...]]:
    """Every sample that can be used, prepared once for all epochs, networks and runs that share a folder.

    Args:
        dataset: Each with files of its own.
        recipe: What they are prepared for.
        folder: Of the cache; may be deleted at any time.
        strict: Stop at the first sample that cannot be used.
        held: Bytes up to which all of them are read into memory; beyond, they are mapped one by one.

    Returns:
        The samples, and a sentence about each that was left out.

    Raises:
        SkiagraphError: A sample that cannot be used (strict).
        InvalidInput: None can be used.
    """
    cache = Cache(folder=folder, recipe=_key(recipe), prepare=lambda sample: arrays_of(sample, recipe))
    filled = cache.fill(dataset.samples, watch=_silent, strict=strict)
    shelf, found, size = Shelf(cache, filled.samples, recipe), [], 0
    for sample in filled.samples:
        arrays = cache.arrays(sample)
        size += sum(array.nbytes for array in arrays.values())
        if size > held:
            return shelf, filled.problems
        found.append(sample_of(sample, recipe, {name: np.array(a) for name, a in arrays.items()}))
    return found, filled.problems


def _key(recipe: Recipe) -> str:
    """All of a recipe on which prepared samples depend, and the version that prepares them."""
    parts: dict[str, Any] = to_plain(recipe)
    free = {"mirror", "calibration", *(("shape",) if recipe.overlap is not None else ())}
    kept = {name: value for name, value in parts.items() if name not in free}
    return json.dumps([__version__, kept], sort_keys=True)


def _silent(*_: Any) -> None:
    pass
