"""`skiagraph train`: learns a segmentation model from a manifest of pictures and masks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from skiagraph.codes import Code

__all__ = ["train"]


def train(
    manifest: Annotated[
        Path, typer.Argument(help="CSV with the columns image, mask, group, split.", show_default=False)
    ],
    out: Annotated[Path, typer.Argument(help="Folder of the bundle; must not exist.", show_default=False)],
    *,
    label: Annotated[
        str, typer.Option(help="What the masks show: SCHEME|VALUE|MEANING.")
    ] = "SCT|69536005|Head",
    modality: Annotated[str, typer.Option(help="DICOM Modality of the pictures.")] = "US",
    licence: Annotated[str, typer.Option(help="Terms of the data; they stand on the card.")] = "",
    split: Annotated[str, typer.Option(help="Splits to learn from, with commas.")] = "train",
    epochs: Annotated[int | None, typer.Option(min=1, help="How often each picture is seen.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed learns the same model.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Say what was written as JSON.")] = False,
) -> None:
    """Learn to outline a structure in pictures, and write the model as a bundle.

    A run that was cut off goes on where it was: its checkpoint lies beside OUT. Needs skiagraph[train].

    Example: skiagraph train dataset.csv my-model --epochs 100
    """
    import dataclasses

    import numpy as np

    from skiagraph.cli.progress import progress
    from skiagraph.errors import WriteFailed
    from skiagraph.io.manifest import read_dataset
    from skiagraph.optional import optional

    training = optional("skiagraph.training", package="torch", extra="train")
    if out.exists():
        raise WriteFailed("a bundle is written to a new folder", got=str(out), way_out="choose another name")
    code = _code(label)
    data = read_dataset(manifest, label=code, name=manifest.parent.name, licence=licence).split(
        *split.split(",")
    )
    plan = training.planned(data, code)
    if epochs is not None:
        plan = dataclasses.replace(plan, epochs=epochs)
    card = training.plain_card(out.name, code, modality, data)
    checkpoint = out.with_name(f".{out.name}.checkpoint")
    with progress("learning", shown=not as_json) as watch:
        samples = training.prepared(data, plan.recipe)
        rng = np.random.default_rng(seed)
        network = training.train(samples, plan, rng=rng, watch=watch, checkpoint=checkpoint)
    bundle = training.freeze(network, card, plan.recipe, plan, out)
    checkpoint.unlink(missing_ok=True)
    answer = {"bundle": str(out), "samples": len(data), "epochs": plan.epochs, "digest": bundle.digest()}
    typer.echo(
        json.dumps(answer)
        if as_json
        else f"wrote {out}: learnt from {len(data)} pictures, {plan.epochs} epochs"
    )


def _code(text: str) -> Code:
    from skiagraph.codes import Code
    from skiagraph.errors import InvalidInput

    parts = text.split("|")
    if len(parts) != 3:
        raise InvalidInput("a label is written SCHEME|VALUE|MEANING", got=repr(text))
    return Code(scheme=parts[0], value=parts[1], meaning=parts[2])
