"""`skiagraph dicom`: what an administrator asks of the peers of a server: are they there, what they have, bring it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from skiagraph.cli.home import HOME, Home, settings_at

__all__ = ["dicom"]

dicom = typer.Typer(
    name="dicom",
    help="Ask the DICOM peers of a server: are they there, what do they have, bring it.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="Of the peer, as settings.toml names it.", show_default=False)]


@dicom.command()
def echo(name: Name, *, home: Home = HOME) -> None:
    """See whether a peer answers and takes us (C-ECHO).

    Example: skiagraph dicom echo pacs
    """
    _room("node.peers").echo(settings_at(home), name)
    typer.echo(f"{name} answers.")


@dicom.command()
def find(
    name: Name,
    *,
    patient: Annotated[str, typer.Option(help="PatientID; * and ? stand for others.")] = "",
    person: Annotated[
        str, typer.Option(help="Name of the patient, as Family^Given; * and ? stand for others.")
    ] = "",
    date: Annotated[str, typer.Option(help="Of the study: YYYYMMDD, or two with - between them.")] = "",
    accession: Annotated[str, typer.Option(help="Accession number.")] = "",
    modality: Annotated[str, typer.Option(help="CT, MR, US ...")] = "",
    home: Home = HOME,
) -> None:
    """List studies that a peer has (C-FIND), one a line: UID, date, modalities, objects, patient, description.

    Example: skiagraph dicom find pacs --patient 4711
    """
    found = _room("node.peers").studies_at(
        settings_at(home),
        name,
        PatientID=patient,
        PatientName=person,
        StudyDate=date,
        AccessionNumber=accession,
        ModalitiesInStudy=modality,
    )
    for one in found:
        count = "" if one.instances is None else str(one.instances)
        parts = (one.uid, one.date, ",".join(one.modalities), count, one.patient_id, one.description)
        typer.echo("\t".join("".join(c for c in part if c.isprintable()) for part in parts))


@dicom.command()
def fetch(
    name: Name,
    study: Annotated[str, typer.Argument(help="StudyInstanceUID.", show_default=False)],
    *,
    home: Home = HOME,
) -> None:
    """Bring a study from a peer (C-MOVE or C-GET, as settings.toml says for it) to the server, which admits it.

    Example: skiagraph dicom fetch pacs 1.2.840.113619.2.5.1
    """
    site = _room("site").opened_site(settings_at(home))
    try:
        count = _room("node.peers").fetch(site, name, study)
    finally:
        site.close()
    typer.echo(f"{count} objects came.")


def _room(name: str) -> Any:
    from skiagraph.optional import optional

    return optional(f"skiagraph.server.{name}", package="pynetdicom", extra="server")
