"""Trainings with parts of the data, to see what more of it would bring."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
from numpy.random import Generator

from skiagraph.case import Dataset
from skiagraph.errors import InvalidInput
from skiagraph.training.fit_measures import SizePoint

__all__ = ["part_of", "size_points"]


def size_points(
    dataset: Dataset,
    score: Callable[[Dataset, Generator], SizePoint],
    *,
    rng: Generator,
    shares: Sequence[float] = (0.25, 0.5, 1.0),
    seeds: int = 2,
) -> tuple[SizePoint, ...]:
    """The scores of a model that learns from parts of a data set.

    Args:
        dataset: To learn from.
        score: Trains a model on a data set, with its chance, and judges it on cases that are never learnt from, always
            the same.
        rng: Draws the parts, and is the chance of the trainings.
        shares: Of the groups.
        seeds: Trainings of each size, each with a part of its own.

    Returns:
        One point a size. Its standard error is that over trainings, or the one of its only training.

    Raises:
        InvalidInput: Shares outside of 0 to 1, or no training.
    """
    if seeds < 1 or not all(0 < share <= 1 for share in shares):
        raise InvalidInput("a data-size study has shares above 0 up to 1", got=f"{shares}, {seeds} seeds")
    points = []
    for share in shares:
        found = [score(part_of(dataset, share, rng), rng) for _ in range(seeds)]
        scores = np.array([point.score for point in found])
        error = float(scores.std(ddof=1) / seeds**0.5) if seeds > 1 else found[0].error
        n, mean = round(float(np.mean([point.n for point in found]))), float(scores.mean())
        points.append(SizePoint(n=n, score=mean, error=max(error, 1e-9)))
    return tuple(points)


def part_of(dataset: Dataset, share: float, rng: Generator) -> Dataset:
    """Some of the groups of a data set, with strata as in the whole; at least one of each that is a class.

    Args:
        dataset: The whole.
        share: Of the groups, above 0.
        rng: Draws.
    """
    strata: dict[str, list[float]] = {}
    for sample in dataset:
        strata.setdefault(sample.group, []).append(sample.stratum)
    means = {group: float(np.mean(values)) for group, values in strata.items()}
    kinds = sorted(set(means.values()))
    chosen: set[str] = set()
    if len(kinds) <= 20:
        for kind in kinds:
            groups = [g for g in means if means[g] == kind]
            drawn = rng.permutation(len(groups))[: max(1, round(share * len(groups)))]
            chosen.update(groups[int(i)] for i in drawn)
    else:
        order = sorted(means, key=lambda g: (means[g], g))
        blocks = np.array_split(np.arange(len(order)), max(1, round(share * len(order))))
        chosen.update(order[int(rng.choice(block))] for block in blocks)
    return dataclasses.replace(dataset, samples=tuple(s for s in dataset if s.group in chosen))
