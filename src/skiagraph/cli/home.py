"""A server's home, as commands name it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:
    from skiagraph.server.settings import Settings

__all__ = ["HOME", "Home", "settings_at"]

HOME: Final = Path("skiagraph-server")
Home = Annotated[Path, typer.Option(help="Folder of the server.")]


def settings_at(home: Path, *, new: bool = False, **said: Any) -> Settings:
    """The settings of the server in a home.

    Args:
        home: Its folder.
        new: Whether it may be one that is not there yet.
        said: What the command line says.

    Raises:
        MissingInput: There is no server.
        MissingPackage: The server's packages are not installed.
    """
    from skiagraph.errors import MissingInput
    from skiagraph.optional import optional

    room = optional("skiagraph.server.settings", package="pydantic-settings", extra="server")
    if not new and not (home / "archive").is_dir():
        raise MissingInput(
            "a server has its home", got=f"{home.name}, which is none", way_out="name it with --home"
        )
    settings: Settings = room.settings_of(home, **said)
    return settings
