"""Bodies of STOW-RS: parts of multipart/related, each handed over as soon as it is whole, in little memory."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, final

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from skiagraph.errors import InvalidInput
from skiagraph.server.archive.disk import disk
from skiagraph.server.web.problems import NotSpoken

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks  # there for type checkers alone

__all__ = ["Take", "receive_parts"]

_DICOM: Final = "application/dicom"
_IN_MEMORY: Final = 8 * 2**20  # bytes of a part; a longer one lies on the disk until it is taken
_BOUNDARY: Final = 200
_AT_ONCE: Final = 2**20  # bytes that are parsed together

Take = Callable[[IO[bytes], str], None]
"""Takes the content of a part, at its beginning, and its digest (SHA-256, in hexadecimal)."""


async def receive_parts(request: Request, folder: Path, take: Take, *, most: int) -> None:
    """Reads a body; how many bytes may come, and for how long, is bounded in front of all routes.

    Args:
        request: Whose body it is: DICOM files as parts, or one alone.
        folder: Where parts lie that are long, without a name.
        take: Called with each part.
        most: How many parts.

    Raises:
        NotSpoken: A body or a part of another kind.
        InvalidInput: Cut off, broken, or more parts than may come.
        WriteFailed: The disk is full or failed.
    """
    said, options = parse_options_header(request.headers.get("content-type", ""))
    kind, inner = said.decode("latin-1").lower(), _text(options.get(b"type", b""))
    parts = _Parts(folder, take, most)
    try:
        if kind == _DICOM:
            await _alone(request, parts)
        elif kind == "multipart/related" and inner in ("", _DICOM):
            await _several(request, parts, options.get(b"boundary", b""))
        else:
            raise NotSpoken(
                "objects are stored as application/dicom, in multipart/related", got="another content type"
            )
    finally:
        await run_in_threadpool(parts.close)


async def _alone(request: Request, parts: _Parts) -> None:
    parts.begin()
    async for chunk in request.stream():
        await run_in_threadpool(parts.data, chunk, 0, len(chunk))
    await run_in_threadpool(parts.end)


async def _several(request: Request, parts: _Parts, boundary: bytes) -> None:
    if not 0 < len(boundary) <= _BOUNDARY:
        raise InvalidInput("the parts of a body are told apart by a boundary", got="none, or an endless one")
    try:
        parser = MultipartParser(boundary, parts.callbacks())
        held = bytearray()
        async for chunk in request.stream():
            held += chunk
            if len(held) >= _AT_ONCE:
                await run_in_threadpool(parser.write, bytes(held))
                held.clear()
        await run_in_threadpool(parser.write, bytes(held))
        parser.finalize()
    except FormParserError as error:
        raise InvalidInput("a body is whole and in parts", got="one that is broken or cut off") from error
    if not parts.ended:
        raise InvalidInput("a body is whole and in parts", got="one that is cut off")


@final
class _Parts:
    """The part that comes, and how many came."""

    def __init__(self, folder: Path, take: Take, most: int) -> None:
        self._folder, self._take, self._most = folder, take, most
        self._count, self._header, self._value = 0, b"", b""
        self._sink: tempfile.SpooledTemporaryFile[bytes] | None = None
        self._digest = hashlib.sha256()
        self.ended = False

    def callbacks(self) -> MultipartCallbacks:
        """What the parser calls."""
        return {
            "on_part_begin": self.begin,
            "on_header_field": self._on_field,
            "on_header_value": self._on_value,
            "on_header_end": self._on_header,
            "on_part_data": self.data,
            "on_part_end": self.end,
            "on_end": self._finish,
        }

    def begin(self) -> None:
        """A part begins."""
        self._count += 1
        if self._count > self._most:
            raise InvalidInput(f"a body has at most {self._most} parts", got="more")
        self._header = self._value = b""
        self._digest = hashlib.sha256()
        with disk():
            self._sink = tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(self._folder))  # noqa: SIM115

    def data(self, data: bytes, start: int, end: int) -> None:
        """Some bytes of it."""
        if self._sink is None:
            return
        piece = memoryview(data)[start:end]
        self._digest.update(piece)
        with disk():
            self._sink.write(piece)

    def end(self) -> None:
        """It is whole."""
        if self._sink is not None:
            self._sink.seek(0)
            self._take(self._sink, self._digest.hexdigest())
        self.close()

    def close(self) -> None:
        """Lets go of it."""
        if self._sink is not None:
            self._sink.close()
            self._sink = None

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header(self) -> None:
        if self._header.lower() == b"content-type":
            kind, _ = parse_options_header(self._value)
            if _text(kind) != _DICOM:
                raise NotSpoken(
                    "objects are stored as parts of application/dicom", got="another content type"
                )
        self._header = self._value = b""

    def _finish(self) -> None:
        self.ended = True


def _text(said: bytes) -> str:
    return said.decode("latin-1").strip().lower()
