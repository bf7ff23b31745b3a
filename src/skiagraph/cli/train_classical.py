"""`skiagraph train classical`: learns from a table of features, and says how good that is out of fold."""

from __future__ import annotations

import enum
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skiagraph.cli.language import Lang

if TYPE_CHECKING:
    from skiagraph.report.evaluated import Evaluated
    from skiagraph.report.evaluation import Section
    from skiagraph.training.classical import TaughtClassical

__all__ = ["classical"]


class Selection(enum.StrEnum):
    """How features are chosen."""

    none = "none"
    mrmr = "mrmr"
    lasso = "lasso"
    stability = "stability"


Table = Annotated[
    Path, typer.Argument(help="CSV with a header; empty cells are missing.", show_default=False)
]
Out = Annotated[Path, typer.Option(help="Folder of the bundle; must not exist.", show_default=False)]
Answer = Annotated[str, typer.Option(help="Column of the answers.", show_default=False)]
Group = Annotated[
    str | None,
    typer.Option(help="Column of the patients. [default: case, or each row is one]", show_default=False),
]
Unit = Annotated[str, typer.Option(help="UCUM unit of the answers, where these are values and not classes.")]
Learners = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="svm, linear-svm, k-nn, naive-bayes, tree, forest, boosting, lda, network, logistic; of values ridge, "
        "svr, forest. Of several the inner folds choose. [default: svm, or ridge]",
        show_default=False,
    ),
]
Select = Annotated[Selection, typer.Option(help="How features are chosen.")]
Counts = Annotated[
    list[int] | None,
    typer.Option(help="Numbers of features to try. [default: 2, 4, 8, 15, 30 and all]", show_default=False),
]
Folds = Annotated[int, typer.Option(min=2, help="Outer folds, which judge.")]
Seed = Annotated[int, typer.Option(help="The same seed learns the same model.")]
Json = Annotated[bool, typer.Option("--json", help="Say everything as JSON.")]


def classical(
    data: Table,
    *,
    out: Out,
    label: Answer,
    group: Group = None,
    unit: Unit = "",
    learner: Learners = None,
    select: Select = Selection.none,
    features: Counts = None,
    folds: Folds = 5,
    seed: Seed = 0,
    lang: Lang = Lang.en,
    as_json: Json = False,
) -> None:
    """Learn from a table of features: classes, or with a unit values.

    Inner folds choose settings and number of features, outer folds judge, and no fold parts the rows of a patient.

    Example: skiagraph train classical lesions.csv --label diagnosis --group patient --select mrmr --out my-model
    """
    import numpy as np

    from skiagraph.cli.judging import write_page
    from skiagraph.cli.progress import progress
    from skiagraph.codes import Code
    from skiagraph.errors import WriteFailed
    from skiagraph.optional import optional

    room = optional("skiagraph.training.classical", package="scikit-learn", extra="train")
    ucum = Code(value=unit, scheme="UCUM", meaning=unit) if unit else None
    table = room.table_of_csv(data, label=label, group=group, unit=ucum)
    search = room.Search(
        learners=tuple(learner or (["ridge"] if unit else ["svm"])),
        selection=select.value,
        counts=tuple(features or ()),
        outer=folds,
    )
    if out.exists():
        raise WriteFailed("a bundle is written to a new folder", got=str(out), way_out="choose another name")
    with progress("folds", shown=not as_json) as watch:
        result = room.taught(table, out.name, search, rng=np.random.default_rng(seed), watch=watch)
    bundle = room.saved(result, out)
    from skiagraph.workflow.classical import evaluated_out_of_fold

    found = evaluated_out_of_fold(result, table, bundle, seed=seed)
    page = out.with_name(f"{out.name}-evaluation.html")
    write_page(found, page, lang, None, _sections(result, lang))
    _say(result, found, (out, page), as_json=as_json)


def _sections(result: TaughtClassical, lang: Lang) -> list[Section]:
    from skiagraph.report.evaluation_sections import features_section, rules_section

    sections = [features_section(result.plan["kept"], len(result.told.choices), lang.value)]
    if result.rules:
        rules = [(rule.bounds, rule.answer, rule.right, rule.cases) for rule in result.rules]
        sections.append(rules_section(rules, result.alike, lang.value))
    return sections


def _say(result: TaughtClassical, found: Evaluated, written: tuple[Path, Path], *, as_json: bool) -> None:
    from rich.console import Console

    from skiagraph.cli.figures import estimate_said, named, question_said, table_of, warnings_of

    (out, page), judged = written, found.judged[0]
    warnings = warnings_of(judged)
    for line in (*found.problems, *(f"warning: {w}" for w in warnings)):
        sys.stderr.write(f"skiagraph: {line}\n")
    choice, rules = result.plan["choice"], result.plan["rules"]
    if as_json:
        said = {
            "bundle": str(out),
            "page": str(page),
            "digest": found.digest,
            "choice": choice,
            "kept": result.plan["kept"],
            "rules": rules,
            "figures": {name: estimate_said(e) for name, e in named(found).items()},
            "questions": [question_said(judged)],
            "warnings": warnings,
        }
        typer.echo(json.dumps(said, indent=1))
        return
    Console().print(table_of(judged, f"{found.cases} cases of {found.data}, {found.split}"))
    settings = ", ".join(f"{name} {value}" for name, value in choice["settings"].items())
    typer.echo(f"chosen: {choice['learner']} ({settings or 'no settings'}), {choice['features']} features")
    for rule in rules:
        typer.echo(f"  {rule}")
    typer.echo(f"the page about it: {page}")
    typer.echo(f"wrote {out}")
