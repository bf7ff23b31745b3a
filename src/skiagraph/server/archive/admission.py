"""From the journal to the archive: files get their names by digest and their rows in batches, and none is lost."""

from __future__ import annotations

import hashlib
import io
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final, final

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from skiagraph.errors import FormatError, MissingInput, WriteFailed
from skiagraph.server.archive.disk import alone, disk
from skiagraph.server.archive.headers import describe
from skiagraph.server.archive.removal import finish_removals
from skiagraph.server.archive.rows import Arrival, Entered, enter
from skiagraph.server.archive.same import Came, compared
from skiagraph.server.archive.sealed import opened
from skiagraph.server.database import DatabaseGone
from skiagraph.server.logs import log
from skiagraph.server.site import Site
from skiagraph.server.tables import Study

__all__ = ["Admission", "add_results"]

_BATCH: Final = 256  # files
_PAUSE: Final = 0.2  # s between batches that are not full
_AGAIN: Final = 2.0  # s until the database or the disk is tried again
_TIDY: Final = 60.0  # s between looks for what dead processes left
_AT_ONCE: Final = 64 * 2**20  # bytes of a file that is read into memory

Grown = Callable[[frozenset[str]], None]


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
        self._refused = site.settings.home / "refused"
        with disk():
            self._refused.mkdir(mode=0o700, exist_ok=True)
        self._stop, self._tidied = threading.Event(), 0.0
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Admits in a thread of its own until `stop`.

        Raises:
            WriteFailed: The disk is full or failed.
        """
        self._site.files.furnish()
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
        with alone(self._site.intake.lock, wait=False) as mine:
            if not mine:
                return 0
            if time.monotonic() - self._tidied > _TIDY or not self._tidied:
                self._site.intake.recover()
                self._site.files.recover()
                finish_removals(self._site.database, self._site.files)
                self._tidied = time.monotonic()
            batch = self._site.intake.pending()[:_BATCH]
            if batch:
                came = [one for one in map(self._read, batch) if one is not None]
                if came:
                    self._admit(compared(self._site, came))
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

    def _read(self, path: Path) -> Came | None:
        """What came in a file; None where it was refused."""
        try:
            with opened(path, self._site.files.key) as stream:
                return path, _arrival(stream)
        except FormatError as error:
            self._refuse(path, str(error))
        except OSError as error:
            self._refuse(path, f"It cannot be read from its disk: {error.strerror}.")
        return None

    def _admit(self, good: Sequence[Came], *, last: bool = False) -> None:
        """Enters what is good, one by one where the database does not take all together."""
        try:
            entered = self._enter(good)
        except (
            SQLAlchemyError
        ) as error:  # it answers, and does not take one of these, or somebody else was quicker
            log.warning("a batch is admitted piece by piece", count=len(good), exc_info=error)
            if last:
                self._refuse(good[0][0], "The database does not take its header.")
                return
            for one in good:
                self._admit([one], last=True)
        else:
            self._leave(good, entered)

    def _enter(self, good: Sequence[Came]) -> Entered:
        """Rows and names in the archive; all of them, or no row."""
        with self._site.database.writing() as session:
            entered = enter(session, [arrival for _, arrival in good])
            for (path, arrival), verdict in zip(good, entered.verdicts, strict=True):
                if verdict == "conflict":
                    self._site.files.set_aside(path, arrival.digest)
                elif (
                    not arrival.same_as
                ):  # a known one too: after a power cut its row may be there, its name not
                    self._site.files.link(path, arrival.digest)
        self._site.files.settle(arrival.digest for _, arrival in good)
        return entered

    def _leave(self, good: Sequence[Came], entered: Entered) -> None:
        """What is committed leaves the journal."""
        with disk():
            for path, _ in good:
                path.unlink(missing_ok=True)
        self._site.metrics.received.inc(entered.verdicts.count("new"))
        if conflicts := entered.verdicts.count("conflict"):
            log.warning("objects came whose UIDs have another content", count=conflicts)
        if entered.grown:
            self._grown(entered.grown)

    def _refuse(self, path: Path, reason: str) -> None:
        with disk():
            (self._refused / f"{path.name}.txt").write_text(f"{reason}\n", "utf-8")
            path.replace(self._refused / path.name)
        log.warning("a file was refused", sentence=reason)


def add_results(site: Site, objects: Iterable[bytes]) -> tuple[str, ...]:
    """Puts results of ours into the archive; what is there already stays, so that doing it twice does it once.

    Args:
        site: The server.
        objects: DICOM files, of studies in the archive.

    Returns:
        Their SOP instance UIDs.

    Raises:
        FormatError: One is no DICOM file.
        MissingInput: Their study is not in the archive, or not any more; none is kept.
        WriteFailed: The disk is full or failed.
        DatabaseGone: It does not answer.
    """
    results = [(data, _arrival(io.BytesIO(data), ours=True)) for data in objects]
    studies = {arrival.described.study["uid"] for _, arrival in results}
    with alone(site.intake.lock, wait=True):
        with site.database.reading() as session:
            there = session.scalar(select(func.count()).where(Study.uid.in_(studies)))
        if there != len(studies):
            raise MissingInput("results belong to a study in the archive", got="one that was removed")
        for data, _ in results:
            site.files.put(data)
        with site.database.writing() as session:
            enter(session, [arrival for _, arrival in results])
    return tuple(arrival.described.instance["uid"] for _, arrival in results)


def _arrival(stream: io.BytesIO | io.BufferedReader, *, ours: bool = False) -> Arrival:
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    if size <= _AT_ONCE:
        stream = io.BytesIO(stream.read())
    digest = hashlib.file_digest(stream, "sha256").hexdigest()
    stream.seek(0)
    return Arrival(described=describe(stream, size), digest=digest, size=size, ours=ours)


def _nobody(_grown: frozenset[str]) -> None:
    pass
