"""Logs of a training for other programs: TensorBoard's event files, and MLflow's runs in a file of SQLite."""

from __future__ import annotations

import dataclasses
import json
import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol, final

from skiagraph.errors import UnknownName, WriteFailed
from skiagraph.optional import optional
from skiagraph.plain import to_plain
from skiagraph.task import Watch
from skiagraph.training.plan import Plan
from skiagraph.training.trials import key_of

__all__ = ["Log", "check_log", "logged", "opened_log"]

_LONGEST: Final = 500  # characters of a parameter, which is what every version of MLflow takes
_NOT_LOGGED: Final = ("recipe", "fingerprint", "reasons")  # what was measured on the data stays in the bundle
_OF_RECIPE: Final = ("task", "shape", "spacing", "normalise", "activation", "mirror")


class Log(Protocol):
    """Where the figures of one training go. None of it names an image or a patient."""

    def epoch(self, done: int, figures: Mapping[str, float]) -> None:
        """The figures after so many epochs."""
        ...

    def end(self, figures: Mapping[str, float], facts: Mapping[str, str]) -> None:
        """What came of it: final figures, and facts such as the digest of the bundle. Nothing comes after."""
        ...


def check_log(kind: str) -> None:
    """Sees to it that a log can be opened, before hours are spent.

    Args:
        kind: For which program: ``"tensorboard"`` or ``"mlflow"``.

    Raises:
        UnknownName: Another kind.
        MissingPackage: The program's package is not installed.
    """
    if kind not in _KINDS:
        raise UnknownName("a log is for tensorboard or mlflow", got=repr(kind))
    _KINDS[kind].needs()


def opened_log(kind: str, folder: Path, name: str, plan: Plan) -> Log:
    """A log in a folder, which may hold those of other trainings.

    Args:
        kind: For which program: ``"tensorboard"`` or ``"mlflow"``.
        folder: Is made where it is not there. Of ``"tensorboard"`` each training has a folder in it, of ``"mlflow"``
            all have one file, ``mlflow.db``. (MLflow itself tells its makers of its use, unless the environment has
            ``MLFLOW_DISABLE_TELEMETRY=true``; the command line sets that.)
        name: Of the training.
        plan: Its choices are the parameters.

    Raises:
        UnknownName: Another kind.
        MissingPackage: The program's package is not installed.
        WriteFailed: The folder cannot be made.
    """
    check_log(kind)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        got = error.strerror or "an error of the disk"
        raise WriteFailed(f"logs are written to the folder {folder.name}", got=got) from error
    return _KINDS[kind](folder, name, plan)


def logged(watch: Watch, *logs: Log) -> Watch:
    """A watch that also writes into logs."""

    def told(done: int, total: int, figures: Mapping[str, float], /) -> None:
        watch(done, total, figures)
        for log in logs:
            log.epoch(done, figures)

    return told


def _parameters(plan: Plan) -> dict[str, Any]:
    """The choices of a plan: numbers and words as they are, all else as JSON."""
    rows = {f.name: getattr(plan, f.name) for f in dataclasses.fields(plan) if f.name not in _NOT_LOGGED}
    rows |= {f"recipe.{name}": getattr(plan.recipe, name) for name in _OF_RECIPE}
    return {name: _told(value) for name, value in rows.items()}


def _told(value: Any) -> Any:
    if isinstance(value, bool | int | float | str):
        return value
    return json.dumps(to_plain(value), ensure_ascii=False)[:_LONGEST]


def _finite(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in figures.items() if math.isfinite(value)}


@final
class _TensorBoard:
    """Event files that TensorBoard shows; a training that goes on adds one."""

    def __init__(self, folder: Path, name: str, plan: Plan) -> None:
        self.writer = self.needs().SummaryWriter(str(folder / name))
        self.parameters = _parameters(plan)
        rows = [f"| {field} | {str(value).replace('|', '/')} |" for field, value in self.parameters.items()]
        self.writer.add_text("plan", "\n".join(["| choice | value |", "|---|---|", *rows]))
        self.writer.flush()

    @staticmethod
    def needs() -> Any:
        return optional("torch.utils.tensorboard", package="tensorboard", extra="train")

    def epoch(self, done: int, figures: Mapping[str, float]) -> None:
        for name, value in _finite(figures).items():
            self.writer.add_scalar(name, value, done)
        self.writer.flush()

    def end(self, figures: Mapping[str, float], facts: Mapping[str, str]) -> None:
        for name, fact in facts.items():
            self.writer.add_text(name, fact)
        final_ = {f"final/{name}": value for name, value in _finite(figures).items()}
        self.writer.add_hparams(self.parameters, final_, run_name=".")
        self.writer.close()


@final
class _Mlflow:
    """A run of MLflow; a training that goes on goes on with its run."""

    def __init__(self, folder: Path, name: str, plan: Plan) -> None:
        mlflow = self.needs()
        self.client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{(folder / 'mlflow.db').resolve()}")
        found = self.client.get_experiment_by_name("skiagraph")
        place = (folder / "mlflow-artifacts").resolve().as_uri()
        experiment = found.experiment_id if found else self.client.create_experiment("skiagraph", place)
        key = key_of(name, plan)
        begun = self.client.search_runs(
            [experiment], f"attributes.status = 'RUNNING' and tags.`skiagraph.key` = '{key}'"
        )
        if begun:
            self.run = begun[0].info.run_id
            return
        self.run = self.client.create_run(experiment, run_name=name, tags={"skiagraph.key": key}).info.run_id
        parameters = [mlflow.entities.Param(field, str(value)) for field, value in _parameters(plan).items()]
        self.client.log_batch(self.run, params=parameters)

    @staticmethod
    def needs() -> Any:
        mlflow = optional("mlflow", package="mlflow", extra="mlflow")
        optional("sqlalchemy", package="sqlalchemy", extra="mlflow")
        for noisy in ("mlflow", "alembic"):
            logging.getLogger(noisy).setLevel(logging.ERROR)  # they tell of the tables that they make
        return mlflow

    def epoch(self, done: int, figures: Mapping[str, float]) -> None:
        for name, value in _finite(figures).items():
            self.client.log_metric(self.run, name, value, step=done)

    def end(self, figures: Mapping[str, float], facts: Mapping[str, str]) -> None:
        for name, value in _finite(figures).items():
            self.client.log_metric(self.run, f"final/{name}", value)
        for name, fact in facts.items():
            self.client.set_tag(self.run, name, fact)
        self.client.set_terminated(self.run)


_KINDS: Final[Mapping[str, type[_TensorBoard | _Mlflow]]] = {
    "tensorboard": _TensorBoard,
    "mlflow": _Mlflow,
}
