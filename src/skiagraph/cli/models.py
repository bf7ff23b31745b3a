"""`skiagraph models`: which models there are, and the card of each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from skiagraph.task import Card, InputSpec

__all__ = ["models"]


def models(
    name: Annotated[
        str | None, typer.Argument(help="Show the card of this model.", show_default=False)
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the cards as JSON.")] = False,
) -> None:
    """List the models that can be used, or show the card of one.

    Example: skiagraph models fetal-head-ultrasound
    """
    from skiagraph.plain import to_plain
    from skiagraph.task import names
    from skiagraph.workflow import model_bundle

    cards = [model_bundle(n).card for n in ([name] if name else names("models"))]
    if as_json:
        typer.echo(json.dumps([to_plain(card) for card in cards], indent=1, ensure_ascii=False))
    elif name:
        _show(cards[0])
    else:
        _list(cards)


def _list(cards: list[Card]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("model", "version", "reads", "what it does")
    for card in cards:
        table.add_row(card.name, card.version, ", ".join(i.modality for i in card.inputs), card.summary)
    Console().print(table)


def _show(card: Card) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, title=f"{card.name} {card.version}")
    for title, text in _rows(card):
        table.add_row(title, text)
    Console().print(table)


def _asked(one: InputSpec) -> str:
    of = f" of {one.regions[0].meaning}" if one.regions else ""
    also = (
        f" (files may also state {', '.join(c.meaning for c in one.regions[1:])})" if one.regions[1:] else ""
    )
    return f"{one.name}: {one.modality}, {one.ndim}-D{of}{also}"


def _rows(card: Card) -> list[tuple[str, Any]]:
    scores = (
        f"{s.name} {s.value:.4g} {s.unit} ({s.low:.4g} to {s.high:.4g}), n = {s.n}, {s.on}"
        for s in card.scores
    )
    return [
        ("task", f"{card.task}: {card.summary}"),
        ("reads", "\n".join(_asked(i) for i in card.inputs)),
        ("answers", "\n".join(f"{o.finding}: {o.concept.meaning}" for o in card.outputs)),
        ("intended use", card.intended_use),
        ("limits", "\n".join(card.limits)),
        ("learnt from", "\n".join(card.data)),
        ("began with", card.origin or "chance"),
        ("scores", "\n".join(scores)),
        ("licence", card.licence),
        ("attribution", card.attribution),
        ("precisions", ", ".join(card.precisions)),
    ]
