"""`skiagraph evaluate`: how good a model is on labelled data, beside what any model must beat."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skiagraph.cli.language import Lang

if TYPE_CHECKING:
    from skiagraph.report.evaluated import Evaluated

__all__ = ["evaluate"]

Data = Annotated[
    Path,
    typer.Argument(help="Data with references: a manifest, or any layout that is read.", show_default=False),
]
Named = Annotated[str, typer.Option(help="A registered model, or the folder of a bundle.")]
Split = Annotated[str, typer.Option(help="Splits to judge on, with commas; `all` for every case.")]
Out = Annotated[Path | None, typer.Option(help="File of the report, HTML. Without it none is written.")]
Compare = Annotated[
    list[str] | None,
    typer.Option(help="Another model, judged on the same cases; may be given several times."),
]
By = Annotated[str, typer.Option(help="Attributes for subgroups, with commas: site,sex.")]
Plain = Annotated[
    bool, typer.Option(help="Judge a constant and a simple baseline too, fitted on the training split.")
]
Fit = Annotated[
    bool, typer.Option("--fit", help="Read up to 200 training cases too, and say how well the model fits.")
]
Tongue = Annotated[Lang, typer.Option(help="Language of the report.")]
Seed = Annotated[int, typer.Option(help="Of the bootstrap.")]
Json = Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")]


def evaluate(
    data: Data,
    *,
    model: Named = "fetal-head-ultrasound",
    split: Split = "test",
    out: Out = None,
    compare: Compare = None,
    by: By = "",
    baselines: Plain = True,
    fit: Fit = False,
    lang: Tongue = Lang.en,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Measure a model on data with references: classes, values or outlines, with intervals and with what it refused.

    Intervals are 95 %, from a bootstrap over patients. Beside the model stand a constant answer and a simple baseline,
    so that a useless model is seen; they need a training split and skiagraph[train].

    Example: skiagraph evaluate dataset.csv --model my-model --split test --out evaluation.html
    """
    from skiagraph.cli.figures import warnings_of
    from skiagraph.cli.judging import (
        check_page,
        data_for,
        diagnosis_of,
        fit_said,
        own_training,
        with_fitted,
        write_page,
    )
    from skiagraph.cli.progress import progress
    from skiagraph.workflow import opened_model
    from skiagraph.workflow.evaluation import Beside, check_attributes, evaluated, members_of

    check_page(out)
    reader = opened_model(model)
    others = [opened_model(name) for name in compare or ()]
    whole = data_for(data, reader, others)
    chosen = whole if split == "all" else whole.split(*split.split(","))
    names = tuple(name.strip() for name in by.split(",") if name.strip())
    check_attributes(chosen, names)
    beside = Beside(rival=others[0] if others else None, by=names, members=members_of(others[1:]))
    if baselines:
        beside = with_fitted(beside, reader.card, reader.recipe, own_training(whole, chosen))
    with progress("reading", shown=not as_json) as watch:
        found = evaluated(reader, chosen, beside=beside, split=split, seed=seed, watch=watch)
        diagnosis = diagnosis_of(reader, whole, chosen, beside, watch) if fit else None
    if out is not None:
        write_page(found, out, lang, diagnosis)
    warnings = [w for judged in found.judged for w in warnings_of(judged)]
    if as_json:
        answer = {"model": model, "split": split, "warnings": warnings, "fit": fit_said(diagnosis, Lang.en)}
        _say_json(found, {**answer, "report": out and str(out)})
        return
    _say(found, model, out)
    for line in fit_said(diagnosis, lang):
        typer.echo(line)
    for line in (*warnings, *found.problems[:10]):
        sys.stderr.write(f"skiagraph: {line}\n")


def _say_json(found: Evaluated, answer: Mapping[str, Any]) -> None:
    from skiagraph.cli.figures import estimate_said, named, question_said

    figures = {name: estimate_said(e) for name, e in named(found).items()}
    questions = [question_said(judged) for judged in found.judged]
    typer.echo(json.dumps({**answer, "figures": figures, "questions": questions}, indent=1))


def _say(found: Evaluated, model: str, out: Path | None) -> None:
    from rich.console import Console

    from skiagraph.cli.figures import table_of

    console = Console()
    for judged in found.judged:
        console.print(
            table_of(judged, f"{model} on {found.split}" + (f": {judged.name}" if judged.name else ""))
        )
        for name, p in (judged.rival.tests if judged.rival else {}).items():
            console.print(f"{name}: p = {p:.3g}")
    if out is not None:
        typer.echo(f"report: {out}")
