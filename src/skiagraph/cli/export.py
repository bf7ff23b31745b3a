"""`skiagraph export`: a reading, or DICOM results of anyone, to what other systems take."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skiagraph.cli.language import Lang

if TYPE_CHECKING:
    from skiagraph.workflow.exports import Written

__all__ = ["export", "plain_file"]

Source = Annotated[
    Path,
    typer.Argument(
        help="A reading (its folder, or reading.json), a folder of readings, or DICOM results of anyone.",
        show_default=False,
    ),
]
Formats = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="FORMATS",
        help="Some of dicom,fhir,pdf,nifti,nrrd,csv,json. [default: all that SOURCE allows, but nrrd]",
        show_default=False,
    ),
]
Out = Annotated[Path | None, typer.Option(help="Folder of the results. [default: SOURCE's name + -export]")]
Study = Annotated[
    Path | None,
    typer.Option(help="The images that the reading is about; DICOM objects and the PDF need them."),
]
Tongue = Annotated[Lang, typer.Option(help="Language of the PDF.")]
Json = Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")]


def export(
    source: Source,
    *,
    to: Formats = None,
    out: Out = None,
    study: Study = None,
    lang: Tongue = Lang.en,
    as_json: Json = False,
) -> None:
    """Write a reading as DICOM objects, FHIR, PDF, NIfTI, NRRD, CSV or JSON.

    A reading holds no image and no patient: with --study, the images that it is about, their patient and study go
    along. DICOM results of any maker (segmentations, structured reports, structure sets, registrations, parametric
    maps) are converted too.

    Example: skiagraph export scan-reading --study scan.dcm
    """
    from skiagraph.cli.progress import progress
    from skiagraph.workflow.export import Order, export_all

    order = Order(
        source=source,
        out=out or Path(f"{source.resolve().name.split('.')[0]}-export"),
        formats=tuple(dict.fromkeys(part.strip().lower() for part in (to or "").split(",") if part.strip())),
        study=study,
        language=lang.value,
    )
    with progress("exporting", shown=not as_json) as watch:
        done = export_all(order, watch)
    if as_json:
        files = [plain_file(one) for one in done.written]
        typer.echo(json.dumps({"written": files, "notes": done.notes}, indent=1, ensure_ascii=False))
        return
    for one in done.written:
        typer.echo(f"{one.path} ({one.holds})")
    for sentence in done.notes:
        typer.echo(f"note: {sentence}", err=True)


def plain_file(one: Written) -> dict[str, str]:
    """A file that was written, for JSON."""
    return {"format": one.format, "holds": one.holds, "path": str(one.path)}
