"""The trainings of one command, one after the other in one time budget: the model, other seeds, parts of the data."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator

    from skiagraph.case import Dataset
    from skiagraph.cli.wish import Wish
    from skiagraph.report.evaluated import Evaluated
    from skiagraph.task import Card, Recipe
    from skiagraph.training import Clock, Plan, Taught
    from skiagraph.training.fit_measures import SizePoint
    from skiagraph.training.logbook import Log
    from skiagraph.training.team import Team
    from skiagraph.workflow import Reader
    from skiagraph.workflow.evaluation import Beside

__all__ = [
    "Course",
    "Seeded",
    "held_out",
    "of_parts",
    "of_seeds",
    "on_test",
    "reader_of",
    "taught",
    "trainings_of",
    "with_validation",
]

_RESERVE: Final = 0.05  # of the budget, for what nobody foresees
_PARTS: Final = (0.25, 0.5)


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Course:
    """What all trainings of a command share.

    Args:
        wish: What was asked for.
        plan: Of each; its time budget is that of one of them.
        data: Everything.
        learn: What is learnt from, with what calibrates.
        card: Of the model, without scores.
        folder: Where trainings go on from.
        begun: When the command began, on the monotonic clock.
        after: Seconds that judging and writing take in the end; None where nobody has measured.
        logs: Of the first training, for other programs.
        team: The processes that learn together; None learns alone.
    """

    wish: Wish
    plan: Plan
    data: Dataset
    learn: Dataset
    card: Card
    folder: Path
    begun: float
    after: float | None = None
    logs: tuple[Log, ...] = ()
    team: Team | None = None

    @property
    def trainings(self) -> int:
        """How many there are."""
        return trainings_of(self.wish)

    @property
    def test(self) -> Dataset | None:
        """The cases that the model is judged on in the end; None where there are none."""
        there = any(s.split == self.wish.test for s in self.data)
        return self.data.split(self.wish.test) if there else None

    def clock(self, done: int) -> Clock:
        """What of the time budget of the next training is not there for learning.

        Args:
            done: Trainings that are behind.
        """
        from skiagraph.training import Clock

        gone = time.monotonic() - self.begun
        if self.plan.seconds is None or self.after is None:
            return Clock(before=gone - done * (self.plan.seconds or 0.0))
        most = (1 - _RESERVE) * self.plan.seconds
        room = (most * self.trainings - self.after - gone) / (self.trainings - done)
        return Clock(before=most - max(room, 0.1 * most), after=0.0)


def trainings_of(wish: Wish) -> int:
    """How many trainings a wish asks for."""
    return wish.seeds + (len(_PARTS) if wish.sizes else 0)


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seeded:
    """What the trainings with several seeds gave, the first being that of the model.

    Args:
        figures: By the words for the cases, by the name of the figure, one value a seed.
        shares: Predictions of the same cases, shape (seeds, cases), and what is true of them; None of outlines, or
            where a seed refused other cases.
    """

    figures: Mapping[str, Mapping[str, tuple[float, ...]]]
    predicted: tuple[Any, Any] | None


def taught(course: Course, done: int, *, shown: bool, seed: int | None = None) -> Taught:
    """The network of one training.

    Args:
        course: Its circumstances.
        done: Trainings that are behind.
        shown: Whether a bar follows it.
        seed: Of all chance; None for the first.
    """
    chosen = course.wish.seed if seed is None else seed
    folder = course.folder if seed is None else course.folder / f"seed-{seed}"
    return _carried(course, course.learn, course.plan, (folder, chosen, done), shown=shown)


def _carried(
    course: Course, learn: Dataset, plan: Plan, where: tuple[Path, int, int], *, shown: bool
) -> Taught:
    from skiagraph.cli.progress import progress
    from skiagraph.training import teach
    from skiagraph.training.logbook import logged

    folder, seed, done = where
    what = "learning" if course.trainings == 1 else f"learning {done + 1} of {course.trainings}"
    with progress(what, shown=shown) as watch:
        return teach(
            learn,
            plan,
            rng=np.random.default_rng(seed),
            watch=logged(watch, *(() if done else course.logs)),
            checkpoint=folder / "checkpoint",
            cache=course.wish.samples,
            clock=course.clock(done),
            team=course.team,
        )


def with_validation(course: Course) -> Course:
    """The same, with the cases that are kept apart named, so that every training keeps the same apart."""
    from skiagraph.training import parted

    rng = np.random.default_rng(course.wish.seed)
    ((_, apart),) = parted(course.learn, course.plan, int(rng.integers(2**31)))
    names = {s.identifier for s in apart}
    samples = tuple(dataclasses.replace(s, split="val") if s.identifier in names else s for s in course.learn)
    return dataclasses.replace(course, learn=dataclasses.replace(course.learn, samples=samples))


def of_seeds(course: Course, first: tuple[Evaluated | None, Evaluated | None], *, shown: bool) -> Seeded:
    """Trains with the other seeds, and keeps their figures beside those of the first.

    Args:
        course: The circumstances.
        first: The first seed on the test split and on validation.
        shown: Whether bars follow it.
    """
    from skiagraph.workflow.evaluation import Beside

    rows = [_row(first)]
    for k in range(1, course.wish.seeds):
        file = course.folder / f"seed-{course.wish.seed + k}" / "figures.json"
        if not file.is_file():
            found = taught(course, k, shown=shown, seed=course.wish.seed + k)
            reader = reader_of(found.network, course.card, found.plan.recipe)
            tested = on_test(course, reader, Beside(), shown=shown)
            judged = tested, held_out(course, found, shown=shown)
            _kept(file, _row(judged))
        rows.append(json.loads(file.read_text("utf-8")))
    figures: dict[str, dict[str, tuple[float, ...]]] = {}
    for where in ("test", "validation"):
        names = [name for name in rows[0][where] if all(name in row[where] for row in rows)]
        if names:
            figures[where] = {name: tuple(row[where][name] for row in rows) for name in names}
    return Seeded(figures=figures, predicted=_predicted(rows))


def _kept(file: Path, data: Mapping[str, Any]) -> None:
    from skiagraph.errors import WriteFailed

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        work = file.with_suffix(".part")
        work.write_text(json.dumps(data), "utf-8")
        work.replace(file)
    except OSError as error:
        raise WriteFailed("what was learnt is kept on disk", got=error.strerror or "an error") from error


def _row(found: Sequence[Evaluated | None]) -> dict[str, Any]:
    """The figures at the head, and the answers about the first question."""
    row: dict[str, Any] = {"test": {}, "validation": {}, "answers": None}
    for where, one in zip(("test", "validation"), found, strict=True):
        for judged in () if one is None else one.judged:
            start = f"{judged.name}: " if judged.name else ""
            row[where] |= {f"{start}{name}": judged.figures[name].value for name in judged.headline}
        if one is not None and row["answers"] is None and one.judged[0].answers is not None:
            row["answers"] = one.judged[0].answers.tolist()
    return row


def _predicted(rows: Sequence[Mapping[str, Any]]) -> tuple[Any, Any] | None:
    if len(rows) < 2 or any(row["answers"] is None for row in rows):
        return None
    tables = [np.array(row["answers"], dtype=np.float64) for row in rows]
    if len({table.shape for table in tables}) != 1 or not all(np.isfinite(t).all() for t in tables):
        return None
    return np.stack([table[0].ravel() for table in tables]), tables[0][1].ravel()


def of_parts(course: Course, *, shown: bool) -> tuple[SizePoint, ...]:
    """Trains with parts of the data, as many steps as with all of it, and judges on the same cases.

    Args:
        course: The circumstances; some cases are of the split ``"val"``.
        shown: Whether bars follow it.

    Raises:
        InvalidInput: The cases that are kept apart do not tell the figure.
    """
    from skiagraph.training.fit_measures import SizePoint
    from skiagraph.training.size_study import size_points

    points: list[SizePoint] = []
    rest = [s for s in course.learn if s.split != "val"]
    apart = tuple(s for s in course.learn if s.split == "val")
    whole = dataclasses.replace(course.learn, samples=tuple(rest))
    for n, share in enumerate(_PARTS):
        folder = course.folder / f"part-{round(100 * share)}"
        file = folder / "point.json"

        def score(
            part: Dataset, _: Generator, *, n: int = n, share: float = share, file: Path = file
        ) -> SizePoint:
            if not file.is_file():
                learn = dataclasses.replace(part, samples=(*part.samples, *apart))
                where = (file.parent, course.wish.seed, course.wish.seeds + n)
                found = _carried(
                    course, learn, _for_part(course.plan, len(part), share, course.team), where, shown=shown
                )
                _kept(file, dataclasses.asdict(_point(found, len(part))))
            return SizePoint(**json.loads(file.read_text("utf-8")))

        rng = np.random.default_rng([course.wish.seed, n])
        points += size_points(whole, score, rng=rng, shares=(share,), seeds=1)
    return tuple(points)


def _point(found: Taught, n: int) -> SizePoint:
    from skiagraph.errors import InvalidInput

    if found.fit is None:
        raise InvalidInput(
            "a data-size curve is judged on cases of every class", got="too few are kept apart"
        )
    return found.fit.point(n)


def _for_part(plan: Plan, n: int, share: float, team: Team | None) -> Plan:
    each = 1 if team is None else team.share.size
    batch = max(each, min(plan.batch, n // 2) // each * each)
    return dataclasses.replace(plan, epochs=round(plan.epochs / share), batch=batch)


def reader_of(network: Any, card: Card, recipe: Recipe) -> Reader:
    """A network in memory, ready to read as its bundle will."""
    from skiagraph.inference import Gated, gate_of, staged
    from skiagraph.inference.torch_engine import TorchEngine
    from skiagraph.task import Bundle
    from skiagraph.workflow import Reader

    model = staged(card, recipe, TorchEngine(network))
    return Reader(
        bundle=Bundle(card=card, recipe=recipe, folder=Path()),
        digest="",
        engine=model.engine,
        model=Gated(model=model, gate=gate_of(recipe)),
        measure=None,
    )


def on_test(course: Course, reader: Reader, beside: Beside, *, shown: bool) -> Evaluated | None:
    """The figures on the test split; None where there is none, or, which is said, where none of it can be judged.

    Args:
        course: The circumstances.
        reader: The model.
        beside: What it is held against.
        shown: Whether a bar follows it.
    """
    from skiagraph.cli.progress import progress
    from skiagraph.errors import InvalidInput
    from skiagraph.workflow.evaluation import evaluated

    test, wish = course.test, course.wish
    if test is None:
        return None
    try:
        with progress("judging", shown=shown) as watch:
            return evaluated(reader, test, beside=beside, split=wish.test, seed=wish.seed, watch=watch)
    except InvalidInput as error:
        sys.stderr.write(f"skiagraph: the split {wish.test} tells nothing about the model: {error}\n")
        return None


def held_out(course: Course, found: Taught, *, shown: bool, beside: Beside | None = None) -> Evaluated | None:
    """The figures on the cases that were kept apart, each answered by the network that did not learn from it.

    Args:
        course: The circumstances.
        found: What was learnt.
        shown: Whether a bar follows it.
        beside: Baselines that did not learn from these cases; None for none.
    """
    from skiagraph.cli.progress import progress
    from skiagraph.errors import InvalidInput
    from skiagraph.workflow.evaluation import Beside, Part, evaluated_parts

    beside = beside or Beside()
    parts = [
        Part(
            reader=reader_of(network, course.card, found.plan.recipe),
            dataset=apart,
            baselines=beside.baselines,
        )
        for network, apart in found.members
        if len(apart)
    ]
    if not parts:
        return None
    words = "val" if len(parts) == 1 else f"out of fold ({len(parts)} folds)"
    try:
        with progress("judging", shown=shown) as watch:
            return evaluated_parts(parts, beside=beside, split=words, seed=course.wish.seed, watch=watch)
    except InvalidInput:
        return None
