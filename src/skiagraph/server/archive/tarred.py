"""Tar archives of uploads, unpacked in bounds: plain files alone, under plain names."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, Final, final

from skiagraph.codecs.foreign import foreign
from skiagraph.errors import FormatError, InvalidInput
from skiagraph.server.archive.disk import begun, disk
from skiagraph.server.archive.intake import filled
from skiagraph.server.settings import Limits

__all__ = ["pieces", "plain_name", "too_much", "unpack_tars"]

_PIECE: Final = 2**20
_LONGEST: Final = 160  # bytes of a name
_UNSAFE: Final = re.compile(r"[^\w.+ -]")
_HEADER: Final = 16 * 2**20  # bytes that an archive may state about one of its files
_PACKED: Final = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\x00", lzma.open))


def unpack_tars(folder: Path, limits: Limits) -> list[str]:
    """Makes a folder of each tar archive in a folder, packed or not; those inside of them stay as they are.

    Args:
        folder: Of an upload.
        limits: Bounds of files and bytes.

    Returns:
        What was left out, a sentence each.

    Raises:
        InvalidInput: More files or bytes than an upload may bring.
        WriteFailed: The disk is full or failed.
    """
    problems = []
    for path in sorted(folder.rglob("*")):
        kind = _tar_kind(path) if path.is_file() else None
        if kind is None:
            continue
        inside = path.with_name(f"{path.name}.unpacked")
        try:
            with (
                foreign(f"{path.name} is a tar archive and is damaged or cut off", also=(tarfile.TarError,)),
                kind(path) as plain,
                _Bounded(plain, limits.upload_bytes) as bounded,
                tarfile.open(fileobj=bounded, mode="r:") as archive,
            ):
                problems += _unpack(archive, inside, limits)
                for _ in pieces(bounded):  # to its end, where the checksum is
                    pass
        except FormatError as error:
            problems.append(str(error))
            shutil.rmtree(inside, ignore_errors=True)
        path.unlink()
    return problems


def _tar_kind(path: Path) -> Any:
    """What opens a tar archive as a plain stream; None for other files."""
    with path.open("rb") as file:
        head = file.read(512)
    opener: Any = next((how for mark, how in _PACKED if head.startswith(mark)), _plainly)
    try:
        with opener(path) as stream:
            head = stream.read(512)
    except (OSError, EOFError, zlib.error, lzma.LZMAError):
        return None
    return opener if head[257:262] == b"ustar" else None


def _plainly(path: Path) -> BinaryIO:
    return path.open("rb")


def _unpack(archive: tarfile.TarFile, inside: Path, limits: Limits) -> list[str]:
    """Plain files alone, under plain names: links, devices and paths that lead elsewhere stay out."""
    problems: list[str] = []
    folders: dict[str, Path] = {}
    left = count = 0
    for member in archive:
        count += 1
        if count > limits.upload_files:
            raise InvalidInput(f"an upload has at most {limits.upload_files} files", got="more")
        if member.size > limits.upload_bytes:
            raise too_much(limits.upload_bytes)
        source = archive.extractfile(member) if member.isreg() else None
        if source is None:
            left += not member.isdir()
            continue
        parent = member.name.rpartition("/")[0]
        within = folders.setdefault(parent, inside / f"{len(folders):05d}")
        with disk():
            within.mkdir(parents=True, exist_ok=True, mode=0o700)
            target = within / plain_name(member.name)
            sink = begun(target.with_name(f"{count}-{target.name}") if target.exists() else target)
        with sink:
            filled(sink, pieces(source), None)
    if left:
        problems.append(f"Links and devices in a tar archive were left out: {left}.")
    return problems


@final
class _Bounded(io.RawIOBase):
    """A stream that ends with an error where more comes out of it than is allowed, in all or at once."""

    def __init__(self, stream: BinaryIO, most: int) -> None:
        self._stream, self._most = stream, most

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._stream.tell()

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence != 0:
            raise tarfile.ReadError
        self._check(offset)
        return self._stream.seek(offset)

    def read(self, count: int = -1) -> bytes:
        if not 0 <= count <= _HEADER:
            raise tarfile.ReadError
        self._check(self._stream.tell() + count)
        return self._stream.read(count)

    def _check(self, place: int) -> None:
        if place > self._most + _HEADER:
            raise too_much(self._most)


def plain_name(name: str) -> str:
    """A name under which a file can lie in a folder, whatever it was called elsewhere."""
    last = PurePosixPath(name.replace("\\", "/")).name
    plain = _UNSAFE.sub("_", last).encode()[-_LONGEST:].decode("utf-8", "ignore")
    return plain.strip(". ") or "file"


def too_much(most: int) -> InvalidInput:
    """An upload brings more bytes than it may."""
    return InvalidInput(f"an upload has at most {most} bytes, unpacked", got="more")


def pieces(stream: IO[bytes] | io.RawIOBase) -> Iterator[bytes]:
    """The bytes of a stream, piece by piece."""
    while piece := stream.read(_PIECE):
        yield piece
