"""`skiagraph check`: how good the images in a file or a folder are, with a sentence for each remark."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from skiagraph.case import Case
    from skiagraph.features.quality import Limit
    from skiagraph.workflow.quality import Check

__all__ = ["check"]

_COUNTED = ("1", "{planes}")
_NOTHING = 1e-5  # what rounding leaves, in any unit that is used here


def check(
    path: Annotated[
        Path,
        typer.Argument(help="A file, a folder, a zip archive or a DICOMDIR.", show_default=False),
    ],
    *,
    model: Annotated[
        str,
        typer.Option(help="Ask also whether this model would take each image: a name, or a bundle's folder."),
    ] = "",
    modality: Annotated[
        str, typer.Option(metavar="CODE", help="What files that state no modality are: CT, MR, US, DX, OP...")
    ] = "",
    pixel_size: Annotated[
        str | None,
        typer.Option(
            metavar="MM", help="Pixel size that files do not state: 0.1, or 0.1x0.12 (rows x columns)."
        ),
    ] = None,
    fill_gaps: Annotated[
        bool,
        typer.Option("--fill-gaps", help="Resample a series across missing slices instead of refusing it."),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print it as JSON, one object for the whole path.")
    ] = False,
) -> None:
    """Check the quality of images: geometry, field of view, motion, metal, rings, noise, saturation, blank frames.

    What was found is a measure beside its limit; what is beyond gets a sentence. The exit code is 0 either way.

    Example: skiagraph check scan.nii.gz --modality MR
    """
    from skiagraph.cli.pixel_size import parsed_pixel_size
    from skiagraph.cli.progress import progress
    from skiagraph.errors import FormatError
    from skiagraph.io import read_cases
    from skiagraph.workflow.quality import checked
    from skiagraph.workflow.shelf import opened_model

    reader = opened_model(model) if model else None
    rows: list[dict[str, Any]] = []
    problems: list[str] = []
    with progress("checking", shown=not as_json) as watch:
        for item in read_cases(
            path,
            pixel_size=parsed_pixel_size(pixel_size),
            fill_gaps=fill_gaps,
            watch=lambda done, total: watch(done, total, {}),
        ):
            if isinstance(item, str):
                problems.append(item)
                continue
            try:
                case = _stated(item, modality)
                rows.append(_row(case, checked(case, reader)))
            except FormatError as error:
                problems.append(str(error))
                continue
            if not as_json:
                _show(rows[-1])
    if not rows:
        raise FormatError(
            f"{path.name} holds an image that can be read", got=" ".join(problems[:3]) or "none"
        )
    if as_json:
        said = {"path": str(path), "cases": rows, "problems": problems}
        typer.echo(json.dumps(said, indent=1, ensure_ascii=False))
    else:
        _close(rows, problems)


def _stated(case: Case, modality: str) -> Case:
    """The case with a modality where its images state none."""
    import dataclasses

    if not modality:
        return case
    images = {
        name: image if image.modality else dataclasses.replace(image, modality=modality.upper())
        for name, image in case.images.items()
    }
    return dataclasses.replace(case, images=images)


def _row(case: Case, checks: tuple[Check, ...]) -> dict[str, Any]:
    from skiagraph.workflow.quality import remarks

    said = remarks(case, checks)
    return {
        "case": case.identifier,
        "verdict": "remarks" if said else "good",
        "remarks": list(said),
        "problems": list(case.problems),
        "checks": [_plain(case, one) for one in checks],
    }


def _limit_for(study: Case, one: Check) -> Limit | None:
    from skiagraph.features.quality import kind_of, limit_of

    match one.topic:
        case "model" | "body part":
            return None
        case topic:
            return limit_of(topic, kind_of(study.images[one.image]))


def _plain(case: Case, one: Check) -> dict[str, Any]:
    from skiagraph.findings import Measurement
    from skiagraph.plain import to_plain

    limit = _limit_for(case, one)
    measure = one.finding if isinstance(one.finding, Measurement) else None
    return {
        "image": one.image,
        "topic": one.topic,
        "value": None if measure is None else measure.value,
        "unit": None if measure is None else measure.unit.value,
        "least": None if limit is None else limit.least,
        "most": None if limit is None else limit.most,
        "verdict": one.verdict,
        "sentence": one.sentence,
        "finding": to_plain(one.finding),
    }


def _show(row: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("check", "value", "limit", "verdict", title=escape(row["case"]), title_justify="left")
    several = len({one["image"] for one in row["checks"]}) > 1
    for one in row["checks"]:
        name = f"{one['image']}: {one['topic']}" if several else one["topic"]
        colour = {"good": "green", "remark": "yellow"}.get(one["verdict"], "dim")
        table.add_row(escape(name), _amount(one), _limit(one), f"[{colour}]{one['verdict']}[/{colour}]")
    console = Console()
    console.print(table)
    for sentence in row["remarks"]:
        console.print(f"[yellow]remark[/yellow] {escape(sentence)}", soft_wrap=True)
    for problem in row["problems"]:
        console.print(f"[yellow]problem[/yellow] {escape(problem)}", soft_wrap=True)


def _amount(one: dict[str, Any]) -> str:
    from skiagraph.cli.tree import unit_words

    if one["value"] is None:
        return ""
    unit = "" if one["unit"] in _COUNTED else unit_words(one["unit"])
    value = one["value"] if abs(one["value"]) >= _NOTHING else 0.0
    return f"{value:.4g} {unit}".strip()


def _limit(one: dict[str, Any]) -> str:
    least, most = one["least"], one["most"]
    if least is None:
        return "" if most is None else f"at most {most:g}"
    return f"at least {least:g}" if most is None else f"{least:g} to {most:g}"


def _close(rows: list[dict[str, Any]], problems: list[str]) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console()
    for problem in problems:
        console.print(f"[yellow]problem[/yellow] {escape(problem)}", soft_wrap=True)
    remarked = sum(row["verdict"] != "good" for row in rows)
    if len(rows) == 1:
        typer.echo("verdict: remarks" if remarked else "verdict: good")
    else:
        typer.echo(f"verdict: {len(rows) - remarked} of {len(rows)} are good, {remarked} with remarks")
