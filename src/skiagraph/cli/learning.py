"""The way of `skiagraph train` and `tune`, on one page: data, plan, training, judgement, bundle, page."""

from __future__ import annotations

import dataclasses
import json
import logging
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from skiagraph.cli.account import account_of, beside_of, rehearsed, written
from skiagraph.cli.course import Course, of_parts, taught, trainings_of, with_validation
from skiagraph.cli.devices import evenly
from skiagraph.cli.learnt import say
from skiagraph.cli.logs import check_logs, end_logs, with_logs

if TYPE_CHECKING:
    from skiagraph.case import Dataset
    from skiagraph.cli.tuner import Tuner
    from skiagraph.cli.wish import Wish
    from skiagraph.codes import Code
    from skiagraph.training import Plan, Taught
    from skiagraph.training.team import Team

__all__ = ["carry_out", "data_of"]


def carry_out(wish: Wish, tuner: Tuner | None = None, team: Team | None = None) -> None:
    """Learns what was asked for, and says what came of it; as JSON without a progress bar.

    Args:
        wish: What was asked for.
        tuner: Makes a better plan before the model is learnt; None learns what was planned.
        team: The processes that learn together, this being the first; None learns alone.

    Raises:
        WriteFailed: The folder of the bundle exists.
        MissingPackage: PyTorch is not installed.
        InvalidInput: The data, a setting or a split does not hold.
    """
    from skiagraph.optional import optional

    begun, as_json, seconds = time.monotonic(), wish.as_json, wish.seconds
    training = optional("skiagraph.training", package="torch", extra="train")
    for name in ("lightning_fabric", "torch.onnx"):
        logging.getLogger(name).setLevel(logging.ERROR)  # what they say helps nobody who trains a model here
    _check(wish)
    check_logs(wish)
    data, learn = data_of(wish)
    runs = trainings_of(wish) + (0 if tuner is None else tuner.trials)
    each = None if seconds is None else seconds / runs
    plan = training.planned(learn, wish.task, training.this_machine(), seconds=each, target=wish.target)
    plan = _wished(evenly(plan, team), wish, training)
    data = _with_mixture(data, plan)
    for problem in data.problems:
        sys.stderr.write(f"skiagraph: {problem}\n")
    if not as_json:
        _show_plan(plan, data, training)
    if tuner is not None and not as_json:
        tuner.say_space(plan, wish)
    if wish.plan_only:
        _say_plan(plan, as_json=as_json)
        return
    if tuner is not None:
        plan = tuner.better(learn, plan, wish, begun)
    start = begun if tuner is None else time.monotonic()
    course = dataclasses.replace(_course(wish, plan, (data, learn), start, training), team=team)
    beside = beside_of(course)
    course = dataclasses.replace(course, after=rehearsed(course, beside))
    course = with_logs(course)
    found = taught(course, 0, shown=not as_json)
    sizes = of_parts(course, shown=not as_json) if wish.sizes else ()
    _freeze(course, found, training)
    account = account_of(course, found, beside, sizes, shown=not as_json)
    written(course, account, found)
    end_logs(course, account)
    shutil.rmtree(course.folder)
    say(course, account, found, time.monotonic() - begun)


def _check(wish: Wish) -> None:
    from skiagraph.errors import WriteFailed

    if wish.out.exists():
        raise WriteFailed(
            "a bundle is written to a new folder", got=str(wish.out), way_out="choose another name"
        )


def _with_mixture(data: Dataset, plan: Plan) -> Dataset:
    """The data, with a sentence on images that are of another kind than most."""
    found = plan.fingerprint
    if found is None or not found.odd:
        return data
    read = "grey ones are read as three equal colours" if found.channels == 3 else "all are read as grey"
    said = f"some images are grey and some have colours ({found.odd} is unlike most); {read}"
    return dataclasses.replace(data, problems=(*data.problems, said))


def _course(wish: Wish, plan: Plan, sets: tuple[Dataset, Dataset], begun: float, training: Any) -> Course:
    data, learn = sets
    modality = wish.modality or (plan.fingerprint.modality if plan.fingerprint is not None else "")
    course = Course(
        wish=wish,
        plan=plan,
        data=data,
        learn=learn,
        card=training.learnt_card(wish.out.name, plan.recipe, modality, learn, origin=plan.origin),
        folder=wish.out.with_name(f".{wish.out.name}.training"),
        begun=begun,
    )
    return with_validation(course) if plan.folds == 1 and course.trainings > 1 else course


def _freeze(course: Course, found: Taught, training: Any) -> None:
    """The bundle, in the folder of the course until it has been judged."""
    folder = course.folder / "bundle"
    shutil.rmtree(folder, ignore_errors=True)
    record = training.Record(
        plan=found.plan,
        history=found.history,
        samples=len(course.learn),
        held=found.held,
        problems=found.problems,
        seed=course.wish.seed,
        machine=training.this_machine(),
    )
    recipe, origin = found.plan.recipe, found.plan.origin
    modality = course.card.inputs[0].modality
    card = training.learnt_card(course.card.name, recipe, modality, course.learn, origin=origin)
    training.freeze(found.network, card, recipe, record, folder)


def data_of(wish: Wish) -> tuple[Dataset, Dataset]:
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
    from skiagraph.errors import InvalidInput

    if wish.folds or wish.sizes:
        why = "asked for" if wish.folds else "a data-size curve is judged on the same cases"
        plan = dataclasses.replace(plan, folds=wish.folds or 1, reasons={**plan.reasons, "folds": why})
    plan = dataclasses.replace(plan, strict=wish.strict)
    changed: Plan = training.overridden(plan, tuple(wish.setting or ()))
    if wish.begin:
        changed = training.begin_from(changed, _source(wish.begin))
    if wish.sizes and changed.folds > 1:
        raise InvalidInput(
            "a data-size curve is judged on the same cases, which folds do not have",
            got=f"--sizes with {changed.folds} folds",
            way_out="ask for one of them",
        )
    return changed


def _source(begin: str) -> Path:
    """The folder of a bundle, also of a model that is asked for by its name; or a file of weights."""
    from skiagraph.workflow import model_bundle

    return Path(begin) if begin.endswith(".safetensors") else model_bundle(begin).folder


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


def _say_plan(plan: Plan, *, as_json: bool) -> None:
    from skiagraph.plain import to_plain

    if as_json:
        typer.echo(json.dumps(to_plain(plan), indent=1, ensure_ascii=False))


def _code(text: str) -> Code | None:
    from skiagraph.codes import Code
    from skiagraph.errors import InvalidInput

    if not text:
        return None
    parts = text.split("|")
    if len(parts) != 3:
        raise InvalidInput("a label is written SCHEME|VALUE|MEANING", got=repr(text))
    return Code(scheme=parts[0], value=parts[1], meaning=parts[2])
