"""`skiagraph tune`: seeks a better plan than the usual one, then learns the model as `skiagraph train` does."""

from __future__ import annotations

from typing import Annotated

import typer

from skiagraph.cli.wish import Wish, asked

__all__ = ["tune"]

tune = typer.Typer(
    help="Seek a better plan by training again and again, then learn the model with it. Needs skiagraph\\[train].",
    no_args_is_help=True,
)

Trials = Annotated[int, typer.Option(min=1, help="Trainings to compare, at most.")]
Tries = Annotated[
    list[str] | None,
    typer.Option(
        "--try", help="What to try: FIELD=LOW..HIGH or FIELD=A,B,C. Repeatable.", show_default=False
    ),
]
Only = Annotated[bool, typer.Option("--only", help="Try nothing but what --try names.")]


@tune.command()
@asked("classification")
def classification(wish: Wish, *, trials: Trials = 20, tries: Tries = None, only: Only = False) -> None:
    """Seek a better plan for telling classes.

    Plans are compared on cases that are kept apart, never on the test split; the best one is learnt and judged as
    `skiagraph train` does. What was cut off goes on when the same command is given again.

    Example: skiagraph tune classification pneumoniamnist.npz --out my-model --time-budget 1h
    """
    _carried_out(wish, trials, tries, only=only)


@tune.command()
@asked("regression")
def regression(wish: Wish, *, trials: Trials = 20, tries: Tries = None, only: Only = False) -> None:
    """Seek a better plan for measuring values.

    Example: skiagraph tune regression dataset.csv --out my-model --trials 30
    """
    _carried_out(wish, trials, tries, only=only)


@tune.command()
@asked("segmentation")
def segmentation(wish: Wish, *, trials: Trials = 20, tries: Tries = None, only: Only = False) -> None:
    """Seek a better plan for outlines.

    Example: skiagraph tune segmentation dataset.csv --out my-model --only --try learning_rate=1e-4..1e-2
    """
    _carried_out(wish, trials, tries, only=only)


def _carried_out(wish: Wish, trials: int, tries: list[str] | None, *, only: bool) -> None:
    from skiagraph.cli.learning import carry_out
    from skiagraph.cli.tuner import Tuner

    carry_out(wish, Tuner(trials=trials, tries=tuple(tries or ()), only=only))
