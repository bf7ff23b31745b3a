"""`skiagraph token`: what a program shows in place of a password."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from skiagraph.cli.home import HOME, Home, settings_at

if TYPE_CHECKING:
    from skiagraph.server.site import Site

__all__ = ["token"]

Name = Annotated[str, typer.Argument(help="Of the program.", show_default=False)]
May = Annotated[
    list[str], typer.Option(help="see, upload, report, manage or audit; again for more.", show_default=False)
]
Days = Annotated[float, typer.Option(help="Until it ends.")]


def token(name: Name, *, may: May, days: Days = 365.0, home: Home = HOME) -> None:
    """Make a token for a program, for "Authorization: Bearer"; it is shown this once.

    Example: skiagraph token prometheus --may audit --home archive
    """
    from skiagraph.optional import optional

    settings = settings_at(home)
    site: Site = optional("skiagraph.server.site", package="sqlalchemy", extra="server").opened_site(settings)
    try:
        people = optional("skiagraph.server.people.people", package="sqlalchemy", extra="server")
        typer.echo(site.people.tokens.make(people.SHELL, name, may, days))
    finally:
        site.close()
