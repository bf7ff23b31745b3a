"""The way of every training: samples, their parts, the network, the loop, and what is calibrated in the end."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor, nn

from skiagraph.case import Dataset, folds
from skiagraph.inference.mirror import Mirrored
from skiagraph.inference.tile import Tiled
from skiagraph.inference.torch_engine import TorchEngine
from skiagraph.task import Engine, Recipe, Watch
from skiagraph.training.build import Mean, built
from skiagraph.training.diagnosis_curves import Fit, Side, fit_of, judged_as, side_of
from skiagraph.training.lesson import Lesson, lesson_for
from skiagraph.training.loop import Learnt, Run, Stage, learn
from skiagraph.training.machine import Machine
from skiagraph.training.plan import Plan, Settle
from skiagraph.training.samples import Prepared, batches, prepared, readable, shown, steps_per_epoch
from skiagraph.training.shelf import has_own_files, shelved
from skiagraph.training.timing import Clock, learning_seconds, seconds_per_step, settled, threads
from skiagraph.training.transfer import pace_of

__all__ = ["Record", "Taught", "answers_of", "parted", "stages_of", "teach"]

_VAL: Final = "val"
_FEWEST: Final = 10  # groups below which none is kept apart
_JUDGED: Final = 64  # segmentations that are looked at after each epoch,
_SEEN_OUTLINES: Final = 16  # and of those that are learnt from;
_SEEN: Final = 256  # the same of whole images
_UNTIMED: Final = Clock()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a bundle keeps of its training.

    Args:
        plan: As it was carried out.
        history: The figures of each epoch, of all folds one after the other.
        samples: Of the data set, those that were kept apart with them.
        held: Cases on which it was calibrated; 0 where nothing was.
        problems: What was left out, one sentence each.
        seed: Of all chance.
        machine: What it was learnt on.
    """

    plan: Plan
    history: tuple[Mapping[str, float], ...]
    samples: int
    held: int
    problems: tuple[str, ...]
    seed: int
    machine: Machine


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Taught:
    """What a training gave.

    Args:
        network: In evaluation mode, on the CPU; of several folds their mean.
        plan: As it was carried out: with its epochs, and with what was calibrated in its recipe.
        history: The figures of each epoch, of all folds one after the other; ``"train ..."`` those of some cases that
            are learnt from.
        held: Cases on which it was calibrated; 0 where nothing was.
        problems: What was left out, one sentence each.
        members: The network of each fold, and the cases that it did not learn from.
        fit: How well it fits; None where nothing was kept apart.
    """

    network: nn.Module
    plan: Plan
    history: tuple[Mapping[str, float], ...]
    held: int
    problems: tuple[str, ...]
    members: tuple[tuple[nn.Module, Dataset], ...] = ()
    fit: Fit | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Part:
    """One network of a training: what it was, and what it said of the cases that were kept apart."""

    learnt: Learnt
    apart: Dataset
    answers: Sequence[NDArray[np.floating[Any]]]
    targets: Sequence[NDArray[np.floating[Any]]]
    sides: tuple[Side, Side] | None


def teach(  # noqa: PLR0913  what is learnt, how, and where it may keep things
    dataset: Dataset,
    plan: Plan,
    *,
    rng: Generator,
    watch: Watch,
    checkpoint: Path | None = None,
    cache: Path | None = None,
    clock: Clock = _UNTIMED,
) -> Taught:
    """Learns the network of a plan.

    Args:
        dataset: Samples of the split ``"val"`` are not learnt from; where there are none, some groups are kept apart.
        plan: Every choice.
        rng: All chance, in one draw: initial weights, order, augmentation, the groups that are kept apart.
        watch: Told after each epoch, counted over all folds.
        checkpoint: File to save to and to resume from, with the number of the fold at its end; None keeps nothing.
        cache: Folder of prepared samples, for all folds and runs that share it; None prepares them for each network.
        clock: What of the time budget is not there for learning.

    Raises:
        InvalidInput: Fewer samples than a batch, or none that can be used.
    """
    begun, seed = time.monotonic(), int(rng.integers(2**31))

    def now() -> Clock:
        return dataclasses.replace(clock, before=clock.before + time.monotonic() - begun)

    parts: list[_Part] = []
    problems: list[str] = []
    for fold, (learnt_from, held_out) in enumerate(parted(dataset, plan, seed)):
        samples, left_out = _usable(learnt_from, plan, cache)
        held, also = _usable(held_out, plan, cache) if len(held_out) else ([], ())
        problems += [p for p in (*left_out, *also) if p not in problems]
        network = built(plan, seed + fold)
        run = Run(
            seed=seed + fold,
            groups=pace_of(plan),
            watch=_counted(watch, fold, plan.folds),
            checkpoint=None if checkpoint is None else checkpoint.with_name(f"{checkpoint.name}-{fold}"),
            judge=_judge(samples, held, plan) if held else None,
        )
        if fold == 0:
            file = None if checkpoint is None else checkpoint.with_name(f"{checkpoint.name}-epochs.json")
            plan = settled(plan, file, _epoch_timer(network, samples, plan, run.judge), now)
        with threads(plan.threads):
            learnt = learn(network, stages_of(samples, plan), plan, _with_limit(run, plan, now(), fold))
            parts.append(_part(learnt, held_out, samples, held, plan))
    return _taught(parts, plan, tuple(problems))


def _part(
    learnt: Learnt, apart: Dataset, samples: Sequence[Prepared], held: Sequence[Prepared], plan: Plan
) -> _Part:
    lesson, recipe, rng = lesson_for(plan), plan.recipe, np.random.default_rng(0)
    outlines = recipe.task == "segmentation"
    seen, judged = _judged(samples, held, plan)
    answers = answers_of(learnt.network, judged, recipe)
    targets = [s.target for s in judged]
    first = second = None
    if held:
        known = answers_of(learnt.network, seen, recipe)
        first = side_of(lesson, recipe, known, [s.target for s in seen], rng)
        second = side_of(lesson, recipe, answers, targets, rng)
    return _Part(
        learnt=learnt,
        apart=apart,
        answers=() if outlines else answers,
        targets=() if outlines else targets,
        sides=None if first is None or second is None else (first, second),
    )


def _taught(parts: Sequence[_Part], plan: Plan, problems: tuple[str, ...]) -> Taught:
    answers, targets = ([a for p in parts for a in getattr(p, name)] for name in ("answers", "targets"))
    recipe = lesson_for(plan).calibrated(answers, targets) if answers else plan.recipe
    members = [part.learnt.network for part in parts]
    histories, sides = [p.learnt.history for p in parts], [p.sides for p in parts if p.sides is not None]
    return Taught(
        network=members[0] if len(members) == 1 else Mean(members).eval(),
        plan=dataclasses.replace(plan, recipe=recipe),
        history=tuple(row for history in histories for row in history),
        held=len(answers),
        problems=problems,
        members=tuple((part.learnt.network, part.apart) for part in parts),
        fit=fit_of(recipe, histories, sides) if len(sides) == len(parts) else None,
    )


def parted(dataset: Dataset, plan: Plan, seed: int) -> Sequence[tuple[Dataset, Dataset]]:
    """For each network what it learns from, and what is kept apart; no group is on both sides.

    Args:
        dataset: With a split ``"val"``, or without.
        plan: Folds, and the share that is kept apart where the data set names none.
        seed: Draws the groups.
    """
    rng, groups = np.random.default_rng([seed, 1]), {s.group for s in dataset}
    if plan.folds > 1:
        return folds(dataset, plan.folds, rng)
    named = tuple(s for s in dataset if s.split == _VAL)
    rest = tuple(s for s in dataset if s.split != _VAL)
    if named and rest:
        return [(dataclasses.replace(dataset, samples=rest), dataclasses.replace(dataset, samples=named))]
    if plan.validation and len(groups) >= _FEWEST:
        return folds(dataset, min(len(groups), max(2, round(1 / plan.validation))), rng)[:1]
    return [(dataset, dataclasses.replace(dataset, samples=()))]


def _usable(dataset: Dataset, plan: Plan, cache: Path | None) -> tuple[Sequence[Prepared], tuple[str, ...]]:
    if cache is not None and has_own_files(dataset):
        return shelved(dataset, plan.recipe, cache, strict=plan.strict)
    return (prepared(dataset, plan.recipe), ()) if plan.strict else readable(dataset, plan.recipe)


def stages_of(samples: Sequence[Prepared], plan: Plan) -> list[Stage]:
    """The stages of a plan over samples in memory."""
    lesson = lesson_for(plan)
    parts: tuple[Plan | Settle, ...] = (plan,) if plan.settle is None else (plan, plan.settle)
    stages = [_stage(samples, plan, part, lesson) for part in parts]
    if not plan.head_epochs:
        return stages
    return [dataclasses.replace(stages[0], epochs=plan.head_epochs, rates="alone"), *stages]


def _stage(samples: Sequence[Prepared], plan: Plan, part: Plan | Settle, lesson: Lesson) -> Stage:
    def loss(answer: Any, target: Tensor, progress: float) -> Tensor:
        return lesson.loss(answer, target, part.moments, progress if part is plan else 1.0)

    return Stage(
        epochs=part.epochs,
        steps=steps_per_epoch(len(samples), plan),
        learning_rate=part.learning_rate,
        batches=lambda rng, after: batches(samples, plan, rng, part.steps, after),
        loss=loss,
    )


def _with_limit(run: Run, plan: Plan, clock: Clock, fold: int) -> Run:
    """What is left of the time budget, shared among the folds that are left."""
    if plan.seconds is None:
        return run
    end = learning_seconds(plan, clock.before, clock.after)
    return dataclasses.replace(run, seconds=max(1.0, (end - clock.before) / (plan.folds - fold)))


def _counted(watch: Watch, fold: int, folds: int) -> Watch:
    def told(done: int, total: int, figures: Mapping[str, float], /) -> None:
        watch(fold * total + done, folds * total, figures)

    return told


def _judged(
    samples: Sequence[Prepared], held: Sequence[Prepared], plan: Plan
) -> tuple[Sequence[Prepared], Sequence[Prepared]]:
    """The cases that are looked at after each epoch, of those that are learnt from and of the others."""
    if plan.recipe.task == "segmentation":
        held = held[:: max(1, -(-len(held) // _JUDGED))]
    most = min(len(held), _SEEN_OUTLINES if plan.recipe.task == "segmentation" else _SEEN)
    return samples[:: max(1, -(-len(samples) // max(1, most)))], held


def _judge(
    samples: Sequence[Prepared], held: Sequence[Prepared], plan: Plan
) -> Callable[[nn.Module], Mapping[str, float]]:
    lesson, key = lesson_for(plan), judged_as(plan.recipe)
    seen, held = _judged(samples, held, plan)

    def judge(network: nn.Module) -> Mapping[str, float]:
        found, known = (
            lesson.figures(answers_of(network, side, plan.recipe), [s.target for s in side])
            for side in (held, seen)
        )
        return {**found, **({f"train {key}": known[key]} if key in known else {})}

    return judge


def answers_of(
    network: nn.Module, samples: Sequence[Prepared], recipe: Recipe
) -> list[NDArray[np.floating[Any]]]:
    """What a network says of samples, mirrored and in windows as the recipe reads."""
    engine: Engine = TorchEngine(network)
    if recipe.mirror:
        engine = Mirrored(engine=engine, axes=recipe.mirror)
    if recipe.overlap is not None:
        tiled = Tiled(engine=engine, window=recipe.shape, overlap=recipe.overlap)
        return [tiled(shown(s.picture, recipe)[None])[0] for s in samples]
    size = 16 if recipe.task == "segmentation" else 128
    groups = [samples[i : i + size] for i in range(0, len(samples), size)]
    return [a for group in groups for a in engine(np.stack([shown(s.picture, recipe) for s in group]))]


def _epoch_timer(
    network: nn.Module,
    samples: Sequence[Prepared],
    plan: Plan,
    judge: Callable[[nn.Module], Mapping[str, float]] | None,
) -> Callable[[], float]:
    def measure() -> float:
        (stage, *_) = stages_of(samples, plan)
        step = seconds_per_step(network, stage, plan)
        before = time.monotonic()
        if judge is not None:
            judge(network.eval())
            network.train()
        return stage.steps * step + time.monotonic() - before

    return measure
