"""`skiagraph work`: more workers beside a server, in a process of their own."""

from __future__ import annotations

from typing import Annotated

import typer

from skiagraph.cli.home import HOME, Home, settings_at

__all__ = ["work"]

Name = Annotated[str, typer.Option(help="Of this process; each that works on one home has its own.")]
Workers = Annotated[int | None, typer.Option(help="Studies read at once. [default: 1]", show_default=False)]


def work(*, home: Home = HOME, name: Name = "worker", workers: Workers = None) -> None:
    """Read studies beside a server that runs, in a process of its own.

    It shares home and database with the server; what it leaves when it ends is taken up by others.

    Example: skiagraph work --home archive --name second
    """
    from skiagraph.optional import optional

    settings = settings_at(home, workers=workers)
    optional("skiagraph.server.run", package="fastapi", extra="server").work(settings, name, typer.echo)
