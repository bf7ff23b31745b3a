"""The way of every training: samples, their parts, the network, the loop, and what is calibrated in the end."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from skiagraph.training.errand import Errand
from skiagraph.training.lesson import Lesson, lesson_for
from skiagraph.training.loop import Learnt, Run, Stage, learn
from skiagraph.training.machine import Machine
from skiagraph.training.plan import Plan, Settle
from skiagraph.training.samples import Prepared, batches, prepared, readable, shown, steps_per_epoch
from skiagraph.training.shelf import has_own_files, shelved
from skiagraph.training.team import ALL, Share, Team
from skiagraph.training.timing import Clock, learning_seconds, seconds_per_step, settled, threads
from skiagraph.training.transfer import pace_of

__all__ = ["Record", "Taught", "answers_of", "follow", "parted", "stages_of", "teach"]

_VAL: Final = "val"
_FEWEST: Final = 10  # groups below which none is kept apart
_JUDGING: Final = 0.1  # of the time
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
    team: Team | None = None,
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
        team: The processes that learn together; this is the first of them, and the others `follow`. None learns alone.

    Raises:
        InvalidInput: Fewer samples than a batch, or none that can be used.
        ProcessLost: Another process of the team has ended.
    """
    seed, team = int(rng.integers(2**31)), Team() if team is None else team
    named = tuple((s.identifier, s.split) for s in dataset)
    team.told(Errand(plan=plan, seed=seed, samples=named))
    way = _Way(watch=watch, checkpoint=checkpoint, cache=cache, clock=clock, team=team)
    parts: list[_Part] = []
    problems: list[str] = []
    for part, left_out, used in _networks(dataset, plan, seed, way):
        plan = used
        parts += [] if part is None else [part]
        problems += [p for p in left_out if p not in problems]
    return _taught(parts, plan, tuple(problems))


def follow(dataset: Callable[[], Dataset], team: Team, cache: Path | None = None) -> None:
    """Learns whatever the first process of a team learns, until that one has no more.

    Args:
        dataset: All samples that it may name; asked for when they are needed.
        team: Of which this is not the first.
        cache: As of `teach`.

    Raises:
        InvalidInput: Other samples than the first process has.
        ProcessLost: Another process of the team has ended.
    """
    found: Dataset | None = None
    way = _Way(watch=lambda *_: None, checkpoint=None, cache=cache, clock=_UNTIMED, team=team)
    errand: Errand | None = team.told(None)
    while errand is not None:
        found = dataset() if found is None else found
        for _ in _networks(errand.of(found), errand.plan, errand.seed, way):
            pass
        errand = team.told(None)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """How `teach` was asked to learn."""

    watch: Watch
    checkpoint: Path | None
    cache: Path | None
    clock: Clock
    team: Team

    def file(self, end: str) -> Path | None:
        return None if self.checkpoint is None else self.checkpoint.with_name(f"{self.checkpoint.name}-{end}")


def _networks(
    dataset: Dataset, plan: Plan, seed: int, way: _Way
) -> Iterator[tuple[_Part | None, tuple[str, ...], Plan]]:
    """Learns one network after the other: each with what was left out, and the plan as it is carried out.

    What it said of other cases only the first process of a team finds out.
    """
    begun, team = time.monotonic(), way.team

    def now() -> Clock:
        return dataclasses.replace(way.clock, before=way.clock.before + time.monotonic() - begun)

    for fold, (learnt_from, held_out) in enumerate(parted(dataset, plan, seed)):
        samples, left_out = _usable(learnt_from, plan, way)
        held, also = _usable(held_out, plan, way) if len(held_out) else ([], ())
        team.check_same((len(samples), len(held)), "samples")
        network = built(plan, seed + fold)
        run = Run(
            seed=seed + fold,
            groups=pace_of(plan),
            watch=_counted(way.watch, fold, plan.folds),
            checkpoint=way.file(str(fold)),
            judge=_judge(samples, held, plan) if held else None,
            between=_between(samples, held, plan),
            team=team,
        )
        if fold == 0:
            timer = _epoch_timer(network, samples, plan, run)
            plan = settled(plan, way.file("epochs.json"), timer, now, team)
        with threads(plan.threads):
            stages = stages_of(samples, plan, team.share)
            learnt = learn(network, stages, plan, _with_limit(run, plan, now(), fold))
            part = _part(learnt, held_out, samples, held, plan) if team.first else None
            yield part, (*left_out, *also), plan


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


def _usable(dataset: Dataset, plan: Plan, way: _Way) -> tuple[Sequence[Prepared], tuple[str, ...]]:
    cache = way.cache
    if cache is not None and has_own_files(dataset):
        return way.team.in_turn(lambda: shelved(dataset, plan.recipe, cache, strict=plan.strict))
    return (prepared(dataset, plan.recipe), ()) if plan.strict else readable(dataset, plan.recipe)


def stages_of(samples: Sequence[Prepared], plan: Plan, share: Share = ALL) -> list[Stage]:
    """The stages of a plan over samples in memory, with a share of each batch."""
    lesson = lesson_for(plan)
    parts: tuple[Plan | Settle, ...] = (plan,) if plan.settle is None else (plan, plan.settle)
    stages = [_stage(samples, plan, part, (lesson, share)) for part in parts]
    if not plan.head_epochs:
        return stages
    return [dataclasses.replace(stages[0], epochs=plan.head_epochs, rates="alone"), *stages]


def _stage(samples: Sequence[Prepared], plan: Plan, part: Plan | Settle, how: tuple[Lesson, Share]) -> Stage:
    lesson, share = how

    def loss(answer: Any, target: Tensor, progress: float) -> Tensor:
        return lesson.loss(answer, target, part.moments, progress if part is plan else 1.0)

    return Stage(
        epochs=part.epochs,
        steps=steps_per_epoch(len(samples), plan),
        learning_rate=part.learning_rate,
        batches=lambda rng, after: batches(samples, plan, rng, part.steps, after, share),
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


def _between(samples: Sequence[Prepared], held: Sequence[Prepared], plan: Plan) -> int:
    """Epochs from one judgement to the next, so that judging what is read in windows takes about a tenth of the time.

    A window is read in a third of the time that it is learnt in, and a case has about two.
    """
    if plan.recipe.overlap is None:
        return 1
    windows = 2 * sum(map(len, _judged(samples, held, plan)))
    return max(1, math.ceil(windows / 3 / (_JUDGING * plan.batch * steps_per_epoch(len(samples), plan))))


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
    run: Run,
) -> Callable[[], float]:
    team = Team() if run.team is None else run.team

    def measure() -> float:
        (stage, *_) = stages_of(samples, plan, team.share)
        step = seconds_per_step(network, stage, plan, team)
        before = time.monotonic()
        if run.judge is not None and team.first:
            run.judge(network.eval())
            network.train()
        return stage.steps * step + (time.monotonic() - before) / run.between

    return measure
