"""The files of the archive under the digests of their plain bytes: whole or not there, sealed where there is a key."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Final, final

from skiagraph.errors import FormatError, InvalidInput, MissingInput
from skiagraph.server.archive.disk import begun, disk, keeps_order, named_too, synced
from skiagraph.server.archive.intake import Part, filled
from skiagraph.server.archive.sealed import PLAIN, SEALED, Key, opened

__all__ = ["Files"]

_PIECE: Final = 2**20
_DIGITS: Final = frozenset("0123456789abcdef")
_LENGTH: Final = 64
_DEAD: Final = 3600.0  # s after which nobody goes on writing a file
_CHECK: Final = "key-check"


@final
class Files:
    """Files by digest (SHA-256 of their plain bytes, in hexadecimal): ``archive/ab/cdef...``.

    Args:
        home: Of the server; files lie in ``archive`` in it.
        key: With it new files are encrypted. Files from before are read as they are.

    Raises:
        WriteFailed: The folder cannot be made.
        InvalidInput: The archive is encrypted, and the key is missing or another one.
    """

    def __init__(self, home: Path, key: Key | None = None) -> None:
        self.folder: Final = home / "archive"
        self.conflicts: Final = home / "conflicts"
        self.key: Final = key
        with disk():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.conflicts.mkdir(mode=0o700, exist_ok=True)
        self._ordered = keeps_order(self.folder)
        self._check_key()

    def put(self, data: Part) -> str:
        """Keeps some bytes; its digest. They are safe on the disk when this returns.

        Raises:
            WriteFailed: The disk is full or failed; nothing was kept.
        """
        digest = hashlib.sha256(data).hexdigest()
        if not self.has(digest):
            self._kept(iter([data]), digest)
        return digest

    def add(self, path: Path) -> str:
        """Keeps a copy of a plain file; its digest. As `put`.

        Raises:
            MissingInput: There is no such file.
            WriteFailed: The disk is full or failed; nothing was kept.
        """
        with opened(path, None) as source:
            digest = hashlib.file_digest(source, "sha256").hexdigest()
        if not self.has(digest):
            with opened(path, None) as source:
                self._kept(_pieces(source), digest)
        return digest

    def link(self, path: Path, digest: str) -> None:
        """Gives a file of the intake, sealed or not, its name in the archive; it keeps the other name too.

        Raises:
            WriteFailed: The disk is full or failed.
        """
        if not self.has(digest):
            with disk():
                named_too(path, self._room(self._place(digest, path.suffix)))

    def set_aside(self, path: Path, digest: str) -> None:
        """Gives a file of the intake that contradicts one in the archive a name in ``conflicts``, as `link` does.

        Raises:
            WriteFailed: The disk is full or failed.
        """
        with disk():
            named_too(path, self.conflicts / f"{digest}{path.suffix}")

    def settle(self, digests: Iterable[str]) -> None:
        """Makes the names that `link` gave safe, so that the others may go.

        Raises:
            WriteFailed: The disk failed.
        """
        if self._ordered:  # no name goes before one that was given earlier
            return
        with disk():
            for folder in {self.folder / digest[:2] for digest in digests}:
                synced(folder)

    def has(self, digest: str) -> bool:
        """Whether it is kept."""
        return self._found(digest) is not None

    def open(self, digest: str) -> BufferedReader:
        """Its plain bytes, as a stream that can seek; to be closed by the caller.

        Raises:
            MissingInput: It is not kept.
            FormatError: It was changed on the disk (only sealed files tell).
        """
        return opened(self._where(digest), self.key)

    def verify(self, digest: str) -> None:
        """Reads all of a file and compares it with its digest.

        Raises:
            MissingInput: It is not kept.
            FormatError: It was changed.
        """
        with self.open(digest) as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != digest:
            raise FormatError("a file of the archive has its digest", got=found, way_out="restore a backup")

    def lay_out(self, digests: Iterable[str], folder: Path) -> list[Path]:
        """Gives files names in a folder, for readers of plain files; the archive and its names stay as they are.

        Args:
            digests: Of the files.
            folder: Where; made where it is not there. On the disk of the archive files cost no room, unless sealed.

        Returns:
            Their paths, in the order of the digests; not to be written to.

        Raises:
            MissingInput: One is not kept.
            WriteFailed: The disk is full or failed.
        """
        laid = []
        with disk():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for digest in digests:
            source, target = self._where(digest), folder / f"{digest}.dcm"
            laid.append(target)
            if source.suffix == SEALED:
                if not target.exists():
                    with opened(source, self.key) as stream:
                        _write(_pieces(stream), target, None, within=folder)
            else:
                with disk():
                    named_too(source, target)
        return laid

    def remove(self, digest: str) -> None:
        """Lets go of a file, wherever it is kept.

        Raises:
            WriteFailed: The disk failed.
        """
        with disk():
            for suffix in (PLAIN, SEALED):
                self._place(digest, suffix).unlink(missing_ok=True)
                (self.conflicts / f"{digest}{suffix}").unlink(missing_ok=True)

    def digests(self) -> Iterator[str]:
        """Of all files that are kept."""
        for folder in sorted(self.folder.iterdir()):
            if len(folder.name) == 2:
                yield from sorted(
                    folder.name + path.stem for path in folder.iterdir() if path.suffix in (PLAIN, SEALED)
                )

    def recover(self) -> None:
        """Removes what was being written when a process ended.

        Raises:
            WriteFailed: The disk failed.
        """
        with disk():
            for path in self.folder.glob(".*.part"):
                if time.time() - path.stat().st_mtime > _DEAD:
                    path.unlink(missing_ok=True)

    def furnish(self) -> None:
        """Makes all folders of the archive, so that none has to be made while objects come in.

        Raises:
            WriteFailed: The disk is full or failed.
        """
        with disk():
            for number in range(256):
                (self.folder / f"{number:02x}").mkdir(mode=0o700, exist_ok=True)
            synced(self.folder)

    def _place(self, digest: str, suffix: str) -> Path:
        if len(digest) != _LENGTH or not _DIGITS.issuperset(digest):
            raise InvalidInput("a digest is 64 hexadecimal digits", got=f"{len(digest)} characters")
        return self.folder / digest[:2] / f"{digest[2:]}{suffix}"

    def _room(self, target: Path) -> Path:
        """The place itself, in a folder that is there."""
        if not target.parent.is_dir():
            target.parent.mkdir(mode=0o700, exist_ok=True)
            if not self._ordered:
                synced(self.folder)
        return target

    def _found(self, digest: str) -> Path | None:
        for suffix in (PLAIN, SEALED) if self.key is None else (SEALED, PLAIN):
            path = self._place(digest, suffix)
            if path.is_file():
                return path
        return None

    def _where(self, digest: str) -> Path:
        found = self._found(digest)
        if found is None:
            raise MissingInput(
                "a file of the archive is where it was put",
                got=f"none at {digest}",
                way_out="restore a backup",
            )
        return found

    def _kept(self, parts: Iterable[Part], digest: str) -> None:
        target = self._place(digest, PLAIN if self.key is None else SEALED)
        with disk():
            self._room(target)
        _write(parts, target, self.key, within=self.folder)

    def _check_key(self) -> None:
        """Some sealed bytes tell whether the key is the one of before."""
        path = self.folder / f"{_CHECK}{SEALED}"
        if path.exists():
            try:
                opened(path, self.key).close()
            except FormatError as error:
                raise InvalidInput(
                    "an archive is opened with the key that encrypted it",
                    got="none" if self.key is None else "another key",
                    way_out="set encryption_key to the file of that key",
                ) from error
        elif self.key is not None:
            _write((), path, self.key, within=self.folder)


def _write(parts: Iterable[Part], target: Path, key: Key | None, *, within: Path) -> None:
    """Writes a file that appears whole and safe, or not at all; until then it lies in another folder."""
    path = within / f".{secrets.token_hex(8)}.part"
    try:
        with disk(), begun(path) as sink:
            filled(sink, parts, key)
            os.fsync(sink.fileno())
            path.replace(target)
            synced(target.parent)
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)  # where it has that name still


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    while piece := stream.read(_PIECE):
        yield piece
