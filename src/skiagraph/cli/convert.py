"""`skiagraph convert`: from one format to another, with the geometry kept and what cannot be kept named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["convert"]


def convert(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="IN", help="A file, or the folder or zip archive of one DICOM series.", show_default=False
        ),
    ],
    target: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help="Its name says the format: .nii .nii.gz .mha .mhd .nrrd .png .tif .tiff. Replaced if it is there.",
            show_default=False,
        ),
    ],
    *,
    pixel_size: Annotated[
        str | None,
        typer.Option(
            metavar="MM", help="Pixel size that IN does not state: 0.1, or 0.1x0.12 (rows x columns)."
        ),
    ] = None,
    fill_gaps: Annotated[
        bool,
        typer.Option("--fill-gaps", help="Resample a series across missing slices instead of refusing it."),
    ] = False,
    image: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Which one, where IN holds several that belong together."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,
) -> None:
    """Convert an image, keeping every voxel where it is in the patient.

    Example: skiagraph convert dicom-series/ scan.nii.gz
    """
    from skiagraph.cli.chosen import chosen
    from skiagraph.cli.pixel_size import parsed_pixel_size
    from skiagraph.cli.progress import progress
    from skiagraph.io import read_case, write_image

    with progress("reading", shown=not as_json) as watch:
        case = read_case(
            source,
            pixel_size=parsed_pixel_size(pixel_size),
            fill_gaps=fill_gaps,
            watch=lambda done, total: watch(done, total, {}),
        )
    lost = write_image(chosen(case, image, "converted"), target)
    if as_json:
        done = {"from": str(source), "to": str(target), "problems": list(case.problems), "lost": list(lost)}
        typer.echo(json.dumps(done, indent=1, ensure_ascii=False))
        return
    typer.echo(str(target))
    for sentence in (*case.problems, *lost):
        typer.echo(f"note: {sentence}", err=True)
