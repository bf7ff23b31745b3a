"""Forms with files, written to a folder while they come."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, final

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from skiagraph.errors import InvalidInput
from skiagraph.server.archive.disk import begun, disk
from skiagraph.server.archive.tarred import plain_name

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks  # there for type checkers alone

__all__ = ["receive_form"]

_FIELD: Final = 64 * 2**10  # bytes of what is no file
_FIELDS: Final = 100


async def receive_form(request: Request, folder: Path, *, most_files: int) -> dict[str, str]:
    """Writes the files of a form (``multipart/form-data``) to a folder, under plain names.

    How many bytes may come, and for how long, is bounded in front of all routes.

    Args:
        request: Whose body it is.
        folder: Where; empty.
        most_files: How many files.

    Returns:
        The other fields by name.

    Raises:
        InvalidInput: No form, one that is cut off, or more files or fields than may come.
        WriteFailed: The disk is full or failed.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise InvalidInput("an upload is a form (multipart/form-data)", got="another content type")
    form = _Form(folder, most_files)
    try:
        parser = MultipartParser(boundary, form.callbacks())
        async for chunk in request.stream():
            await run_in_threadpool(parser.write, chunk)
        parser.finalize()
    except FormParserError as error:
        raise InvalidInput("an upload is a whole form", got="one that is broken or cut off") from error
    finally:
        form.close()
    if not form.ended:
        raise InvalidInput("an upload is a whole form", got="one that is cut off")
    return form.fields


@final
class _Form:
    """What came so far."""

    def __init__(self, folder: Path, most_files: int) -> None:
        self._folder, self._most_files = folder, most_files
        self._files, self._header, self._value = 0, b"", b""
        self._sink: BinaryIO | None = None
        self._name, self._text = "", b""
        self._disposition: dict[bytes, bytes] = {}
        self.fields: dict[str, str] = {}
        self.ended = False

    def callbacks(self) -> MultipartCallbacks:
        """What the parser calls."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._on_field,
            "on_header_value": self._on_value,
            "on_header_end": self._on_header,
            "on_headers_finished": self._open,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def close(self) -> None:
        """Lets go of the file that is open."""
        if self._sink is not None:
            with suppress(OSError):
                self._sink.close()

    def _begin(self) -> None:
        self._header = self._value = self._text = b""
        self._disposition = {}

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            _, self._disposition = parse_options_header(self._value)
        self._header = self._value = b""

    def _open(self) -> None:
        self._name = self._disposition.get(b"name", b"").decode("utf-8", "replace")
        named = self._disposition.get(b"filename")
        if named is None:
            if len(self.fields) >= _FIELDS:
                raise InvalidInput(f"a form has at most {_FIELDS} fields", got="more")
            return
        self._files += 1
        if self._files > self._most_files:
            raise InvalidInput(f"an upload has at most {self._most_files} files", got="more")
        with disk():
            target = self._folder / plain_name(named.decode("utf-8", "replace"))
            if target.exists():
                target = self._folder / f"{self._files:05d}" / target.name
                target.parent.mkdir(mode=0o700)
            self._sink = begun(target)

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._sink is not None:
            with disk():
                self._sink.write(memoryview(data)[start:end])
            return
        self._text += data[start:end]
        if len(self._text) > _FIELD:
            raise InvalidInput(f"a field of a form has at most {_FIELD} bytes", got="more")

    def _end(self) -> None:
        if self._sink is None:
            self.fields[self._name] = self._text.decode("utf-8", "replace")
            return
        with disk():
            self._sink.close()
        self._sink = None

    def _finish(self) -> None:
        self.ended = True
