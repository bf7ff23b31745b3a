"""What `skiagraph train` says in the end: figures, the fit in words, what chance does, and where everything is."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from skiagraph.cli.account import Account
    from skiagraph.cli.course import Course
    from skiagraph.training import Taught

__all__ = ["say"]


def say(course: Course, account: Account, taught: Taught, seconds: float) -> None:
    """Says what came of a training, as text or as JSON; what was left out and what warns on standard error.

    Args:
        course: Its circumstances.
        account: How good the model is.
        taught: What was learnt.
        seconds: That everything took.
    """
    from skiagraph.cli.figures import warnings_of

    found = account.found
    warnings = [] if found is None else [w for judged in found.judged for w in warnings_of(judged)]
    problems = dict.fromkeys((*taught.problems, *(() if found is None else found.problems)))
    for line in problems:
        if line not in course.data.problems:  # which have been said
            sys.stderr.write(f"skiagraph: {line}\n")
    if course.wish.as_json:
        typer.echo(json.dumps(_plain(course, account, taught, (seconds, warnings)), indent=1))
        return
    _told(course, account, taught)
    for line in warnings:
        sys.stderr.write(f"skiagraph: warning: {line}\n")
    out, page = course.wish.out, course.wish.page
    if found is not None:
        typer.echo(f"the page about it, with curves and the worst cases: {page}")
    typer.echo(f"wrote {out} after {seconds:.0f} s; read with it: skiagraph read IMAGE --model {out}")


def _told(course: Course, account: Account, taught: Taught) -> None:
    from rich.console import Console

    from skiagraph.cli.figures import table_of
    from skiagraph.cli.judging import fit_said

    console, found, test = Console(), account.found, course.wish.test
    if taught.history:
        last = ", ".join(f"{name} {value:.4g}" for name, value in taught.history[-1].items())
        typer.echo(f"after {len(taught.history)} epochs: {last}")
    if course.test is None:
        typer.echo(
            f"there is no split {test}: nothing was measured on images that played no part in learning"
        )
    for one in (found, account.held):
        for judged in () if one is None else one.judged:
            where = "" if one is None else f"{one.cases} cases of {one.data}, {one.split}"
            console.print(table_of(judged, f"{where}: {judged.name}" if judged.name else where))
    if account.seeded is not None:
        for where, figures in account.seeded.figures.items():
            console.print(_seeds(where, figures))
    for line in fit_said(account.diagnosis, course.wish.lang):
        typer.echo(line)


def _seeds(where: str, figures: Mapping[str, tuple[float, ...]]) -> Any:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    from skiagraph.report.evaluation_sections import over_seeds

    n = len(next(iter(figures.values())))
    table = Table(title=f"{n} seeds on {where}", box=SIMPLE_HEAD, title_justify="left")
    for number, head in enumerate(("figure", "mean", "standard deviation", "least", "most")):
        table.add_column(head, justify="left" if number == 0 else "right")
    for name, *cells in over_seeds(figures):
        table.add_row(escape(name), *cells)
    return table


def _plain(course: Course, account: Account, taught: Taught, told: tuple[float, list[str]]) -> dict[str, Any]:
    from skiagraph.cli.figures import estimate_said, named, question_said
    from skiagraph.cli.judging import fit_said
    from skiagraph.cli.language import Lang

    found, seeded = account.found, account.seeded
    sides = {"figures": found, "validation": account.held}
    return {
        "bundle": str(course.wish.out),
        "page": None if found is None else str(course.wish.page),
        "digest": account.digest,
        "seconds": round(told[0], 1),
        "epochs": len(taught.history),
        "held": taught.held,
        "last": dict(taught.history[-1]) if taught.history else {},
        "on": "" if found is None else f"the split {found.split} of {found.data}",
        **{
            key: {} if one is None else {name: estimate_said(e) for name, e in named(one).items()}
            for key, one in sides.items()
        },
        "questions": [] if found is None else [question_said(judged) for judged in found.judged],
        "seeds": {} if seeded is None else {w: dict(f) for w, f in seeded.figures.items()},
        "fit": fit_said(account.diagnosis, Lang.en),
        "warnings": told[1],
    }
