"""The same verbs in the shell: one module a command; each imports what it needs when it runs."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from skiagraph.cli.add import add
from skiagraph.cli.audit import audit
from skiagraph.cli.backup import backup, restore
from skiagraph.cli.check import check
from skiagraph.cli.convert import convert
from skiagraph.cli.dataset import dataset
from skiagraph.cli.dicom import dicom
from skiagraph.cli.enhance import enhance
from skiagraph.cli.evaluate import evaluate
from skiagraph.cli.export import export
from skiagraph.cli.features import features
from skiagraph.cli.fuse import fuse
from skiagraph.cli.info import info
from skiagraph.cli.models import models
from skiagraph.cli.phantom import phantom
from skiagraph.cli.read import read
from skiagraph.cli.routes import routes
from skiagraph.cli.sbom import sbom
from skiagraph.cli.serve import serve
from skiagraph.cli.token import token
from skiagraph.cli.train import train
from skiagraph.cli.tune import tune
from skiagraph.cli.users import users
from skiagraph.cli.work import work
from skiagraph.errors import ProcessLost, SkiagraphError
from skiagraph.version import __version__

__all__ = ["app", "main"]

app = typer.Typer(
    name="skiagraph",
    help="From a medical image to a draft report, and to what its readers correct. Not a medical device.",
    epilog="Example: skiagraph read image.dcm --out reading",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:  # noqa: FBT001  the signature is typer's
    if wanted:
        typer.echo(f"skiagraph {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version and stop.")
    ] = False,
) -> None:
    pass


_IMAGES, _MODELS, _SERVER = "Images", "Models", "Server"
for _panel, _commands in (
    (_IMAGES, (read, export, info, check, convert, enhance, phantom)),
    (_MODELS, (models, evaluate, features, fuse)),
    (_SERVER, (serve, work, add, token, backup, restore, sbom)),
):
    for _command in _commands:
        app.command(rich_help_panel=_panel)(_command)
app.add_typer(dataset, rich_help_panel=_MODELS)
app.add_typer(train, name="train", rich_help_panel=_MODELS)
app.add_typer(tune, name="tune", rich_help_panel=_MODELS)
app.add_typer(routes, name="routes", rich_help_panel=_SERVER)
app.add_typer(audit, name="audit", rich_help_panel=_SERVER)
app.add_typer(users, name="users", rich_help_panel=_SERVER)
app.add_typer(dicom, name="dicom", rich_help_panel=_SERVER)


def main() -> None:
    """Runs the command line. A refusal is one sentence on standard error and exit code 2."""
    # Cases run side by side; threads of NumPy's algebra that wait by spinning would take their time from each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # MLflow tells its makers of its use; nothing leaves the machine here.
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    try:
        app()
    except SkiagraphError as error:
        if isinstance(error, ProcessLost):
            from skiagraph.training.spread import LOST, RUN  # loads no torch that is not loaded

            if os.environ.get("TORCHELASTIC_RUN_ID") == RUN:
                sys.exit(LOST)
        sys.stderr.write(f"skiagraph: {error}\n")
        sys.exit(2)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
