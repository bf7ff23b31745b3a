"""`skiagraph train`: learns a model from labelled images: classes, values or outlines; and says how good it is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final

import typer

__all__ = ["seconds_of", "train"]

train = typer.Typer(
    help="Learn a model from labelled images, and write it as a bundle. Needs skiagraph[train].",
    no_args_is_help=True,
)

_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0}

Data = Annotated[
    Path,
    typer.Argument(
        help="A table of images (dataset.csv or .toml), a MedMNIST npz, or a folder of a usual layout.",
        show_default=False,
    ),
]
Out = Annotated[Path, typer.Option("--out", help="Folder of the bundle; must not exist.", show_default=False)]
Budget = Annotated[
    str, typer.Option(help="Time for everything: 90s, 5m, 2h. [default: what is usual]", show_default=False)
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="Override a choice of the plan: FIELD=VALUE. Repeatable.", show_default=False),
]
Folds = Annotated[int, typer.Option(min=1, help="Networks, each learnt without one part, asked together.")]
Seed = Annotated[int, typer.Option(help="The same seed learns the same model.")]
Split = Annotated[
    str,
    typer.Option(
        help="Splits to learn from, with commas; val calibrates. [default: all but the test split]",
        show_default=False,
    ),
]
Test = Annotated[str, typer.Option(help="Split that the model is judged on in the end.")]
Question = Annotated[
    str, typer.Option(help="Which question of the data, where it asks several.", show_default=False)
]
Licence = Annotated[str, typer.Option(help="Terms of the data; they stand on the card.", show_default=False)]
Modality = Annotated[
    str, typer.Option(help="DICOM Modality of the images, where the files do not say.", show_default=False)
]
Label = Annotated[
    str,
    typer.Option(
        help="What the masks outline, where the files do not say: SCHEME|VALUE|MEANING.", show_default=False
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="Stop at the first image or line that does not hold.")]
Only = Annotated[bool, typer.Option("--plan-only", help="Say the plan and its reasons, and learn nothing.")]
Json = Annotated[bool, typer.Option("--json", help="Say everything as JSON.")]


@train.command()
def classification(
    data: Data,
    *,
    out: Out,
    time_budget: Budget = "",
    setting: Settings = None,
    folds: Folds = 1,
    seed: Seed = 0,
    split: Split = "",
    test: Test = "test",
    target: Question = "",
    licence: Licence = "",
    modality: Modality = "",
    strict: Strict = False,
    plan_only: Only = False,
    as_json: Json = False,
) -> None:
    """Learn to which class a whole image belongs: two, many, ranked ones, or labels that may hold together.

    The plan follows from the data and this machine, and is printed with its reasons. A run that was cut off goes on
    where it was when the same command is given again.

    Example: skiagraph train classification pneumoniamnist.npz --out my-model --time-budget 5m
    """
    from skiagraph.cli.learning import Wish, carry_out

    wish = Wish(
        task="classification",
        data=data,
        out=out,
        seconds=seconds_of(time_budget),
        settings=tuple(setting or ()),
        folds=folds,
        seed=seed,
        split=split,
        test=test,
        target=target,
        licence=licence,
        modality=modality,
        strict=strict,
    )
    carry_out(wish, plan_only=plan_only, as_json=as_json)


@train.command()
def regression(
    data: Data,
    *,
    out: Out,
    time_budget: Budget = "",
    setting: Settings = None,
    folds: Folds = 1,
    seed: Seed = 0,
    split: Split = "",
    test: Test = "test",
    target: Question = "",
    licence: Licence = "",
    modality: Modality = "",
    strict: Strict = False,
    plan_only: Only = False,
    as_json: Json = False,
) -> None:
    """Learn a value of a whole image, or several: ages, volumes, fractions; each with its interval.

    Example: skiagraph train regression dataset.csv --out my-model --target age
    """
    from skiagraph.cli.learning import Wish, carry_out

    wish = Wish(
        task="regression",
        data=data,
        out=out,
        seconds=seconds_of(time_budget),
        settings=tuple(setting or ()),
        folds=folds,
        seed=seed,
        split=split,
        test=test,
        target=target,
        licence=licence,
        modality=modality,
        strict=strict,
    )
    carry_out(wish, plan_only=plan_only, as_json=as_json)


@train.command()
def segmentation(
    data: Data,
    *,
    out: Out,
    label: Label = "",
    time_budget: Budget = "",
    setting: Settings = None,
    folds: Folds = 1,
    seed: Seed = 0,
    split: Split = "",
    test: Test = "test",
    target: Question = "",
    licence: Licence = "",
    modality: Modality = "",
    strict: Strict = False,
    plan_only: Only = False,
    as_json: Json = False,
) -> None:
    """Learn to outline structures in pictures or volumes.

    Example: skiagraph train segmentation dataset.csv --out my-model --label 'SCT|69536005|Head'
    """
    from skiagraph.cli.learning import Wish, carry_out

    wish = Wish(
        task="segmentation",
        data=data,
        out=out,
        label=label,
        seconds=seconds_of(time_budget),
        settings=tuple(setting or ()),
        folds=folds,
        seed=seed,
        split=split,
        test=test,
        target=target,
        licence=licence,
        modality=modality,
        strict=strict,
    )
    carry_out(wish, plan_only=plan_only, as_json=as_json)


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
