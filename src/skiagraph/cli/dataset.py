"""`skiagraph dataset check`: what in a data set would spoil results, before anything is learnt from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.console import Console

    from skiagraph.case import Sample
    from skiagraph.io.datasets import Listing
    from skiagraph.workflow.dataset_check import DatasetCheck, Pair, Remark

__all__ = ["dataset"]

dataset = typer.Typer(
    name="dataset", help="Look into a set of labelled images.", no_args_is_help=True, rich_markup_mode="rich"
)

_COLOURS = {"stops": "red", "spoils": "yellow", "note": "cyan"}
_PICTURED = 25  # pairs on a contact sheet
_HALF, _GAP = 137, 6  # pixels of one picture of a pair, and between the two
_ROWS = 5  # that are named of each remark


@dataset.callback()
def _group() -> None:
    """Look into a set of labelled images."""


@dataset.command()
def check(
    path: Annotated[
        Path,
        typer.Argument(
            help="A dataset.csv or dataset.toml, an npz or json file, or a folder.", show_default=False
        ),
    ],
    *,
    layout: Annotated[
        str,
        typer.Option(
            help="How the files lie, where that is not recognised: csv, nnunet, medmnist, monai, coco, voc, bids, "
            "paired-folders, class-folders, paired-names."
        ),
    ] = "",
    pictures: Annotated[
        Path | None,
        typer.Option(
            help="Write a contact sheet of suspect pairs: a .png or .html file.", show_default=False
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON, one object.")] = False,
) -> None:
    """Find what spoils results: leakage between splits, doubtful labels, imbalance, mixed files, empty masks.

    Every image is decoded once. What is found is named; nothing is changed. The exit code is 0 whatever is found.

    Example: skiagraph dataset check images/dataset.csv --pictures pairs.html
    """
    from skiagraph.cli.contact_sheet import check_target
    from skiagraph.cli.progress import progress
    from skiagraph.io.datasets import listed_dataset
    from skiagraph.workflow.dataset_check import checked_dataset, plain

    if pictures is not None:
        check_target(pictures)
    listing = listed_dataset(path, layout=layout or None)
    with progress("checking", shown=not as_json) as watch:
        found = checked_dataset(listing, watch=lambda what, done, total: watch(done, total, {}))  # noqa: ARG005
    pairs = [pair for remark in found.remarks for pair in remark.pairs]
    if pictures is not None:
        _write_pairs(listing, pairs, pictures)
    if as_json:
        typer.echo(json.dumps(plain(found), indent=1, ensure_ascii=False))
        return
    _show(found)
    if pictures is not None:
        typer.echo(f"wrote {pictures}" if pairs else "there are no suspect pairs to show")


def _show(found: DatasetCheck) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console()
    console.print(escape(found.layout), soft_wrap=True)
    _show_labels(found, console)
    for remark in found.remarks:
        colour = _COLOURS[remark.weight]
        console.print(
            f"[{colour}]{remark.weight}[/{colour}] {escape(remark.topic)}: {escape(remark.sentence)}",
            soft_wrap=True,
        )
        for line in _lines(remark):
            console.print(f"    {escape(line)}", soft_wrap=True, style="dim")
    if not found.remarks:
        console.print("[green]good[/green] Nothing was found that would spoil results.")


def _lines(remark: Remark) -> list[str]:
    lines = [
        *remark.rows,
        *(f"{p.first} ({p.splits[0]}) and {p.second} ({p.splits[1]}): {p.score:.3f}" for p in remark.pairs),
    ]
    more = remark.count - _ROWS
    return [*lines[:_ROWS], *([f"and {more} more"] if more > 0 and len(lines) > _ROWS else [])]


def _show_labels(found: DatasetCheck, console: Console) -> None:
    from rich.markup import escape
    from rich.table import Table

    for target, labels in found.labels.items():
        table = Table(escape(target), *map(escape, found.splits), title_justify="left")
        for label, counts in labels.items():
            table.add_row(escape(label), *(str(counts.get(split, 0)) for split in found.splits))
        table.add_row("samples", *map(str, found.splits.values()), style="dim")
        console.print(table)


def _write_pairs(listing: Listing, pairs: list[Pair], path: Path) -> None:
    from skiagraph.cli.contact_sheet import Tile, write_sheet

    if not pairs:
        return
    samples = {sample.identifier: sample for sample in listing.samples}
    tiles = []
    for pair in list(dict.fromkeys(pairs))[:_PICTURED]:
        names = [
            f"{name} ({split})" for name, split in zip((pair.first, pair.second), pair.splits, strict=True)
        ]
        picture = _side_by_side([samples[pair.first], samples[pair.second]])
        tiles.append(Tile(picture=picture, lines=(*names, f"alike by {pair.score:.3f}")))
    write_sheet(tiles, path, f"Suspect pairs of {listing.name}")


def _side_by_side(samples: list[Sample]) -> NDArray[np.uint8]:
    """Both images of a pair on one black ground, shape (rows, columns, 3)."""
    import numpy as np
    import PIL.Image

    from skiagraph.cli.contact_sheet import tile_of
    from skiagraph.errors import SkiagraphError

    ground = PIL.Image.new("RGB", (2 * _HALF + _GAP, _HALF))
    for n, sample in enumerate(samples):
        try:
            picture = tile_of(next(iter(sample.case().images.values())), (), ()).picture
        except SkiagraphError:
            continue
        if picture is None:
            continue
        one = PIL.Image.fromarray(picture).convert("RGB")
        one.thumbnail((_HALF, _HALF))
        ground.paste(one, (n * (_HALF + _GAP) + (_HALF - one.width) // 2, (_HALF - one.height) // 2))
    return np.asarray(ground)
