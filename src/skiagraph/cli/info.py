"""`skiagraph info`: what is in a file or a folder, and what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from skiagraph.case import Case

__all__ = ["info"]


def info(
    path: Annotated[
        Path, typer.Argument(help="A file, or a folder of files and DICOM series.", show_default=False)
    ],
    *,
    pixel_size: Annotated[
        str | None,
        typer.Option(
            metavar="MM", help="Pixel size that files do not state: 0.1, or 0.1x0.12 (rows x columns)."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print it as JSON, one object for the whole path.")
    ] = False,
) -> None:
    """Say what a file or folder holds: geometry, quantity, modality, and problems.

    Example: skiagraph info scan.nii.gz
    """
    from skiagraph.cli.pixel_size import parsed_pixel_size
    from skiagraph.errors import FormatError
    from skiagraph.io import read_cases

    images: list[dict[str, Any]] = []
    problems: list[str] = []
    for item in read_cases(path, pixel_size=parsed_pixel_size(pixel_size)):
        if isinstance(item, str):
            problems.append(item)
        else:
            images.extend(_described(item))
    if not images:
        raise FormatError(
            f"{path.name} holds an image that can be read", got=" ".join(problems[:3]) or "none"
        )
    if as_json:
        typer.echo(
            json.dumps(
                {"path": str(path), "images": images, "problems": problems}, indent=1, ensure_ascii=False
            )
        )
    else:
        _show(images, problems)


def _described(case: Case) -> list[dict[str, Any]]:
    from skiagraph.geometry import Grid, axis_codes, spacing_of

    rows = []
    for name, image in case.images.items():
        space = image.space
        spacing = spacing_of(space)
        field = (
            None if spacing is None else [round(n * s, 6) for n, s in zip(space.shape, spacing, strict=True)]
        )
        rows.append(
            {
                "case": case.identifier,
                "image": name,
                "axes": list(image.axes),
                "shape": list(image.data.shape),
                "type": str(image.data.dtype),
                "spacing_mm": None if spacing is None else list(spacing),
                "field_of_view_mm": field,
                "orientation": axis_codes(space) if isinstance(space, Grid) else None,
                "frame_of_reference": space.frame,
                "quantity": image.quantity.name,
                "unit": None if image.quantity.unit is None else image.quantity.unit.value,
                "modality": image.modality,
                "uid": case.uids.get(name),
                "problems": list(case.problems),
            }
        )
    return rows


def _show(images: list[dict[str, Any]], problems: list[str]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    for row in images:
        table = Table(show_header=False, title=escape(row["case"]), title_justify="left")
        for name, value in _lines(row):
            table.add_row(name, escape(value))
        console.print(table)
    for problem in problems:
        console.print(f"[yellow]problem[/yellow] {escape(problem)}")


def _lines(row: dict[str, Any]) -> list[tuple[str, str]]:
    quantity = row["quantity"] + ("" if row["unit"] is None else f" ({row['unit']})")
    return [
        ("shape", " x ".join(map(str, row["shape"])) + f" ({', '.join(row['axes'])}), {row['type']}"),
        ("spacing", _mm(row["spacing_mm"])),
        ("field of view", _mm(row["field_of_view_mm"])),
        ("orientation", row["orientation"] or "a picture, without a place in the patient"),
        ("quantity", quantity),
        ("modality", row["modality"] or "not stated"),
        *(("problem", problem) for problem in row["problems"]),
    ]


def _mm(values: list[float] | None) -> str:
    return "not stated" if values is None else " x ".join(f"{v:.6g}" for v in values) + " mm"
