"""`skiagraph audit`: whether the trail of who did what is as it was written."""

from __future__ import annotations

from typing import Annotated

import typer

from skiagraph.cli.home import HOME, Home, settings_at

__all__ = ["audit"]

audit = typer.Typer(name="audit", help="The audit trail of a server.", no_args_is_help=True)

Last = Annotated[
    str | None,
    typer.Option(help="Digest of the last record that was told before; shows whether the end was cut off."),
]


@audit.command()
def verify(*, home: Home = HOME, after: Last = None) -> None:
    """Look through the whole trail: each record holds the digest of the one before.

    Example: skiagraph audit verify --home archive
    """
    from skiagraph.errors import FormatError
    from skiagraph.optional import optional

    trail = optional("skiagraph.server.audit.trail", package="sqlalchemy", extra="server")
    settings = settings_at(home)
    room = optional("skiagraph.server.database", package="sqlalchemy", extra="server")
    database = room.Database(settings.database_url)
    try:
        found = trail.Audit(database).verify()
        known = after is None or trail.Audit(database).has(after)
    finally:
        database.close()
    if found.broken is not None:
        raise FormatError(
            "each record of the audit trail is as it was written",
            got=f"record {found.broken}, which was changed, or follows one that was taken out",
        )
    if not known:
        raise FormatError(
            "the trail has the record that was told before", got="a trail whose end was cut off"
        )
    typer.echo(f"{found.records} records, all as they were written; the last has the digest {found.last}")
