"""What `skiagraph train` and `tune` can be asked: each option is one line here, in every subcommand that knows it."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias, final, get_type_hints

import typer

from skiagraph.cli.language import Lang

__all__ = ["Task", "Wish", "asked", "seconds_of"]

Task: TypeAlias = Literal["segmentation", "classification", "regression"]

_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0}
_ONLY: Final = {"label": "segmentation"}  # options that one task alone has


def _option(help_: str, *names: str, **more: Any) -> Any:
    return typer.Option(*names, help=help_, show_default=False, **more)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was asked for; the fields after the first are the options, in the order of `--help`."""

    task: Task
    data: Annotated[
        Path,
        typer.Argument(
            help="A table of images (dataset.csv or .toml), a MedMNIST npz, or a folder of a usual layout.",
            show_default=False,
        ),
    ]
    out: Annotated[Path, _option("Folder of the bundle; must not exist.")]
    label: Annotated[
        str, _option("What the masks outline, where the files do not say: SCHEME|VALUE|MEANING.")
    ] = ""
    time_budget: Annotated[str, _option("Time for everything: 90s, 5m, 2h; without it what is usual.")] = ""
    setting: Annotated[
        list[str] | None, _option("Override a choice of the plan: FIELD=VALUE. Repeatable.", "--set")
    ] = None
    begin: Annotated[
        str,
        _option(
            "Model to begin with, or safetensors file of --set network=NAME, instead of chance.", "--from"
        ),
    ] = ""
    folds: Annotated[
        int,
        typer.Option(min=0, help="Networks, each learnt without one part, asked together; 0: as planned."),
    ] = 0
    seed: Annotated[int, typer.Option(help="The same seed learns the same model.")] = 0
    seeds: Annotated[
        int,
        typer.Option(min=1, help="Trainings, with one seed after the other, to see how much chance matters."),
    ] = 1
    sizes: Annotated[
        bool,
        typer.Option(
            "--sizes", help="Learn from a quarter and a half too, to see what more data would bring."
        ),
    ] = False
    split: Annotated[
        str, _option("Splits to learn from, with commas; val calibrates; without it all but the test split.")
    ] = ""
    test: Annotated[str, typer.Option(help="Split that the model is judged on in the end.")] = "test"
    target: Annotated[str, _option("Which question of the data, where it asks several.")] = ""
    licence: Annotated[str, _option("Terms of the data; they stand on the card.")] = ""
    modality: Annotated[str, _option("DICOM Modality of the images, where the files do not say.")] = ""
    lang: Annotated[Lang, typer.Option(help="Language of the page and of what is said of the fit.")] = Lang.en
    log: Annotated[
        list[str] | None, _option("Figures of each epoch for tensorboard, or for mlflow. Repeatable.")
    ] = None
    log_folder: Annotated[Path | None, _option("Folder of these logs; without it `logs` beside --out.")] = (
        None
    )
    cache: Annotated[
        Path | None,
        _option("Folder of prepared samples that several runs share; else they are deleted in the end."),
    ] = None
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at the first image or line that does not hold.")
    ] = False
    plan_only: Annotated[
        bool, typer.Option("--plan-only", help="Say the plan and its reasons, and learn nothing.")
    ] = False
    as_json: Annotated[bool, typer.Option("--json", help="Say everything as JSON.")] = False

    @property
    def page(self) -> Path:
        """Where the page about the model is written: beside the bundle, which holds no picture of a patient."""
        return self.out.with_name(f"{self.out.name}-evaluation.html")

    @property
    def samples(self) -> Path:
        """Folder of prepared samples; where none was named, it goes with all else that a finished run needs no more."""
        return self.cache or self.out.with_name(f".{self.out.name}.training") / "samples"

    @property
    def seconds(self) -> float | None:
        """The time budget; None for what is usual.

        Raises:
            InvalidInput: It is written in another way.
        """
        return seconds_of(self.time_budget)


def asked(task: Task) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a function of a wish the options of a task as its own, before those that it has, to make it a command."""
    hints = get_type_hints(Wish, include_extras=True)
    options = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in dataclasses.fields(Wish)
        if field.name != "task" and _ONLY.get(field.name, task) == task
    ]

    def with_options(function: Callable[..., None]) -> Callable[..., None]:
        _, *own = inspect.signature(function, eval_str=True).parameters.values()

        def command(**given: Any) -> None:
            rest = {option.name: given.pop(option.name) for option in own}
            function(Wish(task=task, **given), **rest)

        command.__doc__, command.__name__ = function.__doc__, function.__name__
        command.__signature__ = inspect.Signature([*options, *own])  # type: ignore[attr-defined]  # inspect reads it
        return command

    return with_options


def seconds_of(text: str) -> float | None:
    """A time as one writes it: ``"90"``, ``"90s"``, ``"5m"``, ``"1.5h"``; None of no text.

    Raises:
        InvalidInput: Another text, or no time at all.
    """
    from skiagraph.errors import InvalidInput

    if not text:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if match is None or float(match[1]) == 0:
        raise InvalidInput("a time budget is written 90s, 5m or 2h", got=repr(text))
    return float(match[1]) * _UNITS[match[2] or "s"]
