"""Samples on the lattice of the network, held in memory, and the batches that are drawn from them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from skiagraph.case import Dataset, Sample
from skiagraph.errors import InvalidInput, SkiagraphError
from skiagraph.geometry import spacing_of
from skiagraph.preprocess import (
    Step,
    augmented_stack,
    network_space,
    network_stack,
    normalised,
)
from skiagraph.task import Recipe
from skiagraph.training.distances import signed_distances
from skiagraph.training.loop import Batch
from skiagraph.training.plan import Plan
from skiagraph.training.targets import outlines_of, true_vector
from skiagraph.training.team import ALL, Share
from skiagraph.training.windows import drawn_window, places_inside

__all__ = [
    "Prepared",
    "arrays_of",
    "batches",
    "in_background",
    "prepared",
    "readable",
    "sample_of",
    "shown",
    "steps_per_epoch",
]

_BINS: Final = 8
_FAULTS: Final = (ArithmeticError, LookupError, OSError, RuntimeError, TypeError, ValueError)


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """One sample in memory.

    Args:
        picture: Shape (channels, spatial...), 0 to 1.
        target: Shape (outputs, spatial...), 0 to 1, of structures; else what is true of the whole, shape (labels,). NaN
            is not known.
        stratum: What balanced batches are balanced by.
        weight: How often it comes, beside the others.
        places: Flat indices of places inside of each structure, shape (structures, n), -1 where it is not there; None
            looks for them each time.
        spacing: Of the lattice, mm along each spatial axis; None where it is not known, or not needed.
        identifier: Of the sample; what goes wrong with it is told by that name.
    """

    picture: NDArray[np.float32]
    target: NDArray[np.float32]
    stratum: float = 0.0
    weight: float = 1.0
    places: NDArray[np.int64] | None = None
    spacing: NDArray[np.float64] | None = None
    identifier: str = ""


def prepared(dataset: Dataset, recipe: Recipe) -> list[Prepared]:
    """Every sample of a data set on the lattice of the recipe.

    Raises:
        InvalidInput: A sample without exactly one reference, or one that cannot be read.
    """
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda s: sample_of(s, recipe, arrays_of(s, recipe)), dataset))


def readable(dataset: Dataset, recipe: Recipe) -> tuple[list[Prepared], tuple[str, ...]]:
    """Every sample that can be used, and a sentence about each other one: one bad file ends no training.

    Raises:
        InvalidInput: None can be used.
    """

    def one(sample: Sample) -> Prepared | str:
        try:
            return sample_of(sample, recipe, arrays_of(sample, recipe))
        except SkiagraphError as error:
            return f"{sample.identifier} was left out: {error}"

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(one, dataset))
    good = [item for item in found if isinstance(item, Prepared)]
    problems = tuple(item for item in found if isinstance(item, str))
    if not good:
        raise InvalidInput("a training has samples that can be used", got=problems[0] if problems else "none")
    return good, problems


def arrays_of(sample: Sample, recipe: Recipe) -> dict[str, NDArray[Any]]:
    """What takes time to prepare of a sample: its picture, and of structures the target and some places, by name.

    Raises:
        InvalidInput: A sample without exactly one reference, or one that cannot be read.
    """
    if recipe.task != "segmentation":
        true_vector(sample, recipe)  # refuses the sample before it is decoded
    case = sample.case()
    if recipe.image not in case.images:
        raise InvalidInput(f"a case here has an image named {recipe.image}", got=sample.identifier)
    image = case.images[recipe.image]
    space = network_space(image.space, recipe)
    picture = network_stack(image, space, recipe)
    if recipe.intensity is not None:
        low, high = recipe.intensity.low, recipe.intensity.high
        picture = (picture.clip(low, high) - np.float32(low)) / np.float32(high - low)
    else:
        picture = (picture - picture.min()) / max(float(np.ptp(picture)), 1e-6)
    if recipe.overlap is not None and recipe.intensity is None:
        picture = normalised(picture, recipe.normalise)  # of the whole, which a window does not know
    found: dict[str, NDArray[Any]] = {"picture": picture.astype(np.float32)}
    if recipe.task == "segmentation":
        exclusive = recipe.activation == "softmax"
        found["target"] = outlines_of(sample, recipe.labels).on(space, exclusive=exclusive)
        steps = spacing_of(space)
        if steps is not None:
            found["spacing"] = np.array(steps)
        if recipe.overlap is not None:
            found["places"] = places_inside(found["target"][int(exclusive) :])
    return found


def sample_of(sample: Sample, recipe: Recipe, arrays: Mapping[str, NDArray[Any]]) -> Prepared:
    """A sample with what `arrays_of` gave.

    Raises:
        InvalidInput: It has no reference.
    """
    target, stratum = arrays.get("target"), sample.stratum
    if target is None:
        target = true_vector(sample, recipe)
        stratum = float(np.nan_to_num(target).argmax()) if recipe.task == "classification" else stratum
    return Prepared(
        picture=arrays["picture"],
        target=target,
        stratum=stratum,
        weight=sample.weight,
        places=arrays.get("places"),
        spacing=arrays.get("spacing"),
        identifier=sample.identifier,
    )


def shown(picture: NDArray[np.float32], recipe: Recipe) -> NDArray[np.float32]:
    """What the network sees of a prepared picture."""
    if recipe.intensity is not None:
        low, high = recipe.intensity.low, recipe.intensity.high
        return normalised(picture * np.float32(high - low) + np.float32(low), "window", recipe.intensity)
    return picture if recipe.overlap is not None else normalised(picture, recipe.normalise)


def batches(
    samples: Sequence[Prepared],
    plan: Plan,
    rng: Generator,
    steps: Sequence[Step] | None = None,
    after: int = 0,
    share: Share = ALL,
) -> Iterator[Batch]:
    """The batches of one epoch, augmented and normalised, made in the background while the last one is learnt from.

    Args:
        samples: In memory.
        plan: Batch size, augmentation, balance, normalisation.
        rng: All chance; each sample gets a generator of its own, so that the number of threads does not matter.
        steps: Augmentation in place of the plan's.
        after: How many batches are passed over, without being made.
        share: Of each batch, the part that is made; it is the same as within the whole batch.

    Returns:
        Pictures (batch, channels, spatial...) and targets (batch, outputs, spatial...) or (batch, labels), float32.

    Raises:
        InvalidInput: A batch cannot be shared evenly, or a sample could not be augmented; the message names it.
    """
    rows = share.of(plan.batch)
    order, used = _order(samples, plan, rng), plan.steps if steps is None else steps
    groups = [order[i : i + plan.batch] for i in range(0, len(order) - plan.batch + 1, plan.batch)]
    jobs = (
        functools.partial(_batch, [samples[i] for i in group], plan, used, rng.spawn(len(group) + 1), rows)
        for group in groups
    )
    return in_background(jobs, after)


def in_background(jobs: Iterable[Callable[[], Batch]], after: int = 0) -> Iterator[Batch]:
    """What each job makes, in order, without the first few; the next two are made while one is used."""
    with ThreadPoolExecutor(1) as pool:
        waiting: list[Future[Batch]] = []
        for job in islice(jobs, after, None):
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
    strata, weights = np.array([s.stratum for s in samples]), np.array([s.weight for s in samples])
    if len(set(strata.tolist())) <= 4 * _BINS:
        _, bin_of, counts = np.unique(strata, return_inverse=True, return_counts=True)
    else:
        counts, edges = np.histogram(strata, bins=_BINS)
        bin_of = np.clip(np.searchsorted(edges, strata, side="right") - 1, 0, len(counts) - 1)
    rarity = weights / counts[bin_of]
    drawn = rng.choice(n, size=extra, p=rarity / rarity.sum())
    once = np.arange(n)
    if np.ptp(weights) > 0:
        once = rng.choice(n, size=n, p=weights / weights.sum())
    return rng.permutation(np.concatenate([once, drawn]))


def _batch(
    samples: Sequence[Prepared],
    plan: Plan,
    steps: Sequence[Step],
    rngs: Sequence[Generator],
    rows: Sequence[int],
) -> Batch:
    n, chance = len(samples), rngs[-1]
    share = (
        chance.beta(plan.mixup, plan.mixup, n).astype(np.float32) if plan.mixup else np.ones(n, np.float32)
    )
    partner = chance.permutation(n) if plan.mixup else np.arange(n)
    made = {row: _named(samples[row], plan, steps, rngs[row]) for row in {*rows, *partner[rows].tolist()}}

    def mixed(part: int) -> NDArray[np.float32]:
        """Each sample with a share of another one. Source: Zhang et al., mixup (ICLR 2018)."""
        own, other = (np.stack([made[row][part] for row in which]) for which in (rows, partner[rows]))
        if not plan.mixup:
            return own
        much = share[rows].reshape(-1, *(1,) * (own.ndim - 1))
        return np.asarray(much * own + (1 - much) * other, dtype=np.float32)

    return mixed(0), mixed(1)


def _named(
    sample: Prepared, plan: Plan, steps: Sequence[Step], rng: Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The sample, as it is drawn; a fault in the background of a long training is told with its name."""
    try:
        return _drawn(sample, plan, steps, rng)
    except _FAULTS as error:
        raise InvalidInput(
            f"the sample {sample.identifier or 'of a batch'} can be augmented and shown to the network",
            got=f"{type(error).__name__} ({error})",
            way_out="leave it out, or have less of the augmentation",
        ) from error


def _drawn(
    sample: Prepared, plan: Plan, steps: Sequence[Step], rng: Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    picture, target, recipe = sample.picture, sample.target, plan.recipe
    low, high = np.float32(0), np.float32(1)
    if recipe.overlap is not None:
        picture, target = drawn_window(picture, target, plan, rng, sample.places)
        if recipe.intensity is None:
            low, high = picture.min(), max(picture.max(), picture.min() + np.float32(1e-6))
    picture, masks = augmented_stack(
        steps, rng, (picture - low) / (high - low), target if target.ndim > 1 else None
    )
    if recipe.activation == "softmax" and len(masks):
        rest = np.clip(1 - np.nansum(masks[1:], 0), 0.0, 1.0)  # what came in from outside is background
        masks[0] = np.where(np.isnan(masks[0]), np.nan, rest)
    if plan.loss == "overlap-entropy-boundary":
        structures = masks[recipe.outputs - len(recipe.labels) :]
        masks = np.concatenate([masks, signed_distances(structures, sample.spacing)])
    return shown(picture * (high - low) + low, recipe), masks if len(masks) else target
