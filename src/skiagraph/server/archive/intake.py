"""The journal of what comes in: a file in it is the promise that the sender is given."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final, final

from skiagraph.server.archive.disk import begun, disk, keeps_order, synced
from skiagraph.server.archive.sealed import PLAIN, SEALED, Key, SealedWriter

__all__ = ["Intake", "Part", "filled"]

Part = bytes | bytearray | memoryview

_NEW: Final = ".new"
_PART: Final = ".part"
_DEAD: Final = 3600.0  # s after which nobody goes on writing a file
_FORGOTTEN: Final = 86400.0  # s after which nobody looks at an upload any more
_LATE: Final = 60.0  # s after which a file that is whole lost the process that would have given it its name


@final
class Intake:
    """Takes files from all who receive, in as many processes as there are.

    A file is written under a temporary name, named after its length, made safe on the disk (fsync), and only then given
    the name under which `pending` shows it. What is shorter than its name says was never promised.

    Args:
        home: Of the server; files go to ``intake`` in it.
        key: With it they are encrypted.

    Raises:
        WriteFailed: The folder cannot be made.
    """

    def __init__(self, home: Path, key: Key | None = None) -> None:
        self.folder: Final = home / "intake"
        self.lock: Final = self.folder / ".admission"  # of who puts files into the archive or takes them out
        self._uploads: Final = home / "uploads"
        self._key = key
        with disk():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._ordered = keeps_order(self.folder)

    def take(self, parts: Iterable[Part]) -> None:
        """Takes one file; when this returns, neither a crash nor a power cut loses it.

        Args:
            parts: Its bytes. What raises while they are made is raised on, and nothing is taken.

        Raises:
            WriteFailed: The disk is full or failed; nothing was taken.
        """
        stem = f"{time.time_ns():016x}-{secrets.token_hex(6)}"
        path = self.folder / f".{stem}{_PART}"
        with disk():
            sink = begun(path)
        try:
            size = filled(sink, parts, self._key)
            with disk():
                named = self.folder / f"{stem}-{size}{PLAIN if self._key is None else SEALED}"
                path = path.rename(f"{named}{_NEW}")
                os.fsync(sink.fileno())
                if not self._ordered:
                    synced(self.folder)
                path.rename(named)
        finally:
            with suppress(OSError):
                sink.close()
            with suppress(OSError):
                path.unlink(missing_ok=True)  # where it has that name still

    def pending(self) -> list[Path]:
        """The files that wait to be admitted, those first that came first."""
        with os.scandir(self.folder) as entries:
            names = sorted(entry.name for entry in entries if entry.name.endswith((PLAIN, SEALED)))
        return [self.folder / name for name in names]

    def waits(self) -> float:
        """For how many seconds the oldest file has waited to be admitted; 0 where none does."""
        pending = self.pending()
        return max(0.0, time.time() - int(pending[0].name.split("-")[0], 16) / 1e9) if pending else 0.0

    def upload_folder(self) -> Path:
        """A new folder for one upload; who asked for it removes it.

        Raises:
            WriteFailed: The disk is full or failed.
        """
        folder = self._uploads / secrets.token_hex(8)
        with disk():
            folder.mkdir(mode=0o700, parents=True)
        return folder

    def recover(self) -> None:
        """Ends what processes began that are no more: whole files are shown by `pending`, broken ones go.

        Raises:
            WriteFailed: The disk failed.
        """
        now = time.time()
        for path in self.folder.iterdir():
            with disk(), suppress(FileNotFoundError):  # its process ended it itself
                state = path.stat()
                age = now - state.st_mtime
                if (path.suffix == _PART and age > _DEAD) or (
                    path.suffix == _NEW and age > _LATE and state.st_size != _stated(path)
                ):
                    path.unlink()
                elif path.suffix == _NEW and age > _LATE:
                    with path.open("rb") as file:
                        os.fsync(file.fileno())
                    synced(self.folder)
                    path.rename(path.with_suffix(""))
        for folder in self._uploads.glob("*"):
            if now - folder.stat().st_mtime > _FORGOTTEN:
                shutil.rmtree(folder, ignore_errors=True)


def filled(sink: BinaryIO, parts: Iterable[Part], key: Key | None) -> int:
    """Writes a file, sealed where there is a key, and flushes it.

    Returns:
        Bytes that it has on the disk.

    Raises:
        WriteFailed: The disk is full or failed.
    """
    writer = None if key is None else SealedWriter(sink, key)
    for part in parts:
        with disk():
            (writer or sink).write(part)
    with disk():
        if writer is not None:
            writer.finish()
        sink.flush()
        return sink.tell()


def _stated(path: Path) -> int:
    """The length that a name states."""
    number = path.name.split(".")[0].rpartition("-")[2]
    return int(number) if number.isdecimal() else -1
