"""`skiagraph info`: what is in a file, folder, archive or disc, and what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skiagraph.case import Case
    from skiagraph.cli.contact_sheet import Tile
    from skiagraph.geometry import Grid
    from skiagraph.io.contents import Contents

__all__ = ["info"]

_WIDE = 1000
_STRAIGHT = 0.1  # degrees

Size = Annotated[
    str | None,
    typer.Option(metavar="MM", help="Pixel size that files do not state: 0.1, or 0.1x0.12 (rows x columns)."),
]
Pictures = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Write a contact sheet of one picture of each image: a .png or .html file."
    ),
]
Gaps = Annotated[
    bool,
    typer.Option("--fill-gaps", help="Resample a series across missing slices instead of refusing it."),
]
Who = Annotated[bool, typer.Option("--patient", help="Show names, IDs and birth dates of patients.")]
Json = Annotated[bool, typer.Option("--json", help="Print it as JSON, one object for the whole path.")]


def info(
    path: Annotated[
        Path,
        typer.Argument(help="A file, a folder, a zip archive or a DICOMDIR.", show_default=False),
    ],
    *,
    pictures: Pictures = None,
    pixel_size: Size = None,
    fill_gaps: Gaps = False,
    patient: Who = False,
    as_json: Json = False,
) -> None:
    """Say what a path holds: studies, series and images, with geometry, quantity, times, and problems.

    Only headers of DICOM files are read, unless pictures are asked for. Patients are told apart by a number; their
    names are shown only with --patient.

    Example: skiagraph info examination/ --pictures sheet.png
    """
    from skiagraph.cli.contact_sheet import check_target, write_sheet
    from skiagraph.cli.pixel_size import parsed_pixel_size
    from skiagraph.cli.progress import progress
    from skiagraph.errors import FormatError
    from skiagraph.io import read_cases
    from skiagraph.io.contents import Tally

    if pictures is not None:
        check_target(pictures)
    tally = Tally()
    with progress("reading", shown=not as_json) as watch:
        cases = read_cases(
            path,
            pixel_size=parsed_pixel_size(pixel_size),
            fill_gaps=fill_gaps,
            watch=lambda done, total: watch(done, total, {}),
            headers=tally.add,
        )
        images, tiles, problems = _gathered(cases, draw=pictures is not None)
    contents = tally.contents()
    problems[:0] = contents.problems
    if not images:
        raise FormatError(
            f"{path.name} holds an image that can be read", got=" ".join(problems[:3]).rstrip(".") or "none"
        )
    _place_in_series(images, contents)
    if pictures is not None:
        pairs = sorted(zip(images, tiles, strict=True), key=lambda pair: _place(pair[0]))
        titled = [_titled(tile, row, contents) for row, tile in pairs]
        write_sheet(titled, pictures, title=path.resolve().name)
    tell = _print_json if as_json else _show
    tell(path, images, problems, _studies(contents, patient=patient))


def _gathered(
    cases: Iterable[Case | str], *, draw: bool
) -> tuple[list[dict[str, Any]], list[Tile], list[str]]:
    """Rows of the tree, their pictures where they are drawn, and what could not be read."""
    images: list[dict[str, Any]] = []
    tiles: list[Tile] = []
    problems: list[str] = []
    for item in cases:
        if isinstance(item, str):
            problems.append(item)
            continue
        rows = _described(item)
        images.extend(rows)
        if draw:
            tiles.extend(_drawn(item, rows))
    return images, tiles, problems


def _place_in_series(images: list[dict[str, Any]], contents: Contents) -> None:
    for row in images:
        row["study"], row["series"] = contents.series_of.get(row["uid"] or "", (None, None))


def _described(case: Case) -> list[dict[str, Any]]:
    from skiagraph.geometry import Grid, axis_codes, spacing_of

    rows = []
    for name, image in case.images.items():
        space = image.space
        spacing = spacing_of(space)
        field = (
            None if spacing is None else [round(n * s, 6) for n, s in zip(space.shape, spacing, strict=True)]
        )
        uid = case.uids.get(name)
        rows.append(
            {
                "case": case.identifier,
                "image": name,
                "study": None,
                "series": None,
                "axes": list(image.axes),
                "shape": list(image.data.shape),
                "type": str(image.data.dtype),
                "spacing_mm": None if spacing is None else [round(s, 6) for s in spacing],
                "field_of_view_mm": field,
                "orientation": axis_codes(space) if isinstance(space, Grid) else None,
                "tilt_degrees": _tilt(space) if isinstance(space, Grid) else 0.0,
                "frame_of_reference": space.frame,
                "timeline": _timeline(image),
                "quantity": image.quantity.name,
                "unit": None if image.quantity.unit is None else image.quantity.unit.value,
                "modality": image.modality,
                "uid": uid,
                "known": sorted(case.known),
                "problems": list(case.problems),
            }
        )
    return rows


def _tilt(space: Grid) -> float:
    """Degrees between the line on which the slices lie and the normal of the slices; 0 up to rounded positions."""
    import numpy as np

    axes = space.affine[:3, :3]
    normal = np.cross(axes[:, 1], axes[:, 2])
    cosine = abs(float(normal @ axes[:, 0])) / float(np.linalg.norm(normal) * np.linalg.norm(axes[:, 0]))
    tilt = float(np.degrees(np.arccos(min(1.0, cosine))))
    return round(tilt, 3) if tilt > _STRAIGHT else 0.0


def _timeline(image: Any) -> dict[str, Any] | None:
    timeline = image.space.timeline
    if timeline is None:
        return None
    conditions = {name: values.tolist() for name, values in timeline.conditions.items()}
    return {"unit": timeline.unit, "times": timeline.times.tolist(), "conditions": conditions}


def _studies(contents: Contents, *, patient: bool) -> list[dict[str, Any]]:
    found = []
    for study in contents.studies:
        who: dict[str, Any] = {"number": study.patient.number}
        if patient:
            who |= {
                "name": study.patient.name,
                "id": study.patient.identifier,
                "birth_date": study.patient.birth_date or None,
                "problem": study.patient.problem,
            }
        series = [
            {
                "uid": one.uid,
                "number": one.number,
                "modality": one.modality,
                "description": one.told if patient else one.description,
                "kind": one.kind,
                "body_part": one.body_part,
                "files": one.files,
            }
            for one in study.series
        ]
        description = study.told if patient else study.description
        found.append(
            {
                "uid": study.uid,
                "date": study.date or None,
                "description": description,
                "patient": who,
                "series": series,
            }
        )
    return found


def _drawn(case: Case, rows: list[dict[str, Any]]) -> list[Tile]:
    from skiagraph.cli.contact_sheet import tile_of
    from skiagraph.cli.tree import meaning, size

    return [
        tile_of(case.images[row["image"]], (case.identifier, size(row), meaning(row)), tuple(row["problems"]))
        for row in rows
    ]


def _place(row: dict[str, Any]) -> tuple[bool, int, int]:
    """The order of the tree: by study and series, then what is not DICOM."""
    return row["study"] is None, row["study"] or 0, row["series"] or 0


def _titled(tile: Tile, row: dict[str, Any], contents: Contents) -> Tile:
    """The tile with number and description of its series as its title, where it has one."""
    import dataclasses

    from skiagraph.cli.tree import part_of

    title, part = row["case"], part_of(row)
    if row["study"] is not None:
        series = contents.studies[row["study"]].series[row["series"]]
        title = f"{series.number} {series.description or series.kind}".strip()
    return dataclasses.replace(tile, lines=(f"{title} ({part})" if part else title, *tile.lines[1:]))


def _print_json(
    path: Path, images: list[dict[str, Any]], problems: list[str], studies: list[dict[str, Any]]
) -> None:
    for row in images:
        at = row["study"], row["series"]
        row["study"] = None if at[0] is None else studies[at[0]]["uid"]
        row["series"] = None if at[0] is None else studies[at[0]]["series"][at[1]]["uid"]
    whole = {"path": str(path), "studies": studies, "images": images, "problems": problems}
    typer.echo(json.dumps(whole, indent=1, ensure_ascii=False))


def _show(
    path: Path, images: list[dict[str, Any]], problems: list[str], studies: list[dict[str, Any]]
) -> None:
    from rich.console import Console

    from skiagraph.cli.tree import tree_of

    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)  # lines stay whole where a program reads them
    console.print(tree_of(path, images, problems, studies))
