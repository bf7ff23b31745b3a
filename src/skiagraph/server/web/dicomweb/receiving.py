"""Bodies of STOW-RS: DICOM files in parts of multipart/related, or one alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO, Final

from fastapi import Request
from python_multipart.multipart import parse_options_header
from starlette.concurrency import run_in_threadpool

from skiagraph.server.parts import Parts
from skiagraph.server.web.problems import NotSpoken

__all__ = ["receive_parts"]

_DICOM: Final = "application/dicom"
_AT_ONCE: Final = 2**20  # bytes that go to a thread together: each way there costs


async def receive_parts(
    request: Request, folder: Path, take: Callable[[IO[bytes], str], None], *, most: int
) -> None:
    """Reads a body; how many bytes may come, and for how long, is bounded in front of all routes.

    Args:
        request: Whose body it is.
        folder: Where parts lie that are long, without a name.
        take: Called with the content of each part, at its beginning, and its digest (SHA-256, in hexadecimal).
        most: How many parts.

    Raises:
        NotSpoken: A body or a part of another kind.
        InvalidInput: Cut off, broken, or more parts than may come.
        WriteFailed: The disk is full or failed.
    """
    said, options = parse_options_header(request.headers.get("content-type", ""))
    kind, inner = _text(said), _text(options.get(b"type", b""))
    several = kind == "multipart/related" and inner in ("", _DICOM)
    if not several and kind != _DICOM:
        raise NotSpoken(
            "objects are stored as application/dicom, in multipart/related", got="another content type"
        )

    def taken(content: IO[bytes], digest: str, kind: str) -> None:
        if kind != _DICOM:
            raise NotSpoken("objects are stored as parts of application/dicom", got="another content type")
        take(content, digest)

    boundary = options.get(b"boundary", b"") if several else None
    parts = Parts(folder, taken, most=most, boundary=boundary, kind=_DICOM)
    try:
        held = bytearray()
        async for chunk in request.stream():
            held += chunk
            if len(held) >= _AT_ONCE:
                await run_in_threadpool(parts.write, bytes(held))
                held.clear()
        await run_in_threadpool(parts.write, bytes(held))
        await run_in_threadpool(parts.finish)
    finally:
        await run_in_threadpool(parts.close)


def _text(said: bytes) -> str:
    return said.decode("latin-1").strip().lower()
