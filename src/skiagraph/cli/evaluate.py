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
    from skiagraph.report.evaluated import Evaluated, Judged
    from skiagraph.task import Comparison, Estimate

__all__ = ["evaluate"]

Data = Annotated[
    Path,
    typer.Argument(help="Data with references: a manifest, or any layout that is read.", show_default=False),
]
Named = Annotated[str, typer.Option(help="A registered model, or the folder of a bundle.")]
Split = Annotated[str, typer.Option(help="Splits to judge on, with commas; `all` for every case.")]
Out = Annotated[Path | None, typer.Option(help="File of the report, HTML. Without it none is written.")]
Compare = Annotated[str | None, typer.Option(help="Another model, judged on the same cases.")]
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
    from skiagraph.cli.judging import check_page, data_for, diagnosis_of, fit_said, with_fitted, write_page
    from skiagraph.cli.progress import progress
    from skiagraph.workflow import opened_model
    from skiagraph.workflow.evaluation import Beside, evaluated

    check_page(out)
    reader = opened_model(model)
    whole = data_for(data, reader)
    chosen = whole if split == "all" else whole.split(*split.split(","))
    beside = Beside(
        rival=None if compare is None else opened_model(compare),
        by=tuple(name.strip() for name in by.split(",") if name.strip()),
    )
    if baselines:
        beside = with_fitted(beside, reader, whole, chosen)
    with progress("reading", shown=not as_json) as watch:
        found = evaluated(reader, chosen, beside=beside, split=split, seed=seed, watch=watch)
        diagnosis = diagnosis_of(reader, whole, chosen, beside, watch) if fit else None
    if out is not None:
        write_page(found, out, lang, diagnosis)
    warnings = [w for judged in found.judged for w in _warnings(judged)]
    if as_json:
        figures = {name: _plain(e) for name, e in _named(found).items()}
        answer = {"model": model, "split": split, "figures": figures, "warnings": warnings}
        answer["fit"] = fit_said(diagnosis, Lang.en)
        questions = [_question(judged) for judged in found.judged]
        typer.echo(json.dumps({**answer, "questions": questions, "report": out and str(out)}, indent=1))
        return
    _say(found, model, out)
    for line in fit_said(diagnosis, lang):
        typer.echo(line)
    for line in (*warnings, *found.problems[:10]):
        sys.stderr.write(f"skiagraph: {line}\n")


def _warnings(judged: Judged) -> list[str]:
    from skiagraph.report.evaluation import sentences_of

    start = f"{judged.name}: " if judged.name else ""
    return [start + sentence for sentence in sentences_of(judged, "no better", "en")]


def _named(found: Evaluated) -> dict[str, Estimate]:
    return {
        f"{judged.name}: {name}" if judged.name else name: estimate
        for judged in found.judged
        for name, estimate in judged.figures.items()
    }


def _number(value: float) -> float | None:
    return value if value == value and abs(value) != float("inf") else None  # noqa: PLR0124  NaN is no JSON


def _plain(e: Estimate) -> dict[str, Any]:
    ends = {"value": _number(e.value), "low": _number(e.low), "high": _number(e.high)}
    return {**ends, "n": e.n, "excluded": e.excluded}


def _all_plain(figures: Mapping[str, Estimate]) -> dict[str, Any]:
    return {name: _plain(e) for name, e in figures.items()}


def _difference(c: Comparison) -> dict[str, Any]:
    numbers = {"difference": c.difference, "low": c.low, "high": c.high, "p": c.p_permutation}
    return {**{name: _number(value) for name, value in numbers.items()}, "n": c.n}


def _question(judged: Judged) -> dict[str, Any]:
    rival = judged.rival
    return {
        "name": judged.name,
        "kind": judged.kind,
        "baselines": {name: _all_plain(figures) for name, figures in judged.baselines.items()},
        "subgroups": [
            {"attribute": s.attribute, "value": s.value, "cases": s.cases, "figures": _all_plain(s.figures)}
            for s in judged.subgroups
        ],
        "compared": None
        if rival is None
        else {
            "with": rival.name,
            "figures": _all_plain(rival.figures),
            "differences": {name: _difference(c) for name, c in rival.comparisons.items()},
            "tests": {name: _number(p) for name, p in rival.tests.items()},
        },
    }


def _say(found: Evaluated, model: str, out: Path | None) -> None:
    from rich.console import Console

    console = Console()
    for judged in found.judged:
        console.print(
            _table(judged, f"{model} on {found.split}" + (f": {judged.name}" if judged.name else ""))
        )
        for name, p in (judged.rival.tests if judged.rival else {}).items():
            console.print(f"{name}: p = {p:.3g}")
    if out is not None:
        typer.echo(f"report: {out}")


def _table(judged: Judged, title: str) -> Any:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    from skiagraph.report.evaluation_words import figure_text, p_text, signed

    heads = ["figure", "value", "95 % interval", "cases", "excluded", *judged.baselines]
    if judged.rival:
        heads += [judged.rival.name, "difference", "p"]
    groups = [s for s in judged.subgroups if s.figures]
    heads += [f"{s.attribute} {s.value or 'not stated'} (n = {s.cases})" for s in groups]
    table = Table(title=title, box=SIMPLE_HEAD, title_justify="left")
    for n, head in enumerate(heads):
        table.add_column(escape(head), no_wrap=n == 2, justify="left" if n == 0 else "right")
    for name in judged.headline:
        e = judged.figures[name]
        row = [escape(name), figure_text(e.value), f"{figure_text(e.low)} to {figure_text(e.high)}"]
        row += [str(e.n), str(e.excluded)]
        row += [figure_text(found[name].value) for found in judged.baselines.values()]
        if judged.rival:
            c = judged.rival.comparisons.get(name)
            row += (
                ["–"] * 3
                if c is None
                else [figure_text(c.second), signed(c.difference), p_text(c.p_permutation).removeprefix("= ")]
            )
        row += [figure_text(s.figures[name].value) if name in s.figures else "–" for s in groups]
        table.add_row(*row)
    return table
