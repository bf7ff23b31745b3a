"""`skiagraph backup` and `skiagraph restore`: a server's data, safe in another place, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["backup", "restore"]

Home = Annotated[Path, typer.Option(help="Folder of the server.")]
NewHome = Annotated[
    Path, typer.Option(help="Folder of the new server; must not exist, or be empty.", show_default=False)
]
To = Annotated[Path, typer.Option(help="Folder of all backups, on another disk.", show_default=False)]
From = Annotated[
    Path, typer.Argument(help="One backup; or the folder of all, for the newest.", show_default=False)
]
Database = Annotated[
    str | None,
    typer.Option(help="URL of a new, empty PostgreSQL database. [default: SQLite]", show_default=False),
]


def backup(*, home: Home = Path("skiagraph-server"), to: To) -> None:
    """Back up a server while it runs: database, archive, what waits, settings and rules; not the key of an archive.

    Files that an earlier backup has in the same place are not copied again.

    Example: skiagraph backup --home archive --to /mnt/backups
    """
    from skiagraph.cli.progress import progress
    from skiagraph.optional import optional

    room = optional("skiagraph.server.backup", package="sqlalchemy", extra="server")
    settings = optional("skiagraph.server.settings", package="pydantic-settings", extra="server").settings_of(
        home
    )
    with progress("files", shown=True) as watch:
        made = room.backed_up(settings, to, watch)
    typer.echo(f"backed up {made.instances} objects, {made.copied} of them new: {made.folder}")
    if made.missing:
        typer.echo(f"{made.missing} objects were deleted meanwhile")


def restore(source: From, *, home: NewHome, database: Database = None) -> None:
    """Put a backup into a new home, and hold every file against its digest.

    Example: skiagraph restore /mnt/backups --home new-archive
    """
    from skiagraph.cli.progress import progress
    from skiagraph.errors import MissingInput
    from skiagraph.optional import optional

    room = optional("skiagraph.server.backup", package="sqlalchemy", extra="server")
    one = source
    if not (source / "manifest.json").is_file():
        every = room.backups(source)
        if not every:
            raise MissingInput("a backup is a folder with a manifest", got=source.name)
        one = every[-1]
    settings = optional("skiagraph.server.settings", package="pydantic-settings", extra="server").settings_of(
        home, database=database
    )
    with progress("files", shown=True) as watch:
        files = room.restored(one, settings, watch)
    typer.echo(f"restored {one.name} with {files} files into {home}")
