"""The database of a server: SQLite in a file, or PostgreSQL; migrated before it is used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from skiagraph.errors import InvalidInput, StateError

__all__ = ["Database", "DatabaseGone"]

_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_WAIT: Final = 30.0  # s for another writer of SQLite
_PRAGMAS: Final = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "temp_store=MEMORY",
    "case_sensitive_like=ON",  # as in PostgreSQL
)


class DatabaseGone(StateError):
    """The database does not answer, or takes nothing; what was accepted before is safe."""


@final
class Database:
    """Sessions with the database.

    Args:
        url: Of SQLAlchemy; ``sqlite:///FILE`` or ``postgresql://...``.

    Raises:
        InvalidInput: A URL that is none, or of a database that is not supported.
    """

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
        except ArgumentError as error:
            raise InvalidInput("a database has a URL as SQLAlchemy reads it", got="another") from error
        kind = parsed.get_backend_name()
        if kind not in ("sqlite", "postgresql"):
            raise InvalidInput("the database is SQLite or PostgreSQL", got=kind)
        if kind == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        self.url = parsed
        self.sqlite = kind == "sqlite"
        self._engine = _engine(parsed.render_as_string(hide_password=False), sqlite=self.sqlite)
        self._writing = sessionmaker(self._engine, expire_on_commit=False)
        self._reading = sessionmaker(self._engine.execution_options(reading=True), expire_on_commit=False)

    @property
    def engine(self) -> Engine:
        """That of SQLAlchemy."""
        return self._engine

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """One transaction that writes: committed at the end, rolled back where anything is raised.

        Raises:
            DatabaseGone: The database does not answer, or its disk is full.
        """
        with self._transaction(self._writing) as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """One transaction that only reads; it does not wait for those that write.

        Raises:
            DatabaseGone: The database does not answer.
        """
        with self._transaction(self._reading) as session:
            yield session

    @contextmanager
    def _transaction(self, sessions: sessionmaker[Session]) -> Iterator[Session]:
        try:
            with sessions.begin() as session:
                yield session
        except OperationalError as error:
            raise DatabaseGone(
                "the database answers and takes what is written", got=type(error.orig).__name__
            ) from error

    def alive(self) -> bool:
        """Whether the database answers."""
        try:
            with self._engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except DBAPIError:
            return False
        return True

    def migrate(self, to: str = "head") -> None:
        """Brings the tables to a revision; up by name or ``"head"``, down by name or ``"base"``."""
        config = self._config()
        with self._engine.connect() as connection:
            config.attributes["connection"] = connection
            script = ScriptDirectory.from_config(config)
            now = MigrationContext.configure(connection).get_current_revision()
            ahead = {one.revision for one in script.iterate_revisions(now, "base")} if now else set()
            down = to == "base" or (to != "head" and to in ahead and to != now)
            (command.downgrade if down else command.upgrade)(config, to)

    def revision(self) -> str | None:
        """Where the tables are; None before the first migration."""
        with self._engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()

    def newest(self) -> str | None:
        """The last revision that this release knows."""
        return ScriptDirectory.from_config(self._config()).get_current_head()

    def close(self) -> None:
        """Lets go of all connections."""
        self._engine.dispose()

    def _config(self) -> Config:
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        return config


def _engine(url: str, *, sqlite: bool) -> Engine:
    if not sqlite:
        return create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=20)
    engine = create_engine(url, connect_args={"timeout": _WAIT, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: Any) -> None:
        connection.isolation_level = (
            None  # transactions are begun below, so that writers wait for one another
        )
        cursor = connection.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine
