"""`skiagraph users`: who may enter a server, from the machine on which it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from skiagraph.cli.home import HOME, Home, settings_at

if TYPE_CHECKING:
    from skiagraph.server.site import Site

__all__ = ["users"]

users = typer.Typer(name="users", help="Who may enter a server.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Of the account.", show_default=False)]
Role = Annotated[str, typer.Argument(help="viewer, reader or admin.", show_default=False)]


@users.command(name="list")
def listed(*, home: Home = HOME) -> None:
    """List all accounts: name, role, and whether they are disabled or locked.

    Example: skiagraph users list --home archive
    """
    from datetime import UTC, datetime

    with _opened(home) as site:
        for user in site.people.accounts.listed():
            locked = user.locked_until is not None and user.locked_until > datetime.now(UTC)
            state = "disabled" if user.disabled else "locked" if locked else ""
            typer.echo(f"{user.name}\t{user.role}\t{state}".rstrip())


@users.command()
def invite(role: Role, *, home: Home = HOME) -> None:
    """Make a link with which somebody makes an account, once, within three days.

    Example: skiagraph users invite reader --home archive
    """
    from skiagraph.server.people.people import SHELL

    with _opened(home) as site:
        typer.echo(_link(site, site.people.invitations.invite(SHELL, role)))


@users.command()
def renew(name: Name, *, home: Home = HOME) -> None:
    """Make a link with which somebody chooses a new password, once, within three days.

    Example: skiagraph users renew lee --home archive
    """
    from skiagraph.server.people.people import SHELL

    with _opened(home) as site:
        typer.echo(_link(site, site.people.invitations.renew(SHELL, name)))


@users.command()
def disable(name: Name, *, home: Home = HOME) -> None:
    """Let somebody in no more; their sessions end.

    Example: skiagraph users disable lee --home archive
    """
    from skiagraph.server.people.people import SHELL

    with _opened(home) as site:
        site.people.accounts.disable(SHELL, name)


@users.command()
def enable(name: Name, *, home: Home = HOME) -> None:
    """Let somebody in again who was disabled.

    Example: skiagraph users enable lee --home archive
    """
    from skiagraph.server.people.people import SHELL

    with _opened(home) as site:
        site.people.accounts.enable(SHELL, name)


@users.command()
def unlock(name: Name, *, home: Home = HOME) -> None:
    """Let somebody try again at once whom wrong passwords locked out.

    Example: skiagraph users unlock lee --home archive
    """
    from skiagraph.server.people.people import SHELL

    with _opened(home) as site:
        site.people.accounts.unlock(SHELL, name)


@contextmanager
def _opened(home: Home) -> Iterator[Site]:
    from skiagraph.optional import optional

    settings = settings_at(home)
    site: Site = optional("skiagraph.server.site", package="sqlalchemy", extra="server").opened_site(settings)
    try:
        yield site
    finally:
        site.close()


def _link(site: Site, secret: str) -> str:
    settings = site.settings
    host = settings.names[0] if settings.names else settings.host
    port = "" if settings.behind_proxy else f":{settings.port}"
    return f"{'https' if settings.secure else 'http'}://{host}{port}/sign-in?invitation={secret}"
