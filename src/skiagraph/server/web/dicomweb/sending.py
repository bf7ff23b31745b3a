"""What goes out: pieces of files and what is made on the way, as one body, in parts, by ranges and under a tag."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final, final

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from skiagraph.errors import FormatError
from skiagraph.server.archive.files import Files
from skiagraph.server.web.problems import NotInRange, problem

__all__ = ["Made", "Part", "Piece", "Span", "answered", "in_parts", "tag_of"]

_CHUNK: Final = 2**20
_AT_ONCE: Final = 2 * 2**20  # bytes that are answered in one go
_RANGE: Final = re.compile(r"bytes=(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))")
_KEPT: Final = (
    "private, no-cache"  # kept by who asked, and asked for again each time: rights may have changed
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Part of a file of the archive.

    Args:
        digest: Of the file.
        begin: Where it begins.
        size: In bytes.
    """

    digest: str
    begin: int
    size: int


Made = Callable[[], Iterable[bytes]]
"""Bytes that are made when their turn comes; nobody knows how many."""

Piece = bytes | Span | Made


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a multipart body.

    Args:
        media: Its content type.
        pieces: Its content.
        place: Its address; empty where it has none.
    """

    media: str
    pieces: Sequence[Piece]
    place: str = ""


def tag_of(*said: str) -> str:
    """The entity tag of what is made of some digests and words, always the same way."""
    return f'"{hashlib.sha256(" ".join(said).encode()).hexdigest()[:40]}"'


def in_parts(parts: Iterable[Part], media: str, tag: str) -> tuple[list[Piece], str]:
    """The pieces of a multipart body (RFC 2387), and its content type.

    Args:
        parts: What it holds.
        media: Of each part.
        tag: Its entity tag; what it is made from makes the boundary, so that ranges of it fit together.
    """
    mark = tag.strip('"')
    pieces: list[Piece] = []
    for part in parts:
        size = _size(part.pieces)
        lines = [f"--{mark}", f"Content-Type: {part.media}"]
        lines += [f"Content-Length: {size}"] if size is not None else []
        lines += [f"Content-Location: {part.place}"] if part.place else []
        pieces += ["\r\n".join([*lines, "", ""]).encode(), *part.pieces, b"\r\n"]
    pieces.append(f"--{mark}--\r\n".encode())
    return pieces, f'multipart/related; type="{media}"; boundary={mark}'


def answered(request: Request, files: Files, pieces: Sequence[Piece], media: str, tag: str) -> Response:
    """The answer: whole, a range of it, or that nothing has changed.

    Args:
        request: With its conditions and its range.
        files: The archive.
        pieces: The body.
        media: Its content type.
        tag: Its entity tag.
    """
    headers = {"ETag": tag, "Cache-Control": _KEPT, "Vary": "Accept, Cookie, Authorization"}
    if _known(request, tag):
        return Response(status_code=304, headers=headers)
    size, status = _size(pieces), 200
    if size is None:
        made = _gathered(_bytes(files, pieces))
        begun = list(islice(made, 1))  # so that what cannot be made at all is refused, and not cut off
        return StreamingResponse(chain(begun, made), status, headers, media)
    headers["Accept-Ranges"] = "bytes"
    wanted = _wanted(request, tag, size)
    if wanted is not None:
        begin, end = wanted
        if begin >= end:
            error = NotInRange(f"a range lies within the {size} bytes", got="another")
            refused = problem(error)
            refused.headers["Content-Range"] = f"bytes */{size}"
            return refused
        headers["Content-Range"] = f"bytes {begin}-{end - 1}/{size}"
        pieces, size, status = list(_cut(pieces, begin, end)), end - begin, 206
    if size <= _AT_ONCE:
        return Response(b"".join(_bytes(files, pieces)), status, headers, media)
    headers["Content-Length"] = str(size)
    return StreamingResponse(_gathered(_bytes(files, pieces)), status, headers, media)


def _known(request: Request, tag: str) -> bool:
    said = request.headers.get("if-none-match", "")
    return any(one.strip().removeprefix("W/") in (tag, "*") for one in said.split(","))


def _wanted(request: Request, tag: str, size: int) -> tuple[int, int] | None:
    """The range that is asked for, its end not included; None for all, as where several are asked for."""
    match = _RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    if match is None or request.headers.get("if-range", tag) != tag:
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        return (max(0, size - int(suffix)), size) if int(suffix) else (size, size)
    return int(first), min(size, int(last) + 1) if last else size


def _size(pieces: Iterable[Piece]) -> int | None:
    total = 0
    for piece in pieces:
        if callable(piece):
            return None
        total += piece.size if isinstance(piece, Span) else len(piece)
    return total


def _cut(pieces: Iterable[Piece], begin: int, end: int) -> Iterator[Piece]:
    """From `begin` to before `end`; all sizes are known."""
    at = 0
    for piece in pieces:
        if callable(piece):
            continue
        size = piece.size if isinstance(piece, Span) else len(piece)
        first, last = max(begin - at, 0), min(end - at, size)
        at += size
        if first >= last:
            continue
        if isinstance(piece, Span):
            yield Span(digest=piece.digest, begin=piece.begin + first, size=last - first)
        else:
            yield piece[first:last]


def _bytes(files: Files, pieces: Iterable[Piece]) -> Iterator[bytes]:
    """The body, nothing of it longer than a chunk but what was made."""
    for piece in pieces:
        if callable(piece):
            yield from piece()
        elif isinstance(piece, Span):
            yield from _read(files, piece)
        else:
            yield piece


def _read(files: Files, span: Span) -> Iterator[bytes]:
    with files.open(span.digest) as stream:
        stream.seek(span.begin)
        left = span.size
        while left:
            data = stream.read(min(left, _CHUNK))
            if not data:
                raise FormatError("a file of the archive is whole", got="one that is cut off")
            left -= len(data)
            yield data


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Small pieces together, for each costs a message."""
    some, size = list[bytes](), 0
    for piece in pieces:
        some.append(piece)
        size += len(piece)
        if size >= _CHUNK // 4:
            yield b"".join(some)
            some, size = [], 0
    if some:
        yield b"".join(some)
