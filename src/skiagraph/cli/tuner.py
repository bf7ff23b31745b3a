"""The way of `skiagraph tune` up to the plan that is learnt in the end: the space, the trials, their table and page."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import typer

from skiagraph.cli.course import trainings_of

if TYPE_CHECKING:
    from skiagraph.case import Dataset
    from skiagraph.cli.wish import Wish
    from skiagraph.training import Plan
    from skiagraph.training.space import Dimension
    from skiagraph.training.trials import Trial
    from skiagraph.training.tuning import Tuned

__all__ = ["Tuner"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Tuner:
    """How a better plan is sought.

    Args:
        trials: Trainings to compare, at most.
        tries: What to try, as `skiagraph.training.space.wished` reads it.
        only: Nothing else.
    """

    trials: int
    tries: tuple[str, ...]
    only: bool

    def space(self, plan: Plan, wish: Wish) -> tuple[Dimension, ...]:
        """What is tried about a plan.

        Raises:
            InvalidInput: Nothing, or what a plan does not take.
        """
        from skiagraph.training.space import check_space, usual_space, wished

        fixed = tuple(setting.partition("=")[0].strip() for setting in wish.setting or ())
        found = wished(() if self.only else usual_space(plan, fixed), plan, self.tries)
        check_space(found, plan)
        return found

    def say_space(self, plan: Plan, wish: Wish) -> None:
        """Says what is tried, as a table."""
        from rich.console import Console
        from rich.table import Table

        table = Table("field", "is tried", title=f"what at most {self.trials} trials try")
        for dimension in self.space(plan, wish):
            by = " (by its logarithm)" if getattr(dimension, "by_logarithm", False) else ""
            table.add_row(dimension.field, dimension.told + by)
        Console().print(table)

    def better(self, learn: Dataset, plan: Plan, wish: Wish, begun: float) -> Plan:
        """The best plan that the trials find, with what is left of the time; their page lies beside the bundle.

        Args:
            learn: To learn from and to validate on.
            plan: What was planned; its time budget is that of one trial.
            wish: What was asked for.
            begun: When the command began, on the monotonic clock.

        Raises:
            MissingPackage: Optuna is not installed.
            InvalidInput: Nothing is kept apart to validate on, or no trial ended.
            WriteFailed: The disk does not take what is kept.
        """
        from skiagraph.cli.progress import progress
        from skiagraph.codecs import written
        from skiagraph.optional import optional

        tuning = optional("skiagraph.training.tuning", package="optuna", extra="train")
        space = self.space(plan, wish)
        # The last trial begins when there is time for one more, and for the model.
        limit = None if plan.seconds is None else plan.seconds * max(1, self.trials - 1)
        search = tuning.Search(
            trials=self.trials,
            seed=wish.seed,
            seconds=limit,
            store=_beside(wish.out, "json"),
            cache=wish.samples,
        )
        with progress("tuning", shown=not wish.as_json) as watch:
            found: Tuned = tuning.tune(learn, _of_trials(learn, plan, wish), space, search, watch=watch)
        best = dataclasses.replace(found.plan, folds=plan.folds)
        page = _beside(wish.out, "html")
        with written(page) as work:
            work.write_text(_page(found, space, wish, learn), encoding="utf-8")
        if not wish.as_json:
            _say(found, space)
            typer.echo(f"the page about the trials: {page}")
        if wish.seconds is None or plan.seconds is None:
            return best
        gone = max(time.monotonic() - begun, sum(trial.seconds for trial in found.trials))
        left = max(plan.seconds, (wish.seconds - gone) / trainings_of(wish))
        return dataclasses.replace(best, seconds=left)


def _of_trials(learn: Dataset, plan: Plan, wish: Wish) -> Plan:
    """The plan of the trials: one network each, unless folds were asked for, or nothing is kept apart but by folds."""
    from skiagraph.training import parted

    one = dataclasses.replace(plan, folds=1)
    ((_, apart),) = parted(learn, one, wish.seed)
    return one if wish.folds <= 1 and len(apart) else plan


def _beside(out: Path, suffix: str) -> Path:
    return out.with_name(f"{out.name}-tuning.{suffix}")


def _page(found: Tuned, space: Sequence[Dimension], wish: Wish, learn: Dataset) -> str:
    from skiagraph.report.tuning import TrialRow, TuningPage, render_tuning

    rows = tuple(
        TrialRow(
            number=trial.number,
            values=_values(trial, space),
            outcome=trial.outcome,
            figure=trial.figure,
            curve={int(part) / 20: figure for part, figure in trial.curve.items()},
            seconds=trial.seconds,
            problem=trial.problem,
        )
        for trial in found.trials
    )
    page = TuningPage(
        name=wish.out.name,
        data=learn.name,
        figure=found.aim.name,
        more=found.aim.more,
        fields=tuple(dimension.field for dimension in space),
        rows=rows,
        best=found.best.number,
        importance=found.importance,
    )
    return render_tuning(page, lang=wish.lang.value)


def _values(trial: Trial, space: Sequence[Dimension]) -> tuple[str, ...]:
    def told(value: Any) -> str:
        return f"{value:.3g}" if isinstance(value, float) else str(value)

    return tuple(told(trial.values[dimension.field]) for dimension in space)


def _say(found: Tuned, space: Sequence[Dimension]) -> None:
    from rich.console import Console
    from rich.table import Table

    words = {"ended": "", "stopped": "given up", "failed": "failed"}
    table = Table("trial", found.aim.name, "", "s", "tried", title=f"trials; the best is {found.best.number}")
    for trial in found.trials:
        figure = "–" if trial.figure is None else f"{trial.figure:.4g}"
        style = "bold" if trial.number == found.best.number else None
        named = zip((d.field for d in space), _values(trial, space), strict=True)
        tried = ", ".join(f"{field} {value}" for field, value in named)
        cells = (str(trial.number), figure, words[trial.outcome], f"{trial.seconds:.0f}", tried)
        table.add_row(*cells, style=style)
    Console().print(table)
    if found.importance:
        told = ", ".join(f"{field} {100 * share:.0f} %" for field, share in found.importance.items())
        typer.echo(f"what mattered: {told}")
    for trial in found.trials:
        if trial.problem:
            typer.echo(f"trial {trial.number} failed: {trial.problem}", err=True)
