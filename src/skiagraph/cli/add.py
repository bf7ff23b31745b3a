"""`skiagraph add`: files of this machine into the archive of a server, whether it runs or not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skiagraph.cli.home import HOME, Home, settings_at

if TYPE_CHECKING:
    from skiagraph.server.archive.upload import Taken
    from skiagraph.server.site import Site

__all__ = ["add"]

_BYTES, _FILES = 1 << 50, 10_000_000

Paths = Annotated[list[Path], typer.Argument(help="Files and folders.", show_default=False)]
Patient = Annotated[str, typer.Option(help="Name for the patient of what is not DICOM.", show_default=False)]


def add(paths: Paths, *, home: Home = HOME, patient: Patient = "") -> None:
    """Put images into the archive of a server: DICOM, zip and tar archives of it, pictures, volumes.

    A server that runs admits them within a second and lets them be read; one that does not, at its next start. What
    is there already is not taken twice.

    Example: skiagraph add images --home archive
    """
    from skiagraph.errors import MissingInput
    from skiagraph.optional import optional

    for path in paths:
        if not path.exists():
            raise MissingInput("what is added is there", got=path.name)
    settings = settings_at(home)
    site: Site = optional("skiagraph.server.site", package="sqlalchemy", extra="server").opened_site(settings)
    try:
        taken = [_added(site, path, patient) for path in paths]
    finally:
        site.close()
    studies = {study for one in taken for study in one.studies}
    objects, made = sum(one.objects for one in taken), sum(one.made for one in taken)
    for one in taken:
        for problem in one.problems:
            typer.echo(problem, err=True)
    pictures = f", made of other formats: {made}" if made else ""
    typer.echo(f"DICOM objects: {objects}{pictures}, studies: {len(studies)}")
    if not studies:
        raise typer.Exit(2)


def _added(site: Site, path: Path, patient: str) -> Taken:
    """Takes a copy in the home, for archives are unpacked where they lie."""
    from skiagraph.server.archive.upload import take_upload
    from skiagraph.server.people.people import SHELL
    from skiagraph.server.settings import Limits

    folder = site.intake.upload_folder()
    try:
        if path.is_dir():
            shutil.copytree(path, folder / "added", copy_function=_copied, symlinks=False)
        else:
            _copied(str(path), str(folder / path.name))
        taken = take_upload(
            site.intake, folder, Limits(upload_bytes=_BYTES, upload_files=_FILES), patient=patient
        )
        for study in taken.studies:
            site.audit.record("images imported", SHELL.name, study=study)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return taken


def _copied(source: str, target: str) -> str:
    """Without a copy of the bytes where the disk is the same: nobody writes into them."""
    try:
        os.link(source, target, follow_symlinks=True)
    except OSError:
        shutil.copyfile(source, target)
    return target
