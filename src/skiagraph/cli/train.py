"""`skiagraph train`: learns a segmentation model from a manifest of pictures and masks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from skiagraph.case import Dataset
    from skiagraph.codes import Code
    from skiagraph.training import Plan

__all__ = ["train"]


Manifest = Annotated[
    Path, typer.Argument(help="CSV with the columns image, mask, group, split.", show_default=False)
]
Out = Annotated[Path, typer.Argument(help="Folder of the bundle; must not exist.", show_default=False)]
Label = Annotated[str, typer.Option(help="What the masks show: SCHEME|VALUE|MEANING.")]
Modality = Annotated[str, typer.Option(help="DICOM Modality of the pictures.")]
Licence = Annotated[str, typer.Option(help="Terms of the data; they stand on the card.")]
Split = Annotated[str, typer.Option(help="Splits to learn from, with commas.")]
Epochs = Annotated[
    int | None, typer.Option(min=1, help="How often each picture is seen; settling is left out.")
]
Seed = Annotated[int, typer.Option(help="The same seed learns the same model.")]
Json = Annotated[bool, typer.Option("--json", help="Say what was written as JSON.")]


def train(
    manifest: Manifest,
    out: Out,
    *,
    label: Label = "SCT|69536005|Head",
    modality: Modality = "US",
    licence: Licence = "",
    split: Split = "train",
    epochs: Epochs = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Learn to outline a structure in pictures, and write the model as a bundle.

    A run that was cut off goes on where it was: its checkpoint lies beside OUT. Needs skiagraph[train].

    Example: skiagraph train dataset.csv my-model --epochs 100
    """
    import numpy as np

    from skiagraph.cli.progress import progress
    from skiagraph.errors import WriteFailed
    from skiagraph.io import read_dataset
    from skiagraph.optional import optional

    training = optional("skiagraph.training", package="torch", extra="train")
    if out.exists():
        raise WriteFailed("a bundle is written to a new folder", got=str(out), way_out="choose another name")
    code = _code(label)
    data = read_dataset(manifest, label=code, licence=licence).split(*split.split(","))
    plan = _plan(training, data, code, epochs)
    checkpoint = out.with_name(f".{out.name}.checkpoint")
    with progress("learning", shown=not as_json) as watch:
        samples = training.prepared(data, plan.recipe)
        rng = np.random.default_rng(seed)
        network = training.train(samples, plan, rng=rng, watch=watch, checkpoint=checkpoint)
    card = training.plain_card(out.name, code, modality, data)
    bundle = training.freeze(network, card, plan.recipe, plan, out)
    checkpoint.unlink(missing_ok=True)
    answer = {"bundle": str(out), "samples": len(data), "epochs": plan.all_epochs, "digest": bundle.digest()}
    sentence = f"wrote {out}: learnt from {len(data)} pictures, {plan.all_epochs} epochs"
    typer.echo(json.dumps(answer) if as_json else sentence)


def _plan(training: Any, data: Dataset, code: Code, epochs: int | None) -> Plan:
    import dataclasses

    plan: Plan = training.planned(data, code)
    return plan if epochs is None else dataclasses.replace(plan, epochs=epochs, settle=None)


def _code(text: str) -> Code:
    from skiagraph.codes import Code
    from skiagraph.errors import InvalidInput

    parts = text.split("|")
    if len(parts) != 3:
        raise InvalidInput("a label is written SCHEME|VALUE|MEANING", got=repr(text))
    return Code(scheme=parts[0], value=parts[1], meaning=parts[2])
