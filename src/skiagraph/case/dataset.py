"""A data set: samples that load when asked, in groups that no split ever parts."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

import numpy as np
from numpy.random import Generator

from skiagraph.case.case import Case
from skiagraph.case.target import Target
from skiagraph.errors import InvalidInput
from skiagraph.findings import Finding

__all__ = ["Dataset", "Sample", "folds"]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """One case with its reference, not loaded yet.

    Args:
        identifier: Unique in the data set.
        group: The patient (or whatever must not stand on both sides of a split).
        split: ``"train"``, ``"val"``, ``"test"``, or another word of the manifest.
        case: Loads the case.
        reference: Loads what is held to be true.
        stratum: A number that splits should spread evenly: the size of the structure, the number of the class.
        weight: How much it counts in learning, 0 or more; 1 where nothing is said.
        attributes: What it is, for figures of subgroups, by name: ``site``, ``sex``, ``age``... Never an identity.
        files: The files behind image and reference, for digests; empty where there are none.
        told: All else that its data set says of it (size of a pixel, what the numbers of a mask mean), for digests.

    Raises:
        InvalidInput: A weight that is negative or not finite.
    """

    identifier: str
    group: str
    split: str
    case: Callable[[], Case]
    reference: Callable[[], tuple[Finding, ...]]
    stratum: float = 0.0
    weight: float = 1.0
    attributes: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    told: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.weight) and self.weight >= 0):
            raise InvalidInput("the weight of a sample is a number from 0", got=str(self.weight))


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dataset:
    """Samples, and where they come from.

    Args:
        name: Name of the data set.
        samples: In a stable order.
        licence: Under which terms it may be used; stands on the card of every model that learnt from it.
        targets: What the references answer, with the lists of their labels; empty where nobody has said.
        layout: One sentence on how its files were understood; empty where it was made in memory.
        problems: What was left out or had to be supposed, one sentence each.

    Raises:
        InvalidInput: A sample twice, or a group in two splits.
    """

    name: str
    samples: tuple[Sample, ...] = field(repr=False)
    licence: str = ""
    targets: tuple[Target, ...] = ()
    layout: str = ""
    problems: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = [s.identifier for s in self.samples]
        if len(set(names)) != len(names):
            raise InvalidInput("each sample of a data set has an identifier of its own", got="one twice")
        where: dict[str, str] = {}
        for s in self.samples:
            if where.setdefault(s.group, s.split) != s.split:
                raise InvalidInput(
                    "a group lies in one split",
                    got=f"a group in {where[s.group]} and {s.split}",
                    way_out="mend the manifest: all images of one patient belong together",
                )

    def __len__(self) -> int:
        return len(self.samples)

    def __iter__(self) -> Iterator[Sample]:
        return iter(self.samples)

    def split(self, *names: str) -> Dataset:
        """The samples of the named splits.

        Raises:
            InvalidInput: None there.
        """
        samples = tuple(s for s in self.samples if s.split in names)
        if not samples:
            there = ", ".join(sorted({s.split for s in self.samples}))
            raise InvalidInput(
                "a split that is asked for has samples",
                got=f"{', '.join(names)} of data with {there or 'no samples'}",
                way_out="ask for a split that is there, or mark samples with the missing one",
            )
        return dataclasses.replace(self, samples=samples)


def folds(dataset: Dataset, n: int, rng: Generator) -> tuple[tuple[Dataset, Dataset], ...]:
    """Grouped and stratified cross-validation.

    Args:
        dataset: The samples; their strata are spread evenly over the folds.
        n: Number of folds.
        rng: Draws which group goes where.

    Returns:
        n pairs (to learn from, to judge on). Every sample is judged on exactly once, no group stands on both sides.

    Raises:
        InvalidInput: Fewer groups than folds.
    """
    members: dict[str, list[float]] = {}
    for s in dataset:
        members.setdefault(s.group, []).append(s.stratum)
    if not 2 <= n <= len(members):
        raise InvalidInput(
            "there are at least as many groups as folds, and two folds", got=f"{len(members)} and {n}"
        )
    order = sorted(members, key=lambda g: (float(np.mean(members[g])), g))
    place: dict[str, int] = {}
    for start in range(0, len(order), n):
        for group, fold in zip(order[start : start + n], rng.permutation(n), strict=False):
            place[group] = int(fold)

    def part(keep: Callable[[str], bool]) -> Dataset:
        return dataclasses.replace(dataset, samples=tuple(s for s in dataset if keep(s.group)))

    return tuple((part(lambda g, f=f: place[g] != f), part(lambda g, f=f: place[g] == f)) for f in range(n))  # type: ignore[misc]
