"""`skiagraph evaluate`: how good a model is on a manifest, with intervals and with what it refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["evaluate"]


def evaluate(
    manifest: Annotated[
        Path, typer.Argument(help="CSV with the columns image, mask, group, split.", show_default=False)
    ],
    *,
    model: Annotated[
        str, typer.Option(help="A registered model, or the folder of a bundle.")
    ] = "fetal-head-ultrasound",
    split: Annotated[str, typer.Option(help="Splits to judge on, with commas.")] = "test",
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Measure a model on data with references: overlap, error of measurements, coverage of their intervals.

    Intervals are 95 %, from a bootstrap over patients. Cases that the model refused are counted, not hidden.

    Example: skiagraph evaluate dataset.csv --model fetal-head-ultrasound --split test
    """
    import numpy as np

    from skiagraph.cli.progress import progress
    from skiagraph.io.datasets import read_dataset
    from skiagraph.workflow import model_bundle, opened_model
    from skiagraph.workflow.judge import judged

    reader = opened_model(model)
    label = model_bundle(model).recipe.labels[0]
    data = read_dataset(manifest, label=label, name=manifest.parent.name, licence="").split(*split.split(","))
    with progress("reading", shown=not as_json) as watch:
        estimates = judged(reader, data, rng=np.random.default_rng(seed), watch=watch)
    if as_json:
        figures = {
            name: {"value": e.value, "low": e.low, "high": e.high, "n": e.n, "excluded": e.excluded}
            for name, e in estimates.items()
        }
        typer.echo(json.dumps({"model": model, "split": split, "figures": figures}, indent=1))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("figure", "value", "95 % interval", "cases", "refused", title=f"{model} on {split}")
    for name, e in estimates.items():
        table.add_row(name, f"{e.value:.4g}", f"{e.low:.4g} to {e.high:.4g}", str(e.n), str(e.excluded))
    Console().print(table)
