"""The way of `skiagraph train`, on one page: data, plan, training, judgement, bundle; and what it says of each."""

from __future__ import annotations

import dataclasses
import json
import logging
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from skiagraph.case import Dataset
    from skiagraph.cli.wish import Wish
    from skiagraph.codes import Code
    from skiagraph.task import Estimate, Recipe
    from skiagraph.training import Judged, Plan, Taught

__all__ = ["carry_out"]


def carry_out(wish: Wish) -> None:
    """Learns what was asked for, and says what came of it; as JSON without a progress bar.

    Args:
        wish: What was asked for.

    Raises:
        WriteFailed: The folder of the bundle exists.
        MissingPackage: PyTorch is not installed.
        InvalidInput: The data, a setting or a split does not hold.
    """
    from skiagraph.errors import WriteFailed
    from skiagraph.optional import optional

    begun, as_json, seconds = time.monotonic(), wish.as_json, wish.seconds
    training = optional("skiagraph.training", package="torch", extra="train")
    for name in ("lightning_fabric", "torch.onnx"):
        logging.getLogger(name).setLevel(logging.ERROR)  # what they say helps nobody who trains a model here
    if wish.out.exists():
        raise WriteFailed(
            "a bundle is written to a new folder", got=str(wish.out), way_out="choose another name"
        )
    data, learn = _data(wish)
    machine = training.this_machine()
    plan = training.planned(learn, wish.task, machine, seconds=seconds, target=wish.target)
    plan = _wished(plan, wish, training)
    if not as_json:
        _show_plan(plan, data, training)
    if wish.plan_only:
        _say_plan(plan, as_json=as_json)
        return
    folder = wish.out.with_name(f".{wish.out.name}.training")
    taught = _taught(learn, plan, wish, folder, time.monotonic() - begun, shown=not as_json)
    results, on = _judged(taught, data, wish, training, shown=not as_json)
    digest = _frozen(taught, results, on, learn, wish, training)
    _cleared(folder)
    facts = {"digest": digest, "seconds": round(time.monotonic() - begun, 1)}
    _say(taught, results, on, wish, facts, as_json=as_json)


def _taught(learn: Dataset, plan: Plan, wish: Wish, folder: Path, spent: float, *, shown: bool) -> Taught:
    import numpy as np

    from skiagraph.cli.progress import progress
    from skiagraph.training import teach

    with progress("learning", shown=shown) as watch:
        return teach(
            learn,
            plan,
            rng=np.random.default_rng(wish.seed),
            watch=watch,
            checkpoint=folder / "checkpoint",
            spent=spent,
        )


def _data(wish: Wish) -> tuple[Dataset, Dataset]:
    """Everything, and what is learnt from."""
    from skiagraph.errors import InvalidInput
    from skiagraph.io import read_dataset

    label = _code(wish.label)
    data = read_dataset(wish.data, label=label, licence=wish.licence, strict=wish.strict)
    if wish.split:
        wanted = tuple(name.strip() for name in wish.split.split(","))
        if wish.test in wanted:
            raise InvalidInput("a model is not judged on what it learnt from", got=f"the split {wish.test}")
        return data, data.split(*wanted)
    names = sorted({s.split for s in data} - {wish.test})
    if not names:
        raise InvalidInput("some split is to be learnt from", got=f"the split {wish.test} alone")
    return data, data.split(*names)


def _wished(plan: Plan, wish: Wish, training: Any) -> Plan:
    if wish.folds > 1:
        why = "asked for: each network is judged on the part that it did not see"
        plan = dataclasses.replace(plan, folds=wish.folds, reasons={**plan.reasons, "folds": why})
    plan = dataclasses.replace(plan, strict=wish.strict)
    changed: Plan = training.overridden(plan, tuple(wish.setting or ()))
    return changed


def _judged(
    taught: Taught, data: Dataset, wish: Wish, training: Any, *, shown: bool
) -> tuple[Sequence[Judged], str]:
    """On the test split, where there is one; else nothing is claimed."""
    import numpy as np

    from skiagraph.cli.progress import progress
    from skiagraph.inference import staged
    from skiagraph.inference.torch_engine import TorchEngine

    if not any(s.split == wish.test for s in data) or taught.plan.fingerprint is None:
        return (), ""
    recipe, held = taught.plan.recipe, data.split(wish.test)
    model = staged(training.learnt_card(wish.out.name, recipe, "", data), recipe, TorchEngine(taught.network))
    with progress("judging", shown=shown) as watch:
        results: Sequence[Judged] = training.judged(
            model, held, taught.plan.fingerprint, rng=np.random.default_rng(wish.seed), watch=watch
        )
    return results, f"the split {wish.test} of {data.name}"


def _frozen(
    taught: Taught, results: Sequence[Judged], on: str, learn: Dataset, wish: Wish, training: Any
) -> str:
    found, recipe = taught.plan.fingerprint, taught.plan.recipe
    modality = wish.modality or (found.modality if found is not None else "")
    scores = training.scores_of(recipe, results, on)
    card = training.learnt_card(wish.out.name, recipe, modality, learn, scores)
    record = training.Record(
        plan=taught.plan,
        history=taught.history,
        samples=len(learn),
        held=taught.held,
        problems=taught.problems,
        seed=wish.seed,
        machine=training.this_machine(),
    )
    digest: str = training.freeze(taught.network, card, recipe, record, wish.out).digest()
    return digest


def _cleared(folder: Path) -> None:
    """What was kept to go on from, once the bundle is there."""
    if folder.is_dir():
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()


def _show_plan(plan: Plan, data: Dataset, training: Any) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if data.layout:
        console.print(data.layout, highlight=False)
    table = Table("choice", "value", "because", title="the plan")
    for row in training.why(plan):
        table.add_row(*row)
    console.print(table)
    for problem in data.problems:
        sys.stderr.write(f"skiagraph: {problem}\n")


def _say_plan(plan: Plan, *, as_json: bool) -> None:
    from skiagraph.plain import to_plain

    if as_json:
        typer.echo(json.dumps(to_plain(plan), indent=1, ensure_ascii=False))


def _say(
    taught: Taught, results: Sequence[Judged], on: str, wish: Wish, facts: Mapping[str, Any], *, as_json: bool
) -> None:
    from skiagraph.training import usual_figures

    problems = [*taught.problems, *(p for r in results for p in r.problems)]
    for problem in dict.fromkeys(problems):
        sys.stderr.write(f"skiagraph: {problem}\n")
    recipe, epochs = taught.plan.recipe, len(taught.history)
    if as_json:
        figures = {r.about or "all": _plain(r) for r in results}
        last = dict(taught.history[-1]) if taught.history else {}
        answer = {"bundle": str(wish.out), "epochs": epochs, "held": taught.held, "last": last, "on": on}
        typer.echo(json.dumps({**answer, **facts, "figures": figures}, indent=1))
        return
    if taught.history:
        told = ", ".join(f"{name} {value:.4g}" for name, value in taught.history[-1].items())
        typer.echo(f"after {epochs} epochs: {told}")
    for result in results:
        _table(result, on, recipe, usual_figures(recipe, result.model))
    if not results:
        typer.echo(
            f"there is no split {wish.test}: nothing was measured on images that it did not learn from"
        )
    typer.echo(
        f"wrote {wish.out} after {facts['seconds']:.0f} s; read with it: skiagraph read IMAGE --model {wish.out}"
    )


def _plain(result: Judged) -> dict[str, Any]:
    def row(e: Estimate) -> dict[str, Any]:
        return {"value": e.value, "low": e.low, "high": e.high, "n": e.n, "excluded": e.excluded}

    return {
        "model": {name: row(e) for name, e in result.model.items()},
        "constant": {name: row(e) for name, e in result.constant.items()},
    }


def _table(result: Judged, on: str, recipe: Recipe, names: Sequence[str]) -> None:
    from rich.console import Console
    from rich.table import Table

    title = f"{result.about + ': ' if result.about else ''}{result.n} cases of {on}"
    table = Table("figure", "value", "95 % interval", "a constant", title=title)
    for name in names:
        e, flat = result.model[name], result.constant.get(name)
        beside = "" if flat is None else f"{flat.value:.4g}"
        table.add_row(name, f"{e.value:.4g}", f"{e.low:.4g} to {e.high:.4g}", beside)
    Console().print(table)
    first = names[0] if names else ""
    if first and _no_better(result, first, recipe):
        typer.echo(
            f"warning: {first} is no better than that of a constant; this model has learnt nothing of use"
        )


def _no_better(result: Judged, name: str, recipe: Recipe) -> bool:
    """Whether the interval of the model reaches to the constant."""
    e, flat = result.model[name], result.constant[name]
    return e.high >= flat.value if recipe.task == "regression" else e.low <= flat.value


def _code(text: str) -> Code | None:
    from skiagraph.codes import Code
    from skiagraph.errors import InvalidInput

    if not text:
        return None
    parts = text.split("|")
    if len(parts) != 3:
        raise InvalidInput("a label is written SCHEME|VALUE|MEANING", got=repr(text))
    return Code(scheme=parts[0], value=parts[1], meaning=parts[2])
