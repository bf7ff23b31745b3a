"""Samples on the lattice of the network, held in memory, and the batches that are drawn from them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from skiagraph.case import Dataset, Sample
from skiagraph.errors import InvalidInput
from skiagraph.findings import Segmentation
from skiagraph.image import Image
from skiagraph.preprocess import Step, augmented, network_pixels, network_space, normalised
from skiagraph.task import Recipe
from skiagraph.training.loop import Batch
from skiagraph.training.plan import Plan

__all__ = ["Prepared", "batches", "in_background", "prepared"]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """One sample in memory: picture (rows, columns), 0 to 1, and mask (rows, columns), 0 to 1."""

    picture: NDArray[np.float32]
    mask: NDArray[np.float32]
    stratum: float


def prepared(dataset: Dataset, recipe: Recipe) -> list[Prepared]:
    """Every sample of a data set on the lattice of the recipe.

    Raises:
        InvalidInput: A sample without exactly one segmentation among its references.
    """
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda s: _prepared(s, recipe), dataset))


def _prepared(sample: Sample, recipe: Recipe) -> Prepared:
    references = [f for f in sample.reference() if isinstance(f, Segmentation)]
    if len(references) != 1:
        raise InvalidInput(
            "a sample has one reference segmentation", got=f"{len(references)} in {sample.identifier}"
        )
    image = sample.case().images[recipe.image]
    space = network_space(image.space, recipe)
    picture = network_pixels(image, space)
    picture = (picture - picture.min()) / max(float(np.ptp(picture)), 1e-6)
    mask = Image(data=references[0].mask(1).astype(np.uint8), space=references[0].space)
    return Prepared(
        picture=picture.astype(np.float32),
        mask=network_pixels(mask, space).astype(np.float32),
        stratum=sample.stratum,
    )


def batches(
    samples: Sequence[Prepared], plan: Plan, rng: Generator, steps: Sequence[Step] | None = None
) -> Iterator[Batch]:
    """The batches of one epoch, augmented and normalised, made in the background while the last one is learnt from.

    Args:
        samples: In memory.
        plan: Batch size, augmentation, balance, normalisation.
        rng: All chance; each sample gets a generator of its own, so that the number of threads does not matter.
        steps: Augmentation in place of the plan's.

    Returns:
        (pictures, masks), each (batch, 1, rows, columns), float32.
    """
    order, used = _order(samples, plan, rng), plan.steps if steps is None else steps
    groups = [order[i : i + plan.batch] for i in range(0, len(order) - plan.batch + 1, plan.batch)]
    return in_background(
        functools.partial(
            _batch, [samples[i] for i in group], used, plan.recipe.normalise, rng.spawn(len(group))
        )
        for group in groups
    )


def in_background(jobs: Iterable[Callable[[], Batch]]) -> Iterator[Batch]:
    """What each job makes, in order; the next two are made while one is used."""
    with ThreadPoolExecutor(1) as pool:
        waiting: list[Future[Batch]] = []
        for job in jobs:
            waiting.append(pool.submit(job))
            if len(waiting) > 2:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()


def steps_per_epoch(n: int, plan: Plan) -> int:
    """How many batches `batches` yields for `n` samples.

    Raises:
        InvalidInput: Not one.
    """
    steps = (n + round(plan.balance * n)) // plan.batch
    if steps < 1:
        raise InvalidInput(
            "a training has at least one batch of samples", got=f"{n} samples, batches of {plan.batch}"
        )
    return steps


def _order(samples: Sequence[Prepared], plan: Plan, rng: Generator) -> NDArray[np.intp]:
    n = len(samples)
    extra = round(plan.balance * n)
    strata = np.array([s.stratum for s in samples])
    counts, edges = np.histogram(strata, bins=8)
    bin_of = np.clip(np.searchsorted(edges, strata, side="right") - 1, 0, len(counts) - 1)
    weight = 1.0 / counts[bin_of]
    drawn = rng.choice(n, size=extra, p=weight / weight.sum())
    return rng.permutation(np.concatenate([np.arange(n), drawn]))


def _batch(
    samples: Sequence[Prepared], steps: Sequence[Step], normalise: str, rngs: Sequence[Generator]
) -> Batch:
    pairs = [augmented(steps, rng, s.picture, s.mask) for s, rng in zip(samples, rngs, strict=True)]
    pictures = np.stack([normalised(p, normalise) for p, _ in pairs])[:, None]
    return pictures, np.stack([m for _, m in pairs])[:, None]
