"""Encryption at rest: files as chunks of AES-256-GCM, which are read at any place and show any change."""

from __future__ import annotations

import io
import os
import secrets
import stat
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from skiagraph.errors import FormatError, InvalidInput, MissingInput, NotPermitted

__all__ = ["PLAIN", "SEALED", "Key", "SealedWriter", "opened", "read_key", "unsealed"]

CHUNK: Final = 64 * 2**10
"""Plain bytes of a chunk; only the last may be shorter."""

PLAIN: Final = ".plain"
SEALED: Final = ".sealed"
"""Suffixes of files as they came, and of those that are encrypted."""

_MARK: Final = b"SKGSEAL"
_VERSION: Final = 1
_SALT: Final = 32
HEADER: Final = len(_MARK) + 1 + 8 + _SALT
"""Bytes before the first chunk: mark, version, which key, salt."""

_TAG: Final = 16
_WHOLE: Final = CHUNK + _TAG
_KEY: Final = 32
_ENDS: Final = (b"\0", b"\1")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """The key of an archive.

    Args:
        secret: 32 bytes.

    Raises:
        InvalidInput: Of another length.
    """

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != _KEY:
            raise InvalidInput("a key has 32 bytes", got=str(len(self.secret)))

    @property
    def mark(self) -> bytes:
        """8 bytes that tell one key from another, and nothing of either."""
        return _derived(self.secret, b"", b"skiagraph which key")[:8]


def read_key(path: Path) -> Key:
    """The key in a file.

    Args:
        path: 64 hexadecimal digits, for its owner's eyes alone.

    Raises:
        MissingInput: There is no such file.
        NotPermitted: It may not be read; or others than its owner may read it.
        InvalidInput: Something else stands in it.
    """
    way_out = "make one with: (umask 077; openssl rand -hex 32 > FILE)"
    try:
        mode, text = path.stat().st_mode, path.read_bytes()[:256].strip()
    except FileNotFoundError as error:
        raise MissingInput(f"the key {path.name} exists", way_out=way_out) from error
    except OSError as error:
        raise NotPermitted(f"the key {path.name} may be read by the server", got=error.strerror) from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise NotPermitted(
            f"the key {path.name} may be read by its owner alone",
            got=f"mode {stat.S_IMODE(mode):o}",
            way_out=f"chmod 600 {path.name}",
        )
    try:
        secret = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        secret = b""
    if len(secret) != _KEY:
        raise InvalidInput(f"the key {path.name} is 64 hexadecimal digits", way_out=way_out)
    return Key(secret=secret)


@final
class SealedWriter:
    """Seals what is written to it; without `finish` the file is cut off, and says so when it is read.

    Each file has a key of its own, derived from the archive's by a random salt. A chunk is sealed under its number and
    whether it is the last, and under the header: none can be changed, taken away, moved, or put into another file.

    Args:
        sink: Where the sealed bytes go.
        key: The archive's.

    Source: Hoang, Reyhanitabar, Rogaway, Vizár, "Online Authenticated-Encryption and its Nonce-Reuse Misuse-
        Resistance" (2015), section 7 (STREAM); RFC 5869 (HKDF); NIST SP 800-38D (GCM).
    """

    def __init__(self, sink: BinaryIO, key: Key) -> None:
        salt = secrets.token_bytes(_SALT)
        self._sink, self._cipher = sink, _cipher(key, salt)
        self._header = _MARK + bytes([_VERSION]) + key.mark + salt
        self._held, self._number = bytearray(), 0
        sink.write(self._header)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Seals some more bytes; the last of them wait for those that follow."""
        left = memoryview(data)
        while len(self._held) + len(left) > CHUNK:
            missing = CHUNK - len(self._held)
            self._seal(b"".join((self._held, left[:missing])), last=False)
            self._held.clear()
            left = left[missing:]
        self._held += left

    def finish(self) -> None:
        """Seals the last chunk."""
        self._seal(bytes(self._held), last=True)
        self._held.clear()

    def _seal(self, chunk: bytes, *, last: bool) -> None:
        self._sink.write(self._cipher.encrypt(_nonce(self._number, last=last), chunk, self._header))
        self._number += 1


def unsealed(sealed: BinaryIO, key: Key) -> io.BufferedReader:
    """The plain bytes of a sealed file, as a stream that can seek; closing it closes the file.

    Args:
        sealed: The file; can seek.
        key: The archive's.

    Raises:
        FormatError: No sealed file, sealed under another key, cut off or changed. Changes before the end show when
            the changed chunk is read.
    """
    return io.BufferedReader(_Reader(sealed, key), CHUNK)


def opened(path: Path, key: Key | None) -> io.BufferedReader:
    """The plain bytes of a file that may be sealed, as its suffix says; a stream that can seek.

    Args:
        path: The file.
        key: The archive's; not asked for where the file is not sealed.

    Raises:
        MissingInput: It is gone.
        FormatError: It is sealed and no key was given; or as `unsealed` raises it.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        raise MissingInput(
            "a file of the archive is where it was put", got="none", way_out="restore a backup"
        ) from error
    if path.suffix != SEALED:
        return file
    with ExitStack() as closing:
        closing.callback(file.close)
        if key is None:
            raise FormatError(
                "a sealed file is opened with its key", got="none", way_out="set encryption_key"
            )
        stream = unsealed(file, key)
        closing.pop_all()
        return stream


@final
class _Reader(io.RawIOBase):
    """Reads by chunks; keeps the last one that it opened."""

    def __init__(self, sealed: BinaryIO, key: Key) -> None:
        self._sealed, self._at = sealed, 0
        sealed.seek(0)
        self._header = sealed.read(HEADER)
        body = sealed.seek(0, os.SEEK_END) - HEADER
        if self._header[: len(_MARK)] != _MARK or body < _TAG:
            raise FormatError("a sealed file begins with its mark and has an end", got="another or cut off")
        if self._header[len(_MARK)] != _VERSION:
            raise FormatError(
                "a sealed file is of version 1",
                got=str(self._header[len(_MARK)]),
                way_out="use a newer release",
            )
        if self._header[len(_MARK) + 1 : -_SALT] != key.mark:
            raise FormatError(
                "a sealed file is opened with the key that sealed it",
                got="another key",
                way_out="name the right one",
            )
        self._cipher = _cipher(key, self._header[-_SALT:])
        self._last = (body - 1) // _WHOLE
        self._size = body - _TAG * (self._last + 1)
        self._number, self._chunk = -1, b""
        self._open(self._last)  # so that the length is one that was sealed

    def _open(self, number: int) -> bytes:
        if number != self._number:
            self._sealed.seek(HEADER + number * _WHOLE)
            data = self._sealed.read(_WHOLE)
            try:
                nonce = _nonce(number, last=number == self._last)
                self._chunk = self._cipher.decrypt(nonce, data, self._header)
            except InvalidTag as error:
                self._number = -1
                raise FormatError(
                    "a sealed file is as it was sealed",
                    got=f"a change in chunk {number}",
                    way_out="restore a backup",
                ) from error
            self._number = number
        return self._chunk

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if self._at >= self._size:
            return 0
        number, begin = divmod(self._at, CHUNK)
        part = self._open(number)[begin : begin + len(buffer)]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if at < 0:
            raise InvalidInput("a place in a file is not negative", got=str(at))
        self._at = at
        return at

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        self._sealed.close()
        super().close()


def _derived(secret: bytes, salt: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=_KEY, salt=salt or None, info=purpose).derive(secret)


def _cipher(key: Key, salt: bytes) -> AESGCM:
    return AESGCM(_derived(key.secret, salt, b"skiagraph sealed file 1"))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + _ENDS[last]
