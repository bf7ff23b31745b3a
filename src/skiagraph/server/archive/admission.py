"""From the journal to the archive: files get their names by digest and their rows in batches, and none is lost."""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from sqlalchemy.exc import SQLAlchemyError

from skiagraph.errors import FormatError, WriteFailed
from skiagraph.server.archive.disk import disk, named_too
from skiagraph.server.archive.files import Files
from skiagraph.server.archive.headers import describe
from skiagraph.server.archive.rows import Arrival, Entered, enter
from skiagraph.server.archive.sealed import opened
from skiagraph.server.database import Database, DatabaseGone
from skiagraph.server.logs import log
from skiagraph.server.site import Site

__all__ = ["Admission", "add_results"]

_BATCH: Final = 256  # files
_PAUSE: Final = 0.2  # s between batches that are not full
_AGAIN: Final = 2.0  # s until the database or the disk is tried again
_TIDY: Final = 60.0  # s between looks for what dead processes left
_AT_ONCE: Final = 64 * 2**20  # bytes of a file that is read into memory
_LOCK: Final = ".admission"

Grown = Callable[[frozenset[str]], None]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Refused:
    """A file that is not admitted.

    Args:
        path: In the journal.
        reason: One sentence.
    """

    path: Path
    reason: str


@final
class Admission:
    """Admits what comes in, one process at a time; a thread when it is started.

    Each step repeats well: a file leaves the journal only when its rows are committed, and what is known already is
    known by its digest. While the database or the disk refuses, everything waits in the journal.

    Args:
        site: The server.
        grown: Told the UIDs of studies to which images came, after they were committed. It must not raise.
    """

    def __init__(self, site: Site, grown: Grown | None = None) -> None:
        self._site, self._grown = site, grown or _nobody
        home = site.settings.home
        self._conflicts, self._refused = home / "conflicts", home / "refused"
        with disk():
            for folder in (self._conflicts, self._refused):
                folder.mkdir(mode=0o700, exist_ok=True)
        self._stop, self._tidied = threading.Event(), 0.0
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Admits in a thread of its own until `stop`."""
        self._thread = threading.Thread(target=self._run, name="admission", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread when its batch is done."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def step(self) -> int:
        """Admits one batch, if no other process does.

        Returns:
            How many files left the journal.

        Raises:
            DatabaseGone: It does not answer; everything stays in the journal.
            WriteFailed: The disk is full or failed; everything stays in the journal.
        """
        with self._alone() as mine:
            if not mine:
                return 0
            if time.monotonic() - self._tidied > _TIDY or not self._tidied:
                self._site.intake.recover()
                self._site.files.recover()
                self._tidied = time.monotonic()
            batch = self._site.intake.pending()[:_BATCH]
            if batch:
                self._admit([self._read(path) for path in batch])
            return len(batch)

    def _run(self) -> None:
        waiting = False
        while not self._stop.is_set():
            try:
                full = self.step() == _BATCH
            except (DatabaseGone, WriteFailed) as error:
                if not waiting:
                    log.error("admission waits", exc_info=error)
                waiting = True
                self._stop.wait(_AGAIN)
                continue
            if waiting:
                log.info("admission goes on")
            waiting = False
            if not full:
                self._stop.wait(_PAUSE)

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Whether this process is the one that admits, for the length of the block."""
        with disk():
            file = os.open(self._site.intake.folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(file)

    def _read(self, path: Path) -> tuple[Path, Arrival] | _Refused:
        try:
            with opened(path, self._site.files.key) as stream:
                return path, _arrival(stream)
        except FormatError as error:
            return _Refused(path=path, reason=str(error))
        except OSError as error:
            return _Refused(path=path, reason=f"It cannot be read from its disk: {error.strerror}.")

    def _admit(self, read: Sequence[tuple[Path, Arrival] | _Refused], *, last: bool = False) -> None:
        """Enters what is good, one by one where the database does not take all together; puts the rest aside."""
        good = [one for one in read if not isinstance(one, _Refused)]
        refused = [one for one in read if isinstance(one, _Refused)]
        try:
            entered = self._enter(good)
        except (
            SQLAlchemyError
        ) as error:  # it answers, and does not take one of these, or somebody else was quicker
            log.warning("a batch is admitted piece by piece", count=len(good), exc_info=error)
            if last:
                refused += [
                    _Refused(path=path, reason="The database does not take its header.") for path, _ in good
                ]
            else:
                for one in good:
                    self._admit([one], last=True)
        else:
            self._leave(good, entered)
        for bad in refused:
            self._refuse(bad)

    def _enter(self, good: Sequence[tuple[Path, Arrival]]) -> Entered:
        """Rows and names in the archive; all of them, or no row."""
        with self._site.database.writing() as session:
            entered = enter(session, [arrival for _, arrival in good])
            for (path, arrival), verdict in zip(good, entered.verdicts, strict=True):
                if verdict == "new":
                    self._site.files.link(path, arrival.digest)
                elif verdict == "conflict":
                    with disk():
                        named_too(path, self._conflicts / path.name)
        self._site.files.settle(arrival.digest for _, arrival in good)
        return entered

    def _leave(self, good: Sequence[tuple[Path, Arrival]], entered: Entered) -> None:
        """What is committed leaves the journal."""
        with disk():
            for path, _ in good:
                path.unlink(missing_ok=True)
        self._site.metrics.received.inc(entered.verdicts.count("new"))
        if conflicts := entered.verdicts.count("conflict"):
            log.warning("objects came whose UIDs have another content", count=conflicts)
        if entered.grown:
            self._grown(entered.grown)

    def _refuse(self, one: _Refused) -> None:
        with disk():
            (self._refused / f"{one.path.name}.txt").write_text(f"{one.reason}\n", "utf-8")
            one.path.replace(self._refused / one.path.name)
        log.warning("a file was refused", sentence=one.reason)


def add_results(database: Database, files: Files, objects: Iterable[bytes]) -> tuple[str, ...]:
    """Puts results of ours into the archive; what is there already stays, so that doing it twice does it once.

    Args:
        database: Of the server.
        files: Of the archive.
        objects: DICOM files.

    Returns:
        Their SOP instance UIDs.

    Raises:
        FormatError: One is no DICOM file.
        WriteFailed: The disk is full or failed.
        DatabaseGone: It does not answer.
    """
    arrivals = []
    for data in objects:
        described = describe(io.BytesIO(data), len(data))
        arrivals.append(Arrival(described=described, digest=files.put(data), size=len(data), ours=True))
    with database.writing() as session:
        enter(session, arrivals)
    return tuple(arrival.described.instance["uid"] for arrival in arrivals)


def _arrival(stream: io.BufferedReader) -> Arrival:
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    if size <= _AT_ONCE:
        data = stream.read()
        digest, described = hashlib.sha256(data).hexdigest(), describe(io.BytesIO(data), size)
    else:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        stream.seek(0)
        described = describe(stream, size)
    return Arrival(described=described, digest=digest, size=size)


def _nobody(_grown: frozenset[str]) -> None:
    pass
