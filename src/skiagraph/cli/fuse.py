"""`skiagraph fuse`: several models that answer the same, joined to one, calibrated, and judged beside its members."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skiagraph.cli.language import Lang

if TYPE_CHECKING:
    from skiagraph.case import Dataset
    from skiagraph.report.evaluated import Evaluated
    from skiagraph.workflow import Reader
    from skiagraph.workflow.fusion import Fusion

__all__ = ["fuse"]

Models = Annotated[
    list[str],
    typer.Argument(
        help="Two models or more, registered or in folders, that answer the same.", show_default=False
    ),
]
Data = Annotated[
    Path, typer.Option(help="Data with references; with masks, where a model needs them.", show_default=False)
]
Out = Annotated[Path, typer.Option(help="Folder of the bundle; must not exist.", show_default=False)]
Split = Annotated[str, typer.Option(help="Splits to calibrate on, with commas, that no member learnt from.")]
Test = Annotated[str, typer.Option(help="Split that members and fusion are judged on in the end.")]
Weights = Annotated[
    list[float] | None,
    typer.Option(
        "--weight", help="What a member counts, one for each. [default: all the same]", show_default=False
    ),
]
Tongue = Annotated[Lang, typer.Option(help="Language of the page.")]
Seed = Annotated[int, typer.Option(help="Of the bootstrap.")]
Json = Annotated[bool, typer.Option("--json", help="Say everything as JSON.")]


def fuse(
    models: Models,
    *,
    data: Data,
    out: Out,
    split: Split = "val",
    test: Test = "test",
    weight: Weights = None,
    lang: Tongue = Lang.en,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Join models that answer the same, a network and a classical one for instance, and judge them side by side.

    Probabilities are multiplied (their logarithms averaged) and calibrated anew; values are averaged.

    Example: skiagraph fuse network shape-and-texture --data dataset.csv --out together
    """
    from skiagraph.cli.judging import data_for, own_training, with_fitted, write_page
    from skiagraph.cli.progress import progress
    from skiagraph.errors import WriteFailed
    from skiagraph.optional import optional
    from skiagraph.workflow import opened_model
    from skiagraph.workflow.evaluation import Beside, evaluated, members_of

    room = optional("skiagraph.workflow.fusion", package="torch", extra="train")
    if out.exists():
        raise WriteFailed("a bundle is written to a new folder", got=str(out), way_out="choose another name")
    members = [opened_model(name) for name in models]
    whole = data_for(data, members[0], members[1:])
    chosen = whole.split(*split.split(","))
    with progress("calibrating", shown=not as_json) as watch:
        fusion: Fusion = room.fusion_of(members, out.name, chosen, weights=weight or (), watch=watch)
    cases, words = _cases(whole, chosen, split, test)
    beside = Beside(members=members_of(members))
    reader = fusion.reader
    beside = with_fitted(beside, reader.card, reader.recipe, own_training(whole, cases))
    with progress("reading", shown=not as_json) as watch:
        found = evaluated(reader, cases, beside=beside, split=words, seed=seed, watch=watch)
    bundle = room.kept(fusion, found, out)
    page = out.with_name(f"{out.name}-evaluation.html")
    write_page(found, page, lang)
    _say(fusion, found, members, {"bundle": str(bundle.folder), "page": str(page)}, as_json=as_json)


def _cases(whole: Dataset, chosen: Dataset, split: str, test: str) -> tuple[Dataset, str]:
    """The cases that are judged, and the words for them."""
    if test not in split.split(",") and any(sample.split == test for sample in whole):
        return whole.split(test), test
    return chosen, f"{split}, on which it was calibrated"


def _say(
    fusion: Fusion, found: Evaluated, members: list[Reader], written: dict[str, str], *, as_json: bool
) -> None:
    from rich.console import Console

    from skiagraph.cli.figures import estimate_said, named, question_said, table_of, warnings_of

    notes = [*fusion.notes, *found.problems, *(w for judged in found.judged for w in warnings_of(judged))]
    if as_json:
        said: dict[str, Any] = {
            **written,
            "members": [f"{member.card.name} {member.card.version}" for member in members],
            "calibrated on": fusion.cases,
            "judged on": found.split,
            "notes": notes,
            "figures": {name: estimate_said(e) for name, e in named(found).items()},
            "questions": [question_said(judged) for judged in found.judged],
        }
        typer.echo(json.dumps(said, indent=1))
        return
    for note in notes:
        sys.stderr.write(f"skiagraph: {note}\n")
    for judged in found.judged:
        title = f"{found.cases} cases of {found.data}, {found.split}"
        Console().print(table_of(judged, title + (f": {judged.name}" if judged.name else "")))
    typer.echo(f"calibrated on {fusion.cases} cases")
    typer.echo(f"the page about it: {written['page']}")
    typer.echo(f"wrote {written['bundle']}")
