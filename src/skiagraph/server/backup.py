"""Backups of a running server, and the way back: the database as it is at one moment, and every file that it names."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, final

from sqlalchemy import URL, make_url, select

from skiagraph.errors import FormatError, InvalidInput, MissingInput, MissingPackage, WriteFailed
from skiagraph.server.archive.disk import disk
from skiagraph.server.archive.sealed import PLAIN, SEALED
from skiagraph.server.database import Database
from skiagraph.server.settings import Settings
from skiagraph.server.tables import Instance
from skiagraph.task import Watch
from skiagraph.version import __version__

__all__ = ["Backup", "backed_up", "chosen", "restored"]

FORMAT: Final = "skiagraph-backup"
VERSION: Final = 1
_MANIFEST: Final = "manifest.json"
_PLAIN: Final = ("settings.toml", "routes.toml")
_STEPS: Final = "steps.sqlite"
_PIECE: Final = 1 << 20


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """One backup.

    Args:
        folder: Where it lies, but for the files of the archive, which all backups of a place share.
        at: When.
        instances: How many objects it holds.
        copied: How many files of the archive were new in this place.
        missing: Objects whose file was gone when its turn came, because their study was deleted meanwhile.
    """

    folder: Path
    at: datetime
    instances: int
    copied: int
    missing: int


def backed_up(settings: Settings, place: Path, watch: Watch) -> Backup:
    """Makes a backup while the server runs.

    First what was promised and is not admitted yet, then the database as it is now, then the files that it names: these
    never change, and those that an earlier backup has in the same place are not copied again. The key of an encrypted
    archive is not copied: keep it elsewhere.

    Args:
        settings: Of the server.
        place: Folder of the backups.
        watch: Told after each file.

    Raises:
        MissingInput: There is no server in this home.
        MissingPackage: PostgreSQL's own tools are not here.
        WriteFailed: The disk does not take it; a backup that is not whole has no manifest.
    """
    home, at = settings.home, datetime.now(UTC)
    if not (home / "archive").is_dir():
        raise MissingInput(
            "a backup is made of a server's home", got=home.name, way_out="name it with --home"
        )
    folder = place / at.strftime("%Y%m%dT%H%M%S%fZ")
    with disk():
        folder.mkdir(parents=True, mode=0o700)
    promised = _intake(home, folder)
    kept = _database(make_url(settings.database_url), folder)
    if (home / _STEPS).is_file():
        _sqlite_copied(home / _STEPS, folder / _STEPS)
        kept.append(_STEPS)
    for name in _PLAIN:
        if (home / name).is_file():
            with disk():
                shutil.copyfile(home / name, folder / name)
            kept.append(name)
    names, copied, missing = _archive(settings, place, watch)
    said = {
        "format": FORMAT,
        "version": VERSION,
        "software": __version__,
        "at": at.isoformat(),
        "files": {name: _digest(folder / name) for name in (*kept, *promised)},
        "archive": sorted(names),
    }
    with disk():
        part = folder / f".{_MANIFEST}.part"
        part.write_text(json.dumps(said, indent=1), "utf-8")
        with part.open("rb") as stream:
            os.fsync(stream.fileno())
        part.replace(folder / _MANIFEST)
    return Backup(folder=folder, at=at, instances=len(names), copied=copied, missing=missing)


def chosen(place: Path) -> Path:
    """One backup: the folder itself, or the newest whole one of a folder of backups.

    Raises:
        MissingInput: No such folder, or no whole backup in it.
    """
    if (place / _MANIFEST).is_file():
        return place
    every = sorted(one.parent for one in place.glob(f"*/{_MANIFEST}"))
    if not every:
        raise MissingInput("a backup is a folder with a manifest", got=f"{place.name}, which has none")
    return every[-1]


def restored(backup: Path, settings: Settings, watch: Watch) -> int:
    """Puts a backup into a new home; every file is held against its digest, but sealed ones, which tell it when read.

    Args:
        backup: Folder of one backup.
        settings: Of the new home, which must not exist or be empty; with PostgreSQL a new, empty database.
        watch: Told after each file.

    Returns:
        How many files of the archive it has.

    Raises:
        InvalidInput: The home is in use.
        MissingInput: No such backup, or a file of it is gone.
        FormatError: A file of it was changed.
        WriteFailed: The disk does not take it.
    """
    home = settings.home
    if home.is_dir() and any(one.name != "settings.toml" for one in home.iterdir()):
        raise InvalidInput("a backup is restored into a new home", got=f"{home.name}, which holds something")
    said = _manifest(backup)
    for name, digest in said["files"].items():
        if not (backup / name).is_file() or _digest(backup / name) != digest:
            raise FormatError(
                "a backup is as it was made", got=f"{name}, which is not", way_out="take another"
            )
    with disk():
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in said["files"]:
            if name == _STEPS or name in _PLAIN or name.startswith("intake/"):
                target = home / name
                target.parent.mkdir(exist_ok=True, mode=0o700)
                if not target.exists():
                    shutil.copyfile(backup / name, target)
    source = backup.parent / "archive"
    total = len(said["archive"])
    for n, name in enumerate(said["archive"], 1):
        _copied(source / name, home / "archive" / name)
        if name.endswith(PLAIN) and _digest(home / "archive" / name) != name.removesuffix(PLAIN).replace(
            "/", ""
        ):
            raise FormatError("a backup is as it was made", got="a file that is not", way_out="take another")
        watch(n, total, {})
    _database_restored(backup, make_url(settings.database_url), home)
    return total


def _manifest(backup: Path) -> dict[str, Any]:
    try:
        said: dict[str, Any] = json.loads((backup / _MANIFEST).read_text("utf-8"))
    except FileNotFoundError as error:
        raise MissingInput(
            "a backup has a manifest", got=backup.name, way_out="name a whole backup"
        ) from error
    except ValueError as error:
        raise FormatError("the manifest of a backup is JSON", got="something else") from error
    if said.get("format") != FORMAT or said.get("version") != VERSION:
        raise FormatError(
            f"this release restores backups of version {VERSION}", got=f"version {said.get('version')}"
        )
    return said


def _database(url: URL, folder: Path) -> list[str]:
    if url.get_backend_name() == "sqlite":
        _sqlite_copied(Path(url.database or ""), folder / "database.sqlite")
        return ["database.sqlite"]
    _tool("pg_dump", "--format=custom", f"--file={folder / 'database.dump'}", url=url)
    return ["database.dump"]


def _database_restored(backup: Path, url: URL, home: Path) -> None:
    sqlite = url.get_backend_name() == "sqlite"
    dump = backup / ("database.sqlite" if sqlite else "database.dump")
    if not dump.is_file():
        raise InvalidInput(
            "a backup goes back to the kind of database that it was made of", got="another kind"
        )
    if sqlite:
        with disk():
            shutil.copyfile(dump, Path(url.database or "") if url.database else home / "skiagraph.sqlite")
    else:
        _tool("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={_named(url)}", str(dump), url=url)


def _sqlite_copied(source: Path, target: Path) -> None:
    """A consistent copy, while others write."""
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as there,
            closing(sqlite3.connect(target)) as here,
        ):
            there.backup(here, pages=4096)
    except sqlite3.Error as error:
        raise WriteFailed("the database is copied", got=str(error)) from error


def _tool(name: str, *arguments: str, url: URL) -> None:
    """Runs a tool of PostgreSQL, the password by its environment and not in the list of processes."""
    program = shutil.which(name)
    if program is None:
        raise MissingPackage(f"a backup of PostgreSQL is made by {name}", way_out="install postgresql-client")
    named = [] if name == "pg_restore" else [f"--dbname={_named(url)}"]
    given = {"PGPASSWORD": url.password} if url.password else {}
    done = subprocess.run(  # noqa: S603  the program is PostgreSQL's, and no shell is asked
        [program, *named, *arguments], env={"PATH": os.defpath, **given}, capture_output=True, check=False
    )
    if done.returncode:
        raise WriteFailed(f"{name} ends well", got=done.stderr.decode("utf-8", "replace").strip()[-300:])


def _named(url: URL) -> str:
    return url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)


def _intake(home: Path, folder: Path) -> list[str]:
    """What was promised and not admitted yet."""
    source = home / "intake"
    names = []
    if source.is_dir():
        for path in sorted(source.iterdir()):
            if path.name.startswith(".") or not path.is_file():
                continue
            with disk():
                (folder / "intake").mkdir(exist_ok=True, mode=0o700)
                try:
                    shutil.copyfile(path, folder / "intake" / path.name)
                except FileNotFoundError:
                    continue  # admitted meanwhile, and then it is in the archive
            names.append(f"intake/{path.name}")
    return names


def _archive(settings: Settings, place: Path, watch: Watch) -> tuple[list[str], int, int]:
    """Copies what the database names: the names, how many were new, and how many were gone."""
    database = Database(settings.database_url)
    try:
        with database.reading() as session:
            digests = list(session.scalars(select(Instance.digest).distinct()))
    finally:
        database.close()
    home, copied, missing, names = settings.home / "archive", 0, 0, []
    for n, digest in enumerate(digests, 1):
        found = next(
            (f"{digest[:2]}/{digest[2:]}{end}" for end in (PLAIN, SEALED) if _there(home, digest, end)), None
        )
        watch(n, len(digests), {})
        if found is None:
            missing += 1
            continue
        copied += _copied(home / found, place / "archive" / found)
        names.append(found)
    check = next((path.name for path in home.glob("key-check*")), None)
    if check is not None:
        _copied(home / check, place / "archive" / check)
        names.append(check)
    return names, copied, missing


def _there(home: Path, digest: str, end: str) -> bool:
    return (home / digest[:2] / f"{digest[2:]}{end}").is_file()


def _copied(source: Path, target: Path) -> bool:
    """Copies a file that never changes; False where it is there already."""
    if target.is_file() and target.stat().st_size == source.stat().st_size:
        return False
    if not source.is_file():
        raise MissingInput(
            "a backup has every file that it names", got="one that is gone", way_out="take another"
        )
    with disk():
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = target.with_name(f".{target.name}.part")
        shutil.copyfile(source, part)
        with part.open("rb") as stream:
            os.fsync(stream.fileno())
        part.replace(target)
    return True


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
