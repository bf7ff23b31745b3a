"""What one server is made of: settings, database, archive and audit trail; opened once, handed to all."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import Final, final

from skiagraph.errors import NotPermitted, WriteFailed
from skiagraph.server.archive.files import Files
from skiagraph.server.archive.intake import Intake
from skiagraph.server.archive.sealed import read_key
from skiagraph.server.audit.looks import Looks
from skiagraph.server.audit.trail import Audit
from skiagraph.server.database import Database
from skiagraph.server.metrics import Metrics
from skiagraph.server.people.people import People, opened_people
from skiagraph.server.settings import Settings

__all__ = ["Site", "opened_site"]

_PATIENCE: Final = 600.0  # s that a file may wait to be admitted
_LEAST: Final = 256 << 20  # bytes that stay free on the disk


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Site:
    """One server.

    Args:
        settings: What it was told.
        database: Where it keeps what it knows.
        intake: Takes what comes in.
        files: The files of the archive.
        metrics: What is counted.
        audit: The trail of who did what.
        looks: The same, for what is looked at again and again.
        people: Who may enter, and who is inside.
    """

    settings: Settings
    database: Database
    intake: Intake
    files: Files
    metrics: Metrics
    audit: Audit
    looks: Looks
    people: People

    def unready(self) -> str | None:
        """Why no new work is taken; None where it is."""
        if not self.database.alive():
            return "the database does not answer"
        if shutil.disk_usage(self.settings.home).free < _LEAST:
            return "the disk is full"
        if self.intake.waits() > _PATIENCE:
            return "what comes in is not admitted"
        return None

    def close(self) -> None:
        """Lets go of everything."""
        self.database.close()


def opened_site(settings: Settings) -> Site:
    """Opens a server's home, made where it is not there, with its tables brought up to date.

    Raises:
        NotPermitted: The home may not be written.
        WriteFailed: The disk does not take it.
        InvalidInput: A database that is not supported; a key that is none, or another than the archive's.
        MissingInput: The file of the key is not there.
    """
    home = settings.home
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except PermissionError as error:
        raise NotPermitted("a server keeps its data in a folder that it may write", got=home.name) from error
    except OSError as error:
        raise WriteFailed("a server keeps its data in a folder", got=error.strerror) from error
    key = None if settings.encryption_key is None else read_key(settings.encryption_key)
    files, intake = Files(home, key), Intake(home, key)
    database = Database(settings.database_url)
    database.migrate()
    audit = Audit(database)
    return Site(
        settings=settings,
        database=database,
        intake=intake,
        files=files,
        metrics=Metrics(database),
        audit=audit,
        looks=Looks(audit),
        people=opened_people(settings, database, audit),
    )
