"""`skiagraph features`: texture, shape and local features of images and their structures, as a table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from skiagraph.workflow.features import Sheet
    from skiagraph.workflow.outlined import Wanted

__all__ = ["features"]

Images = Annotated[
    list[Path],
    typer.Argument(help="Images, folders of images, or one data set (dataset.csv).", show_default=False),
]
Mask = Annotated[
    Path | None,
    typer.Option(
        help="Mask of the image: a label map or a DICOM segmentation; for many images, a folder with masks of the same "
        "names. [default: the whole image]",
        show_default=False,
    ),
]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME",
        help="all, texture, shape, local, classic-outline, or one family such as glcm; may be given several times. "
        "[default: all]",
        show_default=False,
    ),
]
Csv = Annotated[
    Path | None,
    typer.Option(
        "--csv",
        metavar="FILE",
        help="Write the table here, and beside it a JSON file with the parameters.",
        show_default=False,
    ),
]
Place = Annotated[
    str | None,
    typer.Option(
        metavar="MODEL",
        help="Add the embedding of each whole image by a network that classifies or measures: a registered model, or "
        "the folder of a bundle.",
        show_default=False,
    ),
]


def features(
    images: Images,
    *,
    mask: Mask = None,
    label: Annotated[
        str, typer.Option(metavar="NAME", help="The one structure of the mask, by name or number.")
    ] = "",
    sets: Sets = None,
    levels: Annotated[
        int | None, typer.Option(help="Grey levels of texture. [default: 32]", show_default=False)
    ] = None,
    bin_width: Annotated[
        float | None,
        typer.Option(help="Or the size of a grey level, in the unit of the image.", show_default=False),
    ] = None,
    embedding: Place = None,
    stability: Annotated[
        int, typer.Option(min=0, help="Shake each mask so often, and say how steady each feature is (ICC).")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Of the shaking.")] = 1,
    pixel_size: Annotated[
        str | None,
        typer.Option(help="mm, for pictures whose files state none: 0.1 or 0.1x0.12.", show_default=False),
    ] = None,
    table: Csv = None,
    outlines: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Draw each outline, and what 1 to 16 Fourier harmonics rebuild of it: a .png file.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON, one object.")] = False,
) -> None:
    """Describe images and outlined structures by numbers: grey levels, texture, shape.

    One row a case and structure; lengths are in mm where the size of a pixel is known. A feature without a value is an
    empty cell, and the JSON file says why.

    Example: skiagraph features scan.nii.gz --mask tumour.nii.gz --csv features.csv
    """
    from skiagraph.cli.pixel_size import parsed_pixel_size
    from skiagraph.cli.progress import progress
    from skiagraph.cli.rebuilt_outlines import rebuilt_outlines
    from skiagraph.features.sets import feature_set
    from skiagraph.inference.embedding import embedded
    from skiagraph.workflow.feature_sheet import write_sheet
    from skiagraph.workflow.features import Settings, described, regions
    from skiagraph.workflow.outlined import Wanted, work_of
    from skiagraph.workflow.shelf import model_bundle

    settings = Settings(
        features=feature_set(sets or ["all"]),
        bins=levels,
        width=bin_width,
        label=label,
        shakes=stability,
        seed=seed,
        embedding=None if embedding is None else embedded(model_bundle(embedding)),
    )
    wanted = Wanted(paths=tuple(images), mask=mask, pixel_size=parsed_pixel_size(pixel_size))
    if table is not None:
        _check_target("--csv", table, ".csv", wanted)
    if outlines is not None:
        _check_target("--outlines", outlines, ".png", wanted)
    with progress("describing", shown=not as_json) as watch:
        sheet = described(work_of(wanted), settings, watch)
    if outlines is not None:
        rebuilt_outlines(regions(work_of(wanted), label), outlines)
    files = () if table is None else write_sheet(sheet, table)
    _say(sheet, files, outlines, as_json=as_json)


def _check_target(option: str, file: Path, ending: str, wanted: Wanted) -> None:
    """Said before the work, not after it."""
    from skiagraph.errors import InvalidInput, MissingInput

    if file.suffix.lower() != ending or file.is_dir():
        raise InvalidInput(f"{option} names a file that ends in {ending}", got=file.name)
    if not file.parent.is_dir():
        raise MissingInput(
            f"{file.name} is written to a folder that exists", got=str(file.parent), way_out="make it first"
        )
    inputs = (*wanted.paths, *([] if wanted.mask is None else [wanted.mask]))
    taken = {path.resolve() for path in inputs}
    taken |= {path.resolve() / "dataset.csv" for path in inputs if path.is_dir()}
    if taken & {file.resolve(), file.with_suffix(".json").resolve()}:
        raise InvalidInput(
            "what is written does not replace what it is made of",
            got=file.name,
            way_out="choose another name",
        )


def _say(sheet: Sheet, files: tuple[Path, ...], outlines: Path | None, *, as_json: bool) -> None:
    from skiagraph.workflow.feature_sheet import plain

    for note in sheet.notes:
        typer.echo(f"note: {note}", err=True)
    if as_json:
        typer.echo(json.dumps(plain(sheet), indent=1, ensure_ascii=False, allow_nan=False))
        return
    if outlines is not None:
        typer.echo(f"{outlines} (outlines, and what few harmonics rebuild of them)")
    if not files:
        if outlines is None:
            _show(sheet)
        return
    missing = sum(bool(one.reason) for row in sheet.rows for one in row.features)
    rows = "1 row" if len(sheet.rows) == 1 else f"{len(sheet.rows)} rows"
    held = f"{rows}, {len(sheet.columns)} features" + (f", {missing} without a value" if missing else "")
    typer.echo(f"{files[0]} ({held})")
    typer.echo(f"{files[1]} (parameters, units, reasons, digests)")
    for path in files[2:]:
        typer.echo(f"{path} (how steady each feature is)")


def _show(sheet: Sheet) -> None:
    """A table on the screen: one line a feature, one column a row."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from skiagraph.errors import InvalidInput

    if len(sheet.rows) > 4:
        raise InvalidInput(
            "a screen has room for four structures",
            got=str(len(sheet.rows)),
            way_out="write a file with --csv",
        )
    shown = Table("feature", "unit", *(escape(f"{row.case}: {row.structure}") for row in sheet.rows))
    values = [{one.key: one for one in row.features} for row in sheet.rows]
    for key, feature in sheet.columns.items():
        cells = [found[key] for found in values if key in found]
        said = (escape(one.reason) if one.reason else f"{one.value:.6g}" for one in cells)
        shown.add_row(escape(f"{feature.family}: {feature.name}"), escape(feature.unit), *said)
    Console().print(shown)
