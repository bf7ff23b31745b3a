"""Bodies in parts (RFC 2387) as they come: each part is handed over as soon as it is whole, in little memory."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from skiagraph.errors import InvalidInput
from skiagraph.server.archive.disk import disk

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks  # there for type checkers alone

__all__ = ["Parts", "Take"]

_IN_MEMORY: Final = 8 * 2**20  # bytes of a part; a longer one lies on the disk until it is taken
_BOUNDARY: Final = 200

Take = Callable[[IO[bytes], str, str], None]
"""Takes the content of a part, at its beginning, its digest (SHA-256, in hexadecimal) and its content type."""


@final
class Parts:
    """A body that comes piece by piece.

    Args:
        folder: Where parts lie that are long, without a name.
        take: Called with each part.
        most: How many parts.
        boundary: What parts them; None for a body that is one part by itself.
        kind: Content type of parts that say none.

    Raises:
        InvalidInput: A boundary that is none.
    """

    def __init__(
        self, folder: Path, take: Take, *, most: int, boundary: bytes | None, kind: str = ""
    ) -> None:
        self._folder, self._take, self._most, self._usual = folder, take, most, kind
        self._count, self._header, self._value, self._kind = 0, b"", b"", kind
        self._sink: tempfile.SpooledTemporaryFile[bytes] | None = None
        self._digest, self._ended = hashlib.sha256(), False
        self._parser: MultipartParser | None = None
        if boundary is None:
            self._begin()
            return
        if not 0 < len(boundary) <= _BOUNDARY:
            raise InvalidInput(
                "the parts of a body are told apart by a boundary", got="none, or an endless one"
            )
        self._parser = MultipartParser(boundary, self._callbacks())

    def write(self, data: bytes) -> None:
        """What came next.

        Raises:
            InvalidInput: Broken, or more parts than may come.
            WriteFailed: The disk is full or failed.
        """
        if self._parser is None:
            self._data(data, 0, len(data))
            return
        self._parse(data)

    def finish(self) -> None:
        """It has ended.

        Raises:
            InvalidInput: It is cut off.
        """
        if self._parser is None:
            self._end()
            return
        if not self._ended:
            raise InvalidInput("a body is whole and in parts", got="one that is cut off")

    def close(self) -> None:
        """Lets go of the part that was coming."""
        if self._sink is not None:
            self._sink.close()
            self._sink = None

    def _parse(self, data: bytes) -> None:
        try:
            if self._parser is not None:
                self._parser.write(data)
        except FormParserError as error:
            raise InvalidInput("a body is whole and in parts", got="one that is broken") from error

    def _callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._on_field,
            "on_header_value": self._on_value,
            "on_header_end": self._on_header,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def _begin(self) -> None:
        self._count += 1
        if self._count > self._most:
            raise InvalidInput(f"a body has at most {self._most} parts", got="more")
        self._header, self._value, self._kind = b"", b"", self._usual
        self._digest = hashlib.sha256()
        with disk():
            self._sink = tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(self._folder))  # noqa: SIM115

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._sink is None:
            return
        piece = memoryview(data)[start:end]
        self._digest.update(piece)
        with disk():
            self._sink.write(piece)

    def _end(self) -> None:
        if self._sink is not None:
            self._sink.seek(0)
            self._take(self._sink, self._digest.hexdigest(), self._kind)
        self.close()

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header(self) -> None:
        if self._header.lower() == b"content-type":
            kind, _ = parse_options_header(self._value)
            self._kind = kind.decode("latin-1").strip().lower()
        self._header = self._value = b""

    def _finish(self) -> None:
        self._ended = True
