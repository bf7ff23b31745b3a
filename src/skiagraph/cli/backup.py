"""`skiagraph backup` and `skiagraph restore`: a server's data, safe in another place, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skiagraph.cli.home import HOME, Home, settings_at

__all__ = ["backup", "restore"]

NewHome = Annotated[
    Path, typer.Option("--home", help="Folder of the new server, which it makes.", show_default=False)
]
To = Annotated[Path, typer.Option(help="Folder of all backups, on another disk.", show_default=False)]
From = Annotated[
    Path, typer.Argument(help="One backup; or the folder of all, for the newest.", show_default=False)
]
Database = Annotated[
    str | None,
    typer.Option(help="URL of a new, empty PostgreSQL database. [default: SQLite]", show_default=False),
]


def backup(*, home: Home = HOME, to: To) -> None:
    """Back up a server while it runs: database, archive, what waits, settings and rules; not the key of an archive.

    Files that an earlier backup has in the same place are not copied again.

    Example: skiagraph backup --home archive --to /mnt/backups
    """
    from skiagraph.cli.progress import progress
    from skiagraph.optional import optional

    settings = settings_at(home)
    room = optional("skiagraph.server.backup", package="sqlalchemy", extra="server")
    with progress("files", shown=True) as watch:
        made = room.backed_up(settings, to, watch)
    typer.echo(f"backed up {made.instances} objects, {made.copied} files of them new: {made.folder}")
    if made.missing:
        typer.echo(f"{made.missing} objects were deleted meanwhile")


def restore(source: From, *, home: NewHome, database: Database = None) -> None:
    """Put a backup into a new home, and hold its files against their digests.

    Example: skiagraph restore /mnt/backups --home new-archive
    """
    from skiagraph.cli.progress import progress
    from skiagraph.optional import optional

    settings = settings_at(home, new=True, database=database)
    room = optional("skiagraph.server.backup", package="sqlalchemy", extra="server")
    one = room.chosen(source)
    with progress("files", shown=True) as watch:
        files = room.restored(one, settings, watch)
    typer.echo(f"restored {one.name} with {files} files into {home}")
    if settings_at(home).database_url != settings.database_url:
        typer.echo("settings.toml names another database: change it before this server starts", err=True)
