"""Zip archives, read where they lie: nothing is unpacked but one member of another format while it is read."""

from __future__ import annotations

import functools
import io
import lzma
import os
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final, final

from skiagraph.errors import FormatError, MissingInput, NotPermitted, WriteFailed

__all__ = ["Listing", "archive_members", "is_archive", "member_size", "open_member", "unpacked"]

_BEGINNINGS: Final = (b"PK\x03\x04", b"PK\x05\x06")
_MOST_MEMBERS: Final = 500_000
_MOST_BYTES: Final = 8 * 2**30  # that are unpacked to a temporary folder
_HARMLESS: Final = 2**30  # an archive that claims less than this may be packed as tightly as it likes
_TIGHTEST: Final = 200  # bytes that one byte of a large archive may stand for; pictures reach 2 to 20
_ENCRYPTED: Final = 0x1
_UNREADABLE: Final = 0x20 | 0x40  # patched data, strong encryption
_LOCAL: Final = struct.Struct("<4s5H3L2H")  # PKWARE APPNOTE 4.3.7, the local header of a member
_BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    UnicodeDecodeError,
    ValueError,
    struct.error,
)
_HEADERS: Final = (".mhd", ".nhdr", ".hdr")  # formats whose pixels lie in a file beside their header


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What an archive holds.

    Args:
        members: Names that can be opened, in the order of the archive.
        problems: What cannot, one sentence each.
    """

    members: tuple[str, ...]
    problems: tuple[str, ...] = ()


def is_archive(head: bytes) -> bool:
    """Whether a file that begins with `head` (4 bytes are enough) is a zip archive."""
    return head.startswith(_BEGINNINGS)


def archive_members(path: Path) -> Listing:
    """The members of a zip archive, in its folders and in theirs.

    Args:
        path: The archive.

    Returns:
        The files in it; members that are encrypted are named. An office document, which is a zip archive too, has none.

    Raises:
        MissingInput: No such file.
        NotPermitted: It may not be read.
        FormatError: Damaged, or made to fill the memory of who opens it.
    """
    entries = _entries(path)
    if _is_document(entries):
        return Listing(members=())
    locked = [name for name, entry in entries.items() if entry.flag_bits & (_ENCRYPTED | _UNREADABLE)]
    problems = []
    if locked:
        problems.append(
            f"{len(locked)} of {len(entries)} files in {path.name} are encrypted, the first of them "
            f"{PurePosixPath(locked[0]).name}; unpack it with its password and name the folder."
        )
    closed = frozenset(locked)
    return Listing(members=tuple(n for n in entries if n not in closed), problems=tuple(problems))


def _is_document(entries: Mapping[str, zipfile.ZipInfo]) -> bool:
    """Office documents, books and NumPy's .npz are zip archives that nobody means as a folder."""
    return (
        "[Content_Types].xml" in entries
        or next(iter(entries), "") == "mimetype"
        or (bool(entries) and all(name.endswith(".npy") for name in entries))
    )


def member_size(path: Path, member: str) -> int:
    """Bytes of one member, unpacked, as the archive states them."""
    return _entry(path, member).file_size


def open_member(path: Path, member: str) -> BinaryIO:
    """A stream of the bytes of one member, which can seek; it never gives more than the archive states.

    Reading from it raises `FormatError` where the bytes are damaged or more than was stated.

    Raises:
        FormatError: No such member, encrypted, or damaged.
    """
    entry = _entry(path, member)
    if entry.flag_bits & (_ENCRYPTED | _UNREADABLE):
        raise FormatError(
            f"{_said(path, member)} is encrypted", way_out="unpack it with its password and name the folder"
        )
    stream = _opened(path)
    try:
        stream.seek(entry.header_offset)
        signature, *_, name, extra = _LOCAL.unpack(stream.read(_LOCAL.size))
        if signature != _BEGINNINGS[0]:
            raise _damaged(path)
        stream.seek(name + extra, os.SEEK_CUR)
        return io.BufferedReader(
            _Member(zipfile.ZipExtFile(stream, "r", entry, close_fileobj=True), path, member)
        )
    except (*_BROKEN, FormatError) as error:
        stream.close()
        if isinstance(error, FormatError):
            raise
        raise _damaged(path) from error


@final
class _Member(io.RawIOBase):
    """What `zipfile` unpacks, with its dozen kinds of errors told as one of ours."""

    def __init__(self, stream: zipfile.ZipExtFile, path: Path, member: str) -> None:
        self._stream, self._said = stream, _said(path, member)
        self.name = self._said  # asked for by readers that take a stream for a file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        try:
            chunk = self._stream.read(len(buffer))
        except _BROKEN as error:
            raise FormatError(
                f"{self._said} is damaged, or is larger than its archive says", way_out="copy it again"
            ) from error
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        try:
            return self._stream.seek(offset, whence)
        except _BROKEN as error:
            raise FormatError(f"{self._said} is damaged", way_out="copy it again") from error

    def tell(self) -> int:
        return self._stream.tell()

    def close(self) -> None:
        self._stream.close()
        super().close()


@contextmanager
def unpacked(path: Path, member: str) -> Iterator[Path]:
    """One member as a file of its own, with the files that it needs beside it; removed when the block ends.

    Args:
        path: The archive.
        member: A name in it; the part before its last slash is left away.

    Yields:
        The file, in a new folder that nobody else may read.

    Raises:
        FormatError: No such member, encrypted, or damaged.
        WriteFailed: There is no room for it.
    """
    wanted = PurePosixPath(member)
    beside = [member]
    if wanted.suffix.lower() in _HEADERS:
        beside += [
            name
            for name in _entries(path)
            if PurePosixPath(name).parent == wanted.parent
            and PurePosixPath(name).stem == wanted.stem
            and name != member
        ]
    if sum(member_size(path, name) for name in beside) > _MOST_BYTES:
        raise FormatError(
            f"{_said(path, member)} is unpacked to be read",
            got="more than 8 GiB",
            way_out="unpack it yourself and name the file",
        )
    with tempfile.TemporaryDirectory(prefix="skiagraph-") as folder:
        for name in beside:
            target = Path(folder, _plain_name(name))
            with open_member(path, name) as source:
                try:
                    with target.open("wb") as sink:
                        shutil.copyfileobj(source, sink, 2**20)
                except OSError as error:
                    raise WriteFailed(
                        f"{_said(path, member)} is unpacked to a temporary folder while it is read",
                        got=error.strerror,
                        way_out="free some room, or unpack it yourself",
                    ) from error
        yield Path(folder, _plain_name(member))


def _plain_name(member: str) -> str:
    """The last part of a name, without anything that leads elsewhere."""
    return PurePosixPath(member.replace("\\", "/")).name.replace("\0", "_") or "member"


def _said(path: Path, member: str) -> str:
    return f"{_plain_name(member)} in {path.name}"


def _damaged(path: Path) -> FormatError:
    return FormatError(
        f"{path.name} begins like a zip archive and is damaged or cut off", way_out="copy it again"
    )


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        raise MissingInput(f"{path.name} does not exist", way_out="check the path") from error
    except PermissionError as error:
        raise NotPermitted(
            f"{path.name} may not be read by you", way_out="ask for the right to read it"
        ) from error
    except OSError as error:
        raise FormatError(f"{path.name} cannot be read from its disk", got=type(error).__name__) from error


def _entry(path: Path, member: str) -> zipfile.ZipInfo:
    entry = _entries(path).get(member)
    if entry is None:
        raise FormatError(f"{path.name} holds the file that is asked for", got=_plain_name(member))
    return entry


def _entries(path: Path) -> Mapping[str, zipfile.ZipInfo]:
    try:
        state = path.stat()
    except OSError:
        _opened(path).close()
        raise
    return _directory(path, state.st_mtime_ns, state.st_size)


@functools.lru_cache(maxsize=16)
def _directory(path: Path, _changed: int, size: int) -> Mapping[str, zipfile.ZipInfo]:
    """The files of an archive by name; kept, so that thousands of members cost one look at its directory."""
    with _opened(path) as stream:
        try:
            with zipfile.ZipFile(stream) as archive:
                found = {e.filename: e for e in archive.infolist() if e.filename and not e.is_dir()}
        except _BROKEN as error:
            raise _damaged(path) from error
    claimed = sum(entry.file_size for entry in found.values())
    packed = sum(entry.compress_size for entry in found.values())
    bomb = {
        f"{len(found)} files": len(found) > _MOST_MEMBERS,
        f"files of {packed} bytes in an archive of {size}": packed > size,
        f"{claimed / 2**20:.0f} MiB in {size} bytes": claimed > max(_HARMLESS, _TIGHTEST * size),
    }
    for got, broken in bomb.items():
        if broken:
            raise FormatError(
                f"{path.name} claims to hold more than an archive of its size honestly does", got=got
            )
    return found
